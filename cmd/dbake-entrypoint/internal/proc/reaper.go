// Package proc runs programs under PID 1: as which user, in a process group of
// their own, and with every child reaped, also those nobody here has started.
package proc

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper starts processes and waits for all children of this process. There
// can be one only, and nothing else may wait for a child beside it: os/exec
// and a reaper would take each other's exit statuses.
type Reaper struct {
	mu      sync.Mutex
	running map[int]*Process
}

// NewReaper returns a Reaper that works until the program ends.
func NewReaper() *Reaper {
	r := &Reaper{running: map[int]*Process{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			r.reap()
		}
	}()
	return r
}

// reap collects every child that has ended. One SIGCHLD can stand for many.
func (r *Reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if p := r.running[pid]; p != nil {
			delete(r.running, pid)
			p.status = status
			close(p.done)
		}
	}
}

// Command is a program to start.
type Command struct {
	Path string
	// Args are the arguments behind the program's name.
	Args []string
	Env  []string
	Dir  string
	// Stdin and Stdout are this program's own when nil; its Stderr always is.
	Stdin, Stdout *os.File
	// Extra is open in the program as file descriptor ExtraFD, if not nil.
	Extra *os.File
	// As is the user to run as.
	As Identity
	// Outlived makes the kernel send SIGTERM when this program dies first.
	// Only a command started from the main thread can have that.
	Outlived bool
}

// ExtraFD is where Command.Extra is found. Shells keep 0 to 2 and 10 on for
// themselves, and scripts like to use 3.
const ExtraFD = 9

// Start starts c in a process group of its own.
func (r *Reaper) Start(c Command) (*Process, error) {
	none := ^uintptr(0) // "closed", to the kernel's side of ForkExec
	files := []uintptr{0, 1, 2, none, none, none, none, none, none, none}
	if c.Stdin != nil {
		files[0] = c.Stdin.Fd()
	}
	if c.Stdout != nil {
		files[1] = c.Stdout.Fd()
	}
	if c.Extra != nil {
		files[ExtraFD] = c.Extra.Fd()
	}
	sys := &syscall.SysProcAttr{Setpgid: true, Credential: c.As.credential()}
	if c.Outlived {
		sys.Pdeathsig = syscall.SIGTERM
	}
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Files: files, Sys: sys}
	// The lock is held until the process is known, or it could end and be
	// reaped as a stranger.
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := syscall.ForkExec(c.Path, append([]string{c.Path}, c.Args...), attr)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be started%s: %w", c.Path, c.As.blame(), err)
	}
	p := &Process{PID: pid, done: make(chan struct{})}
	r.running[pid] = p
	return p, nil
}

// Process is a process started by a Reaper.
type Process struct {
	PID    int
	done   chan struct{}
	status syscall.WaitStatus
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end and returns the exit status as a shell would:
// 128 and the signal's number if a signal ended the process.
func (p *Process) Wait() int {
	<-p.done
	if p.status.Signaled() { //nolint:misspell // the standard library's spelling
		return 128 + int(p.status.Signal())
	}
	return p.status.ExitStatus()
}

// Signal sends s to the process. A process that has ended gets none.
func (p *Process) Signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(p.PID, s)
	}
}

// SignalGroup sends s to the process and all it has started.
func (p *Process) SignalGroup(s syscall.Signal) { _ = syscall.Kill(-p.PID, s) }
