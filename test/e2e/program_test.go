package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// program is the dbake command, run in a user's folder.
type program struct {
	t   *testing.T
	dir string
	env []string
}

// newProgram gives a folder of its own, the tests' Docker Engine and env.
func newProgram(t *testing.T, env ...string) *program {
	t.Helper()
	docker, err := all.DockerCommand(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"DBAKE_AGENT_DIR=" + distOut(), "XDG_CACHE_HOME=" + filepath.Join(all.Dir(), "cache")}
	p := &program{t: t, dir: t.TempDir(), env: slices.Concat(docker.Env, own, env)}
	p.command(t.Context()) // is there from now on
	return p
}

func distOut() string { return filepath.Join(all.Dir(), "dist", "out") }

// write writes a file into the folder.
func (p *program) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// command is dbake with arguments.
func (p *program) command(ctx context.Context, args ...string) *exec.Cmd {
	p.t.Helper()
	file, err := all.Baker(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	return cmd
}

// ran is a dbake that has ended.
type ran struct {
	status         int
	stdout, stderr string
}

// try runs dbake to its end.
func (p *program) try(args ...string) ran {
	p.t.Helper()
	cmd := p.command(p.t.Context(), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), strings.TrimSpace(stdout.String()), stderr.String()}
}

// must runs a dbake that must succeed.
func (p *program) must(args ...string) ran {
	p.t.Helper()
	r := p.try(args...)
	if r.status != 0 {
		p.t.Fatalf("dbake %s: exit status %d\n%s%s", strings.Join(args, " "), r.status, r.stdout, r.stderr)
	}
	return r
}

// run runs a dbake that must succeed and gives its standard output.
func (p *program) run(args ...string) string {
	p.t.Helper()
	return p.must(args...).stdout
}

// front is a registry's public side: it counts what clients ask for, and can be
// taken off the network.
type front struct {
	*httptest.Server

	mu       sync.Mutex
	requests []string
}

// newFront stands before the tests' registry.
func newFront(t *testing.T) *front {
	t.Helper()
	registry, err := all.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry.Host})
	f := &front{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.requests = append(f.requests, r.UserAgent()+" "+r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// host is its name in references of images.
func (f *front) host() string {
	return strings.Replace(strings.TrimPrefix(f.URL, "http://"), "127.0.0.1", "localhost", 1)
}

// pulls counts the manifests that a Docker Engine has asked for.
func (f *front) pulls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.requests {
		if strings.HasPrefix(r, "docker/") && strings.Contains(r, "/manifests/") {
			n++
		}
	}
	return n
}
