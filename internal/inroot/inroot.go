// Package inroot runs a package's tests inside a root filesystem, the way the
// agent runs inside a base image: a test binary starts itself anew, chrooted
// into a writable overlay of the root filesystem. Tests only; needs root.
package inroot

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Environment variables. The test runner of the project sets the first two to
// directories that hold unpacked root filesystems; the last marks the inside.
const (
	MySQLRoot   = "DBAKE_TEST_ROOT_MYSQL"
	MariaDBRoot = "DBAKE_TEST_ROOT_MARIADB"
	inside      = "DBAKE_TEST_INSIDE"
)

// Flavour tells which root filesystem the process is inside of: "mysql",
// "mariadb", or "" outside.
func Flavour() string { return os.Getenv(inside) }

// Skip skips a test that needs a server outside a root filesystem.
func Skip(t testing.TB) {
	t.Helper()
	if Flavour() == "" {
		t.Skip("runs inside a base image's root filesystem only (TestInRoot)")
	}
	if err := ownProc(); err != nil {
		t.Fatal(err)
	}
}

// ownProc mounts /proc anew, once, so that it shows the processes of our own
// namespace and no others. Mounts made before the namespace show the host's.
var ownProc = sync.OnceValue(func() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep our mounts to ourselves: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount our own /proc: %w", err)
	}
	return nil
})

// Run runs the tests of the calling package whose names match pattern inside
// each root filesystem there is. Call it from a test named TestInRoot.
func Run(t *testing.T, pattern string) {
	t.Helper()
	if Flavour() != "" {
		t.Skip("already inside")
	}
	for flavour, variable := range map[string]string{"mysql": MySQLRoot, "mariadb": MariaDBRoot} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			root := os.Getenv(variable)
			if root == "" {
				t.Skipf("%s names no root filesystem", variable)
			}
			runInside(t, root, flavour, pattern)
		})
	}
}

func runInside(t *testing.T, root, flavour, pattern string) {
	t.Helper()
	merged := mountOverlay(t, root)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bind(t, self, filepath.Join(merged, "run/package.test"))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	bind(t, here, filepath.Join(merged, "run/package"))
	args := []string{"-test.run=" + pattern, "-test.v", "-test.timeout=10m"}
	cmd := exec.CommandContext(t.Context(), "/run/package.test", args...)
	cmd.Dir = "/run/package"
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		inside + "=" + flavour, "TMPDIR=/var/tmp", "HOME=/root",
	}
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "DBAKE_") && !strings.HasPrefix(variable, "DBAKE_TEST_ROOT_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot: merged, Pdeathsig: syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
	}
	out, err := cmd.CombinedOutput()
	t.Logf("inside %s:\n%s", flavour, out)
	if err != nil {
		t.Errorf("inside %s: %v", flavour, err)
	}
	if strings.Contains(string(out), "no tests to run") {
		t.Errorf("no test matches %s", pattern)
	}
}

// mountOverlay mounts a throw-away overlay of root, with /proc, /dev and
// /sys/fs/cgroup of the host, and unmounts it when the test ends.
func mountOverlay(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	merged := filepath.Join(dir, "merged")
	for _, d := range []string{"upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", root, filepath.Join(dir, "upper"), filepath.Join(dir, "work"))
	mount(t, "overlay", merged, "overlay", 0, options)
	mount(t, "proc", filepath.Join(merged, "proc"), "proc", 0, "")
	bind(t, "/dev", filepath.Join(merged, "dev"))
	return merged
}

func bind(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		err = os.MkdirAll(to, 0o755)
	} else {
		err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, nil, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	mount(t, from, to, "", syscall.MS_BIND, "")
}

func mount(t *testing.T, source, target, fstype string, flags uintptr, options string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if fstype != "" {
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount(source, target, fstype, flags, options); err != nil {
		t.Fatalf("mount %s on %s: %v", source, target, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", target, err)
		}
	})
}
