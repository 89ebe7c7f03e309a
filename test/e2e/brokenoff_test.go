package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbake/dbake/test/parts"
)

// running is a build that waits in the middle of its bake.
type running struct {
	*project
	ref    string
	cmd    *exec.Cmd
	output syncBuffer
}

// startBuild starts a build and returns when its bake waits.
func startBuild(t *testing.T, flavour parts.Flavour) *running {
	t.Helper()
	p := newProject(t, flavour, "restore: {database: shop}\ndump: app.sql\nafter: [wait.sql]\n")
	p.write("app.sql", header+"CREATE TABLE item (id INT PRIMARY KEY);\n"+trailer)
	p.write("wait.sql", "DO SLEEP(300);\n")
	r := &running{project: p, ref: newRef(t)}
	args := append([]string{"build", "--progress=plain", "-f", "dbake.yaml", "--tag", r.ref, "--push"}, p.args...)
	r.cmd = p.buildx(t.Context(), append(args, ".")...)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.cmd.Stdout, r.cmd.Stderr = &r.output, &r.output
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, time.Minute, func() bool { return strings.Contains(r.output.String(), "run: wait.sql") },
		func() string { return "the script does not start:\n" + r.output.String() })
	if len(baking()) < 2 {
		t.Fatalf("agent and server should run now, but there is only %q", baking())
	}
	return r
}

// mustFail waits for the build's end and gives its one error.
func (r *running) mustFail() string {
	r.t.Helper()
	if err := r.cmd.Wait(); err == nil {
		r.t.Error("the build succeeds")
	}
	nothingBakes(r.t)
	notPushed(r.t, r.ref)
	return r.oneError(r.output.String())
}

// Ctrl-C ends the build, and everything it has started.
func TestCancelledBuild(t *testing.T) {
	each(t, func(t *testing.T, flavour parts.Flavour) {
		r := startBuild(t, flavour)
		began := time.Now()
		// As Ctrl-C in a terminal does, the signal goes to the whole group.
		if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		holds(t, r.mustFail(), "canceled")
		t.Logf("everything had ended %v after the signal", time.Since(began).Round(time.Millisecond))
	})
}

// Somebody, most likely the kernel for want of memory, kills the agent or the
// server: the build fails, and nothing is left.
func TestKilledBake(t *testing.T) {
	for _, c := range []struct{ name, program, want string }{
		{"agent", "dbake-seed", ""},
		{"server", "mysqld", "killed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := startBuild(t, parts.MySQL)
			for _, pid := range bakingPIDs(c.program) {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			holds(t, r.mustFail(), c.want)
		})
	}
}

// bakingPIDs gives the processes of a program in this test's builder.
func bakingPIDs(program string) []int {
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	var found []int
	for _, name := range names {
		comm, _ := os.ReadFile(name)
		groups, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cgroup"))
		if !strings.HasPrefix(string(comm), program) || !bytes.Contains(groups, []byte(filepath.Base(all.Dir()))) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}
