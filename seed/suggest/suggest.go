// Package suggest writes a mask section to begin with: it reads dumps, looks at the
// names of columns and at some rows of each table, and gives a rule for each column
// that looks personal and has none.
package suggest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

// Source opens dumps.
type Source interface {
	Open(ctx context.Context, object plan.Object) (source.Stream, error)
}

// Options say what is looked at.
type Options struct {
	Source  Source
	Objects []plan.Object
	// Restore picks schemas and tables, as for a bake.
	Restore spec.Restore
	// Mask has the rules there are; nil: none.
	Mask *spec.Mask
	// Rows is how many rows of each table are looked at; 0: 1000.
	Rows int64
	// Time ends the look at a dump that is long; 0: it is read to its end.
	Time time.Duration
}

// Suggestion is what was found.
type Suggestion struct {
	// Rules are in the order of the names of their columns.
	Rules []Rule
	// Tables is how many tables were seen; Stopped is the place where time was
	// up, as "dump.sql: line 17"; empty when all was read.
	Tables  int
	Stopped string
	// Keyed says that a rule needs a key that there is none for.
	Keyed bool
	// Required says that mask.policy is there already.
	Required bool
}

// Rule is a rule for one column.
type Rule struct {
	Schema, Table, Column string
	// Transform is as in mask.columns.
	Transform map[string]any
	// Why says what the column looks like, and what is left to do.
	Why string
}

// Pattern is the rule's key in mask.columns.
func (r Rule) Pattern() string {
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)
	return escape.Replace(r.Schema) + "." + escape.Replace(r.Table) + "." + escape.Replace(r.Column)
}

const defaultRows = 1000

// Run looks at dumps.
func Run(ctx context.Context, o Options, sink event.Sink) (*Suggestion, error) {
	if o.Rows <= 0 {
		o.Rows = defaultRows
	}
	r := &reader{options: o, sink: sink, began: time.Now(), tables: map[string]*tableSample{}}
	stopped := ""
	for _, object := range o.Objects {
		if object.File != "" || object.Location.Kind == spec.KindContextFolder {
			return nil, fmt.Errorf("%s is a dump folder: rules are suggested for SQL dumps", source.DisplayFolder(object))
		}
		err := r.read(ctx, object)
		var late *lateError
		if errors.As(err, &late) {
			stopped = late.where
			break
		}
		if err != nil {
			return nil, err
		}
	}
	a, err := newAdviser(o.Mask, r.sorted())
	if err != nil {
		return nil, err
	}
	out := &Suggestion{Tables: len(r.tables), Stopped: stopped, Required: o.Mask != nil && o.Mask.Policy != nil}
	if out.Rules, err = a.advise(); err != nil {
		return nil, err
	}
	out.Keyed = (o.Mask == nil || o.Mask.Key == nil) && slices.ContainsFunc(out.Rules, func(r Rule) bool {
		_, err := mask.New(&spec.Mask{Columns: spec.MaskColumns{{Pattern: r.Pattern(), Transform: r.Transform}}}, nil)
		return err != nil
	})
	return out, nil
}

// lateError says where time was up.
type lateError struct{ where string }

func (e *lateError) Error() string { return "time is up at " + e.where }

// reader reads dumps.
type reader struct {
	options Options
	sink    event.Sink
	began   time.Time
	before  *load.Loader
	name    string
	tables  map[string]*tableSample
}

func (r *reader) read(ctx context.Context, object plan.Object) error {
	r.name = source.Display(object)
	r.sink(event.Phase{Name: "look at", Detail: r.name})
	stream, err := r.options.Source.Open(ctx, object)
	if err != nil {
		return err
	}
	defer stream.Close()
	text, _, err := source.Decompress(stream)
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	defer text.Close()
	r.before = load.NewPass(dump.NewScanner(text), load.Options{
		Object: r.name, Database: r.options.Restore.Database,
		SkipSystem: func(dump.Header) bool { return true },
		Wants:      r.wants, WantsRows: r.wantsRows, Define: r.define,
		Warn: func(string) {},
	}, r, r.before)
	return r.before.Run(ctx)
}

func (r *reader) define(t *schema.Table) error {
	name := t.Schema + "." + t.Name
	if r.tables[name] == nil {
		r.tables[name] = &tableSample{limit: r.options.Rows}
	}
	r.tables[name].table = t
	return nil
}

// sorted gives the tables by their names.
func (r *reader) sorted() []*tableSample {
	list := make([]*tableSample, 0, len(r.tables))
	for _, t := range r.tables {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *tableSample) int { return strings.Compare(a.name(), b.name()) })
	return list
}

// Pass implements load.Passer.
func (r *reader) Pass(dump.Statement) error { return nil }

// Place implements load.Passer.
func (r *reader) Place(string) error { return nil }

// Over implements load.Passer.
func (r *reader) Over(st dump.Statement) error {
	if r.options.Time > 0 && time.Since(r.began) > r.options.Time {
		return &lateError{fmt.Sprintf("%s: line %d", r.name, st.Line)}
	}
	return nil
}

// Rows implements load.Passer.
func (r *reader) Rows(st dump.Statement, t *schema.Table) error {
	if t == nil {
		return nil
	}
	s := r.tables[t.Schema+"."+t.Name]
	if s == nil { // of a dump before
		s = &tableSample{limit: r.options.Rows}
		r.tables[t.Schema+"."+t.Name] = s
	}
	s.table = t
	s.add(st)
	return nil
}
