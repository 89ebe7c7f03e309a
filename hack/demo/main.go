// Command demo shows dbake's main road on real programs, from a database server
// to a running image: mysqldump, S3, dbake bake, docker run; and then the same by
// docker buildx build. It starts them all itself, prints each command the way a user types it, and stops
// everything at the end. Run it with "make demo".
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
	keep := flag.Bool("keep", false, "leave the container running until Ctrl-C")
	rows := flag.Int("rows", 90_000, "rows in the demo's database, about")
	flag.Parse()

	if err := run(*rows, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(rows int, keep bool) (err error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	p, err := parts.Start(ctx, parts.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()

	d := &demo{parts: p, out: os.Stdout, rootPassword: "correct horse", appPassword: "battery staple"}
	for _, step := range []func(context.Context) error{
		d.startParts,
		func(ctx context.Context) error { return d.dump(ctx, rows) },
		d.writeSpec,
		d.bake,
		d.bakeAgain,
		d.runImage,
		d.build,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := d.summary(ctx, keep); err != nil {
		return err
	}
	if keep {
		<-ctx.Done()
	}
	return nil
}
