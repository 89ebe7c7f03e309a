// Package rows changes the rows of a dump while they pass, before any server or
// file sees them: it takes the text of rows apart into cells, hands the cells to
// filters such as masks and subsets, and writes what is left as the same kind of
// text. A row that no filter changes keeps its bytes.
package rows

import "github.com/dbake/dbake/seed/schema"

// Kind is what a cell's value is.
type Kind uint8

// The kinds of cells.
const (
	Null   Kind = iota
	Number      // digits as an INSERT has them: -12.50e3
	Text        // characters, as UTF-8
	Bytes       // bytes of a binary column, or text that is not valid in its character set
)

// Cell is one value of a row. Its Value is valid during the filter's call only.
type Cell struct {
	Kind  Kind
	Value []byte
	// Changed is set by a filter that has changed Kind or Value.
	Changed bool
}

// Set changes a cell. The filter keeps value unchanged until its next call.
func (c *Cell) Set(kind Kind, value []byte) { c.Kind, c.Value, c.Changed = kind, value, true }

// Filter looks at the rows of one table, one after the other. The cells are those
// of the columns that For was told of; Row returns false for a row that is to be
// left out. An error stops the work; its text holds no value. A Filter is used by
// one goroutine.
type Filter interface {
	Row(cells []Cell) (keep bool, err error)
}

// Filters makes the Filter of a table: For is asked once for every stretch of a
// table's rows. columns are the columns that the rows have values for, in their
// order; a nil Filter leaves the rows as they are. For may be called from several
// goroutines; an error names the table and what to do.
type Filters interface {
	For(t *schema.Table, columns []string) (Filter, error)
}

// Chain asks filters one after the other: a row that one of them leaves out does
// not reach the next.
type Chain []Filters

// For makes the filters of all.
func (c Chain) For(t *schema.Table, columns []string) (Filter, error) {
	var list chain
	for _, filters := range c {
		f, err := filters.For(t, columns)
		if err != nil {
			return nil, err
		}
		if f != nil {
			list = append(list, f)
		}
	}
	switch len(list) {
	case 0:
		return nil, nil //nolint:nilnil // no filter is an answer: see Filters
	case 1:
		return list[0], nil
	}
	return list, nil
}

type chain []Filter

func (c chain) Row(cells []Cell) (bool, error) {
	for _, f := range c {
		keep, err := f.Row(cells)
		if err != nil || !keep {
			return false, err
		}
	}
	return true, nil
}
