package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/dbake/dbake/test/parts"
)

// header and trailer make a dump's file of what stands between them, as the
// restore wants it: the last line says that it is complete.
const (
	header  = "-- MySQL dump 10.13  Distrib 9.7.0, for Linux (x86_64)\n--\n-- Host: localhost    Database: \n"
	trailer = "-- Dump completed on 2026-01-02  3:04:05\n"
)

// fails runs a build that pushes and must not succeed. It checks what holds
// for every failure: one error, last; the line of dbake.yaml that holds at is
// marked; nothing has been pushed; nothing runs any more. It gives the error
// and the whole output.
func (p *project) fails(at string, args ...string) (message, output string) {
	p.t.Helper()
	ref := newRef(p.t)
	output, err := p.build(append([]string{"--tag", ref, "--push"}, args...)...)
	if err == nil {
		p.t.Fatalf("the build succeeds:\n%s", output)
	}
	message = p.oneError(output)
	p.marks(output, at)
	notPushed(p.t, ref)
	nothingBakes(p.t)
	return message, output
}

// oneError gives the output's error, which must be the only one and its end.
func (p *project) oneError(output string) string {
	p.t.Helper()
	const mark = "ERROR: "
	lines := strings.Split(strings.TrimSpace(output), "\n")
	var errors []string
	for _, line := range lines {
		if strings.HasPrefix(line, mark) {
			errors = append(errors, line)
		}
	}
	last := lines[len(lines)-1]
	if len(errors) != 1 || !strings.HasPrefix(last, mark) {
		p.t.Fatalf("the build ends with %q and has the errors %q, want one, at the end:\n%s", last, errors, output)
	}
	return strings.TrimPrefix(last, mark)
}

// marks checks that the output shows the part of dbake.yaml with the line that
// holds at marked, and only that one.
func (p *project) marks(output, at string) {
	p.t.Helper()
	var marked []string
	for line := range strings.Lines(output) {
		if _, text, ok := strings.Cut(line, "| >>> "); ok {
			marked = append(marked, strings.TrimSpace(text))
		}
	}
	if len(marked) != 1 || !strings.Contains(marked[0], at) {
		p.t.Errorf("the lines marked in dbake.yaml are %q, want one with %q:\n%s", marked, at, output)
	}
}

// notPushed checks that the registry has no image of that reference.
func notPushed(t *testing.T, ref string) {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Head(parsed, remote.WithContext(t.Context())); err == nil {
		t.Errorf("the registry has the image %s of a build that failed", ref)
	}
}

