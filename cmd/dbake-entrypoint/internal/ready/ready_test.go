package ready

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// greeter is a server that greets with the given bytes until the test ends.
func greeter(t *testing.T, greeting string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(greeting))
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return path
}

const hello = "\x4a\x00\x00\x00\x0a9.7"

func TestCheck(t *testing.T) {
	good := greeter(t, hello)
	me := Identify(os.Getpid())
	dir := t.TempDir()
	for _, c := range []struct {
		name  string
		state State
		want  string
	}{
		{"serving", State{Phase: Serving, Socket: good, Greet: true, Entrypoint: me, Server: me}, ""},
		{"full", State{Phase: Serving, Socket: greeter(t, "\x17\x00\x00\x00\xff"), Greet: true, Entrypoint: me, Server: me}, ""},
		{"scripts", State{Phase: Scripts, Socket: good, Entrypoint: me, Server: me}, "not ready: running the scripts"},
		{"dead server", State{Phase: Serving, Socket: good, Entrypoint: me, Server: Process{PID: me.PID, Start: "1"}}, "does not run"},
		{"no socket", State{Phase: Serving, Socket: dir + "/none", Entrypoint: me, Server: me}, "does not listen"},
		{"not a server", State{Phase: Serving, Socket: greeter(t, "HTTP/1.1"), Greet: true, Entrypoint: me, Server: me}, "does not speak"},
		{"left over", State{Phase: Serving, Socket: good, Entrypoint: Process{PID: me.PID, Start: "1"}, Server: me}, "no server has been started"},
	} {
		t.Run(c.name, func(t *testing.T) {
			places := []string{"/proc/none/state.json", filepath.Join(t.TempDir(), "a", "state.json")}
			if err := c.state.Write(places); err != nil {
				t.Fatal(err)
			}
			err := Check(places)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
	if err := Check([]string{dir + "/never"}); err == nil {
		t.Error("healthy without any state")
	}
}

func TestWait(t *testing.T) {
	n, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	ended := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := Wait(ctx, n, "/none", true, ended); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v before anything was said", err)
	}
	conn, err := net.Dial("unixgram", n.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 50 { // more than the kernel keeps unread
		if _, err := conn.Write([]byte("STATUS=READY=1\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := Tell(n.Address); err != nil {
		t.Fatal(err)
	}
	if err := Wait(t.Context(), n, "/none", true, ended); err != nil {
		t.Error(err)
	}
	quiet, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	for _, shy := range []bool{false, true} {
		if err := Wait(t.Context(), quiet, greeter(t, hello), shy, ended); err != nil {
			t.Errorf("a server without notifications: %v", err)
		}
	}
	close(ended)
	if err := Wait(t.Context(), quiet, "/none", true, ended); !errors.Is(err, ErrEnded) {
		t.Errorf("got %v from a server that ended", err)
	}
}

func BenchmarkCheck(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	me := Identify(os.Getpid())
	places := []string{filepath.Join(b.TempDir(), "state.json")}
	if err := (State{Phase: Serving, Socket: path, Entrypoint: me, Server: me}).Write(places); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Check(places); err != nil {
			b.Fatal(err)
		}
	}
}
