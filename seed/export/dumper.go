package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// dumper is one dump under way.
type dumper struct {
	options Options
	snap    *snapshot
	sink    event.Sink
	out     *meter
	began   time.Time

	tables, rows atomic.Int64
}

func (d *dumper) describe() string {
	return fmt.Sprintf("%s, %d connections, one snapshot by %s", d.snap.control.version, len(d.snap.readers), d.snap.how)
}

// control runs f with the session that reads definitions.
func (d *dumper) control(f func(*session) error) error {
	s := d.snap.control
	s.Lock()
	defer s.Unlock()
	return f(s)
}

// plan makes the pieces of the dump, in order.
func (d *dumper) plan(ctx context.Context, js *jobs) error {
	defer js.end()
	if err := d.tellTables(ctx); err != nil {
		return err
	}
	if err := js.text(d.header()); err != nil {
		return err
	}
	var grants string
	if d.options.Accounts {
		var users string
		err := d.control(func(s *session) (err error) {
			users, grants, err = s.accounts(ctx)
			return err
		})
		if err == nil {
			err = js.text(users)
		}
		if err != nil {
			return err
		}
	}
	for _, db := range d.snap.databases {
		if err := d.planDatabase(ctx, js, db); err != nil {
			return err
		}
	}
	// A view may need tables and functions of any database.
	for _, db := range d.snap.databases {
		if err := d.planViews(ctx, js, db); err != nil {
			return err
		}
	}
	return js.text(grants, d.footer())
}

func (d *dumper) planDatabase(ctx context.Context, js *jobs, db *database) error {
	var create string
	var listed map[*table]bool
	err := d.control(func(s *session) (err error) {
		// Names in the database's own views come without the database.
		if err = s.exec(ctx, "USE "+quote(db.name)); err == nil {
			create, err = s.createDatabase(ctx, db, d.options.Bare)
		}
		if err == nil {
			listed, err = s.readColumns(ctx, db)
		}
		return errors.Join(err, s.release(ctx))
	})
	if err != nil {
		return fmt.Errorf("read the definitions of %s: %w", db.name, err)
	}
	if err := js.text(create); err != nil {
		return err
	}
	for _, k := range []kind{kindSequence, kindTable} {
		for _, t := range db.tables {
			// Views stand among the tables, as what they will be.
			if t.kind != k && (k != kindTable || t.kind != kindView) {
				continue
			}
			if err := d.planTable(ctx, js, db, t, listed[t]); err != nil {
				return fmt.Errorf("%s %s: %w", t.kind, t.qualified(), err)
			}
		}
	}
	var programs string
	err = d.control(func(s *session) (err error) {
		programs, err = s.programs(ctx, db, d.options)
		return errors.Join(err, s.release(ctx))
	})
	if err != nil {
		return err
	}
	return js.text(programs)
}

