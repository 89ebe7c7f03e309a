package jail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// childName is the name by which the program starts itself to enter a jail. The
// order is JSON on orderFile; a failure goes as JSON to failureFile, which an
// exec closes.
const (
	childName   = "dbake-jail"
	orderFile   = 3
	failureFile = 4
)

// ready is set by Main: without it, starting the program anew would run it again
// instead of entering a jail.
var ready atomic.Bool

// order is what the program that enters a jail is told.
type order struct {
	Level Level
	Probe bool // only see whether a mount is allowed

	Lower   string // the root filesystem for an overlay; empty: Root is a clone
	Upper   string
	Work    string
	Root    string // where the root is mounted, or lies
	Binds   []File // writable directories
	Files   []File // read-only
	Temp    []string
	Path    string
	Args    []string
	Env     []string
	Secrets map[string][]byte
}

// failure is a SetupError as JSON.
type failure struct {
	Doing string
	Text  string
	Errno syscall.Errno
}

func (f failure) err() error {
	if f.Errno != 0 {
		return &SetupError{Doing: f.Doing, Err: f.Errno, Hint: hint(f.Errno)}
	}
	return &SetupError{Doing: f.Doing, Err: errors.New(f.Text)}
}

// start runs one program in the jail.
func (j *Jail) start(ctx context.Context, c Command) error {
	files, err := j.files()
	if err != nil {
		return err
	}
	o := order{
		Level: j.level, Root: j.root(), Temp: j.config.Temp, Files: files,
		Path: c.Path, Args: append([]string{c.Path}, c.Args...), Env: c.Env, Secrets: c.Secrets,
	}
	if !j.cloned {
		o.Lower, o.Upper, o.Work = j.config.Root, j.upper(), j.overlayWork()
	}
	for _, name := range j.config.Dirs {
		o.Binds = append(o.Binds, File{From: j.shared[name], To: name})
	}
	grace := c.Grace
	if grace == 0 {
		grace = defaultGrace
	}
	p := &process{order: o, attr: attributes(j.level, j.config.UID, j.config.GID), output: c.Output, grace: grace}
	return p.run(ctx)
}

// attributes say which namespaces the program is started in. It is a session of
// its own: a Ctrl-C in the terminal is for its caller, who passes it on. It dies
// with its caller.
func attributes(level Level, uid, gid int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if level == Chroot {
		return a
	}
	a.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	if level == UserNamespace {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: os.Getegid(), Size: 1}}
		// Who is not root inside loses what the namespace gives at the exec,
		// unless told otherwise.
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_SETPCAP, unix.CAP_DAC_OVERRIDE}
	}
	return a
}

// process is one program that runs.
type process struct {
	order  order
	attr   *syscall.SysProcAttr
	output io.Writer
	grace  time.Duration

	cmd     *exec.Cmd
	pipes   []*os.File // what we keep, closed at the end
	theirs  []*os.File // what the child has
	failure *os.File
	printed *os.File
}

// run starts the program and waits for it and everything that it started.
func (p *process) run(ctx context.Context) error {
	if !ready.Load() {
		return ErrNoMain
	}
	text, err := json.Marshal(p.order)
	if err != nil {
		return fmt.Errorf("start a program in the jail: %w", err)
	}
	defer p.closeAll()
	orders, err := p.prepare()
	if err != nil {
		return fmt.Errorf("start a program in the jail: %w", err)
	}
	waited, err := p.launch()
	if err != nil {
		return &SetupError{Doing: "start a process in namespaces", Err: err, Hint: hint(err)}
	}
	// From here on the child is there, and is waited for on every path.
	for _, f := range p.theirs {
		f.Close()
	}
	p.theirs = nil
	failed := make(chan error, 1)
	go func() {
		_, _ = orders.Write(text) // an error shows as a failure of the child
		orders.Close()
		failed <- readFailure(p.failure)
	}()
	copied := make(chan error, 1)
	go func() { copied <- p.copyOutput() }()

	err = p.wait(ctx, waited)
	if p.order.Level == Chroot {
		err = errors.Join(err, killSession(p.cmd.Process.Pid, p.order.Root))
	}
	setup := <-failed
	if copyErr := <-copied; err == nil {
		err = copyErr
	}
	if cause := context.Cause(ctx); cause != nil && err != nil {
		return cause
	}
	if setup != nil {
		return setup
	}
	return err
}

// prepare makes the command and its pipes, and gives the one for the order.
func (p *process) prepare() (orders *os.File, err error) {
	p.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{childName},
		Env: []string{}, Dir: "/", SysProcAttr: p.attr,
	}
	var theirOrder, theirFailure, theirOutput *os.File
	for _, pipe := range []struct {
		read, write **os.File
	}{{&theirOrder, &orders}, {&p.failure, &theirFailure}, {&p.printed, &theirOutput}} {
		if *pipe.read, *pipe.write, err = os.Pipe(); err != nil {
			return nil, err
		}
		p.pipes = append(p.pipes, *pipe.read, *pipe.write)
	}
	p.theirs = []*os.File{theirOrder, theirFailure, theirOutput}
	p.cmd.ExtraFiles = []*os.File{theirOrder, theirFailure}
	p.cmd.Stdout, p.cmd.Stderr = theirOutput, theirOutput
	return orders, nil
}

// launch starts the child and waits for it in a thread of its own: the death
// signal comes when the thread that forked ends.
func (p *process) launch() (<-chan error, error) {
	started, waited := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			waited <- exitError(p.cmd.Wait())
		}
	}()
	return waited, <-started
}

// wait waits for the child, which it ends when the context does.
func (p *process) wait(ctx context.Context, waited <-chan error) error {
	select {
	case err := <-waited:
		return err
	case <-ctx.Done():
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
	timer := time.NewTimer(p.grace)
	defer timer.Stop()
	select {
	case err := <-waited:
		return err
	case <-timer.C:
	}
	_ = p.cmd.Process.Kill()
	return <-waited
}

func exitError(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() { //nolint:misspell // the standard library's spelling
		return &ExitError{Code: 128 + int(status.Signal())}
	}
	return &ExitError{Code: exit.ExitCode()}
}

func (p *process) copyOutput() error {
	to := p.output
	if to == nil {
		to = io.Discard
	}
	if _, err := io.Copy(to, p.printed); err != nil {
		// Nobody reads any more, but the program must not block.
		_, _ = io.Copy(io.Discard, p.printed)
		return fmt.Errorf("pass on what the program prints: %w", err)
	}
	return nil
}

func (p *process) closeAll() {
	for _, f := range p.pipes {
		f.Close()
	}
}

// readFailure waits until the child has become the program, or said why not.
func readFailure(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil || len(text) == 0 {
		return nil //nolint:nilerr // then the exit status has to do
	}
	var f failure
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("make the jail: %s", text)
	}
	return f.err()
}
