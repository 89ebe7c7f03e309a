package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// sieve is what Options.Filters make of one table's rows while nothing changes the
// table. The lanes may ask it for Rewriters of their own; everything else is for
// the goroutine that reads the dump.
type sieve struct {
	table *schema.Table
	all   []string // names of all columns
	// ordered has to see the rows in the dump's order; rest need not.
	ordered, rest rows.Filters
	// first are the Rewriters of ordered, and later those of rest for rows that
	// no lane loads, by the columns and the mode of the rows.
	first, later map[shape]rows.Rewriter
}

// shape is what a Rewriter is made for, beside a table: names of columns, joined
// by NUL, and the mode of the text.
type shape struct {
	columns string
	mode    dump.Mode
}

// names gives the columns' names.
func (s shape) names() []string { return strings.Split(s.columns, "\x00") }

func shapeOf(columns []columnInfo, m dump.Mode) shape {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return shape{strings.Join(names, "\x00"), m}
}

// newSieve makes the sieve of a table from what SHOW CREATE TABLE says of it, under
// a mode.
func newSieve(f rows.Filters, create string, m dump.Mode, schemaName, name string) (*sieve, error) {
	t, err := schema.Parse([]byte(create), m)
	if err != nil {
		return nil, fmt.Errorf("look at table %s.%s, whose rows may have to be changed: %w", schemaName, name, err)
	}
	t.Schema, t.Name = schemaName, name
	return sieveOf(f, t), nil
}

// sieveOf makes the sieve of a table.
func sieveOf(f rows.Filters, t *schema.Table) *sieve {
	s := &sieve{table: t, first: map[shape]rows.Rewriter{}, later: map[shape]rows.Rewriter{}}
	for _, c := range t.Columns {
		s.all = append(s.all, c.Name)
	}
	s.ordered, s.rest = rows.Split(f, t)
	return s
}

// isWanted reports whether there is a filter for the table at all.
func (s *sieve) isWanted() (bool, error) {
	for _, filters := range []rows.Filters{s.ordered, s.rest} {
		if filters == nil {
			continue
		}
		f, err := filters.For(s.table, s.all)
		if err != nil || f != nil {
			return true, err
		}
	}
	return false, nil
}

// values makes a Rewriter for rows of statements; nil: they stay as they are.
func (s *sieve) values(f rows.Filters, at shape) (rows.Rewriter, error) {
	if f == nil {
		return nil, nil //nolint:nilnil // see above
	}
	names := at.names()
	filter, err := f.For(s.table, names)
	if err != nil || filter == nil {
		return nil, err
	}
	return rows.NewValues(s.table, names, at.mode, filter)
}

// cached is values with one Rewriter for each shape, for the goroutine that reads
// the dump.
func (s *sieve) cached(in map[shape]rows.Rewriter, f rows.Filters, at shape) (rows.Rewriter, error) {
	r, known := in[at]
	if known {
		return r, nil
	}
	r, err := s.values(f, at)
	if err == nil {
		in[at] = r
	}
	return r, err
}

// sifted are a statement's rows behind the filters that need them in order.
type sifted struct {
	text []byte
	at   shape
	// rest: there are filters that have not seen them.
	rest bool
}

// siftFirst asks the filters that need rows in order. text is buffer's, if any
// were asked. It counts what they left out in t.
func (s *sieve) siftFirst(buffer, text []byte, at shape, count func(rows.Rewriter, rows.Counts)) (out sifted, scratch []byte, err error) {
	out, scratch = sifted{text: text, at: at}, buffer
	first, err := s.cached(s.first, s.ordered, at)
	if err != nil {
		return out, scratch, err
	}
	later, err := s.cached(s.later, s.rest, at)
	if err != nil {
		return out, scratch, err
	}
	out.rest = later != nil
	if first != nil {
		var n rows.Counts
		scratch, n, err = first.Append(buffer[:0], text)
		out.text = scratch
		if err != nil {
			return out, scratch, err
		}
		count(first, n)
	}
	return out, scratch, nil
}

// siftRest asks the other filters, where no lane does.
func (s *sieve) siftRest(buffer []byte, in sifted, count func(rows.Rewriter, rows.Counts)) ([]byte, error) {
	r, err := s.cached(s.later, s.rest, in.at)
	if err != nil || r == nil {
		return append(buffer, in.text...), err
	}
	out, n, err := r.Append(buffer, in.text)
	if err == nil {
		count(r, n)
	}
	return out, err
}

// count adds what a Rewriter did with some rows to the table's record. Call it with
// the lock of whoever else counts held.
func (t *Table) count(r rows.Rewriter, n rows.Counts) {
	t.Dropped += n.Read - n.Kept
	t.Masked += n.Changed
	r.TakeChanged(func(column string, cells int64) {
		if t.Cells == nil {
			t.Cells = map[string]int64{}
		}
		t.Cells[column] += cells
	})
}

// errUnreadable says why rows cannot be put into a table with filters.
var errUnreadable = errors.New("its rows are not plain lists of values for the table's columns, so dbake cannot change or pick them as the mask: and restore.tables sections of dbake.yaml want; make the dump with mysqldump's INSERT … VALUES statements")

// siftUnread decides about a statement whose rows nobody can take apart.
func (s *sieve) siftUnread() error {
	wanted, err := s.isWanted()
	if err == nil && wanted {
		err = errUnreadable
	}
	return err
}

// clientCharset asks for the character set of the session's statements.
func clientCharset(ctx context.Context, conn *sql.Conn) (string, error) {
	var name string
	if err := conn.QueryRowContext(ctx, "SELECT @@character_set_client").Scan(&name); err != nil {
		return "", fmt.Errorf("ask for the session's character set: %w", err)
	}
	return strings.ToLower(name), nil
}

// isMissing recognises that a table, or its schema, is not there: then its rows go
// nowhere, and the server says so best.
func isMissing(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && (refused.Number == 1146 || refused.Number == 1049)
}
