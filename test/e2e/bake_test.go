package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/test/compare"
	"github.com/dbake/dbake/test/parts"
	webshop "github.com/dbake/dbake/test/shop"
)

// kitchen is a folder with a dbake.yaml. What dbake writes besides lies in folders
// that are looked at.
type kitchen struct{ *program }

// newKitchen makes a folder whose dbake.yaml has version, base and yaml.
func newKitchen(t *testing.T, flavour parts.Flavour, yaml string) *kitchen {
	t.Helper()
	base, err := all.BaseImage(t.Context(), flavour)
	if err != nil {
		t.Fatal(err)
	}
	k := &kitchen{&program{t: t, dir: t.TempDir()}}
	k.write("dbake.yaml", fmt.Sprintf("version: 1\nbase: %s\n%s", base, yaml))
	// Everything that a bake writes lies below this test's own folder, but for the
	// cache of unpacked bases, which all tests share.
	k.env = slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "TMPDIR=") || strings.HasPrefix(e, "DBAKE_WORK_DIR=")
	})
	k.env = append(k.env, "TMPDIR="+t.TempDir(), "DBAKE_WORK_DIR="+t.TempDir(),
		"XDG_CACHE_HOME="+filepath.Join(all.Dir(), "cache"), "DOCKER_CONFIG="+t.TempDir())
	return k
}

// withS3 names the S3 server and its credentials, as an AWS user's environment does.
func (k *kitchen) withS3() *kitchen {
	k.t.Helper()
	s3, err := all.S3(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	k.env = append(k.env, s3.Env()...)
	return k
}

// withDocker names the Docker Engine.
func (k *kitchen) withDocker() *kitchen {
	k.t.Helper()
	host, err := all.DockerHost(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	k.env = append(k.env, "DOCKER_HOST="+host)
	return k
}

// leavesNothing checks that a bake has removed all it made.
func (k *kitchen) leavesNothing() {
	k.t.Helper()
	for _, e := range k.env {
		name, dir, _ := strings.Cut(e, "=")
		if name != "TMPDIR" && name != "DBAKE_WORK_DIR" {
			continue
		}
		_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if err == nil && path != dir && !strings.HasSuffix(path, ".lock") {
				k.t.Errorf("left behind: %s", path)
			}
			return nil
		})
		mounts, err := os.ReadFile("/proc/self/mounts")
		if err != nil || bytes.Contains(mounts, []byte(dir)) {
			k.t.Errorf("a mount below %s is left (%v)", dir, err)
		}
		if left := processesIn(dir); len(left) > 0 {
			k.t.Errorf("processes are left: %q", left)
		}
	}
}

// processesIn lists the command lines of processes whose root is below a folder.
func processesIn(dir string) []string {
	roots, _ := filepath.Glob("/proc/[0-9]*/root")
	var found []string
	for _, root := range roots {
		if target, err := os.Readlink(root); err == nil && strings.HasPrefix(target, dir) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(root), "cmdline"))
			found = append(found, string(bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
		}
	}
	return found
}

// shopDump is mysqldump's output for a small shop.
func shopDump(t *testing.T, flavour parts.Flavour, rows int) []byte {
	t.Helper()
	s := server(t, flavour)
	if _, err := s.Client(t.Context(), strings.NewReader(webshop.SQL(rows))); err != nil {
		t.Fatal(err)
	}
	var dump bytes.Buffer
	if err := s.Dump(t.Context(), &dump, "--single-transaction", "--routines", "--triggers", "--events", "--databases", "shop"); err != nil {
		t.Fatal(err)
	}
	return dump.Bytes()
}

// TestBakeByEveryBuilder bakes one dump with each builder and compares what the
// images serve, table by table, to what was dumped.
func TestBakeByEveryBuilder(t *testing.T) {
	t.Parallel()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s3.CreateBucket(t.Context(), "every-builder", true); err != nil {
		t.Fatal(err)
	}
	if _, err := s3.Put(t.Context(), "every-builder", "mysql/shop.sql", bytes.NewReader(shopDump(t, parts.MySQL, 5_000))); err != nil {
		t.Fatal(err)
	}
	buildkit, err := all.BuildKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k := newKitchen(t, parts.MySQL, "dump: s3://every-builder/mysql/\nverify: [\"SELECT COUNT(*) > 0 FROM shop.orders\"]\n").withS3().withDocker()
	k.env = append(k.env, "BUILDKIT_HOST="+buildkit)
	var first *sql.DB
	for _, name := range []string{"local", "buildkit", "docker"} {
		ref := newRef(t) + name
		// The Docker Engine that runs the images here is older than zstd in images.
		args := []string{"bake", "--builder", name, "--tag", ref, "--compression", "gzip", "--progress", "plain"}
		if name == "docker" { // its steps have a network of their own, and the S3 server is on this one
			args = append(args, "--network", "host")
		}
		out := k.run(args...)
		if !strings.HasPrefix(out, ref+"@sha256:") {
			t.Fatalf("the result is %q", out)
		}
		k.leavesNothing()
		db := k.serve(ref)
		if first == nil {
			k.must("verify", "--deep", "-f", "dbake.yaml", "--progress", "plain", ref)
			first = db
			continue
		}
		differences, err := compare.Servers(t.Context(), first, db, compare.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(differences) > 0 {
			t.Errorf("%s is not what local is:\n%s", name, compare.Join(differences))
		}
	}
}

// serve starts an image with dbake run and connects to it.
func (k *kitchen) serve(ref string) *sql.DB {
	k.t.Helper()
	name := fmt.Sprintf("dbake-test-%d", rand.Uint64())
	out := k.run("run", "--name", name, "--progress", "plain", ref)
	k.t.Cleanup(func() { dockerContext(context.Background(), k.t, "rm", "--force", "--volumes", name) })
	// The address is as mysql://root:PASSWORD@HOST:PORT/DATABASE.
	login, rest, ok := strings.Cut(strings.TrimPrefix(out, "mysql://"), "@")
	address, _, _ := strings.Cut(rest, "/")
	if !ok {
		k.t.Fatalf("the address is %q", out)
	}
	db, err := sql.Open("mysql", login+"@tcp("+address+")/")
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { db.Close() })
	return db
}

