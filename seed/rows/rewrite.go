package rows

import (
	"cmp"
	"fmt"

	"github.com/dbake/dbake/seed/charset"
	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/schema"
)

// Rewriter changes the text of one table's rows, as its filter wants. It is for
// one goroutine.
type Rewriter interface {
	// Append appends to dst what the filter leaves of the rows in text. Rows
	// that no filter changes, and cells of others, keep their bytes. An error
	// holds no value; dst is of no use then.
	Append(dst, text []byte) ([]byte, Counts, error)
	// TakeChanged calls add with each column whose cells have been changed since
	// it was last called, and how many were.
	TakeChanged(add func(column string, cells int64))
}

// Counts are numbers of rows.
type Counts struct {
	Read    int64 // that went in
	Kept    int64 // that came out
	Changed int64 // of those that came out, with another value somewhere
}

// Add adds up.
func (c *Counts) Add(other Counts) {
	c.Read += other.Read
	c.Kept += other.Kept
	c.Changed += other.Changed
}

// Error says why rows cannot be rewritten. Its text holds no value.
type Error struct {
	Schema, Table string
	Column        string // empty: the whole row
	Row           int64  // from 1, of the text that was to be rewritten
	What          string
	err           error
}

// Error names the table, the row and the column.
func (e *Error) Error() string {
	where := fmt.Sprintf("row %d for %s.%s", e.Row, e.Schema, e.Table)
	if e.Column != "" {
		where += ", column " + e.Column
	}
	return where + ": " + e.What
}

// Unwrap gives the filter's error.
func (e *Error) Unwrap() error { return e.err }

// column is what the rewriters know of a column that rows have values for.
type column struct {
	name  string
	class dump.Class
	used  bool
	// own is the column's character set; nil for columns without characters
	// and for sets that nobody here knows.
	own  *charset.Charset
	json bool
}

// table is what rewriters of any text have in common.
type table struct {
	schema, name string
	columns      []column
	filter       Filter
	cells        []Cell
	changed      []int64
	decoded      []byte // values of the row's cells that do not stand in the text
	scratch      []byte
}

func newTable(t *schema.Table, columns []string, f Filter) (table, error) {
	out := table{schema: t.Schema, name: t.Name, filter: f, cells: make([]Cell, len(columns)), changed: make([]int64, len(columns))}
	var uses []bool
	if s, ok := f.(Selective); ok {
		uses = s.Uses()
	}
	for i, name := range columns {
		c := t.Column(name)
		if c == nil {
			return out, fmt.Errorf("the rows for %s.%s have values for a column %s that the table has not", t.Schema, t.Name, name)
		}
		own, _ := charset.Find(c.Charset)
		out.columns = append(out.columns, column{
			name: c.Name, class: dump.ClassOf(c.Type, cmp.Or(c.Charset, "the server's")), own: own, json: c.Type == "json",
			used: len(uses) <= i || uses[i],
		})
		if out.columns[i].json {
			out.columns[i].own, _ = charset.Find("utf8mb4")
		}
	}
	return out, nil
}

// TakeChanged tells of the columns whose cells have been changed.
func (t *table) TakeChanged(add func(column string, cells int64)) {
	for i, n := range t.changed {
		if n > 0 {
			add(t.columns[i].name, n)
			t.changed[i] = 0
		}
	}
}

// ask hands a row's cells to the filter.
func (t *table) ask(row int64) (keep, changed bool, err error) {
	for i := range t.cells {
		t.cells[i].Changed = false
	}
	keep, err = t.filter.Row(t.cells)
	if err != nil {
		return false, false, &Error{Schema: t.schema, Table: t.name, Row: row, What: err.Error(), err: err}
	}
	if !keep {
		return false, false, nil
	}
	for i := range t.cells {
		if t.cells[i].Changed {
			changed = true
			t.changed[i]++
		}
	}
	return true, changed, nil
}

func (t *table) fail(row int64, col int, what string) error {
	e := &Error{Schema: t.schema, Table: t.name, Row: row, What: what}
	if col >= 0 && col < len(t.columns) {
		e.Column = t.columns[col].name
	}
	return e
}

// textOf sets a cell to text in a character set; nil: one that nobody here knows,
// of which ASCII is taken to be a part. The text is used as it stands when it is
// UTF-8 already.
func (t *table) textOf(cell *Cell, set *charset.Charset, text []byte) {
	switch {
	case set == nil:
		cell.Kind, cell.Value = Text, text
		if !isASCII(text) {
			cell.Kind = Bytes
		}
	case set.Same():
		cell.Kind, cell.Value = Text, text
		if !set.Valid(text) {
			cell.Kind = Bytes
		}
	default:
		from := len(t.decoded)
		var ok bool
		t.decoded, ok = set.Decode(t.decoded, text)
		cell.Kind, cell.Value = Text, t.decoded[from:len(t.decoded):len(t.decoded)]
		if !ok {
			cell.Kind, cell.Value = Bytes, text
		}
	}
}

// encodable checks that a column's character set has the characters of a text, and
// gives the reason why not.
func (t *table) encodable(c *column, text []byte) string {
	if c.own == nil {
		return ""
	}
	var ok bool
	if c.own.Same() {
		ok = c.own.Valid(text)
	} else {
		t.scratch, ok = c.own.Encode(t.scratch[:0], text)
	}
	if !ok {
		return "the new value has characters that the column's character set " + c.own.Name() + " lacks"
	}
	return ""
}

// isNumber reports whether text is a number as SQL has it.
func isNumber(b []byte) bool {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	digits := 0
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		digits++
	}
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
			digits++
		}
	}
	if digits == 0 {
		return false
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		if i == from {
			return false
		}
	}
	return i == len(b)
}

func isNumeric(c dump.Class) bool {
	return c == dump.IntegerClass || c == dump.DecimalClass || c == dump.FloatClass || c == dump.YearClass
}

func isBinary(c dump.Class) bool {
	return c == dump.BinaryClass || c == dump.BitClass || c == dump.GeometryClass || c == dump.VectorClass
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= 0x80 {
			return false
		}
	}
	return true
}
