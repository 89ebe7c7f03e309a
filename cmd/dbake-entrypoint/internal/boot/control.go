package boot

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

// control passes the container's signals on to the server. One that asks for
// the end also cancels the context, so that a filling or a script stops.
type control struct {
	cancel  context.CancelFunc
	signals chan os.Signal

	mu     sync.Mutex
	server *proc.Process
	// held keeps the end from the server: scripts are at work with it.
	held bool
	last syscall.Signal
}

func newControl(cancel context.CancelFunc) *control {
	c := &control{cancel: cancel, signals: make(chan os.Signal, 16)}
	signal.Notify(c.signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range c.signals {
			if s, ok := s.(syscall.Signal); ok {
				c.pass(s)
			}
		}
	}()
	return c
}

// stop ends the passing on.
func (c *control) stop() {
	signal.Stop(c.signals)
	close(c.signals)
}

func (c *control) pass(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case syscall.SIGINT: // Ctrl-C; the servers ignore it
		s = syscall.SIGTERM
		fallthrough
	case syscall.SIGTERM, syscall.SIGQUIT:
		c.last = s
		c.cancel()
		if c.held {
			return
		}
	}
	if c.server != nil {
		c.server.Signal(s)
	}
}

// serve makes server the one that gets the signals. If the end was asked for
// before, it gets that at once.
func (c *control) serve(server *proc.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = server
	c.catchUp()
}

// hold keeps signals that ask for the end from the server, until it is called
// with false.
func (c *control) hold(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = on
	c.catchUp()
}

func (c *control) catchUp() {
	if c.last != 0 && !c.held && c.server != nil {
		c.server.Signal(c.last)
	}
}

// interrupted returns the exit status for a signal that asked for the end
// when there was no server yet, or 0.
func (c *control) interrupted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == 0 {
		return 0
	}
	return 128 + int(c.last)
}
