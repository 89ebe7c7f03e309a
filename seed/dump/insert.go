package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Values is an INSERT or REPLACE … VALUES statement taken apart.
type Values struct {
	// Replace is true for REPLACE, Ignore for INSERT IGNORE.
	Replace, Ignore bool
	// Schema is empty when the statement does not name it.
	Schema, Table string
	// Columns is the column list, nil when the statement has none.
	Columns []string
	// Head is the statement's text up to the first row; Head and any run of
	// rows make a statement again.
	Head []byte
	// Rows is the text of the rows: "(…),(…)".
	Rows []byte
	// Mode is what the statement was read under.
	Mode Mode
}

// ParseInsert takes the head of an INSERT or REPLACE statement apart, up to
// the first row. It returns false for everything but plain VALUES: SELECT, SET,
// PARTITION, row constructors with names, comments among the words. The rows
// themselves it does not look at; reading them tells what they are.
func ParseInsert(stmt []byte, m Mode) (Values, bool) {
	ins := Values{Mode: m}
	t := newTokens(stmt, m)
	tok := t.next()
	switch {
	case tok.is("REPLACE"):
		ins.Replace = true
	case !tok.is("INSERT"):
		return Values{}, false
	}
	for tok = t.next(); tok.is("LOW_PRIORITY") || tok.is("HIGH_PRIORITY") || tok.is("DELAYED") ||
		tok.is("IGNORE") || tok.is("INTO"); tok = t.next() {
		ins.Ignore = ins.Ignore || tok.is("IGNORE")
	}
	var n names
	if !tok.isName() {
		return Values{}, false
	}
	ins.Table = n.of(tok)
	if tok = t.next(); tok.isByte('.') {
		if tok = t.next(); !tok.isName() {
			return Values{}, false
		}
		ins.Schema, ins.Table = ins.Table, n.of(tok)
		tok = t.next()
	}
	if tok.isByte('(') {
		var ok bool
		if ins.Columns, ok = columnList(&t, &n); !ok {
			return Values{}, false
		}
		tok = t.next()
	}
	if !tok.is("VALUES") && !tok.is("VALUE") {
		return Values{}, false
	}
	i := skipSpaces(stmt, t.i)
	if at(stmt, i) != '(' || stmt[0] == '/' { // /*! INSERT … */ ends in a comment
		return Values{}, false
	}
	ins.Head, ins.Rows = stmt[:i:i], stmt[i:]
	return ins, true
}

func (t token) isByte(c byte) bool { return t.kind == tokOther && t.raw[0] == c }

// columnList takes the names behind an opening parenthesis.
func columnList(t *tokens, n *names) ([]string, bool) {
	var list []string
	for {
		tok := t.next()
		if !tok.isName() {
			return nil, false
		}
		list = append(list, n.of(tok))
		switch tok = t.next(); {
		case tok.isByte(')'):
			return list, true
		case !tok.isByte(','):
			return nil, false
		}
	}
}

