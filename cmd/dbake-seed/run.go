package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/dbake/dbake/seed"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/source"
)

// Exit statuses.
const (
	exitOK    = 0
	exitError = 1 // the step failed; its error is in plan.ErrorFile
	exitUsage = 2 // not run by a builder
)

// dirs are where a step finds its order and leaves its answer.
type dirs struct{ plan, status string }

func run(args []string, stdout, stderr io.Writer) int {
	// PID 1 of a build step gets SIGTERM when the build is cancelled.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	source.CleanEnv()
	d := dirs{plan: plan.PlanDir, status: plan.StatusDir}
	command := ""
	if len(args) == 1 {
		command = args[0]
	}
	switch command {
	case "resolve":
		return d.resolve(ctx, stderr)
	case "restore":
		return d.restore(ctx, stderr)
	case "print-failure":
		return d.printFailure(stdout, stderr)
	}
	fmt.Fprintln(stderr, "usage: dbake-seed resolve | restore | print-failure")
	return exitUsage
}

// resolve exits with 0 also when it fails: builders read the failure from its
// file, and a failed step could not hand over a file everywhere.
func (d dirs) resolve(ctx context.Context, stderr io.Writer) int {
	var query plan.Resolve
	if err := readJSON(filepath.Join(d.plan, plan.ResolveFile), &query); err != nil {
		return d.fail(err, stderr)
	}
	p := newPrinter(stderr)
	resolved, err := seed.Resolve(ctx, query, seed.Dirs{}, p.Event)
	if err == nil {
		err = writeJSON(filepath.Join(d.status, plan.ResolvedFile), resolved)
	}
	if err != nil {
		d.fail(err, stderr)
	}
	return exitOK
}

func (d dirs) restore(ctx context.Context, stderr io.Writer) int {
	var order plan.Restore
	if err := readJSON(filepath.Join(d.plan, plan.RestoreFile), &order); err != nil {
		return d.fail(err, stderr)
	}
	p := newPrinter(stderr)
	m, err := seed.Restore(ctx, order, seed.Dirs{}, tuning(), p.Event)
	if err != nil {
		return d.fail(err, stderr)
	}
	p.done(m)
	return exitOK
}

// tuning reads DBAKE_LANES and DBAKE_CHUNK_BYTES, which tests and benchmarks set;
// what is no number counts as not set.
func tuning() seed.Tuning {
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv(name))
		if err != nil {
			return 0
		}
		return n
	}
	return seed.Tuning{Lanes: number("DBAKE_LANES"), ChunkBytes: number("DBAKE_CHUNK_BYTES")}
}

// fail leaves the error for the builder and shows it in the step's output, from
// which it is read where the builder does not keep the file.
func (d dirs) fail(err error, stderr io.Writer) int {
	failure := seed.FailureOf(err)
	fmt.Fprint(stderr, failure.Line())
	if err := writeJSON(filepath.Join(d.status, plan.ErrorFile), failure); err != nil {
		fmt.Fprintln(stderr, "error:", err)
	}
	return exitError
}

func (d dirs) printFailure(stdout, stderr io.Writer) int {
	text, err := os.ReadFile(filepath.Join(d.status, plan.ErrorFile))
	if errors.Is(err, os.ErrNotExist) {
		return exitOK
	}
	if err == nil {
		_, err = stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return exitError
	}
	return exitOK
}

func readJSON(name string, into any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the builder's order: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read the builder's order %s: %w", name, err)
	}
	return nil
}

func writeJSON(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}
