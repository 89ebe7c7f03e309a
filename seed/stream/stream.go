// Package stream masks a dump without a server: it reads dumps as a bake does, and
// writes one that any mysql client takes, with other rows. Statements that put no
// rows into tables pass as they are, byte for byte.
//
// Memory is bounded whatever the dump's size. One goroutine reads statements, some
// change rows, one writes, in the order of the dump; so the same dump, rules and key
// give the same bytes.
package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/seed/subset"
	"github.com/dbake/dbake/seed/target"
	"github.com/dbake/dbake/spec"
)

// Source opens dumps: once for each pass over them.
type Source interface {
	Open(ctx context.Context, object plan.Object) (source.Stream, error)
}

var _ Source = (*source.Source)(nil)

// Options say what is masked and how.
type Options struct {
	Source Source
	// Objects are the dumps, as Source.Resolve pins them.
	Objects []plan.Object
	// Restore picks schemas, tables and rows, as for a bake. on_error and definer
	// mean nothing here.
	Restore spec.Restore
	// Mask says which values are replaced; nil: none.
	Mask *spec.Mask
	// Key is the value of mask.key's secret.
	Key []byte
	// TempDir is for what a subset notes; empty: the system's.
	TempDir string
	// Workers is how many goroutines change rows at once; 0: one for each core.
	Workers int
}

// Result says what was written.
type Result struct {
	// Dumps counts the dumps read, Bytes the text written.
	Dumps, Bytes int64
	// Rows are those of tables with masks or rules for rows; Dropped of them
	// were left out, Masked were changed.
	Rows, Dropped, Masked int64
	// Tables are all tables that such rows were for, by their names.
	Tables []Table
}

// Error is an error that one key of the dbake.yaml is to blame for.
type Error struct {
	// Path is as "mask.columns.app.users.email".
	Path string
	Err  error
}

// Error gives the cause's text; the path is for whoever shows the file.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Run masks dumps into w. What it has written when it fails is not complete. Errors
// that a key of the dbake.yaml is to blame for are *Error. Progress and warnings go
// to sink.
func Run(ctx context.Context, o Options, w io.Writer, sink event.Sink) (*Result, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	r := &run{options: o, sink: sink, began: time.Now(), tallies: map[string]*tally{}, tables: map[string]*schema.Table{}}
	if err := r.prepare(ctx); err != nil {
		return nil, blame(err)
	}
	defer r.close()
	out := &counter{w: w}
	end := target.NewHoldBack(out) // without it nobody takes the dump for complete
	if err := r.write(ctx, end); err != nil {
		return nil, blame(err)
	}
	if err := r.check(); err != nil {
		return nil, blame(err)
	}
	if err := end.Release(); err != nil {
		return nil, fmt.Errorf("write the masked dump: %w", err)
	}
	r.report()
	return r.result(out.bytes.Load()), nil
}

// run is the state of one Run.
type run struct {
	options Options
	sink    event.Sink
	began   time.Time
	filters rows.Filters
	masker  *mask.Masker
	policy  *policy.Policy
	closed  *subset.Plan
	tables  map[string]*schema.Table
	before  *load.Loader
	picks   picks

	mu      sync.Mutex
	tallies map[string]*tally
	// commented counts comments that were left out.
	commented   int64
	definitions []string
}

// prepare makes the filters; for a subset it reads the dumps.
func (r *run) prepare(ctx context.Context) error {
	for _, object := range r.options.Objects {
		if object.File != "" || object.Location.Kind == spec.KindContextFolder {
			return &Error{dumpPath(object), fmt.Errorf("%s is a dump folder (mydumper, mysqldump --tab, MySQL Shell): only SQL dumps are masked without a server; bake it, and dump what is baked", source.DisplayFolder(object))}
		}
	}
	r.picks = picks{options: r.options.Restore}
	var list rows.Chain
	picker, err := r.picker(ctx)
	if err != nil {
		return err
	}
	if picker != nil {
		list = append(list, picker)
	}
	if m := r.options.Mask; m != nil {
		if r.masker, err = newMasker(m, r.options.Key); err != nil {
			return err
		}
		r.masker.Relations(nil, mask.Declared(r.options.Restore.Subset)...)
		if r.policy = policy.New(m.Policy, r.masker, r.picks.wantsRows); r.policy != nil {
			list = append(list, r.policy)
		}
		list = append(list, r.masker)
	}
	if len(list) > 0 {
		r.filters = list
	}
	return nil
}

// newMasker makes the masks, and refuses what only a server can do.
func newMasker(m *spec.Mask, key []byte) (*mask.Masker, error) {
	masker, err := mask.New(m, key)
	if err != nil {
		return nil, err
	}
	if len(m.SQL) > 0 {
		return nil, &Error{"mask.sql", errors.New("scripts mask in a server; without one only mask.columns do")}
	}
	if path, sql := masker.HasSQL(); sql {
		return nil, &Error{path, errors.New("an expression masks in a server; without one only the other transforms do")}
	}
	return masker, nil
}

// picker makes what picks rows; nil: nothing does.
func (r *run) picker(ctx context.Context) (rows.Filters, error) {
	o := r.options.Restore
	if o.Subset != nil {
		return r.survey(ctx)
	}
	if slices.ContainsFunc(o.Tables, func(t spec.TableRule) bool { return t.Rows == "" }) {
		return subset.New(o, r.now())
	}
	return nil, nil //nolint:nilnil // see above
}

