package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests of this file's containers run the entrypoint with a real server
// in the root file system (a directory or a tar file) that these variables
// name, and are skipped without. A container is a process in namespaces of
// its own, as PID 1, on an overlay of that root: what docker run makes, with
// nothing to install.
var rootEnv = map[string]string{"mysql": "DBAKE_TEST_ROOT_MYSQL", "mariadb": "DBAKE_TEST_ROOT_MARIADB"}

// image is a root file system with data baked into it.
type image struct {
	flavour string
	// lower are overlay layers, the topmost first.
	lower  string
	client string
}

var (
	imagesMu sync.Mutex
	images   = map[string]*image{}
	// imageDir holds the images of one run of the tests; TestMain removes it.
	imageDir string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dbake-entrypoint")
	if err != nil {
		panic(err)
	}
	imageDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var flavours = []string{"mysql", "mariadb"}

// flavourImage returns the image of a flavour, and skips the test where there
// is no root file system for one.
func flavourImage(t *testing.T, flavour string) *image {
	t.Helper()
	root := os.Getenv(rootEnv[flavour])
	if root == "" {
		t.Skipf("%s names no root file system", rootEnv[flavour])
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root for namespaces and mounts")
	}
	imagesMu.Lock()
	defer imagesMu.Unlock()
	if images[flavour] == nil {
		images[flavour] = bake(t, flavour, root)
	}
	return images[flavour]
}

// bake makes an image as dbake does: data directory, second copy, settings.
func bake(t *testing.T, flavour, root string) *image {
	t.Helper()
	dir := filepath.Join(imageDir, flavour)
	if info, err := os.Stat(root); err != nil {
		t.Fatal(err)
	} else if !info.IsDir() {
		unpacked := filepath.Join(dir, "root")
		must(t, os.MkdirAll(unpacked, 0o755))
		run(t, "tar", "-C", unpacked, "--exclude=./dev/*", "-xf", root)
		root = unpacked
	}
	upper, merged := filepath.Join(dir, "upper"), filepath.Join(dir, "merged")
	for _, d := range []string{upper, merged, filepath.Join(dir, "work")} {
		must(t, os.MkdirAll(d, 0o755))
	}
	run(t, "mount", "-t", "overlay", "overlay", "-o",
		fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", root, upper, filepath.Join(dir, "work")), merged)
	defer run(t, "umount", merged)

	img := &image{flavour: flavour, lower: upper + ":" + root, client: "/usr/bin/mysql"}
	server, initialise := "/usr/sbin/mysqld", "mysqld --no-defaults --initialize-insecure --user=mysql --datadir=/data/mysql"
	if flavour == "mariadb" {
		img.client, server = "/usr/bin/mariadb", "/usr/sbin/mariadbd"
		initialise = "mariadb-install-db --no-defaults --rpm --skip-name-resolve --skip-test-db --user=mysql --datadir=/data/mysql --auth-root-authentication-method=normal"
	}
	run(t, "chroot", merged, "/bin/sh", "-ec", `
		[ -e /dev/null ] || { mknod /dev/null c 1 3; mknod /dev/urandom c 1 9; mknod /dev/random c 1 8; mknod /dev/zero c 1 5; chmod 666 /dev/*; }
		grep -q ^mysql: /etc/group || echo mysql:x:999: >>/etc/group
		grep -q ^mysql: /etc/passwd || echo mysql:x:999:999::/var/lib/mysql:/bin/false >>/etc/passwd
		rm -rf /etc/my.cnf /etc/mysql && mkdir -p /etc/my.cnf.d /data/mysql /usr/share/dbake /docker-entrypoint-initdb.d /vol /proc
		rm -rf /run/mysqld; mkdir -m 1777 /run/mysqld
		chown mysql:mysql /run/mysqld /data/mysql
		cat >/etc/my.cnf <<-END
			[mysqld]
			socket=/var/run/mysqld/mysqld.sock
			skip-networking
			innodb-buffer-pool-size=32M
			performance-schema=0
			skip-log-bin
			secure-file-priv=
			!includedir /etc/my.cnf.d
		END
		`+initialise+`
		rm -f /data/mysql/auto.cnf
		cp -al /data/mysql /usr/share/dbake/datadir
	`)
	var uid, gid int
	id := output(t, "chroot", merged, "/bin/sh", "-c", "echo $(id -u mysql) $(id -g mysql)")
	if _, err := fmt.Sscan(id, &uid, &gid); err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(map[string]any{
		"flavour": flavour, "server": server, "client": img.client, "user": "mysql", "uid": uid, "gid": gid,
		"socket": "/var/run/mysqld/mysqld.sock", "datadir": "/data/mysql", "pristine": "/usr/share/dbake/datadir",
	})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(merged, "usr/share/dbake/entrypoint.json"), settings, 0o644))
	build(t, filepath.Join(merged, "usr/local/bin/dbake-entrypoint"))
	return img
}

// build makes the program as the image gets it.
func build(t *testing.T, path string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
}

// container is a container's file system, and its process once started.
type container struct {
	t    *testing.T
	img  *image
	root string
	// user is what --user would say, as uid:gid.
	user string
	env  []string
	// mounts are shell commands that run in the container's mount namespace
	// before its root is changed, with $R for that root.
	mounts []string

	cmd    *exec.Cmd
	log    *logBuffer
	waited chan struct{}
}

