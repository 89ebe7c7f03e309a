//go:build linux

package jail_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dbake/dbake/baker/jail"
)

func TestMain(m *testing.M) {
	if status, inside := jail.Main(); inside {
		os.Exit(status)
	}
	goleak.VerifyTestMain(m)
}

// asVariable says whose part a test plays: tests of root start themselves anew as
// others.
const asVariable = "DBAKE_TEST_AS"

// everyLevel runs a test at each level that there is, as the user it is for.
func everyLevel(t *testing.T, test func(t *testing.T, b *box)) {
	t.Helper()
	if os.Geteuid() != 0 && os.Getenv(asVariable) == "" {
		t.Skip("the levels need root")
	}
	switch os.Getenv(asVariable) {
	case "":
		t.Run("namespaces", func(t *testing.T) { t.Parallel(); test(t, newBox(t, "")) })
		t.Run("chroot", func(t *testing.T) { t.Parallel(); test(t, newBox(t, jail.Chroot)) })
		t.Run("as a container's root", func(t *testing.T) { t.Parallel(); runAs(t, "container") })
		t.Run("as nobody", func(t *testing.T) { t.Parallel(); runAs(t, "nobody") })
	default:
		test(t, newBox(t, ""))
	}
}

// runAs runs the test that calls it in a process of another user.
func runAs(t *testing.T, who string) {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	// The directory above t.TempDir is closed to others.
	temp, err := os.MkdirTemp("", "dbake-jail-test-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temp) })
	args := []string{"--bounding-set=-sys_admin,-mknod,-sys_ptrace", "--inh-caps=-all"}
	if who == "nobody" {
		args = []string{"--reuid=65534", "--regid=65534", "--clear-groups"}
		if err := os.Chown(temp, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "setpriv", append(args, "/proc/self/fd/3", "-test.run=^"+name+"$", "-test.count=1", "-test.timeout=2m")...)
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd.ExtraFiles = []*os.File{self}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), asVariable+"="+who, "TMPDIR="+temp, "DBAKE_TEST_PROGRAM="+program(t))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("as %s: %v\n%s", who, err, out)
	}
}

// program is what runs inside, compiled once.
func program(t *testing.T) string {
	t.Helper()
	if file := os.Getenv("DBAKE_TEST_PROGRAM"); file != "" {
		return file
	}
	file, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var compile = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs("testdata/bin")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "inside")
	cmd := exec.Command("go", "build", "-o", file, "./testdata/inside")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return file, nil
})

// box is a root filesystem and a working directory.
type box struct {
	root, work string
	level      jail.Level
}

func newBox(t *testing.T, level jail.Level) *box {
	t.Helper()
	dir := t.TempDir()
	b := &box{root: filepath.Join(dir, "a:strange,root"), work: filepath.Join(dir, "work"), level: level}
	text, err := os.ReadFile(program(t))
	err = errors.Join(
		err, os.Mkdir(b.root, 0o755), os.Mkdir(b.work, 0o755),
		os.WriteFile(filepath.Join(b.root, "inside"), text, 0o755),
		os.WriteFile(filepath.Join(b.root, "own"), []byte("pristine"), 0o644),
		os.WriteFile(filepath.Join(b.root, "open"), []byte("pristine"), 0o666),
		os.Chmod(filepath.Join(b.root, "open"), 0o666),
		os.MkdirAll(filepath.Join(b.root, "etc"), 0o755),
		// Links that lead nowhere good when they are followed outside.
		os.Symlink("/../../../../etc", filepath.Join(b.root, "out")),
		os.Symlink("/out/dbake-jail-test", filepath.Join(b.root, "run")),
	)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *box) config() jail.Config {
	return jail.Config{
		Level: b.level, Root: b.root, Work: b.work,
		Dirs: []string{"/run/shared"}, Temp: []string{"/run/temp"}, UID: 999, GID: 998,
	}
}

