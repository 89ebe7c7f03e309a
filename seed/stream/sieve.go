package stream

import (
	"fmt"
	"strings"
	"sync"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// Table says what became of the rows of one table.
type Table struct {
	Schema, Name string
	// Rows counts those that the dump has, Dropped those that were left out,
	// and Masked those with another value somewhere; all are 0 for tables that
	// no filter looked at.
	Rows, Dropped, Masked int64
	// Cells counts the changed values of each column.
	Cells map[string]int64
}

// tally counts what becomes of the rows of a table.
type tally struct {
	mu sync.Mutex
	Table
}

// sieve is what the filters make of one table's rows while nothing changes it.
type sieve struct {
	object string // the dump, for errors, and its key in the dbake.yaml
	path   string
	table  *schema.Table
	tally  *tally
	// ordered has to see the rows in the dump's order; rest need not.
	ordered, rest rows.Filters
	// first and later are for the goroutine that reads; workers make their own.
	first, later map[shape]rows.Rewriter
}

// shape is what a Rewriter is made for, beside a table: names of columns, joined by
// NUL, and the mode of the text.
type shape struct {
	columns string
	mode    dump.Mode
}

func newSieve(object, path string, f rows.Filters, t *schema.Table, count *tally) *sieve {
	s := &sieve{object: object, path: path, table: t, tally: count, first: map[shape]rows.Rewriter{}, later: map[shape]rows.Rewriter{}}
	s.ordered, s.rest = rows.Split(f, t)
	return s
}

// columns gives the columns that a statement with this list fills; without a list
// all that are visible.
func (s *sieve) columns(list []string) (string, error) {
	var names []string
	for i := range s.table.Columns {
		if c := &s.table.Columns[i]; list == nil && !c.Invisible {
			names = append(names, c.Name)
		}
	}
	for _, name := range list {
		c := s.table.Column(name)
		if c == nil {
			return "", fmt.Errorf("it fills a column %s that the table has not", name)
		}
		names = append(names, c.Name)
	}
	return strings.Join(names, "\x00"), nil
}

// rewriter makes a Rewriter; nil: the rows stay as they are.
func (s *sieve) rewriter(f rows.Filters, at shape) (rows.Rewriter, error) {
	if f == nil {
		return nil, nil //nolint:nilnil // see above
	}
	names := strings.Split(at.columns, "\x00")
	filter, err := f.For(s.table, names)
	if err != nil || filter == nil {
		return nil, err
	}
	return rows.NewValues(s.table, names, at.mode, filter)
}

// both gives the Rewriters of the goroutine that reads.
func (s *sieve) both(at shape) (first, later rows.Rewriter, err error) {
	first, known := s.first[at]
	if known {
		return first, s.later[at], nil
	}
	if first, err = s.rewriter(s.ordered, at); err != nil {
		return nil, nil, err
	}
	if later, err = s.rewriter(s.rest, at); err != nil {
		return nil, nil, err
	}
	s.first[at], s.later[at] = first, later
	return first, later, nil
}

// isWanted reports whether there is a filter for the table at all.
func (s *sieve) isWanted() (bool, error) {
	var all []string
	for i := range s.table.Columns {
		all = append(all, s.table.Columns[i].Name)
	}
	first, later, err := s.both(shape{columns: strings.Join(all, "\x00")})
	return first != nil || later != nil, err
}

// count adds what a Rewriter did. again: these rows pass another one behind it,
// which must not count them once more.
func (s *sieve) count(r rows.Rewriter, n rows.Counts, again bool) {
	t := s.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Rows += n.Read
	if again {
		t.Rows -= n.Kept
	}
	t.Dropped += n.Read - n.Kept
	t.Masked += n.Changed
	r.TakeChanged(func(column string, cells int64) {
		if t.Cells == nil {
			t.Cells = map[string]int64{}
		}
		t.Cells[column] += cells
	})
}