// newContainer makes a container that is removed when the test ends.
func newContainer(t *testing.T, img *image) *container {
	t.Helper()
	dir := t.TempDir()
	c := &container{t: t, img: img, root: filepath.Join(dir, "root")}
	for _, d := range []string{"root", "upper", "work"} {
		must(t, os.Mkdir(filepath.Join(dir, d), 0o755))
	}
	run(t, "mount", "-t", "overlay", "overlay", "-o",
		fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", img.lower, dir, dir), c.root)
	t.Cleanup(func() {
		c.kill()
		run(t, "umount", c.root)
	})
	return c
}

// put writes a file into the container.
func (c *container) put(path, content string, mode os.FileMode) {
	c.t.Helper()
	path = filepath.Join(c.root, path)
	must(c.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(c.t, os.WriteFile(path, []byte(content), mode))
	must(c.t, os.Chmod(path, mode))
}

// start runs the entrypoint with args as PID 1, as "docker run IMAGE args" and
// "docker start" do.
func (c *container) start(args ...string) {
	c.t.Helper()
	script := "set -e; mount --make-rprivate /; mount -t proc proc $R/proc\n" +
		strings.Join(c.mounts, "\n") + "\n" +
		`exec chroot ${U:+--groups= --userspec=$U} $R env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"`
	full := append([]string{"-c", script, "sh"}, c.env...)
	full = append(full, "/usr/local/bin/dbake-entrypoint")
	c.cmd = exec.Command("/bin/sh", append(full, args...)...)
	c.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "R=" + c.root, "U=" + c.user}
	c.log = &logBuffer{}
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.WaitDelay = 5 * time.Second
	c.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL, Setpgid: true,
	}
	must(c.t, c.cmd.Start())
	c.waited = make(chan struct{})
	cmd, waited := c.cmd, c.waited
	go func() { _ = cmd.Wait(); close(waited) }()
}

// up starts the container and waits until it is healthy.
func (c *container) up(args ...string) {
	c.t.Helper()
	c.start(args...)
	c.until("healthy", func() bool { _, err := c.health(); return err == nil })
}

func (c *container) until(what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(30 * time.Millisecond) {
		select {
		case <-c.waited:
			c.t.Fatalf("ended before %s:\n%s", what, c.log)
		default:
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("not %s in time:\n%s", what, c.log)
		}
	}
}

// wait waits for the end and returns the exit status.
func (c *container) wait() int {
	c.t.Helper()
	select {
	case <-c.waited:
	case <-time.After(60 * time.Second):
		c.t.Fatalf("does not end:\n%s", c.log)
	}
	return c.cmd.ProcessState.ExitCode()
}

func (c *container) signal(s syscall.Signal) {
	c.t.Helper()
	must(c.t, c.cmd.Process.Signal(s))
}

// stop ends the container as "docker stop" does and wants a clean end.
func (c *container) stop() {
	c.t.Helper()
	c.signal(syscall.SIGTERM)
	if status := c.wait(); status != 0 {
		c.t.Errorf("exit status %d after SIGTERM:\n%s", status, c.log)
	}
}

func (c *container) kill() {
	if c.cmd != nil {
		_ = c.cmd.Process.Kill()
		<-c.waited
	}
}

// exec runs a command in the container as "docker exec" does.
func (c *container) exec(args ...string) (string, error) {
	pid := fmt.Sprint(c.cmd.Process.Pid)
	cmd := exec.Command("nsenter", append([]string{"-t", pid, "-m", "-p", "-n", "-i", "-r", "-w", "--"}, args...)...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (c *container) health() (string, error) {
	return c.exec("/usr/local/bin/dbake-entrypoint", "healthcheck")
}

// query runs SQL as user.
func (c *container) query(user, password, sql string) (string, error) {
	args := []string{"/usr/bin/env", "MYSQL_PWD=" + password, c.img.client, "--no-defaults", "-N", "-B", "--default-character-set=utf8mb4", "-S", "/var/run/mysqld/mysqld.sock", "-u", user}
	return c.exec(append(args, "-e", sql)...)
}

// want runs SQL as root and compares its answer.
func (c *container) want(password, sql, answer string) {
	c.t.Helper()
	got, err := c.query("root", password, sql)
	if err != nil || got != answer {
		c.t.Errorf("%s: got %q, want %q (%v)\n%s", sql, got, answer, err, c.log)
	}
}

// serverPID is the server's process id as the host sees it.
func (c *container) serverPID() string {
	c.t.Helper()
	out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", c.cmd.Process.Pid, c.cmd.Process.Pid))
	must(c.t, err)
	pids := strings.Fields(string(out))
	if len(pids) != 1 {
		c.t.Fatalf("PID 1 has %d children, want the server alone", len(pids))
	}
	return pids[0]
}

// logBuffer is a container's output, safe to look at while it grows.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// own returns the lines that the entrypoint has written.
func (l *logBuffer) own() []string {
	var lines []string
	for _, line := range strings.Split(l.String(), "\n") {
		if strings.HasPrefix(line, "dbake: ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func run(t *testing.T, name string, args ...string) { t.Helper(); output(t, name, args...) }

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
