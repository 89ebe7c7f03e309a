package boot

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/account"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

func me() proc.Identity { return proc.Identity{UID: os.Geteuid(), GID: os.Getegid()} }

// The test plays the server: it opens the pipe by name and reads some of it.
func TestInitFileTellsAScriptThatStoppedFromOneThatRan(t *testing.T) {
	long := bytes.Repeat([]byte("SELECT 1;\n"), 100_000) // more than a pipe holds
	for _, c := range []struct {
		name  string
		after []byte
		read  func(needed int) int
		want  bool
	}{
		{"all", nil, func(n int) int { return n + account.Gap + 1000 }, true},
		{"stopped at once", nil, func(int) int { return 4096 }, false},
		{"stopped at the last statement", nil, func(n int) int { return n + 4096 }, false},
		{"stopped before a long script", long, func(n int) int { return n + 4096 }, false},
		{"stopped in a long script", long, func(n int) int { return n + account.Gap + 8192 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := account.Wish{Database: "d"}.Script("", c.after)
			f, err := openInitFile(script, me())
			if err != nil {
				t.Fatal(err)
			}
			defer f.close()
			server, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", f.r.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			want := min(c.read(script.Needed), len(script.Text))
			for got := 0; got < want; {
				n, err := server.Read(make([]byte, want-got))
				if err != nil {
					t.Fatal(err)
				}
				got += n
			}
			if got := f.ran(); got != c.want {
				t.Errorf("ran is %v", got)
			}
		})
	}
}

func TestRemoveStale(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s.sock")
	addr := &net.UnixAddr{Name: socket, Net: "unix"}
	l, err := net.ListenUnix("unix", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := removeStale(socket); err == nil || !strings.Contains(err.Error(), "another server already listens") {
		t.Errorf("got %v with a server there", err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(l.Close(), os.WriteFile(socket+".lock", []byte("1\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := removeStale(socket); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(socket)); len(left) != 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

func TestSharedDirectoriesAreNeverGivenAway(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	err := prepareSocketDir("/run", proc.Identity{UID: 12345, GID: 12345, Switch: true})
	if err == nil || !strings.Contains(err.Error(), "directory of its own") {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat("/run"); err != nil || proc.Owner(info) != 0 {
		t.Errorf("/run belongs to uid %d", proc.Owner(info))
	}
}

func TestUnescape(t *testing.T) {
	if got := unescape(`/run/a\040b\`); got != `/run/a b\` {
		t.Errorf("got %q", got)
	}
}

func TestReaperTellsHowProcessesEnd(t *testing.T) {
	r := proc.NewReaper()
	for script, want := range map[string]int{"exit 7": 7, "kill -TERM $$": 128 + int(syscall.SIGTERM)} {
		p, err := r.Start(proc.Command{Path: "/bin/sh", Args: []string{"-c", script}, Dir: "/", As: me()})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Wait(); got != want {
			t.Errorf("%s: %d, want %d", script, got, want)
		}
	}
	if _, err := r.Start(proc.Command{Path: "/none", Dir: "/", As: me()}); err == nil {
		t.Error("started a program that does not exist")
	}
}