// now is what NOW() gives in conditions: when the dumps were made, as in a bake.
func (r *run) now() time.Time {
	var latest time.Time
	for _, o := range r.options.Objects {
		if o.Modified.After(latest) {
			latest = o.Modified
		}
	}
	if latest.IsZero() {
		latest = r.began
	}
	return latest.UTC()
}

// survey reads the dumps to decide which rows a subset keeps.
func (r *run) survey(ctx context.Context) (rows.Filters, error) {
	dir, err := os.MkdirTemp(r.options.TempDir, "dbake-subset-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the keys of rows: %w", err)
	}
	defer os.RemoveAll(dir)
	c, err := subset.NewCollector(r.options.Restore, r.now(), dir)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var before *load.Loader
	for _, object := range r.options.Objects {
		err := r.read(ctx, "survey", object, func(name string, s *dump.Scanner, _ *recorder) (*load.Loader, error) {
			o := r.load(name)
			o.Filters, o.Define, o.Warn = c, c.Declare, func(string) {}
			before = load.NewSurvey(s, o, before)
			err := before.Run(ctx)
			return before, err
		})
		if err != nil {
			return nil, err
		}
	}
	r.sink(event.Phase{Name: "decide which rows belong together"})
	if r.closed, err = c.Finish(ctx); err != nil {
		return nil, err
	}
	for _, text := range r.closed.Warnings() {
		r.sink(event.Warning{Path: "restore.subset", Text: text})
	}
	return r.closed, nil
}

// write reads the dumps, and writes what becomes of them.
func (r *run) write(ctx context.Context, w io.Writer) error {
	group, ctx := errgroup.WithContext(ctx)
	p := newPipe(r.options.Workers)
	for range r.options.Workers {
		group.Go(func() error { return p.rewrite(ctx) })
	}
	group.Go(func() error { return p.write(ctx, w) })
	group.Go(func() error {
		for i := range r.options.Objects {
			if err := r.one(ctx, p, i); err != nil {
				return err
			}
		}
		p.end()
		return nil
	})
	return group.Wait()
}

// one passes one dump on.
func (r *run) one(ctx context.Context, p *pipe, i int) error {
	several := len(r.options.Objects) > 1
	return r.read(ctx, "mask", r.options.Objects[i], func(name string, s *dump.Scanner, rec *recorder) (*load.Loader, error) {
		to := &pass{
			ctx: ctx, run: r, name: name, path: dumpPath(r.options.Objects[i]), rec: rec, pipe: p, batch: p.get(), sieves: map[*schema.Table]*sieve{},
			bare: !several && r.options.Restore.Database == "", delim: []byte(";"),
		}
		o := r.load(name)
		o.Filters, o.WantsRows = r.filters, r.wantsRows
		o.Define = r.define
		r.before = load.NewPass(s, o, to, r.before)
		if err := r.before.Run(ctx); err != nil {
			return r.before, err
		}
		return r.before, to.end(i+1 < len(r.options.Objects))
	})
}

// read opens a dump and has it read, with progress.
func (r *run) read(ctx context.Context, phase string, object plan.Object, do func(string, *dump.Scanner, *recorder) (*load.Loader, error)) error {
	name := source.Display(object)
	at := dumpPath(object)
	r.sink(event.Phase{Name: phase, Detail: name})
	stream, err := r.options.Source.Open(ctx, object)
	if err != nil {
		return &Error{at, err}
	}
	defer stream.Close()
	text, _, err := source.Decompress(stream)
	if err != nil {
		return &Error{at, fmt.Errorf("%s: %w", name, err)}
	}
	defer text.Close()
	stop := r.progress(name, stream)
	defer stop()
	rec := &recorder{r: text}
	if phase == "survey" {
		_, err = do(name, dump.NewScanner(text), nil)
	} else {
		_, err = do(name, dump.NewScanner(rec), rec)
	}
	if err != nil {
		return &Error{at, err}
	}
	return nil
}

// dumpPath is the key of a dump in the dbake.yaml.
func dumpPath(object plan.Object) string { return fmt.Sprintf("dump[%d]", object.Dump) }

// load are the options that both passes over a dump have in common.
func (r *run) load(name string) load.Options {
	return load.Options{
		Object: name, Database: r.options.Restore.Database, SkipSystem: r.picks.skipsSystem,
		Wants: r.picks.wants, WantsRows: r.picks.wantsRows,
		Warn: func(text string) { r.sink(event.Warning{Text: text}) },
	}
}

// define takes note of a table that a dump makes or changes.
func (r *run) define(t *schema.Table) error {
	r.tables[t.Schema+"."+t.Name] = t
	if r.policy != nil {
		r.policy.Declare(t)
	}
	if r.masker == nil {
		return nil
	}
	r.masker.Relations([]*schema.Table{t})
	return r.masker.Late(t)
}

// progress tells every second how far a dump is read, until the function it returns
// is called.
func (r *run) progress(name string, stream source.Stream) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				p := event.Progress{Object: name, Read: stream.Position(), Total: stream.Size(), Elapsed: time.Since(r.began)}
				r.mu.Lock()
				for _, t := range r.tallies {
					t.mu.Lock()
					p.Rows += t.Rows
					t.mu.Unlock()
				}
				p.Tables = int64(len(r.tallies))
				r.mu.Unlock()
				r.sink(p)
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// counter counts what is written.
type counter struct {
	w     io.Writer
	bytes atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (r *run) close() {
	if r.closed != nil {
		r.closed.Close()
	}
}
