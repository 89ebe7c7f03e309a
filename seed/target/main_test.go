package target

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/dbake/dbake/internal/s3test"
)

func TestMain(m *testing.M) {
	s3test.Isolate()
	_ = os.Setenv("AWS_ACCESS_KEY_ID", s3test.KeyID)
	_ = os.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	_ = os.Setenv("AWS_REGION", s3test.Region)
	goleak.VerifyTestMain(m)
}
