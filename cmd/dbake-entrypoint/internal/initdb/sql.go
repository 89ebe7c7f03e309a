package initdb

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

// sql feeds a script to the client.
func (r Runner) sql(ctx context.Context, s Script, credentials *os.File) error {
	file, err := os.Open(s.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	var args []string
	if r.Database != "" {
		args = append(args, "--database="+r.Database)
	}
	client := r.client(credentials, args...)
	switch e := ending(s.Name()); e {
	case ".sql":
		client.Stdin = file
		p, err := r.Reaper.Start(client)
		if err != nil {
			return err
		}
		return wait(ctx, p)
	case ".sql.gz":
		return r.decompressHere(ctx, client, file, func(in io.Reader) (io.Reader, error) { return gzip.NewReader(in) })
	case ".sql.bz2":
		return r.decompressHere(ctx, client, file, func(in io.Reader) (io.Reader, error) { return bzip2.NewReader(in), nil })
	default:
		return r.decompressBy(ctx, endings[e], s, client, file)
	}
}

// client is the command that runs SQL from its standard input.
func (r Runner) client(credentials *os.File, args ...string) proc.Command {
	return proc.Command{
		Path: r.Client, Env: r.Env, As: r.As, Extra: credentials, Dir: "/",
		Args: append([]string{
			fmt.Sprintf("--defaults-extra-file=/proc/self/fd/%d", proc.ExtraFD),
			"--protocol=socket", "--socket=" + r.Socket, "--comments",
		}, args...),
	}
}

// decompressHere runs client with what open makes of file as its input.
func (r Runner) decompressHere(ctx context.Context, client proc.Command, file *os.File, open func(io.Reader) (io.Reader, error)) error {
	in, err := open(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		return fmt.Errorf("cannot be decompressed: %w", err)
	}
	return r.feed(ctx, client, func(out *os.File) error {
		if _, err := io.Copy(out, in); err != nil && !errors.Is(err, syscall.EPIPE) {
			return fmt.Errorf("cannot be decompressed: %w", err)
		}
		return nil
	})
}

// decompressBy runs client behind a program that decompresses file.
func (r Runner) decompressBy(ctx context.Context, name string, s Script, client proc.Command, file *os.File) error {
	path, err := tool(name, s.Name())
	if err != nil {
		return err
	}
	return r.feed(ctx, client, func(out *os.File) error {
		p, err := r.Reaper.Start(proc.Command{Path: path, Args: []string{"-dc"}, Env: r.Env, Stdin: file, Stdout: out, As: r.As, Dir: "/"})
		if err != nil {
			return err
		}
		// The client's end of the pipe must not be kept open by us.
		_ = out.Close()
		if err := wait(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// feed runs client with the input that write gives it. Both have to succeed,
// or half a script would count as a whole one; if both fail, the client's
// error is the cause.
func (r Runner) feed(ctx context.Context, client proc.Command, write func(out *os.File) error) error {
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	client.Stdin = in
	p, err := r.Reaper.Start(client)
	_ = in.Close()
	if err != nil {
		_ = out.Close()
		return err
	}
	wrote := make(chan error, 1)
	go func() {
		err := write(out)
		_ = out.Close()
		wrote <- err
	}()
	ran := wait(ctx, p)
	written := <-wrote
	if ran != nil {
		return ran
	}
	return written
}

// Query runs one statement and returns what the client prints: rows with tabs
// between columns.
func (r Runner) Query(ctx context.Context, statement string) (string, error) {
	credentials, err := r.Login.file(r.As)
	if err != nil {
		return "", err
	}
	defer credentials.Close()
	stdin, stdinW, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer stdin.Close()
	stdoutR, stdout, err := os.Pipe()
	if err != nil {
		return "", errors.Join(err, stdinW.Close())
	}
	defer stdoutR.Close()
	_, writeErr := stdinW.WriteString(statement + "\n") // far less than a pipe holds
	command := r.client(credentials, "--batch", "--skip-column-names")
	command.Stdin, command.Stdout = stdin, stdout
	p, err := r.Reaper.Start(command)
	if err := errors.Join(err, writeErr, stdinW.Close(), stdout.Close()); err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { p.SignalGroup(syscall.SIGKILL) })()
	var answer bytes.Buffer
	if _, err := io.Copy(&answer, stdoutR); err != nil {
		return "", err
	}
	return strings.TrimSpace(answer.String()), wait(ctx, p)
}
