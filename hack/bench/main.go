// Command bench measures how long a dump takes to become a data directory:
// dbake beside the usual ways, in one run, on one machine, from one dump. It
// prints a table and writes it into docs/performance.md. Run it with "make
// bench"; the parts need root.
//
// Every way starts from the dump's file and ends with a cleanly stopped server.
// The ways take turns, each round in another order, and the median counts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/dbake/dbake/hack/bench/dataset"
	"github.com/dbake/dbake/test/parts"
)

// options are the command line.
type options struct {
	size, runs int
	only       string
	write      string
	env        string
	log        bool
	scratch    string
}

func main() {
	var o options
	flag.IntVar(&o.size, "size", 1000, "megabytes of dump text, about")
	flag.IntVar(&o.runs, "runs", 3, "how often each way is measured; the median counts")
	flag.StringVar(&o.only, "only", "a,b,c,d,parts,image,push,dump", "what to measure: a plain, b tuned, c myloader, d dbake, e masked, f masked by SQL, parts (Go benchmarks), image (builds and starts), push (data directory to registry), dump (server to file)")
	flag.StringVar(&o.write, "write", "docs/performance.md", "the document that gets the table; empty: none")
	flag.StringVar(&o.env, "env", "", "variables for dbake-seed, such as DBAKE_LANES=2,DBAKE_CHUNK_BYTES=8388608")
	flag.BoolVar(&o.log, "log", false, "print what dbake-seed prints")
	flag.StringVar(&o.scratch, "scratch", "", "folder for data directories; empty: the one for temporary files")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(o options, out io.Writer) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	cache, err := cacheDir()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "dataset of about %d MB (made once, kept in %s)\n", o.size, cache)
	set, err := dataset.Open(ctx, cache, o.size)
	if err != nil {
		return err
	}
	b := &bench{out: out, set: set, options: o}
	r := &report{set: set, runs: o.runs, machine: describeMachine()}
	if r.machine.load > 0.5 {
		fmt.Fprintf(out, "warning: the machine is busy (load %.1f): the numbers will be noisy\n", r.machine.load)
	}
	if r.ways, err = b.rounds(ctx); err != nil {
		return err
	}
	// What was measured is worth keeping when a later part fails.
	var failures []error
	if b.wants("parts") {
		r.parts, err = goBenchmarks(ctx)
		failures = append(failures, err)
	}
	if b.wants("image") {
		r.image, err = measureImage(ctx, out, o.scratch)
		failures = append(failures, err)
	}
	if b.wants("push") {
		r.push, err = measurePush(ctx, out, set, o.runs, o.scratch)
		failures = append(failures, err)
	}
	if b.wants("dump") {
		r.dump, err = measureDump(ctx, out, set, o.runs, o.scratch)
		failures = append(failures, err)
	}
	fmt.Fprintln(out)
	text := r.markdown()
	fmt.Fprint(out, text)
	if o.write != "" {
		failures = append(failures, writeBetweenMarkers(o.write, text))
	}
	return errors.Join(failures...)
}

// cacheDir is where hack/setup keeps its things, too.
func cacheDir() (string, error) {
	if dir := os.Getenv("DBAKE_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place to keep the dataset: %w", err)
	}
	return filepath.Join(dir, "dbake"), nil
}

// bench carries what the measurements need.
type bench struct {
	out     io.Writer
	set     *dataset.Set
	options options
}

func (b *bench) wants(name string) bool {
	return slices.Contains(strings.Split(b.options.only, ","), name)
}

// rounds measures every way that is wanted, in turns.
func (b *bench) rounds(ctx context.Context) ([]*measured, error) {
	var all []*measured
	for _, w := range ways {
		if b.wants(w.key) {
			all = append(all, &measured{way: w})
		}
	}
	for round := range b.options.runs {
		order := slices.Clone(all)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, m := range order {
			if m.skipped != "" {
				continue
			}
			if err := b.once(ctx, m); err != nil {
				return nil, fmt.Errorf("%s: %w", m.way.name, err)
			}
		}
	}
	return all, nil
}

// once measures one way one time. Each time has its own parts, so that nothing
// of it is left for the next.
func (b *bench) once(ctx context.Context, m *measured) (err error) {
	p, err := parts.Start(ctx, parts.Options{Dir: b.options.scratch})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }() //nolint:contextcheck // what has started is stopped, whatever ended
	settle()
	watch := startWatch()
	s, err := m.way.run(ctx, b, p)
	usage := watch.stop()
	var skip *skipError
	if errors.As(err, &skip) {
		m.skipped = skip.reason
		fmt.Fprintf(b.out, "%-10s left out: %s\n", m.way.name, skip.reason)
		return nil
	}
	if err != nil {
		return err
	}
	s.usage = usage
	m.samples = append(m.samples, s)
	fmt.Fprintf(b.out, "%-10s %7.1f s (rows in after %.1f s), datadir %.0f MB, %s\n",
		m.way.name, s.total.Seconds(), s.loaded.Seconds(), mega(s.datadir), usage)
	return nil
}

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }
