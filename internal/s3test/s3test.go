// Package s3test gives tests an S3 that is theirs: a real server, and an
// environment without anything of the machine's own AWS set-up.
package s3test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// EnvVersitygw names the program versitygw, which hack/setup builds.
const EnvVersitygw = "DBAKE_TEST_VERSITYGW"

// Credentials of all servers. The secret has characters that have to be escaped in
// many places.
const (
	KeyID  = "AKIATESTTESTTEST"
	Secret = "planted/secret+access/key+value"
	Region = "us-east-1"
)

// Isolate takes the machine's AWS set-up out of the environment: no test may be
// given, or wait for, what is there. It is for TestMain.
func Isolate() {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		_ = os.Setenv(name, value)
	}
}

// Use points the environment at an S3 server until the test ends.
func Use(t testing.TB, endpoint string) {
	t.Helper()
	t.Setenv("AWS_ENDPOINT_URL_S3", endpoint)
	t.Setenv("AWS_REGION", Region)
	t.Setenv("AWS_ACCESS_KEY_ID", KeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", Secret)
}

// Versitygw starts a real S3 server, whose buckets can have versions, and gives its
// address when it takes connections. It ends with the test, which is skipped where
// EnvVersitygw names no program.
func Versitygw(t testing.TB) (endpoint string) {
	t.Helper()
	binary := os.Getenv(EnvVersitygw)
	if binary == "" {
		t.Skip(EnvVersitygw + " does not name a versitygw binary")
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	cmd := exec.CommandContext(t.Context(), binary, "--port", address, "--access", KeyID, "--secret", Secret,
		"posix", "--sidecar", t.TempDir(), "--versioning-dir", t.TempDir(), t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 100 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("versitygw takes no connections at %s", address)
	return ""
}
