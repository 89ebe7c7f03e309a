package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dbake/dbake/hack/bench/dataset"
	"github.com/dbake/dbake/test/parts"
)

// dumpWay is one way from a running server to a packed dump in a file.
type dumpWay struct {
	name  string
	took  []time.Duration
	bytes int64 // of the file
	run   func(ctx context.Context, to io.Writer) error
}

func (w *dumpWay) median() time.Duration {
	return slices.Sorted(slices.Values(w.took))[(len(w.took)-1)/2]
}

// measureDump dumps the dataset in turns by mysqldump, with a packer behind it,
// and by dbake dump.
func measureDump(ctx context.Context, out io.Writer, set *dataset.Set, runs int, scratch string) (ways []*dumpWay, err error) {
	p, err := parts.Start(ctx, parts.Options{Dir: scratch})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }() //nolint:contextcheck // what has started is stopped, whatever ended
	server, err := p.StartServer(ctx, parts.MySQL, "--innodb-buffer-pool-size=2G", "--innodb-redo-log-capacity=1G", "--innodb-doublewrite=OFF")
	if err != nil {
		return nil, err
	}
	b := &bench{set: set}
	if err := b.client(ctx, server); err != nil {
		return nil, err
	}
	program := filepath.Join(p.Dir(), "dbake")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/dbake").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile dbake: %w\n%s", err, text)
	}
	ways = dumpWays(server, program)
	for range runs {
		for _, w := range ways {
			if err := w.once(ctx, p.Dir()); err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
			fmt.Fprintf(out, "%-28s %6.2f s, %.0f MB\n", w.name, w.took[len(w.took)-1].Seconds(), mega(w.bytes))
		}
	}
	return ways, nil
}

func dumpWays(server *parts.Server, program string) []*dumpWay {
	mysqldump := func(packer ...string) func(context.Context, io.Writer) error {
		return func(ctx context.Context, to io.Writer) error {
			pack := exec.CommandContext(ctx, packer[0], packer[1:]...)
			pack.Stdout = to
			in, err := pack.StdinPipe()
			if err != nil {
				return err
			}
			if err := pack.Start(); err != nil {
				return err
			}
			err = server.Dump(ctx, in, "--single-transaction", "--hex-blob", "--routines", "--events", "--databases", "bench")
			return errors.Join(err, in.Close(), pack.Wait())
		}
	}
	dbake := func(compress string) func(context.Context, io.Writer) error {
		return func(ctx context.Context, to io.Writer) error {
			cmd := exec.CommandContext(ctx, program, "dump", "--no-defaults", "--socket", server.Socket, "--user", "root",
				"--database", "bench", "--to", "-", "--compress", compress, "--progress", "quiet")
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = to, &stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%w\n%s", err, &stderr)
			}
			return nil
		}
	}
	return []*dumpWay{
		{name: "`mysqldump \\| gzip`", run: mysqldump("gzip")},
		{name: "`mysqldump \\| zstd`", run: mysqldump("zstd", "-q")},
		{name: "`dbake dump`, gzip", run: dbake("gzip")},
		{name: "`dbake dump`, zstd", run: dbake("zstd")},
	}
}

// once dumps into a file.
func (w *dumpWay) once(ctx context.Context, dir string) error {
	file, err := os.CreateTemp(dir, "dump-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	settle()
	began := time.Now()
	if err := w.run(ctx, file); err != nil {
		return err
	}
	w.took = append(w.took, time.Since(began))
	info, err := file.Stat()
	if err == nil {
		w.bytes = info.Size()
	}
	return err
}

// writeDump writes the table of the dumps.
func (r *report) writeDump(b *strings.Builder) {
	if len(r.dump) == 0 {
		return
	}
	b.WriteString("\nFrom a running server, its tables in memory, to a packed dump in a file:\n\n| way | seconds | ÷ the last | MB |\n|---|--:|--:|--:|\n")
	own := r.dump[len(r.dump)-1].median().Seconds()
	for _, w := range r.dump {
		seconds := w.median().Seconds()
		fmt.Fprintf(b, "| %s | %.2f | %.2f | %.0f |\n", w.name, seconds, seconds/own, mega(w.bytes))
	}
}
