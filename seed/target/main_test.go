package target

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// No test may be given what the machine's own AWS set-up has.
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_ = os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	_ = os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	_ = os.Setenv("AWS_ACCESS_KEY_ID", testKey)
	_ = os.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
	_ = os.Setenv("AWS_REGION", "us-east-1")
	goleak.VerifyTestMain(m)
}

const (
	testKey    = "AKIATESTTESTTEST"
	testSecret = "planted/secret+access/key+value"
)
