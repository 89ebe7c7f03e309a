// Package e2e bakes images the way users do, with docker buildx build on a real
// BuildKit, from dumps made by real servers, and looks at what comes out.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbake/dbake/test/parts"
)

// all are the parts that every test of the package shares.
var all *parts.Parts

func TestMain(m *testing.M) {
	ctx := context.Background()
	var err error
	all, err = parts.Start(ctx, parts.Options{Logf: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := all.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// project is a user's folder with a dbake.yaml.
type project struct {
	t   *testing.T
	dir string
	// args are further arguments of every build.
	args []string
}

// newProject makes a folder with a dbake.yaml whose text is the syntax line,
// version and base, and then yaml.
func newProject(t *testing.T, flavour parts.Flavour, yaml string) *project {
	t.Helper()
	base, err := all.BaseImage(t.Context(), flavour)
	if err != nil {
		t.Fatal(err)
	}
	return newProjectOn(t, base, yaml)
}

// newProjectOn is newProject with any base image.
func newProjectOn(t *testing.T, base, yaml string) *project {
	t.Helper()
	frontend, err := all.FrontendImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := &project{t: t, dir: t.TempDir()}
	p.write("dbake.yaml", fmt.Sprintf("# syntax=%s\nversion: 1\nbase: %s\n%s", frontend, base, yaml))
	return p
}

// write puts a file into the folder.
func (p *project) write(name, text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// withS3 makes builds read from the S3 server, with credentials as secrets.
func (p *project) withS3() *project {
	p.t.Helper()
	s3, err := all.S3(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": s3.SecretKey} {
		p.secret(name, value)
	}
	p.args = append(p.args, "--build-arg", "AWS_ENDPOINT_URL="+s3.Endpoint, "--build-arg", "AWS_REGION="+s3.Region)
	return p
}

// secret gives a build secret to every build.
func (p *project) secret(id, value string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), id)
	if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.args = append(p.args, "--secret", "id="+id+",src="+file)
}

// build runs docker buildx build and gives its output.
func (p *project) build(args ...string) (string, error) {
	p.t.Helper()
	return p.buildContext(p.t.Context(), args...)
}

func (p *project) buildContext(ctx context.Context, args ...string) (string, error) {
	p.t.Helper()
	all := append([]string{"build", "--progress=plain", "-f", "dbake.yaml"}, p.args...)
	cmd := p.buildx(ctx, append(append(all, args...), ".")...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (p *project) buildx(ctx context.Context, args ...string) *exec.Cmd {
	p.t.Helper()
	cmd, err := all.BuildxCommand(ctx, args...)
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Dir = p.dir
	return cmd
}

// push builds, pushes to the registry, and gives the image's reference.
func (p *project) push(args ...string) (ref, output string) {
	p.t.Helper()
	ref = newRef(p.t)
	output, err := p.build(append([]string{"--tag", ref, "--push"}, args...)...)
	if err != nil {
		p.t.Fatalf("build: %v\n%s", err, output)
	}
	return ref, output
}

// newRef gives a reference of the registry that no other test uses.
func newRef(t *testing.T) string {
	t.Helper()
	registry, err := all.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", "#", "-").Replace(t.Name()))
	return fmt.Sprintf("%s/baked/%s:t%d", registry.Host, name, time.Now().UnixNano())
}

// container is a running image.
type container struct {
	t  *testing.T
	id string
}

// run starts an image with Docker; args stand before the image's name and
// command behind it. The container is removed when the test ends.
func run(t *testing.T, ref string, args []string, command ...string) *container {
	t.Helper()
	all := append([]string{"run", "--detach"}, args...)
	c := &container{t: t, id: strings.TrimSpace(docker(t, append(append(all, ref), command...)...))}
	t.Cleanup(func() { dockerContext(context.Background(), t, "rm", "--force", "--volumes", c.id) })
	return c
}

// docker runs a docker command that must succeed.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	return dockerContext(t.Context(), t, args...)
}

func dockerContext(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	out, err := all.Docker(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// exec runs a command in the container.
func (c *container) exec(args ...string) (string, error) {
	c.t.Helper()
	return all.Docker(c.t.Context(), append([]string{"exec", c.id}, args...)...)
}

// waitHealthy waits until the image's own health check passes in the container.
func (c *container) waitHealthy() {
	c.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := c.exec("dbake-entrypoint", "healthcheck")
		if err == nil {
			return
		}
		if time.Now().After(deadline) || strings.Contains(err.Error(), "is not running") {
			c.t.Fatalf("the container does not get healthy: %v\n%s", err, c.logs())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// logs gives all the container has printed.
func (c *container) logs() string {
	c.t.Helper()
	cmd, err := all.DockerCommand(context.Background(), "logs", c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// query asks the database in the container as root without a password.
func (c *container) query(sql string) string {
	c.t.Helper()
	out, err := c.exec("mysql", "-uroot", "--default-character-set=utf8mb4", "-N", "-B", "-e", sql)
	if err != nil {
		c.t.Fatalf("%v\n%s", err, c.logs())
	}
	return strings.TrimSpace(out)
}

// server is a shared database server of the flavour, for making dumps.
func server(t *testing.T, flavour parts.Flavour) *parts.Server {
	t.Helper()
	s, err := all.StartServer(t.Context(), flavour)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// each runs a test for both flavours.
func each(t *testing.T, test func(t *testing.T, flavour parts.Flavour)) {
	t.Helper()
	for name, flavour := range map[string]parts.Flavour{"mysql": parts.MySQL, "mariadb": parts.MariaDB} {
		t.Run(name, func(t *testing.T) { test(t, flavour) })
	}
}
