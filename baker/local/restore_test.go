//go:build linux

package local

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/moby/buildkit/client"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/jail"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/internal/inroot"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/spec"
)

func TestMain(m *testing.M) {
	if status, inside := jail.Main(); inside {
		os.Exit(status)
	}
	if os.Getenv(roleVariable) != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "dbake-local-cache-")
	if err != nil {
		panic(err)
	}
	sharedCache = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// sharedCache has the base images that all tests of root use.
var sharedCache string

// Variables by which a test starts itself anew: as another user, to do one thing
// in a prepared directory.
const (
	roleVariable  = "DBAKE_TEST_ROLE"  // restore | hang
	placeVariable = "DBAKE_TEST_PLACE" // the directory: see prepare
	cacheVariable = "DBAKE_TEST_CACHE"
)

const dump = `-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
CREATE DATABASE app;
USE app;
CREATE TABLE users (id int NOT NULL AUTO_INCREMENT, name varchar(50) NOT NULL, PRIMARY KEY (id), KEY name (name)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO users VALUES (1,'Ada'),(2,'Grace'),(3,'Edsger');
CREATE TABLE notes (id int NOT NULL, text varchar(50), PRIMARY KEY (id)) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4;
INSERT INTO notes VALUES (1,'one'),(2,'two');
-- Dump completed
`

const dbakefile = `version: 1
base: base:test
dump: %s
accounts:
  root: {password: {secret: root_password}}
verify: ["SELECT COUNT(*) = 3 FROM app.users"]
`

// outcome is what a restore gave, without what may differ.
type outcome struct {
	Level  jail.Level
	Rows   map[string]int64 // by table
	Server string
	// Files are the tree's entries: mode, owner and type by name.
	Files map[string]string
}

// redoNumber depends on how much a server that is in no hurry writes.
var redoNumber = regexp.MustCompile(`_redo\d+`)

// place is a directory that everybody may use, with a base image's layer, the
// agent and a build context in it.
type place string

func prepare(t *testing.T, root string) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "dbake-local-test-") //nolint:usetesting // the directory above t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := place(dir)
	if err := errors.Join(
		os.Chmod(dir, 0o777),
		os.MkdirAll(filepath.Join(dir, "context"), 0o755),
		os.WriteFile(filepath.Join(dir, "context/dump.sql"), []byte(dump), 0o644),
		os.MkdirAll(p.agent()+"/bin", 0o755), os.MkdirAll(p.agent()+"/etc/ssl/certs", 0o755),
		os.WriteFile(p.agent()+agentCerts, nil, 0o644),
	); err != nil {
		t.Fatal(err)
	}
	// Not compressed: the race detector makes decompression very slow.
	pack := exec.CommandContext(t.Context(), "tar", "--numeric-owner", "--exclude=./usr/share/locale", "--exclude=./usr/share/doc",
		"-C", root, "-cf", p.layer(), ".")
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	program, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.agent()+agentSeed, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

// compile gives the agent.
var compile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "dbake-seed-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-o", dir, "github.com/dbake/dbake/cmd/dbake-seed")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile the agent: %w\n%s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "dbake-seed"))
})

func (p place) layer() string { return filepath.Join(string(p), "layer.tar") }

// plainLayer is the name of a tar file that is a layer as it is.
type plainLayer string

func (l plainLayer) DiffID() (v1.Hash, error) {
	file, err := os.Open(string(l))
	if err != nil {
		return v1.Hash{}, err
	}
	defer file.Close()
	hash, _, err := v1.SHA256(file)
	return hash, err
}

func (l plainLayer) Digest() (v1.Hash, error)             { return l.DiffID() }
func (l plainLayer) Compressed() (io.ReadCloser, error)   { return os.Open(string(l)) }
func (l plainLayer) Uncompressed() (io.ReadCloser, error) { return os.Open(string(l)) }
func (l plainLayer) MediaType() (types.MediaType, error)  { return types.OCIUncompressedLayer, nil }

