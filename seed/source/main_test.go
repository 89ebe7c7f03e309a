package source

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// No test may wait for, or be given, what the machine's own AWS set-up has.
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_ = os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	_ = os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	goleak.VerifyTestMain(m)
}

const (
	testKeyID  = "AKIATESTTESTTEST"
	testSecret = "planted/secret+access/key+value"
	testToken  = "planted-session-token-value"
)

// useS3 points the environment at an S3 server.
func useS3(t testing.TB, endpoint string) {
	t.Helper()
	t.Setenv("AWS_ENDPOINT_URL_S3", endpoint)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", testKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
}

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
