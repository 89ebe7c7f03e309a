package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// NewSurvey prepares a Loader that executes nothing: it reads a dump as another one
// would load it, tells Options.Define of its tables and shows Options.Filters its
// rows, in the order of the dump. What the filters let through goes nowhere. before
// is the survey of the dump before, whose tables the rows of this one may belong to;
// nil: there is none.
func NewSurvey(scanner *dump.Scanner, o Options, before *Loader) *Loader {
	l := New(nil, scanner, o)
	if before != nil {
		l.defined, l.routines = before.defined, before.routines
	}
	if o.Define == nil {
		l.options.Define = func(*schema.Table) error { return nil }
	}
	l.rows = &surveyRows{loader: l}
	return l
}

// surveyRows is the Rows of a survey.
type surveyRows struct {
	loader *Loader
	buffer []byte
}

var _ fileRows = (*surveyRows)(nil)

func (r *surveyRows) Follow(dump.Statement)                           {}
func (r *surveyRows) WaitTable(context.Context, string, string) error { return nil }
func (r *surveyRows) Wait(context.Context) error                      { return nil }
func (r *surveyRows) Skips(dump.Statement) bool                       { return false }
func (r *surveyRows) start(context.Context) (stop func())             { return func() {} }
func (r *surveyRows) by(l *Loader)                                    { r.loader = l }

// sieve gives the sieve of a statement's table, as the dump makes it.
func (r *surveyRows) sieve(st dump.Statement) (*sieve, error) {
	l := r.loader
	key := tableKey(l.schemaOf(st), st.Table)
	if s := l.sieves[key]; s != nil {
		return s, nil
	}
	t := l.defined[key]
	if t == nil {
		return nil, errors.New("the dump has no CREATE TABLE before these rows, which says what their columns are")
	}
	if l.sieves == nil {
		l.sieves = map[string]*sieve{}
	}
	l.sieves[key] = sieveOf(l.options.Filters, t)
	return l.sieves[key], nil
}

// Put shows the rows of a statement to the filters.
func (r *surveyRows) Put(_ context.Context, st dump.Statement) error {
	if err := r.put(st); err != nil {
		return r.loader.statementError(st, err)
	}
	return nil
}

func (r *surveyRows) put(st dump.Statement) error {
	s, err := r.sieve(st)
	if err != nil {
		return err
	}
	r.loader.table(st).filled = true
	v, plain := dump.ParseInsert(st.Text, st.Mode)
	if !plain || !v.Complete() {
		return s.siftUnread()
	}
	at := shape{mode: st.Mode}
	if at.columns, err = s.named(v.Columns); err != nil {
		return err
	}
	count := func(_ rows.Rewriter, n rows.Counts) { r.loader.counts.rows.Add(n.Read) }
	in, buffer, err := s.siftFirst(r.buffer, v.Rows, at, count)
	r.buffer = keep(buffer)
	if err != nil || !in.rest || len(in.text) == 0 {
		return err
	}
	_, err = s.siftRest(nil, in, func(rows.Rewriter, rows.Counts) {})
	return err
}

// putFile shows the rows of a file to the filters.
func (r *surveyRows) putFile(ctx context.Context, f File) error {
	l := r.loader
	st := dump.Statement{Kind: dump.Insert, Schema: f.Rows.Table.Schema, Table: f.Rows.Table.Name}
	if st.Schema == "" {
		st.Schema = l.schema
	}
	if l.leavesOut(st) || l.unpicked(st) || !l.wantsRows(st) {
		return nil
	}
	if err := r.readFile(ctx, st, f); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	return nil
}

func (r *surveyRows) readFile(ctx context.Context, st dump.Statement, f File) error {
	s, err := r.sieve(st)
	if err != nil {
		return err
	}
	r.loader.table(st).filled = true
	split, err := newLines(f.Text, f.Rows.Dialect)
	if err != nil {
		return err
	}
	t := &target{schema: st.Schema, name: st.Table, info: infoOf(s.table), table: &Table{}}
	format, err := t.newTextFormat(f.Rows.Charset)
	if err != nil {
		return err
	}
	for first := int64(1); ctx.Err() == nil; {
		c := &textChunk{target: t, loader: r.loader, pool: newPool(0), first: first, format: format}
		c.buffer, c.rows, err = split.fill(r.buffer[:0], r.loader.chunkBytes())
		r.buffer = keep(c.buffer)
		if err == nil {
			err = format.check(c.buffer)
		}
		if err == nil && c.rows > 0 && format.into == "" {
			if err = format.finish(t, f.Rows, r.loader.folder.Flavour, split.fields(c.buffer)); err == nil {
				err = format.sift(s, f.Rows)
			}
		}
		if err != nil || c.rows == 0 {
			return err
		}
		c.read = c.rows
		first += c.rows
		r.loader.counts.rows.Add(c.rows)
		if format.first != nil {
			if _, err := c.rewrite(format.first, nil); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// infoOf is what a server would say of a table, as far as its columns go.
func infoOf(t *schema.Table) *tableInfo {
	info := &tableInfo{}
	for _, c := range t.Columns {
		info.columns = append(info.columns, columnInfo{
			name: c.Name, invisible: c.Invisible, generated: c.Generated, autoIncrement: c.AutoIncrement,
			column: dump.Column{Class: dump.ClassOf(c.Type, c.Charset), NotNull: c.NotNull, AutoIncrement: c.AutoIncrement, Charset: c.Charset},
		})
	}
	return info
}