// TestBakeWithoutPrivileges bakes where CI jobs without privileges run: as root in
// a container that may neither mount nor make namespaces.
func TestBakeWithoutPrivileges(t *testing.T) {
	t.Parallel()
	k := newKitchen(t, parts.MySQL, "dump: dump.sql\nrestore: {database: app}\n")
	k.write("dump.sql", "CREATE TABLE t (a INT PRIMARY KEY);\nINSERT INTO t VALUES (1),(2);\n")
	ref := newRef(t)
	cmd := k.command(t.Context(), "bake", "--builder", "local", "--tag", ref, "--progress", "plain")
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args = append([]string{setpriv, "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--"}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	cmd.Path = setpriv
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("confined by: chroot")) {
		t.Fatalf("%v\n%s", err, out)
	}
	k.leavesNothing()
	inspected := k.run("inspect", ref)
	if !strings.Contains(inspected, "tables:    1 with 2 rows") {
		t.Errorf("inspect says:\n%s", inspected)
	}
}

// TestBakeUnchanged bakes a dump that has not changed, and one that has.
func TestBakeUnchanged(t *testing.T) {
	t.Parallel()
	k := newKitchen(t, parts.MariaDB, "dump: dump.sql\nrestore: {database: app}\n")
	k.write("dump.sql", "CREATE TABLE t (a INT PRIMARY KEY);\nINSERT INTO t VALUES (1),(2);\n")
	ref := newRef(t)
	first := k.run("bake", "-t", ref, "--progress", "plain")
	again := k.must("bake", "-t", ref, "--progress", "plain", "--metadata-file", "meta.json")
	if first != again.stdout || strings.Contains(again.stderr, "initialise") {
		t.Errorf("an unchanged dump was baked anew: %s and then %s\n%s", first, again.stdout, again.stderr)
	}
	var meta map[string]any
	text, err := os.ReadFile(filepath.Join(k.dir, "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &meta); err != nil || !strings.HasSuffix(first, fmt.Sprint(meta["containerimage.digest"])) {
		t.Errorf("%v: the metadata file has %v", err, meta["containerimage.digest"])
	}
	k.write("dump.sql", "CREATE TABLE t (a INT PRIMARY KEY);\nINSERT INTO t VALUES (1),(2),(3);\n")
	if changed := k.run("bake", "-t", ref, "--progress", "plain"); changed == first {
		t.Error("a changed dump was not baked")
	}
}

// TestBakeStopped stops bakes at random moments: Ctrl-C leaves no process, mount
// or file, and no tag.
func TestBakeStopped(t *testing.T) {
	k := newKitchen(t, parts.MariaDB, "dump: dump.sql\nrestore: {database: app}\nafter: [wait.sql]\n")
	k.write("dump.sql", "CREATE TABLE t (a INT PRIMARY KEY);\nINSERT INTO t VALUES (1),(2);\n")
	k.write("wait.sql", "DO SLEEP(20);\n")
	k.must("resolve", "--progress", "plain") // unpacks the base
	for range 4 {
		ref := newRef(t)
		cmd := k.command(t.Context(), "bake", "-t", ref, "--progress", "plain")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		var log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		after := rand.N(4 * time.Second)
		time.Sleep(after)
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 130 {
			t.Errorf("stopped after %v: %v\n%s", after, err, log.String())
		}
		k.leavesNothing()
		notPushed(t, ref)
	}
}

// TestBakeFailures looks at what a failed bake leaves; what it says is in
// testdata/script/errors.txtar.
func TestBakeFailures(t *testing.T) {
	t.Parallel()
	k := newKitchen(t, parts.MySQL, "dump: dump.sql\n")
	k.write("dump.sql", "CREATE DATABASE app; USE app;\nCREATE TABLE t (a INT);\nINSERT INTO t VALUES ('geheim');\n")
	ref := newRef(t)
	r := k.try("bake", "-t", ref, "--progress", "plain")
	if r.status != 1 || !strings.Contains(r.stderr, "dbake.yaml:3:7: dump[0]: ") || strings.Contains(r.stderr, "geheim") {
		t.Errorf("a statement that fails: exit status %d\n%s", r.status, r.stderr)
	}
	notPushed(t, ref)
	k.leavesNothing()
}
