package parts_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/dbake/dbake/test/parts"
)

// crashVariable makes the test binary start parts and die without Close.
const crashVariable = "DBAKE_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashVariable); dir != "" {
		crash(dir)
	}
	os.Exit(m.Run())
}

func start(t *testing.T) *parts.Parts {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real programs")
	}
	p, err := parts.Start(t.Context(), parts.Options{Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error("close:", err)
		}
		if left := remains(p.Dir()); len(left) > 0 {
			t.Errorf("after Close there is still:\n%s", strings.Join(left, "\n"))
		}
	})
	return p
}

// remains lists what is left of the parts in root: files, mounts, processes,
// network bridges and control groups.
func remains(root string) []string {
	var left []string
	if _, err := os.Stat(root); err == nil {
		left = append(left, "folder "+root)
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, root) {
			left = append(left, "mount "+line)
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if environment, _ := os.ReadFile(file); bytes.Contains(environment, []byte(root+"\x00")) && pid != os.Getpid() {
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			left = append(left, fmt.Sprintf("process %d %s", pid, name))
		}
	}
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/" + filepath.Base(root))
	return append(left, groups...)
}

func bridges(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("/sys/class/net/dbake*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// One base image travels from the recipe to the registry, through a build, and
// into a container that answers a query: every part took its share.
func TestBaseImageServesInDocker(t *testing.T) {
	p := start(t)
	for _, flavour := range []parts.Flavour{parts.MySQL, parts.MariaDB} {
		t.Run(string(flavour), func(t *testing.T) {
			ctx := t.Context()
			base, err := p.BaseImage(ctx, flavour)
			if err != nil {
				t.Fatal(err)
			}
			image := strings.Replace(base, string(flavour), "built", 1)
			buildOn(t, p, base, image)

			port := publish(t, p, image, "MYSQL_ROOT_PASSWORD=it's \\ secret", "MYSQL_DATABASE=shop")
			answer := ask(t, p, flavour, port, "it's \\ secret", "SELECT note FROM shop.notes")
			if strings.TrimSpace(answer) != "from the build" {
				t.Errorf("the container answered %q", answer)
			}
		})
	}
}

// buildOn builds and pushes an image on base with a script for its first start.
func buildOn(t *testing.T, p *parts.Parts, base, image string) {
	t.Helper()
	dir := t.TempDir()
	dockerfile := fmt.Sprintf(`FROM %s
RUN echo "CREATE TABLE notes AS SELECT 'from the build' AS note" > /docker-entrypoint-initdb.d/notes.sql
`, base)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := p.Buildx(t.Context(), "build", "--push", "--tag", image, dir); err != nil {
		t.Fatal(out, err)
	}
}

// publish runs a container and returns the port of its server on 127.0.0.1.
func publish(t *testing.T, p *parts.Parts, image string, env ...string) string {
	t.Helper()
	args := []string{"run", "--detach", "--publish", "127.0.0.1::3306"}
	for _, setting := range env {
		args = append(args, "--env", setting)
	}
	id, err := p.Docker(t.Context(), append(args, image)...)
	if err != nil {
		t.Fatal(err)
	}
	id = strings.TrimSpace(id)
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := p.DockerCommand(context.Background(), "logs", id)
			out, _ := logs.CombinedOutput()
			t.Logf("container log:\n%s", out)
		}
	})
	address, err := p.Docker(t.Context(), "port", id, "3306/tcp")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address[strings.LastIndex(address, ":")+1:])
}