func (b *box) open(t *testing.T, config jail.Config) *jail.Jail {
	t.Helper()
	j, err := jail.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// view is what the program inside sees.
type view struct {
	UID, GID   int
	Host       string
	Env, Root  []string
	Files      map[string]string
	CapEff     string `json:"CapEff:"`
	CapBnd     string `json:"CapBnd:"`
	NoNewPrivs string `json:"NoNewPrivs:"`
	Mounts     int
	Null       bool
}

func look(t *testing.T, j *jail.Jail, secrets map[string][]byte, files ...string) view {
	t.Helper()
	var out bytes.Buffer
	err := j.Run(t.Context(), jail.Command{
		Path: "/inside", Args: append([]string{"look"}, files...), Env: []string{"A=1"}, Output: &out, Secrets: secrets,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	var v view
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return v
}

func TestWhatIsSeenInside(t *testing.T) {
	t.Parallel()
	everyLevel(t, func(t *testing.T, b *box) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "file")
		if err := errors.Join(os.WriteFile(file+".1", []byte("content"), 0o644), os.Symlink("file.1", file)); err != nil {
			t.Fatal(err)
		}
		config := b.config()
		config.Files = []jail.File{{From: file, To: "/given/file"}}
		j := b.open(t, config)
		if err := os.WriteFile(filepath.Join(j.Path("/run/shared"), "order"), []byte("do it"), 0o644); err != nil {
			t.Fatal(err)
		}
		v := look(t, j, map[string][]byte{"/run/temp/secrets/key": []byte("hush")},
			"/given/file", "/run/shared/order", "/run/temp/secrets/key", "/etc/resolv.conf", file)
		names, _ := os.ReadFile("/etc/resolv.conf")
		want := map[string]string{
			"/given/file": "content", "/run/shared/order": "do it", "/run/temp/secrets/key": "hush",
			"/etc/resolv.conf": string(names), file: "open " + file + ": no such file or directory",
		}
		if diff := cmp.Diff(want, v.Files); diff != "" {
			t.Error(diff)
		}
		if !slices.Equal(v.Env, []string{"A=1"}) || !v.Null {
			t.Errorf("%+v", v)
		}
		checkLevel(t, j, v)
		if _, err := os.Stat("/etc/dbake-jail-test"); err == nil {
			t.Error("a link led out of the root filesystem")
		}
		// The next program finds nothing of it.
		if v := look(t, j, nil, "/run/temp/secrets/key"); !strings.Contains(v.Files["/run/temp/secrets/key"], "no such file") {
			t.Errorf("the secret is still there: %v", v.Files)
		}
	})
}

func checkLevel(t *testing.T, j *jail.Jail, v view) {
	t.Helper()
	t.Logf("%s (%s): %+v", j.Level(), j.Reason(), v)
	wantLevel := map[string]jail.Level{"nobody": jail.UserNamespace, "container": jail.Chroot}[os.Getenv(asVariable)]
	if wantLevel != "" && j.Level() != wantLevel {
		t.Errorf("level %q (%s), want %q", j.Level(), j.Reason(), wantLevel)
	}
	switch j.Level() {
	case jail.UserNamespace:
		if v.UID != 999 || v.GID != 998 || v.Host != "dbake" || strings.Trim(v.CapEff, "0") != "" || v.NoNewPrivs != "1" {
			t.Errorf("%+v", v)
		}
	case jail.Namespaces:
		if v.UID != 0 || v.GID != 0 || v.Host != "dbake" || v.NoNewPrivs != "1" || v.CapEff != "00000000000000fb" || v.CapBnd != v.CapEff {
			t.Errorf("%+v", v)
		}
	case jail.Chroot:
		if v.UID != 0 || v.GID != 0 {
			t.Errorf("%+v", v)
		}
	}
}

// Whatever the program does to its files, the root filesystem stays as it was.
func TestRootFilesystemIsNotChanged(t *testing.T) {
	t.Parallel()
	everyLevel(t, func(t *testing.T, b *box) {
		t.Helper()
		before := snapshot(t, b.root)
		j := b.open(t, b.config())
		var out bytes.Buffer
		if err := j.Run(t.Context(), jail.Command{Path: "/inside", Args: []string{"write", "/open", "/new", "/run/shared/new"}, Output: &out}); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 0 {
			t.Errorf("%s", &out)
		}
		if diff := cmp.Diff(before, snapshot(t, b.root)); diff != "" {
			t.Error(diff)
		}
		if text, err := os.ReadFile(filepath.Join(j.Path("/run/shared"), "new")); string(text) != "changed" {
			t.Errorf("what the program wrote for its caller: %q, %v", text, err)
		}
	})
}

// snapshot gives the content and mode of every file.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() && info.Size() < 1000 {
			var text []byte
			text, err = os.ReadFile(name)
			files[name] = string(text)
		}
		files[name] += " " + info.Mode().String()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestOverlayThatIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	b := newBox(t, jail.Namespaces)
	// An overlay cannot have its upper directory on an overlay.
	dirs := map[string]string{}
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		dirs[name] = filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dirs[name], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	work := filepath.Join(filepath.Dir(dirs["upper"]), "work")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	options := "lowerdir=" + dirs["lower"] + ",upperdir=" + dirs["upper"] + ",workdir=" + work
	if err := syscall.Mount("overlay", dirs["merged"], "overlay", 0, options); err != nil {
		t.Skipf("no overlay here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dirs["merged"], 0); err != nil {
			t.Errorf("the jail left something on its directory: %v", err)
		}
	})
	b.work = filepath.Join(dirs["merged"], "w")
	if err := os.Mkdir(b.work, 0o755); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, b.root)
	j := b.open(t, b.config())
	if v := look(t, j, nil, "/own"); v.Files["/own"] != "pristine" {
		t.Errorf("%+v", v)
	}
	if err := j.Run(t.Context(), jail.Command{Path: "/inside", Args: []string{"write", "/open", "/new"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshot(t, b.root)); diff != "" {
		t.Error(diff)
	}
}

func TestHowProgramsEnd(t *testing.T) {
	t.Parallel()
	everyLevel(t, func(t *testing.T, b *box) {
		t.Helper()
		j := b.open(t, b.config())
		var exit *jail.ExitError
		if err := j.Run(t.Context(), jail.Command{Path: "/inside", Args: []string{"exit"}}); !errors.As(err, &exit) || exit.Code != 7 {
			t.Errorf("error %v, want exit status 7", err)
		}
		var setup *jail.SetupError
		if err := j.Run(t.Context(), jail.Command{Path: "/missing"}); !errors.As(err, &setup) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v, want one of a missing program", err)
		}
		// What a program leaves behind ends with it.
		if err := j.Run(t.Context(), jail.Command{Path: "/inside", Args: []string{"leave"}}); err != nil {
			t.Error(err)
		}
		nothingRuns(t, b)
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	everyLevel(t, func(t *testing.T, b *box) {
		t.Helper()
		j := b.open(t, b.config())
		gone := errors.New("the user went away")
		for _, c := range []struct{ command, said string }{{"obey", "told to end"}, {"cling", ""}} {
			ctx, cancel := context.WithCancelCause(t.Context())
			out := &watched{text: "ready", seen: func() { cancel(gone) }}
			err := j.Run(ctx, jail.Command{Path: "/inside", Args: []string{c.command}, Output: out, Grace: 300 * time.Millisecond})
			if c.command == "obey" {
				out.mu.Lock()
				if !strings.Contains(out.all.String(), c.said) {
					t.Errorf("the program was not asked to end: %s", &out.all)
				}
				out.mu.Unlock()
			}
			if !errors.Is(err, gone) {
				t.Errorf("%s: error %v, want the cause", c.command, err)
			}
			cancel(nil)
			nothingRuns(t, b)
		}
		if err := j.Run(alreadyEnded(t, gone), jail.Command{Path: "/inside"}); !errors.Is(err, gone) {
			t.Errorf("error %v, want the cause", err)
		}
	})
}

func alreadyEnded(t *testing.T, cause error) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	return ctx
}

// At whatever moment it is cancelled, nothing stays.
func TestCancelledAtAnyMoment(t *testing.T) {
	t.Parallel()
	everyLevel(t, func(t *testing.T, b *box) {
		t.Helper()
		before := mounts(t)
		j := b.open(t, b.config())
		for range 8 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(60))*time.Millisecond)
			err := j.Run(ctx, jail.Command{Path: "/inside", Args: []string{"cling"}, Grace: time.Millisecond})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			nothingRuns(t, b)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(filepath.Join(b.work, "root")); err != nil {
			t.Errorf("remove the working directory: %v", err)
		}
		if after := mounts(t); strings.Contains(after, b.work) {
			t.Errorf("mounts before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func mounts(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The jail's programs die with a caller that is killed.
func TestCallerIsKilled(t *testing.T) {
	t.Parallel()
	if level := os.Getenv("DBAKE_TEST_VICTIM"); level != "" {
		b := &box{root: os.Getenv("DBAKE_TEST_VICTIM_ROOT"), work: os.Getenv("DBAKE_TEST_VICTIM_WORK"), level: jail.Level(level)}
		_ = b.open(t, b.config()).Run(t.Context(), jail.Command{Path: "/inside", Args: []string{"obey"}, Output: os.Stdout})
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	for _, level := range []jail.Level{jail.Namespaces, jail.Chroot} {
		t.Run(string(level), func(t *testing.T) {
			t.Parallel()
			b := newBox(t, level)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^TestCallerIsKilled$")
			cmd.Env = append(os.Environ(), "DBAKE_TEST_VICTIM="+string(level), "DBAKE_TEST_VICTIM_ROOT="+b.root, "DBAKE_TEST_VICTIM_WORK="+b.work)
			cmd.Stdout = &watched{text: "ready", seen: cancel}
			_ = cmd.Run()
			if err := jail.KillBelow(b.work); err != nil {
				t.Error(err)
			}
			nothingRuns(t, b)
		})
	}
}

// nothingRuns waits until no process has its root in the box or runs its program.
func nothingRuns(t *testing.T, b *box) {
	t.Helper()
	// A death signal needs a moment.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		left := running(b)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still there: %v", left)
		}
	}
}

func running(b *box) []string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		for _, link := range []string{"root", "exe"} {
			target, err := os.Readlink(filepath.Join("/proc", e.Name(), link))
			if err == nil && strings.HasPrefix(target, filepath.Dir(b.work)+"/") {
				found = append(found, e.Name()+" "+target)
			}
		}
	}
	return found
}

// watched keeps what is written and calls seen once when a text is in it.
type watched struct {
	mu   sync.Mutex
	all  bytes.Buffer
	text string
	seen func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(p)
	if w.seen != nil && strings.Contains(w.all.String(), w.text) {
		w.seen()
		w.seen = nil
	}
	return len(p), nil
}
