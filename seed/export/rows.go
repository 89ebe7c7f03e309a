package export

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// stretch is a range of a table's rows to be written.
type stretch struct {
	table   *table
	columns []column
	query   string
	head    string // "INSERT INTO … VALUES "
	// described is set where filters look at the rows.
	described *schema.Table
	filters   rows.Filters
	// statement is about how long a statement gets.
	statement int
}

// writer makes statements of rows and hands them on.
type writer struct {
	stretch *stretch
	filter  rows.Filter
	cells   []rows.Cell
	spaces  [][]byte // where the texts of numbers are written for filters
	buf     []byte
	row     []byte // the row that is being made
	count   int64
	push    func(text []byte, rows int64) error
	pending int64 // rows in buf
}

// stream reads the stretch and pushes its statements, each whole.
func (st *stretch) stream(ctx context.Context, s *session, push func(text []byte, rows int64) error) (n int64, err error) {
	w := &writer{stretch: st, push: push}
	if st.described != nil {
		names := make([]string, len(st.columns))
		for i, c := range st.columns {
			names[i] = c.name
		}
		if w.filter, err = st.filters.For(st.described, names); err != nil {
			return 0, err
		}
		w.cells, w.spaces = make([]rows.Cell, len(names)), make([][]byte, len(names))
	}
	result, err := s.stream(ctx, st.query)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", st.table.qualified(), err)
	}
	if err := w.all(result); err != nil {
		if context.Cause(ctx) == nil {
			_ = result.Close() // reads what is left; a session that has ended has nothing
		}
		return 0, fmt.Errorf("read %s: %w", st.table.qualified(), err)
	}
	return w.count, result.Close()
}

func (w *writer) all(result driver.Rows) error {
	values := make([]driver.Value, len(w.stretch.columns))
	for {
		err := result.Next(values)
		if errors.Is(err, io.EOF) {
			return w.flush()
		}
		if err != nil {
			return err
		}
		keep, err := w.make(values)
		if err != nil {
			return err
		}
		if !keep {
			continue
		}
		if err := w.add(); err != nil {
			return err
		}
	}
}

// make writes a row's literals.
func (w *writer) make(values []driver.Value) (keep bool, err error) {
	if w.filter != nil {
		return w.filtered(values)
	}
	w.row = append(w.row[:0], '(')
	for i, v := range values {
		if i > 0 {
			w.row = append(w.row, ',')
		}
		w.row = appendCell(w.row, w.stretch.columns[i].class, v)
	}
	w.row = append(w.row, ')')
	return true, nil
}

// add puts the row behind the others of its statement, or begins a new one.
func (w *writer) add() error {
	if len(w.buf) > 0 && len(w.buf)+len(w.row)+3 > w.stretch.statement {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if len(w.buf) == 0 {
		w.buf = append(make([]byte, 0, max(w.stretch.statement, len(w.stretch.head)+len(w.row)+2)), w.stretch.head...)
	} else {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, w.row...)
	w.count++
	w.pending++
	return nil
}

func (w *writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	w.buf = append(w.buf, ";\n"...)
	text, rows := w.buf, w.pending
	w.buf, w.pending = nil, 0
	return w.push(text, rows)
}

// filtered writes a row as the filter leaves it.
func (w *writer) filtered(values []driver.Value) (keep bool, err error) {
	for i, v := range values {
		w.cells[i].Changed = false
		w.cells[i].Kind, w.cells[i].Value = cellOf(w.stretch.columns[i].class, v, &w.spaces[i])
	}
	if keep, err = w.filter.Row(w.cells); err != nil || !keep {
		return false, err
	}
	b := w.row[:0]
	b = append(b, '(')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		cell := &w.cells[i]
		if !cell.Changed {
			b = appendCell(b, w.stretch.columns[i].class, v)
			continue
		}
		switch cell.Kind {
		case rows.Null:
			b = append(b, "NULL"...)
		case rows.Number:
			b = append(b, cell.Value...)
		case rows.Bytes:
			b = appendHex(b, cell.Value)
		default:
			b = appendText(b, cell.Value)
		}
	}
	b = append(b, ')')
	w.row = b
	return true, nil
}

// cellOf makes a filter's cell of a value. Numbers, which the driver has parsed,
// are written into space.
func cellOf(c class, v driver.Value, space *[]byte) (rows.Kind, []byte) {
	raw, isBytes := v.([]byte)
	switch {
	case v == nil:
		return rows.Null, nil
	case !isBytes:
		*space = appendValue((*space)[:0], v)
		return rows.Number, *space
	case c == bytesClass:
		return rows.Bytes, raw
	case c == textClass:
		return rows.Text, raw
	}
	return rows.Number, raw
}
