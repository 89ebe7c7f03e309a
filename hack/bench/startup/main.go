// Command startup compares baked images with the plain way to hand out a
// database: the official entrypoint's, which restores a dump when a container
// starts. Everything is measured in one run on one machine; read the ratios.
// Run it with "make bench".
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/dbake/dbake/test/parts"
)

func main() {
	rows := flag.Int("rows", 1_000_000, "rows in the dump, about")
	runs := flag.Int("runs", 3, "starts of each image; the median counts")
	flag.Parse()
	if err := run(*rows, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "startup:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(rows, runs int) (err error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	p, err := parts.Start(ctx, parts.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()

	b := &bench{parts: p, out: os.Stdout, runs: max(runs, 1)}
	if err := b.prepare(ctx, rows); err != nil {
		return err
	}
	return b.measure(ctx)
}
