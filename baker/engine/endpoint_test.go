package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// dockerConfig is a configuration of the docker command with contexts.
func dockerConfig(t *testing.T, current string, contexts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"} {
		t.Setenv(name, "")
	}
	file(t, filepath.Join(dir, "config.json"), fmt.Sprintf(`{"currentContext":%q}`, current))
	for name, host := range contexts {
		file(t, filepath.Join(dir, "contexts", "meta", contextID(name), "meta.json"),
			fmt.Sprintf(`{"Name":%q,"Metadata":{},"Endpoints":{"docker":{"Host":%q,"SkipTLSVerify":false}}}`, name, host))
	}
	return dir
}

func contextID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

func file(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEndpointIsTheDockerCommands(t *testing.T) {
	dir := dockerConfig(t, "chosen", map[string]string{"chosen": "tcp://chosen:2376", "named": "unix:///named.sock"})
	file(t, filepath.Join(dir, "contexts", "tls", contextID("chosen"), "docker", "ca.pem"), "")
	check := func(o Options, host string, tls bool) {
		t.Helper()
		got, err := findEndpoint(o)
		if err != nil {
			t.Fatal(err)
		}
		if got.host != host || (got.pem("ca") != "") != tls {
			t.Errorf("%+v: the endpoint is %+v, want %s", o, got, host)
		}
	}
	check(Options{}, "tcp://chosen:2376", true)
	t.Setenv("DOCKER_CONTEXT", "named")
	check(Options{}, "unix:///named.sock", false)
	t.Setenv("DOCKER_HOST", "tcp://from-env:2375")
	check(Options{}, "tcp://from-env:2375", false)
	check(Options{Context: "chosen"}, "tcp://chosen:2376", true)
	check(Options{Context: "chosen", Host: "unix:///asked.sock"}, "unix:///asked.sock", false)
	if got, err := findEndpoint(Options{Context: "default"}); err != nil || got.host == "" {
		t.Errorf("the default context: %+v, %v", got, err)
	}
}

func TestNoEngine(t *testing.T) {
	dockerConfig(t, "gone", nil)
	_, err := New(t.Context(), Options{})
	if err == nil || !strings.Contains(err.Error(), `no docker context "gone"`) {
		t.Errorf("the error for a context that is not there is %v", err)
	}
	missing := "unix://" + filepath.Join(t.TempDir(), "docker.sock")
	t.Setenv("DOCKER_HOST", missing)
	_, err = New(t.Context(), Options{})
	if err == nil || !strings.Contains(err.Error(), "no Docker Engine answers at "+missing+" (from DOCKER_HOST)") {
		t.Errorf("the error for an engine that is not there is %v", err)
	}
	for _, host := range []string{"nonsense", "ssh://"} {
		if _, err := New(t.Context(), Options{Host: host}); err == nil {
			t.Errorf("there is an engine at %q", host)
		}
	}
}

func TestEngineThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, fmt.Errorf("waited long enough"))
	defer cancel()
	if _, err := New(ctx, Options{Host: "unix://" + socket}); err == nil || err.Error() != "waited long enough" {
		t.Errorf("the error is %v, want the context's cause", err)
	}
}
