package jail

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killTimeout bounds the wait for killed processes to be gone.
const killTimeout = 10 * time.Second

// killSession kills every process that a chrooted one started and left: those of
// its session, and those whose root is the jail's, as far as that can be seen.
func killSession(session int, root string) error {
	return killAll(func(pid string) bool { return sessionOf(pid) == session || isBelow(rootOf(pid), root) })
}

// KillBelow kills every process whose root directory is dir or lies below it: what
// a bake left whose own process was killed.
func KillBelow(dir string) error {
	return killAll(func(pid string) bool { return isBelow(rootOf(pid), dir) })
}

func isBelow(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

// killAll kills the processes that match until there are none.
func killAll(match func(pid string) bool) error {
	for deadline := time.Now().Add(killTimeout); ; time.Sleep(5 * time.Millisecond) {
		left := 0
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return fmt.Errorf("look for processes of the jail: %w", err)
		}
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || pid == os.Getpid() || !match(e.Name()) || isDead(e.Name()) {
				continue
			}
			left++
			_ = syscall.Kill(pid, syscall.SIGKILL) // gone in the meantime is fine
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes of the jail do not end", left)
		}
	}
}

// rootOf is a process's root directory, or empty: of other users' processes only
// the powerful see it.
func rootOf(pid string) string {
	root, err := os.Readlink(filepath.Join("/proc", pid, "root"))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(root, " (deleted)")
}

// stat gives the fields of /proc/PID/stat behind the program's name, which may
// hold anything (proc_pid_stat(5)): state, parent, group, session, …
func stat(pid string) []string {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return nil
	}
	_, rest, _ := cutLast(string(text), ')')
	return strings.Fields(rest)
}

func cutLast(text string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

func sessionOf(pid string) int {
	fields := stat(pid)
	if len(fields) < 4 {
		return -1
	}
	session, err := strconv.Atoi(fields[3])
	if err != nil {
		return -1
	}
	return session
}

// isDead says that a process has ended and only waits for its parent.
func isDead(pid string) bool {
	fields := stat(pid)
	return len(fields) == 0 || fields[0] == "Z" || fields[0] == "X"
}