// ask queries a published server until it answers.
func ask(t *testing.T, p *parts.Parts, flavour parts.Flavour, port, password, query string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		cmd, err := p.ClientCommand(ctx, flavour, "mysql", "--host=127.0.0.1", "--port="+port, "--user=root",
			"--skip-column-names", "--execute="+query)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "MYSQL_PWD="+password)
		out, err := cmd.CombinedOutput()
		if err == nil {
			return string(out)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no answer: %v: %s", err, out)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func TestServerTakesADumpOfAnother(t *testing.T) {
	p := start(t)
	for _, flavour := range []parts.Flavour{parts.MySQL, parts.MariaDB} {
		t.Run(string(flavour), func(t *testing.T) {
			ctx := t.Context()
			source, err := p.StartServer(ctx, flavour)
			if err != nil {
				t.Fatal(err)
			}
			if err := source.Exec(ctx, "CREATE DATABASE app; CREATE TABLE app.t (a INT); INSERT INTO app.t VALUES (40),(2)"); err != nil {
				t.Fatal(err)
			}
			var dump bytes.Buffer
			if err := source.Dump(ctx, &dump, "--databases", "app"); err != nil {
				t.Fatal(err)
			}
			target, err := p.StartServer(ctx, flavour, "--lower-case-table-names=1")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := target.Client(ctx, &dump); err != nil {
				t.Fatal(err)
			}
			var sum, lower int
			if err := target.DB().QueryRowContext(ctx, "SELECT SUM(a), @@lower_case_table_names FROM app.t").Scan(&sum, &lower); err != nil {
				t.Fatal(err)
			}
			if sum != 42 || lower != 1 {
				t.Errorf("the sum is %d and lower_case_table_names is %d, want 42 and 1", sum, lower)
			}
			if err := target.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestS3KeepsVersions(t *testing.T) {
	p, ctx := start(t), t.Context()
	server, err := p.S3(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateBucket(ctx, "backups", true); err != nil {
		t.Fatal(err)
	}
	first, err := server.Put(ctx, "backups", "a/dump.sql", strings.NewReader("one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Put(ctx, "backups", "a/dump.sql", strings.NewReader("two")); err != nil {
		t.Fatal(err)
	}
	bucket, key := "backups", "a/dump.sql"
	object, err := server.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: &first})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(object.Body); err != nil || body.String() != "one" {
		t.Errorf("the first version (%s) is %q: %v", first, &body, err)
	}
}

func TestAuthRegistryWantsItsPassword(t *testing.T) {
	p, ctx := start(t), t.Context()
	registry, err := p.AuthRegistry(ctx)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get("http://" + registry.Host + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a password: %s", response.Status)
	}
	dir, image := t.TempDir(), registry.Host+"/private:1"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY Dockerfile /\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Buildx(ctx, "build", "--push", "--tag", image, dir); err == nil {
		t.Error("a build pushed without logging in")
	}
	if err := p.Login(ctx, registry); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Buildx(ctx, "build", "--push", "--tag", image, dir); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Head(ref, remote.WithAuth(registry.Auth()), remote.WithContext(ctx)); err != nil {
		t.Error(err)
	}
}

// A test run that is killed leaves nothing for long: the next one cleans up.
func TestStartRemovesWhatACrashLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real programs")
	}
	//nolint:usetesting // t.TempDir is too long a path for Unix sockets below it
	dir, err := os.MkdirTemp("", "crash")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	before := bridges(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashVariable+"="+dir)
	out, err := cmd.Output()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the crashing run: %v\n%s", err, out)
	}
	root := strings.TrimSpace(string(out))
	if len(remains(root)) == 0 {
		t.Fatal("the crash left nothing: this test tests nothing")
	}
	p, err := parts.Start(t.Context(), parts.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if left := remains(root); len(left) > 0 {
		t.Errorf("after the next Start there is still:\n%s", strings.Join(left, "\n"))
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if after := bridges(t); len(after) > len(before) {
		t.Errorf("bridges before: %v, after: %v", before, after)
	}
}

// crash starts a container, prints the parts' folder and dies.
func crash(dir string) {
	ctx := context.Background()
	p, err := parts.Start(ctx, parts.Options{Dir: dir})
	if err == nil {
		_, err = p.StartServer(ctx, parts.MariaDB)
	}
	var base string
	if err == nil {
		base, err = p.BaseImage(ctx, parts.MariaDB)
	}
	if err == nil {
		_, err = p.Docker(ctx, "run", "--detach", base, "sleep", "600")
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	fmt.Println(p.Dir())
	self, _ := os.FindProcess(os.Getpid())
	_ = self.Kill()
	select {}
}

// A failed start says what the program said.
func TestStartErrorShowsTheLog(t *testing.T) {
	p := start(t)
	_, err := p.StartServer(t.Context(), parts.MariaDB, "--no-such-option=1")
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("the error does not name the option: %v", err)
	}
}
