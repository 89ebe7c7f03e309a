package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// startTimeout bounds the wait for a part's first answer. Cold caches on a
// busy machine with two cores are the slow case.
const startTimeout = 90 * time.Second

// process is a program that runs until it is stopped.
type process struct {
	name    string
	cmd     *exec.Cmd
	logPath string
	done    chan struct{} // closed when it has ended; then err is set
	err     error
}

// lasting is a command that outlives the call that starts it: a test's context
// must not end a part that other tests use.
func lasting(ctx context.Context, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(context.WithoutCancel(ctx), program, args...)
}

// spawn starts a program with its output in NAME.log below the root. Close of
// the Parts stops it.
func (p *Parts) spawn(name string, cmd *exec.Cmd, grace time.Duration) (*process, error) {
	pr := &process{name: name, cmd: cmd, logPath: filepath.Join(p.root, name+".log"), done: make(chan struct{})}
	file, err := os.OpenFile(pr.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", name, err)
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	cmd.Env = append(cmd.Environ(), marker+"="+p.root)
	// A group of its own keeps a Ctrl-C in the terminal away from it; the
	// death signal ends it when this process dies without Close.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}

	started := make(chan error, 1)
	go func() {
		// The death signal is tied to the thread that forks.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			pr.err = cmd.Wait()
		}
		close(pr.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.logf("started %s (process %d)", name, cmd.Process.Pid)
	return pr, p.onClose(func() error { return pr.stop(grace) })
}

// ready calls probe until it succeeds. It fails when the process ends, the
// context does, or startTimeout passes; the error ends with the log's tail.
func (pr *process) ready(ctx context.Context, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %v", startTimeout))
	defer cancel()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-pr.done:
			return fmt.Errorf("%s ended while starting: %w\n%s", pr.name, pr.err, tail(pr.logPath))
		case <-ctx.Done():
			return fmt.Errorf("%s: %w (last try: %w)\n%s", pr.name, context.Cause(ctx), err, tail(pr.logPath))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop asks the process to end, waits, and kills its group after grace. An
// exit that had to be forced is an error; any other is not.
func (pr *process) stop(grace time.Duration) error {
	select {
	case <-pr.done:
		return nil
	default:
	}
	if err := pr.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", pr.name, err)
	}
	select {
	case <-pr.done:
		return nil
	case <-time.After(grace):
	}
	_ = syscall.Kill(-pr.cmd.Process.Pid, syscall.SIGKILL)
	<-pr.done
	return fmt.Errorf("%s did not stop within %v and was killed\n%s", pr.name, grace, tail(pr.logPath))
}

// tail is the end of a log file, for errors.
func tail(path string) string {
	const most = 4000
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(data) > most {
		data = data[len(data)-most:]
		data = data[bytes.IndexByte(data, '\n')+1:]
	}
	return fmt.Sprintf("--- end of %s ---\n%s", filepath.Base(path), data)
}

// FreePort is a TCP port of the loopback interface that nobody listens on.
func FreePort() (int, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	address, err := netip.ParseAddrPort(listener.Addr().String())
	return int(address.Port()), err
}

// dialProbe is a probe that succeeds once something listens.
func dialProbe(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// output runs a command and returns its standard output; an error holds the
// command line and all that was printed.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}
