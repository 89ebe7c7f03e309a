package main

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/export"
	"github.com/dbake/dbake/seed/target"
)

// dumpRun makes one dump.
type dumpRun struct {
	options   export.Options
	connector driver.Connector
	target    *targetFlags
	server    string
	stdout    io.Writer
	show      progress.Writer
	// check is asked before a dump is committed; nil: nobody is.
	check func() error

	mu   sync.Mutex
	step *progress.Step
	last time.Time // when progress was shown
}

// dumped is a dump that is complete.
type dumped struct {
	*export.Result
	place   string
	sum     string
	size    int64
	took    time.Duration
	removed []string
	stdout  bool
}

// tee counts and sums up what is written.
type tee struct {
	w    io.Writer
	sum  hash.Hash
	size int64
}

func (t *tee) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.sum.Write(p[:n])
	t.size += int64(n)
	return n, err
}

func (d *dumpRun) run(ctx context.Context) (*dumped, error) {
	began := time.Now()
	name := databaseName(d.options.Databases)
	s3 := newS3(func(text string) { d.warn("%s", text) })
	defer s3.Client.Close()
	place, err := d.target.open(ctx, s3, name, began, d.stdout)
	if err != nil {
		return nil, err
	}
	done, err := d.write(ctx, place)
	if err != nil {
		if aborted := place.Abort(); aborted != nil {
			err = errors.Join(err, aborted)
		}
		d.end(err)
		return nil, err
	}
	d.end(nil)
	done.place, done.stdout = place.shown, d.target.to == standardOutput
	if place.object.Key != "" {
		done.removed, err = d.target.after(ctx, s3, place, name, done.sum, began)
	}
	done.took = time.Since(began)
	return done, err
}

// write dumps, packs and commits.
func (d *dumpRun) write(ctx context.Context, place *destination) (*dumped, error) {
	out := &tee{w: place, sum: sha256.New()}
	packed, err := target.Compress(out, d.target.compression)
	if err != nil {
		return nil, err
	}
	result, err := export.Run(ctx, d.connector, d.options, packed, d.event)
	// Also after a failure: packing goes on in the background until then.
	if closed := packed.Close(); err == nil {
		err = closed
	}
	if err == nil && d.check != nil {
		err = d.check()
	}
	if err != nil {
		return nil, err
	}
	sum := hex.EncodeToString(out.sum.Sum(nil))
	metadata := map[string]string{
		"server": result.Flavour + " " + result.Version, "rows": fmt.Sprint(result.Rows), "tables": fmt.Sprint(result.Tables),
		"snapshot": result.Taken.Format(time.RFC3339),
	}
	if err := place.Commit(ctx, metadata); err != nil {
		return nil, err
	}
	return &dumped{Result: result, sum: sum, size: out.size}, nil
}

// databaseName is what {{.Database}} stands for: the one database, or "all".
func databaseName(p export.Picks) string {
	if len(p.Include) == 1 && !strings.ContainsAny(p.Include[0], `*?[\`) {
		return p.Include[0]
	}
	return "all"
}

// between is how often progress gets a line.
const between = 2 * time.Second

// event draws an event of the export.
func (d *dumpRun) event(e event.Event) {
	switch e := e.(type) {
	case event.Phase:
		d.end(nil)
		d.mu.Lock()
		d.step = d.show.Start(strings.TrimSpace(e.Name + " " + d.server + " " + parenthesised(e.Detail)))
		d.last = time.Now()
		d.mu.Unlock()
	case event.Warning:
		d.warn("%s", e.Text)
	case event.Progress:
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.step == nil || time.Since(d.last) < between {
			return
		}
		d.last = time.Now()
		d.step.Log(fmt.Appendf(nil, "%.1f MB of text, %d rows, %d tables in %.0f s\n", float64(e.Read)/1e6, e.Rows, e.Tables, e.Elapsed.Seconds()))
	}
}

func parenthesised(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func (d *dumpRun) warn(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	step := d.step
	if step == nil {
		step = d.show.Start("dump " + d.server)
		defer step.Done(nil)
	}
	step.Log(fmt.Appendf(nil, "warning: "+format+"\n", args...))
}

func (d *dumpRun) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.step != nil {
		d.step.Done(err)
		d.step = nil
	}
}

// print says what came out: the place on standard output, for scripts, and the
// rest beside it.
func (d *dumped) print(stdout, stderr io.Writer, quiet bool) error {
	if quiet {
		stderr = io.Discard
	}
	fmt.Fprintf(stderr, "dumped %d rows of %d tables in %.1f s: %.1f MB of text, %.1f MB written, SHA-256 %s\n",
		d.Rows, d.Tables, d.took.Seconds(), float64(d.Bytes)/1e6, float64(d.size)/1e6, d.sum)
	for _, key := range d.removed {
		fmt.Fprintf(stderr, "removed the old dump %s\n", path.Base(key))
	}
	if d.stdout {
		return nil
	}
	_, err := fmt.Fprintln(stdout, d.place)
	return err
}