func skipSpaces(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// InexactError says that a row holds something that is no literal, or a
// literal that the encoder cannot carry over exactly. The statement, or what is
// left of it, must go to the server as SQL. It holds no value.
type InexactError struct {
	// Row and Column count from 0 within the text that was read.
	Row, Column int
	// What is a phrase such as "hex literal into a JSON column".
	What string
}

// Error implements error.
func (e *InexactError) Error() string {
	return fmt.Sprintf("row %d, column %d: %s", e.Row+1, e.Column+1, e.What)
}

const notLiteral = "not a literal"

// RowReader reads rows literal by literal. It allocates nothing per row.
type RowReader struct {
	b    []byte
	i    int
	row  int
	from int // the last row's parentheses
	to   int
	mode Mode
}

// NewRowReader reads the text of rows, as in Values.Rows.
func NewRowReader(rows []byte, m Mode) *RowReader {
	return &RowReader{b: rows, mode: m}
}

// Next appends the literals of the next row to dst. It returns io.EOF behind
// the last row and *InexactError at anything that is no row of literals; the
// reader then still stands before that row.
func (r *RowReader) Next(dst []Literal) ([]Literal, error) {
	i := skipSpaces(r.b, r.i)
	if i == len(r.b) && r.row > 0 {
		return dst, io.EOF
	}
	if at(r.b, i) != '(' {
		return dst, &InexactError{r.row, 0, "not a row"}
	}
	row := i
	for col := 0; ; col++ {
		from := skipSpaces(r.b, i+1)
		l, next, ok := literalAt(r.b, from, r.mode)
		if !ok {
			return dst, &InexactError{r.row, col, notLiteral}
		}
		l.From, l.To = from, next
		dst = append(dst, l)
		i = skipSpaces(r.b, next)
		switch at(r.b, i) {
		case ',':
		case ')':
			next, ok := nextRow(r.b, i+1)
			if !ok {
				return dst, &InexactError{r.row, col, "something stands behind the rows"}
			}
			r.from, r.to = row, i+1
			r.i, r.row = next, r.row+1
			return dst, nil
		default:
			return dst, &InexactError{r.row, col, notLiteral}
		}
	}
}

// Row returns where the last row stands in the text, its parentheses included.
func (r *RowReader) Row() (from, to int) { return r.from, r.to }

// Reset makes the reader read other rows.
func (r *RowReader) Reset(rows []byte, m Mode) { *r = RowReader{b: rows, mode: m} }

// Rest returns the text from the next row on.
func (r *RowReader) Rest() []byte { return r.b[r.i:] }

// nextRow returns the position of the row behind the comma that may follow the
// row that ends before b[i], or of the end.
func nextRow(b []byte, i int) (int, bool) {
	i = skipSpaces(b, i)
	if i == len(b) {
		return i, true
	}
	if b[i] != ',' {
		return i, false
	}
	i = skipSpaces(b, i+1)
	return i, at(b, i) == '('
}

// CutRows splits the text of rows behind the first row that ends at n bytes or
// later, without looking at literals, so that parts of one large INSERT can be
// encoded by several goroutines. rest is empty when there is nothing behind.
// It returns false when the text is no list of parenthesised rows.
func CutRows(rows []byte, m Mode, n int) (part, rest []byte, ok bool) {
	mb := multibyteOf(m.Charset)
	for i := skipSpaces(rows, 0); at(rows, i) == '('; {
		end, ok := rowEnd(rows, i+1, m, mb)
		if !ok {
			return nil, nil, false
		}
		if i, ok = nextRow(rows, end); !ok {
			return nil, nil, false
		}
		if end >= n || i == len(rows) {
			return rows[:end], rows[i:], true
		}
	}
	return nil, nil, false
}

// rowBytes are the bytes that mean something within a row.
var rowBytes = func() (t [256]bool) {
	for _, c := range []byte("'\"`()#/-") {
		t[c] = true
	}
	return t
}()

// rowEnd returns the position behind the parenthesis that closes the row which
// b[i] is inside of. It refuses comments: they could hide a parenthesis.
func rowEnd(b []byte, i int, m Mode, mb *multibyte) (int, bool) {
	for depth := 1; ; i++ {
		for i < len(b) && !rowBytes[b[i]] && (mb == nil || !mb.lead[b[i]]) {
			i++
		}
		if i == len(b) {
			return i, false
		}
		switch c := b[i]; c {
		case '\'', '"', '`':
			end, closed := skipQuoted(b, i+1, c, m.escapes(c), mb)
			if !closed {
				return i, false
			}
			i = end - 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '-':
			if at(b, i+1) == '-' {
				return i, false
			}
		case '#':
			return i, false
		case '/':
			if at(b, i+1) == '*' {
				return i, false
			}
		default: // the first byte of a multi-byte character
			i += max(1, mb.length(b, i)) - 1
		}
	}
}

// Complete reports whether the statement has nothing behind its rows: no ON
// DUPLICATE KEY UPDATE, no RETURNING, no alias. Who loads a statement piece by
// piece must know before the first piece; who encodes all of it before loading
// any need not ask. It costs a pass over the statement.
func (ins Values) Complete() bool {
	part, rest, ok := CutRows(ins.Rows, ins.Mode, len(ins.Rows))
	return ok && len(rest) == 0 && len(bytes.TrimSpace(part)) > 0
}

// IsInexact returns the InexactError in err, if there is one.
func IsInexact(err error) (*InexactError, bool) {
	var e *InexactError
	ok := errors.As(err, &e)
	return e, ok
}