func (l plainLayer) Size() (int64, error) {
	info, err := os.Stat(string(l))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (p place) agent() string { return filepath.Join(string(p), "agent") }

func (p place) options(level jail.Level) Options {
	user := fmt.Sprint(os.Geteuid())
	cache := sharedCache
	if os.Getenv(roleVariable) != "" {
		cache = cmp.Or(os.Getenv(cacheVariable), filepath.Join(string(p), "cache"))
	}
	return Options{Agent: p.agent(), Level: level, Cache: cache, Work: filepath.Join(string(p), "work-"+user)}
}

func (p place) order(t *testing.T, source string) builder.Order {
	t.Helper()
	text := fmt.Sprintf(dbakefile, source)
	file, err := spec.Parse("dbake.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, plainLayer(p.layer()))
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{Env: []string{"PATH=" + defaultPath, "LANG=C.UTF-8"}}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return builder.Order{
		File: file, Name: "dbake.yaml", Data: []byte(text), Context: filepath.Join(string(p), "context"), Base: img,
		Secrets: secretMap{"root_password": "correct horse", "AWS_ACCESS_KEY_ID": "test-id", "AWS_SECRET_ACCESS_KEY": "test-key"},
	}
}

// restore restores and says what came out.
func (p place) restore(t *testing.T, level jail.Level, o builder.Order) outcome {
	t.Helper()
	b, err := New(t.Context(), p.options(level))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var mu sync.Mutex
	began := time.Now()
	restored, err := b.Restore(t.Context(), o, func(s *client.SolveStatus) {
		mu.Lock()
		defer mu.Unlock()
		for _, l := range s.Logs {
			log.Write(l.Data)
		}
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	t.Logf("restored in %v\n%s", time.Since(began).Round(time.Millisecond), &log)
	if strings.Contains(log.String(), "correct horse") || strings.Contains(log.String(), "test-key") {
		t.Error("a secret is in the log")
	}
	out := outcome{Rows: map[string]int64{}, Files: map[string]string{}, Server: restored.Resolved.Base.Server}
	out.Level, _ = b.Level()
	var m manifest.Manifest
	if err := json.Unmarshal(restored.Manifest, &m); err != nil {
		t.Fatal(err)
	}
	for _, table := range m.Tables {
		out.Rows[table.Schema+"."+table.Name] = table.Rows
	}
	for _, e := range restored.Data.Entries {
		h := e.Header
		name, link := redoNumber.ReplaceAllString(h.Name, "_redo"), redoNumber.ReplaceAllString(h.Linkname, "_redo")
		out.Files[name] = fmt.Sprintf("%c %o %d:%d %s", h.Typeflag, h.Mode, h.Uid, h.Gid, link)
		if e.Open == nil || h.Typeflag != tar.TypeReg {
			continue
		}
		content, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, content); err != nil || n != h.Size {
			t.Errorf("%s has %d bytes, %v; want %d", h.Name, n, err, h.Size)
		}
		content.Close()
	}
	if err := restored.Close(); err != nil {
		t.Error(err)
	}
	p.nothingLeft(t)
	return out
}

// nothingLeft fails when the work directory has anything in it, a process runs in
// it, or a mount is on it.
func (p place) nothingLeft(t *testing.T) {
	t.Helper()
	work := p.options("").Work
	if left, err := os.ReadDir(work); err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), work) {
		t.Errorf("a mount is left: %v", err)
	}
	for _, pid := range processesBelow(work) {
		t.Errorf("the process %s is left", pid)
	}
}

func processesBelow(dir string) []string {
	roots, _ := filepath.Glob("/proc/[0-9]*/root")
	return slices.DeleteFunc(roots, func(link string) bool {
		root, err := os.Readlink(link)
		return err != nil || !strings.HasPrefix(root, dir+"/")
	})
}

// TestRole is what a test of root has others do.
func TestRole(t *testing.T) {
	p := place(os.Getenv(placeVariable))
	switch os.Getenv(roleVariable) {
	case "restore":
		text, err := json.Marshal(p.restore(t, "", p.order(t, "dump.sql")))
		if err == nil {
			err = os.WriteFile(filepath.Join(os.Getenv("TMPDIR"), "outcome.json"), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	case "hang":
		b, err := New(t.Context(), p.options(jail.Level(os.Getenv("DBAKE_TEST_LEVEL"))))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = b.Restore(t.Context(), p.order(t, "dump.sql"), func(s *client.SolveStatus) {
			for _, l := range s.Logs {
				os.Stdout.Write(l.Data)
			}
		})
	default:
		t.Skip("has no role")
	}
}

// restoreAs restores in a process of another user, which setpriv makes.
func (p place) restoreAs(t *testing.T, uid int, args ...string) outcome {
	t.Helper()
	temp := filepath.Join(string(p), fmt.Sprint("temp-", uid))
	if err := errors.Join(os.Mkdir(temp, 0o755), os.Chown(temp, uid, uid)); err != nil {
		t.Fatal(err)
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.CommandContext(t.Context(), "setpriv", append(args, "/proc/self/fd/3", "-test.run=^TestRole$", "-test.v", "-test.timeout=3m")...)
	cmd.ExtraFiles = []*os.File{self}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), roleVariable+"=restore", placeVariable+"="+string(p), "TMPDIR="+temp)
	if uid == 0 {
		cmd.Env = append(cmd.Env, cacheVariable+"="+sharedCache)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	text, err := os.ReadFile(filepath.Join(temp, "outcome.json"))
	var got outcome
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func eachFlavour(t *testing.T, test func(t *testing.T, root string)) {
	t.Helper()
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("needs root, and takes a while")
	}
	for name, variable := range map[string]string{"mysql": inroot.MySQLRoot, "mariadb": inroot.MariaDBRoot} {
		t.Run(name, func(t *testing.T) {
			root := os.Getenv(variable)
			if root == "" {
				t.Skipf("%s names no root filesystem", variable)
			}
			test(t, root)
		})
	}
}

// Whoever restores, and however the agent is confined, the same comes out.
func TestSameDataAtEveryLevel(t *testing.T) {
	t.Parallel()
	eachFlavour(t, func(t *testing.T, root string) {
		t.Helper()
		p := prepare(t, root)
		want := p.restoreAs(t, 0, "--bounding-set=-sys_admin,-mknod,-sys_ptrace", "--inh-caps=-all")
		if diff := gocmp.Diff(map[string]int64{"app.users": 3, "app.notes": 2}, want.Rows); diff != "" {
			t.Error(diff)
		}
		got := map[jail.Level]outcome{
			jail.Chroot:        want,
			jail.UserNamespace: p.restoreAs(t, 65534, "--reuid=65534", "--regid=65534", "--clear-groups"),
		}
		if root == os.Getenv(inroot.MySQLRoot) {
			order := p.order(t, "s3://backup/dump.sql")
			order.Args = map[string]string{"AWS_ENDPOINT_URL_S3": startS3(t), "AWS_REGION": "us-east-1", "DBAKE_S3_PATH_STYLE": "1"}
			got[jail.Namespaces] = p.restore(t, "", order)
		}
		for level, got := range got {
			if got.Level != level {
				t.Errorf("level %q, want %q", got.Level, level)
			}
			got.Level = want.Level
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("%s gives other data: %s", level, diff)
			}
		}
	})
}

// startS3 starts an S3 server with the dump, which refuses whoever is not known.
func startS3(t *testing.T) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("backup"); err != nil {
		t.Fatal(err)
	}
	if _, err := backend.PutObject("backup", "dump.sql", nil, strings.NewReader(dump), int64(len(dump)), nil); err != nil {
		t.Fatal(err)
	}
	handler := gofakes3.New(backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=test-id/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// At whatever moment it is cancelled, nothing stays but the cache.
func TestCancelledAtAnyMoment(t *testing.T) {
	t.Parallel()
	root := os.Getenv(inroot.MySQLRoot)
	if root == "" || os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root and a root filesystem")
	}
	p := prepare(t, root)
	o := p.order(t, "dump.sql")
	b, err := New(t.Context(), p.options(""))
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("the user went away")
	if _, err := b.Resolve(t.Context(), o, progress.Discard); err != nil {
		t.Fatal(err)
	}
	p.nothingLeft(t)
	for i, level := range []jail.Level{jail.Namespaces, jail.Chroot, jail.Chroot} {
		if b, err = New(t.Context(), p.options(level)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		timer := time.AfterFunc(time.Duration(i*500+rand.IntN(500))*time.Millisecond, func() { cancel(gone) })
		restored, err := b.Restore(ctx, o, progress.Discard)
		timer.Stop()
		cancel(nil)
		if err == nil { // it was done before
			err = errors.Join(restored.Close(), gone)
		}
		if !errors.Is(err, gone) {
			t.Errorf("error %v, want the cause", err)
		}
		p.nothingLeft(t)
	}
	if _, err := b.Resolve(t.Context(), o, func(s *client.SolveStatus) {
		for _, v := range s.Vertexes {
			if strings.HasPrefix(v.Name, "[base]") && v.Completed != nil && !v.Cached {
				t.Error("the cached base is not as it was")
			}
		}
	}); err != nil {
		t.Error(err)
	}
}

// What a bake leaves that is killed, its processes above all, is gone or removed
// by the next.
func TestKilledBake(t *testing.T) {
	t.Parallel()
	root := os.Getenv(inroot.MySQLRoot)
	if root == "" || os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root and a root filesystem")
	}
	p := prepare(t, root)
	// In namespaces, the kernel ends the processes: see package jail.
	for _, level := range []jail.Level{jail.Chroot} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestRole$")
		cmd.Env = append(os.Environ(), roleVariable+"=hang", placeVariable+"="+string(p), "DBAKE_TEST_LEVEL="+string(level), cacheVariable+"="+sharedCache)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var seen []byte
		for chunk := make([]byte, 4096); !bytes.Contains(seen, []byte("start the server")); {
			n, err := out.Read(chunk)
			if seen = append(seen, chunk[:n]...); err != nil {
				t.Fatalf("%v\n%s", err, seen)
			}
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		b, err := New(t.Context(), p.options(level))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Resolve(t.Context(), p.order(t, "dump.sql"), progress.Discard); err != nil {
			t.Error(err)
		}
		p.nothingLeft(t)
	}
}

// Failures come back as what the agent says, at their place in the file.
func TestFailures(t *testing.T) {
	t.Parallel()
	root := os.Getenv(inroot.MySQLRoot)
	if root == "" || os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root and a root filesystem")
	}
	p := prepare(t, root)
	b, err := New(t.Context(), p.options(""))
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(string(p), "context/broken.sql")
	if err := os.WriteFile(broken, []byte("CREATE DATABASE a; USE a;\nCREATE TABLE;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = b.Restore(t.Context(), p.order(t, "broken.sql"), progress.Discard)
	var at *spec.Error
	if !errors.As(err, &at) || at.Pos.Line != 3 || !strings.Contains(err.Error(), "broken.sql") {
		t.Errorf("error %v", err)
	}
	p.nothingLeft(t)
	empty := p.order(t, "dump.sql")
	empty.Base, err = mutate.ConfigFile(empty.Base, &v1.ConfigFile{Architecture: "s390x", OS: "linux"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = b.Resolve(t.Context(), empty, progress.Discard); !errors.As(err, &at) || at.Path != "base" || !strings.Contains(err.Error(), "linux/s390x") {
		t.Errorf("error %v", err)
	}
}