// nothingBakes checks that no process of a bake that runs now goes on: those of
// tests that run at the same time end by themselves.
func nothingBakes(t *testing.T) {
	t.Helper()
	began := baking()
	deadline := time.Now().Add(time.Minute)
	for {
		left := baking()
		for pid := range left {
			if began[pid] == "" {
				delete(left, pid)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("these processes of the bake still run: %q", left)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// baking lists the command lines, by process id, of the agent and of the servers it
// started in this test's builder, which it tells by their control group.
func baking() map[string]string {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	found := map[string]string{}
	for _, dir := range dirs {
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		groups, _ := os.ReadFile(filepath.Join(dir, "cgroup"))
		if bytes.Contains(command, []byte("/run/dbake/")) && bytes.Contains(groups, []byte(filepath.Base(all.Dir()))) {
			found[filepath.Base(dir)] = string(bytes.ReplaceAll(command, []byte{0}, []byte{' '}))
		}
	}
	return found
}

// holds checks that a text has every one of parts in it.
func holds(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q\nis not in\n%s", part, text)
		}
	}
}

// bucket makes a bucket with objects in it and gives its name.
func bucket(t *testing.T, versioned bool, objects map[string][]byte) string {
	t.Helper()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	if len(name) > 50 {
		name = name[len(name)-50:]
	}
	name = strings.Trim(name, "-") + fmt.Sprintf("-%d", time.Now().UnixNano()%1e9)
	if err := s3.CreateBucket(t.Context(), name, versioned); err != nil {
		t.Fatal(err)
	}
	for key, body := range objects {
		put(t, name, key, body)
	}
	return name
}

// put writes an object and gives its version.
func put(t *testing.T, bucket, key string, body []byte) string {
	t.Helper()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	version, err := s3.Put(t.Context(), bucket, key, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestObjectThatIsMissing(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: s3://"+bucket(t, true, nil)+"/mysql/mysql.sql.gz\n").withS3()
	message, _ := p.fails("dump: s3://")
	holds(t, message, "dbake.yaml:4:", "mysql/mysql.sql.gz", "no object", "NoSuchKey")
}

func TestPrefixWithoutObjects(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: s3://"+bucket(t, true, nil)+"/nightly/\n").withS3()
	message, _ := p.fails("dump: s3://")
	holds(t, message, "dbake.yaml:4:", "/nightly/", "no object below this prefix")
}

func TestBucketThatIsMissing(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump:\n  - s3://no-such-bucket-here/mysql.sql.gz\n").withS3()
	message, _ := p.fails("s3://no-such-bucket-here")
	holds(t, message, "dbake.yaml:5:", "no-such-bucket-here")
}

func TestNoCredentials(t *testing.T) {
	t.Parallel()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := newProject(t, parts.MariaDB, "dump: s3://backup/mysql.sql.gz\n")
	p.args = append(p.args, "--build-arg", "AWS_ENDPOINT_URL="+s3.Endpoint, "--build-arg", "AWS_REGION="+s3.Region)
	message, _ := p.fails("dump: s3://")
	holds(t, message, "dbake.yaml:4:", "no AWS credentials found", "--secret id=AWS_ACCESS_KEY_ID", "--secret id=aws,src=")
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const wrong = "wrong/secret/Kq7TzGmWv2"
	p := newProject(t, parts.MariaDB, "dump: s3://backup/mysql.sql.gz\n")
	p.args = append(p.args, "--build-arg", "AWS_ENDPOINT_URL="+s3.Endpoint, "--build-arg", "AWS_REGION="+s3.Region)
	p.secret("AWS_ACCESS_KEY_ID", s3.AccessKey)
	p.secret("AWS_SECRET_ACCESS_KEY", wrong)
	message, output := p.fails("dump: s3://")
	holds(t, message, "dbake.yaml:4:", "s3://backup/mysql.sql.gz", "AWS_SECRET_ACCESS_KEY")
	if strings.Contains(output, wrong) {
		t.Errorf("the output shows the secret:\n%s", output)
	}
}

// A credential that is a build argument would be in the image's provenance.
func TestCredentialAsBuildArgument(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: s3://backup/mysql.sql.gz\n")
	ref := newRef(t)
	output, err := p.build("--tag", ref, "--push", "--build-arg", "AWS_SECRET_ACCESS_KEY=Kq7TzGmWv2")
	if err == nil {
		t.Fatal("the build succeeds")
	}
	holds(t, p.oneError(output), "AWS_SECRET_ACCESS_KEY", "--secret id=AWS_SECRET_ACCESS_KEY")
	if strings.Contains(output, "Kq7TzGmWv2") {
		t.Errorf("the output shows the credential:\n%s", output)
	}
	notPushed(t, ref)
}

// S3 answers a HEAD request that is signed for another region with status 400,
// no body, and the header x-amz-bucket-region.
func TestWrongRegion(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "AmazonS3")
		w.Header().Set("X-Amz-Request-Id", "ZW2KQ5R2W5W8V4D1")
		w.Header().Set("X-Amz-Id-2", "c2FtcGxl")
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer server.Close()
	p := newProject(t, parts.MariaDB, "dump: s3://backup/mysql.sql.gz\n")
	p.args = append(p.args, "--build-arg", "AWS_ENDPOINT_URL="+server.URL, "--build-arg", "AWS_REGION=us-east-1")
	p.secret("aws", "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n")
	message, _ := p.fails("dump: s3://")
	holds(t, message, "dbake.yaml:4:", "eu-west-1", "AWS_REGION=eu-west-1")
}

func TestTruncatedGzip(t *testing.T) {
	t.Parallel()
	whole := gzipped(t, header+"CREATE DATABASE d; CREATE TABLE d.t (a INT);\n"+
		strings.Repeat("INSERT INTO d.t VALUES (1),(2),(3);\n", 200)+trailer)
	name := bucket(t, true, map[string][]byte{"cut.sql.gz": whole[:len(whole)-30]})
	p := newProject(t, parts.MariaDB, "dump: s3://"+name+"/cut.sql.gz\n").withS3()
	message, _ := p.fails("dump: s3://")
	holds(t, message, "dbake.yaml:4:", "s3://"+name+"/cut.sql.gz", "truncated")
}

func TestDumpWithoutItsLastLine(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: app.sql\n")
	p.write("app.sql", header+"CREATE DATABASE d; CREATE TABLE d.t (a INT);\n")
	message, _ := p.fails("dump: app.sql")
	holds(t, message, "dbake.yaml:4:7", "app.sql", "not complete", "-- Dump completed")
}

// The error of a statement says where it is and why it fails, without a value
// of a row: logs are read by more people than the data.
func TestStatementThatFails(t *testing.T) {
	t.Parallel()
	const planted = "PLANTED-7f3c9"
	each(t, func(t *testing.T, flavour parts.Flavour) {
		p := newProject(t, flavour, "restore:\n  database: shop\ndump: app.sql\n")
		before := header + "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(99) UNIQUE);\n"
		p.write("app.sql", before+"INSERT INTO `item` VALUES (1,'"+planted+"'),(2,'"+planted+"');\nCREATE TABLE later (a INT);\n"+trailer)
		message, output := p.fails("dump: app.sql")
		holds(t, message, "dbake.yaml:6:7", "app.sql", "statement 2", fmt.Sprintf("byte %d", len(before)), "shop.item", "1062", "INSERT INTO `item` VALUES (")
		if strings.Contains(output, planted) {
			t.Errorf("the output shows a value of a row:\n%s", output)
		}
	})
}

// With on_error: continue the statement is left out, shown and counted.
func TestStatementThatFailsIsLeftOut(t *testing.T) {
	t.Parallel()
	const planted = "PLANTED-7f3c9"
	p := newProject(t, parts.MariaDB, "restore:\n  database: shop\n  on_error: continue\ndump: app.sql\nverify: [SELECT COUNT(*) = 2 FROM item]\n")
	p.write("app.sql", header+"CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(99) UNIQUE);\n"+
		"INSERT INTO item VALUES (1,'"+planted+"');\n"+
		"INSERT INTO item VALUES (1,'"+planted+"');\n"+
		"INSERT INTO missing VALUES (3,'"+planted+"');\n"+
		"INSERT INTO item VALUES (2,'after');\n"+trailer)
	_, output := p.push()
	holds(t, output, "statement 3", "1062", "statement 4", "1146", "2 statements were refused")
	if strings.Contains(output, planted) {
		t.Errorf("the output shows a value of a row:\n%s", output)
	}
	// A build that repeats it from the cache reports it again.
	if _, output = p.push(); !stepCached(output, "[restore]") || !strings.Contains(output, "statement 3") {
		t.Errorf("the second build does not say what was left out:\n%s", output)
	}
}

func TestUnknownKey(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: app.sql\nrestore:\n  definr: keep\n")
	p.write("app.sql", header+trailer)
	message, _ := p.fails("definr: keep")
	holds(t, message, "dbake.yaml:6:3", "restore.definr", "unknown key", `did you mean "definer"?`)
}

func TestBaseWithoutServer(t *testing.T) {
	t.Parallel()
	registry, err := all.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nothing, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: architecture, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	files, err := mutate.AppendLayers(nothing, static.NewLayer(emptyTar(t), types.OCIUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}
	for name, image := range map[string]v1.Image{"without files": nothing, "with files": files} {
		t.Run(name, func(t *testing.T) {
			base := registry.Host + "/no-server:" + strings.ReplaceAll(name, " ", "-")
			writeImage(t, base, image)
			p := newProjectOn(t, base, "dump: app.sql\n")
			p.write("app.sql", header+trailer)
			message, _ := p.fails("base: " + registry.Host)
			holds(t, message, "dbake.yaml:3:7", "mysqld", "mariadbd", "name a base that holds a server")
		})
	}
}

// emptyTar is a layer with nothing but its root in it.
func emptyTar(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func writeImage(t *testing.T, ref string, image v1.Image) {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(parsed, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func TestBaseThatIsMissing(t *testing.T) {
	t.Parallel()
	registry, err := all.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := newProjectOn(t, registry.Host+"/no-such-base:1", "dump: app.sql\n")
	p.write("app.sql", header+trailer)
	message, _ := p.fails("base: " + registry.Host)
	holds(t, message, "dbake.yaml:3:7", "no-such-base:1", "not found")
}

func TestDumpThatIsNotInTheContext(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: app.sql\n")
	message, _ := p.fails("dump: app.sql")
	holds(t, message, "dbake.yaml:4:7", "app.sql", "build context")
}

func TestDataDirBelowAVolume(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: app.sql\ndatadir: /var/lib/mysql/data\n")
	p.write("app.sql", header+trailer)
	message, output := p.fails("datadir: /var/lib/mysql")
	holds(t, message, "dbake.yaml:5:10", "/var/lib/mysql", "VOLUME", "/data/mysql")
	if strings.Contains(output, "[restore]") {
		t.Errorf("something has been restored before:\n%s", output)
	}
}

func TestSecretThatIsMissing(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: app.sql\naccounts:\n  root: {password: {secret: root_pw}}\n")
	p.write("app.sql", header+trailer)
	message, _ := p.fails("secret: root_pw")
	holds(t, message, "dbake.yaml:6:", "root_pw", "--secret id=root_pw,src=")
}

func TestVerifyThatFails(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: app.sql\nverify:\n  - SELECT COUNT(*) = 0 FROM item\n  - SELECT COUNT(*) > 5 FROM item\n")
	p.write("app.sql", header+"CREATE TABLE item (id INT PRIMARY KEY);\n"+trailer)
	message, _ := p.fails("COUNT(*) > 5")
	holds(t, message, "dbake.yaml:8:5", "SELECT COUNT(*) > 5 FROM item", "not true")
}

func TestScriptThatFails(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: app.sql\nafter: [fix.sql]\n")
	p.write("app.sql", header+"CREATE TABLE item (id INT PRIMARY KEY);\n"+trailer)
	p.write("fix.sql", "INSERT INTO item VALUES (1);\nUPDATE nothing SET a = 1;\n")
	message, _ := p.fails("after: [fix.sql]")
	holds(t, message, "dbake.yaml:6:", "fix.sql", "statement 2", "1146")
}

// The builder's disk is full: the server's error reaches the user.
func TestDiskFull(t *testing.T) {
	each(t, func(t *testing.T, flavour parts.Flavour) {
		builder := smallBuilder(t)
		p := newProject(t, flavour, "restore: {database: shop}\ndump: app.sql\n")
		grow := strings.Repeat("INSERT INTO item (a) VALUES (REPEAT('x', 15000000));\n", 100)
		p.write("app.sql", header+"CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, a LONGBLOB);\n"+grow+trailer)
		message, output := p.fails("dump: app.sql", "--builder", builder)
		holds(t, message, "dbake.yaml:5:7", "is full", "the builder's disk is")
		if t.Failed() {
			t.Log(output)
		}
	})
}

// smallBuilder starts a buildkitd whose disk is too small for the bake, and
// gives the name of the buildx builder for it.
func smallBuilder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Join(all.Dir(), fmt.Sprintf("small-%d", time.Now().UnixNano()%1e9))
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", root, "tmpfs", 0, "size=1300m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(root, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	repo, err := all.Repo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(repo, "hack", "setup"), "--paths", "buildkit").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, bin, _ := strings.Cut(strings.TrimSpace(string(out)), "=")
	config := fmt.Sprintf("root = %q\n[grpc]\naddress = [%q]\n[otel]\nsocketPath = %q\n[cdi]\ndisabled = true\n"+
		"[worker.oci]\nenabled = true\nsnapshotter = \"overlayfs\"\nnetworkMode = \"host\"\ndefaultCgroupParent = %q\n"+
		"gc = false\n[worker.containerd]\nenabled = false\n",
		filepath.Join(root, "root"), "unix://"+filepath.Join(root, "sock"), filepath.Join(root, "otel"), "/"+filepath.Base(all.Dir()))
	file := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(bin, "buildkitd"), "--config", file)
	var log syncBuffer
	daemon.Stdout, daemon.Stderr = &log, &log
	daemon.Env = append(os.Environ(), "DBAKE_PARTS_ROOT="+all.Dir())
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait()
	})
	waitFor(t, time.Minute, func() bool {
		_, err := os.Stat(filepath.Join(root, "sock"))
		return err == nil
	}, log.String)
	builder := filepath.Base(root)
	p := &project{t: t, dir: dir}
	if out, err := p.buildx(t.Context(), "create", "--name", builder, "--driver", "remote", "unix://"+filepath.Join(root, "sock")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return builder
}

// waitFor waits until something is true.
func waitFor(t *testing.T, most time.Duration, done func() bool, otherwise func() string) {
	t.Helper()
	deadline := time.Now().Add(most)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
		time.Sleep(50 * time.Millisecond)
	}
}
