package subset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// Scan takes one dump of the first pass: it reads statements up to the end, keeps
// track of the tables, and hands their rows to the Collector. database is the schema
// of tables before any USE; wants says which schemas are restored. Statements that
// a bake would not understand either are left to the second pass.
func (c *Collector) Scan(ctx context.Context, in *dump.Scanner, database string, wants func(schema string) bool) error {
	s := &scan{collector: c, current: database, wants: wants, tables: map[string]*schema.Table{}, rewriters: map[string]rows.Rewriter{}}
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		st, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.take(st); err != nil {
			return fmt.Errorf("line %d: %w", st.Line, err)
		}
	}
}

// scan is the state of one Scan.
type scan struct {
	collector *Collector
	current   string
	wants     func(string) bool
	tables    map[string]*schema.Table
	rewriters map[string]rows.Rewriter // of the current table, by their columns
	rewritten string                   // the table
	scratch   []byte
}

func (s *scan) take(st dump.Statement) error {
	if st.Kind == dump.Use {
		s.current = st.Schema
		return nil
	}
	schemaName := st.Schema
	if schemaName == "" {
		schemaName = s.current
	}
	switch st.Kind {
	case dump.CreateTable, dump.AlterTable, dump.Insert, dump.Replace:
	default:
		return nil
	}
	if isSystem(schemaName) || !s.wants(schemaName) {
		return nil
	}
	name := nameOf(schemaName, st.Table)
	switch st.Kind {
	case dump.CreateTable:
		t, err := schema.Parse(st.Text, st.Mode)
		if err != nil {
			return err
		}
		t.Schema = schemaName
		s.tables[name] = t
		s.rewritten = ""
		return s.collector.Declare(t)
	case dump.AlterTable:
		t := s.tables[name]
		if t == nil {
			return nil
		}
		if err := schema.Alter(t, st.Text, st.Mode); err != nil {
			return err
		}
		s.rewritten = ""
		return s.collector.Declare(t)
	default:
		return s.insert(st, name)
	}
}

// insert notes the rows of a statement.
func (s *scan) insert(st dump.Statement, name string) error {
	t := s.tables[name]
	values, ok := dump.ParseInsert(st.Text, st.Mode)
	if t == nil || !ok {
		return fmt.Errorf("a subset needs rows as plain VALUES, behind the CREATE TABLE of %s", name)
	}
	columns := values.Columns
	if columns == nil {
		for i := range t.Columns {
			if !t.Columns[i].Invisible {
				columns = append(columns, t.Columns[i].Name)
			}
		}
	}
	r, err := s.rewriter(t, name, columns, st.Mode)
	if err != nil || r == nil {
		return err
	}
	s.scratch, _, err = r.Append(s.scratch[:0], values.Rows)
	return err
}

func (s *scan) rewriter(t *schema.Table, name string, columns []string, m dump.Mode) (rows.Rewriter, error) {
	if s.rewritten != name {
		clear(s.rewriters)
		s.rewritten = name
	}
	shape := fmt.Sprint(columns, m)
	if r, known := s.rewriters[shape]; known {
		return r, nil
	}
	f, err := s.collector.For(t, columns)
	if err != nil || f == nil {
		return nil, err
	}
	r, err := rows.NewValues(t, columns, m, f)
	if err == nil {
		s.rewriters[shape] = r
	}
	return r, err
}
