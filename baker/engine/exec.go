package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// Command is something to be run in a container.
type Command struct {
	Args []string
	// Env has entries NAME=value, besides the container's.
	Env []string
	// User is a user of the container; empty: the container's.
	User string
	// Stdin, unless nil, is given to the command. A Read of it that blocks
	// outlives the command.
	Stdin io.Reader
	// Stdout and Stderr take the command's output; nil drops it.
	Stdout, Stderr io.Writer
}

// Exec runs a command in a running container and returns its exit status. When
// the context ends, Exec returns; the engine has no way to end the command.
func (c *Client) Exec(ctx context.Context, id string, cmd Command) (int, error) {
	what := fmt.Sprintf("run %s in the container %s", cmd.Args[0], id)
	created, err := c.api.ContainerExecCreate(ctx, id, container.ExecOptions{
		Cmd: cmd.Args, Env: cmd.Env, User: cmd.User,
		AttachStdin: cmd.Stdin != nil, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return 0, c.failed(what, err)
	}
	conn, err := c.api.ContainerExecAttach(ctx, created.ID, container.ExecAttachOptions{})
	if err != nil {
		return 0, c.failed(what, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, conn.Close)()
	if cmd.Stdin != nil {
		go func() {
			// A command that does not read all of it is no error.
			_, _ = io.Copy(conn.Conn, cmd.Stdin)
			_ = conn.CloseWrite()
		}()
	}
	if _, err := stdcopy.StdCopy(orDiscard(cmd.Stdout), orDiscard(cmd.Stderr), conn.Reader); err != nil {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	done, err := c.api.ContainerExecInspect(ctx, created.ID)
	if err != nil {
		return 0, c.failed(what, err)
	}
	return done.ExitCode, nil
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// ExitedError says that a container stopped while it was waited for. Its log,
// which may hold anything, is not part of the text.
type ExitedError struct {
	Name     string
	ExitCode int
	// Log is the end of what the container printed.
	Log string
}

func (e *ExitedError) Error() string {
	return fmt.Sprintf("the container %s stopped with exit status %d before it was ready", e.Name, e.ExitCode)
}

const (
	firstPause = 25 * time.Millisecond
	// longPause bounds what a server that is ready is found out too late.
	longPause = 250 * time.Millisecond
	// probeTime bounds one run of a health check.
	probeTime = 10 * time.Second
	logLines  = 30
)

// WaitHealthy waits until a container's health check passes. It runs the check
// itself, because the engine's own first run of it may come half a minute after
// the start. Without a check it is enough that the container runs. The error is
// an *ExitedError when the container stops.
func (c *Client) WaitHealthy(ctx context.Context, id string) error {
	last := Container{ID: id, Name: id}
	said := "" // the last check may have been cut off
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		one, err := c.Container(ctx, id)
		if err != nil && ctx.Err() != nil {
			return notHealthy(ctx, last, said)
		}
		if err != nil {
			return fmt.Errorf("wait for the container %s to get healthy: %w", id, err)
		}
		if !one.Running {
			return c.exited(ctx, one)
		}
		text, healthy := c.probe(ctx, one)
		if healthy {
			return nil
		}
		last, said = one, cmp.Or(text, said)
		select {
		case <-ctx.Done():
			return notHealthy(ctx, last, said)
		case <-time.After(pause):
		}
	}
}

// probe runs the health check once and returns what it said.
func (c *Client) probe(ctx context.Context, one Container) (said string, healthy bool) {
	args := one.probe()
	if args == nil {
		return "", true
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var out bytes.Buffer
	status, err := c.Exec(ctx, one.ID, Command{Args: args, Stdout: &out, Stderr: &out})
	return strings.TrimSpace(out.String()), err == nil && status == 0
}

func (c *Client) exited(ctx context.Context, one Container) error {
	var printed bytes.Buffer
	// Without a log the status still says something.
	_ = c.Logs(ctx, one.ID, logLines, false, &printed)
	return &ExitedError{Name: one.Name, ExitCode: one.ExitCode, Log: printed.String()}
}

func notHealthy(ctx context.Context, one Container, said string) error {
	err := fmt.Errorf("the container %s did not get healthy: %w", one.Name, context.Cause(ctx))
	if said != "" {
		err = fmt.Errorf("%w (its health check says: %s)", err, said)
	}
	return err
}

func isGone(err error) bool { return errors.Is(err, ErrNotFound) }
