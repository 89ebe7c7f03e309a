package source

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbake/dbake/internal/s3test"
)

func TestMain(m *testing.M) {
	s3test.Isolate()
	goleak.VerifyTestMain(m)
}

const (
	testKeyID  = s3test.KeyID
	testSecret = s3test.Secret
	testToken  = "planted-session-token-value"
)

// newTestSource has small parts and short pauses.
func newTestSource(t testing.TB) *Source {
	t.Helper()
	s := New(Config{ContextDir: t.TempDir(), SecretDir: t.TempDir(), PartSize: 1000, Parallel: 4})
	s.retry.base, s.retry.max = time.Millisecond, 4*time.Millisecond
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// sqlText is SQL-like text, the same for the same arguments.
func sqlText(size int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "INSERT INTO `orders` VALUES (%d,'customer %x',%d.%02d);\n", i, random.Uint32(), random.IntN(1000), random.IntN(100))
	}
	return b.Bytes()[:size]
}

// noSecrets fails when an error's text has a credential in it.
func noSecrets(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{testKeyID, testSecret, testToken, "X-Amz-Signature", "hunter2"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error text has the secret %q in it: %v", secret, err)
		}
	}
}