// planTable makes the pieces of one table.
func (d *dumper) planTable(ctx context.Context, js *jobs, db *database, t *table, listed bool) error {
	var def definition
	var spans []span
	data := d.options.wantsRows(t)
	err := d.control(func(s *session) (err error) {
		if def, err = s.define(ctx, db, t, d.options); err == nil && data {
			spans, err = s.spans(ctx, t, d.options.chunkBytes)
		}
		return errors.Join(err, s.release(ctx))
	})
	if err != nil || !data {
		if err == nil {
			err = js.add(&job{before: def.create + def.after, table: true})
		}
		return err
	}
	st, err := d.stretchOf(t, def, listed)
	if err != nil {
		return err
	}
	if st.described != nil && ordered(d.options.Filters, st.described) {
		spans = []span{{}}
	}
	for i, r := range spans {
		piece := *st
		piece.query = t.rowsQuery(t.columns, d.options.where(t), r)
		j := &job{rows: &piece}
		if i == 0 {
			j.before = def.create + dataHead(t)
		}
		if i == len(spans)-1 {
			j.after, j.table = dataFoot(t)+def.after, true
		}
		if err := js.add(j); err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) stretchOf(t *table, def definition, listed bool) (*stretch, error) {
	st := &stretch{table: t, columns: t.columns, statement: d.options.statementBytes, head: "INSERT INTO " + quote(t.name)}
	if listed {
		st.head += " (" + columnNames(t.columns) + ")"
	}
	st.head += " VALUES "
	if d.options.Filters == nil {
		return st, nil
	}
	described, err := describe(t, def.statement)
	st.described, st.filters = described, d.options.Filters
	return st, err
}

// describe reads a table's definition.
func describe(t *table, statement string) (*schema.Table, error) {
	described, err := schema.Parse([]byte(statement), dump.Mode{})
	if err != nil {
		return nil, fmt.Errorf("understand the definition of %s: %w", t.qualified(), err)
	}
	described.Schema = t.database
	return described, nil
}

// tellTables tells Known of all tables.
func (d *dumper) tellTables(ctx context.Context) error {
	if d.options.Known == nil {
		return nil
	}
	var tables []*schema.Table
	err := d.control(func(s *session) error {
		for _, db := range d.snap.databases {
			for _, t := range db.tables {
				if t.kind != kindTable {
					continue
				}
				records, err := s.query(ctx, "SHOW CREATE TABLE "+t.quoted())
				if err != nil {
					return err
				}
				described, err := describe(t, records[0].text("create table"))
				if err != nil {
					return err
				}
				tables = append(tables, described)
			}
			if err := s.release(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.options.Known(tables)
}

func ordered(f rows.Filters, t *schema.Table) bool {
	o, ok := f.(rows.Orderer)
	return ok && o.Ordered(t)
}

// planViews makes the definitions of views, once everything else is there.
func (d *dumper) planViews(ctx context.Context, js *jobs, db *database) error {
	var b strings.Builder
	err := d.control(func(s *session) error {
		if err := s.exec(ctx, "USE "+quote(db.name)); err != nil {
			return err
		}
		for _, t := range db.tables {
			if t.kind == kindView {
				text, err := s.finalView(ctx, t)
				if err != nil {
					return fmt.Errorf("view %s: %w", t.qualified(), err)
				}
				b.WriteString(text)
			}
		}
		return s.release(ctx)
	})
	if err != nil || b.Len() == 0 {
		return err
	}
	use := ""
	if !d.options.Bare {
		use = "\nUSE " + quote(db.name) + ";\n"
	}
	return js.text(use, b.String())
}

// read makes the rows of the pieces that are next.
func (d *dumper) read(ctx context.Context, s *session, js *jobs) error {
	for j := range js.work {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		s.Lock()
		_, err := j.rows.stream(ctx, s, func(text []byte, rows int64) error {
			d.rows.Add(rows)
			return j.out.push(text)
		})
		if err == nil {
			err = s.release(ctx)
		}
		s.Unlock()
		if err != nil {
			return err
		}
		j.out.end()
	}
	return nil
}

// write writes the pieces in order.
func (d *dumper) write(ctx context.Context, js *jobs) error {
	defer close(js.written)
	for j := range js.ordered {
		if err := d.out.write(ctx, []byte(j.before)); err != nil {
			return err
		}
		for j.rows != nil {
			text, err := j.out.pop()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				err = d.out.write(ctx, text)
			}
			if err != nil {
				return err
			}
		}
		if err := d.out.write(ctx, []byte(j.after)); err != nil {
			return err
		}
		if j.table {
			d.tables.Add(1)
		}
	}
	return context.Cause(ctx) // a planner that failed has ended the pieces too
}

// report sends progress until everything is written.
func (d *dumper) report(ctx context.Context, js *jobs) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			d.progress()
		case <-js.written:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (d *dumper) progress() {
	total := int64(-1)
	d.sink(event.Progress{
		Object: d.snap.control.version, Read: d.out.count.Load(), Total: total,
		Rows: d.rows.Load(), Tables: d.tables.Load(), Elapsed: time.Since(d.began),
	})
}

func (d *dumper) result() *Result {
	r := &Result{
		Flavour: "mysql", Version: d.snap.control.version,
		Tables: d.tables.Load(), Rows: d.rows.Load(), Bytes: d.out.count.Load(),
		Position: d.snap.position, GTIDs: d.snap.gtids, Taken: d.snap.taken,
	}
	if d.snap.control.mariadb {
		r.Flavour = "mariadb"
	}
	for _, db := range d.snap.databases {
		r.Databases = append(r.Databases, db.name)
	}
	return r
}

// explain says what to do about errors of the server that users meet.
func explain(err error) error {
	switch numberOf(err) {
	case errBadField:
		if strings.Contains(strings.ToLower(err.Error()), "in 'where") {
			return err // a condition of the user's
		}
		return fmt.Errorf("%w: %w", ErrDefinitionChanged, err)
	case errDefinition, errNoSuchTable, errUnknownTable, errUnknownDatabase:
		return fmt.Errorf("%w: %w", ErrDefinitionChanged, err)
	case errAccessDenied, errDatabaseDenied, errTableDenied, errSpecificDenied:
		return fmt.Errorf("%w; a dump needs SELECT, SHOW VIEW, TRIGGER, EVENT and, for routines, SHOW_ROUTINE (MySQL 8) or SELECT on mysql.proc (MariaDB)", err)
	case errViewInvalid:
		return fmt.Errorf("%w; mend or drop the view, or leave it out by --exclude-table", err)
	}
	return err
}
