package rows

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"strings"

	"github.com/dbake/dbake/seed/charset"
	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/schema"
)

// Values rewrites the rows of INSERT and REPLACE statements: the text behind
// VALUES, as dump.Values.Rows has it.
type Values struct {
	table
	mode     dump.Mode
	session  *charset.Charset // of strings without introducer; nil: binary, or unknown
	binary   bool             // the session's strings are bytes
	hidden   bool             // characters of the session may hold quotes or backslashes
	reader   dump.RowReader
	literals []dump.Literal
	named    map[string]*charset.Charset // by introducer
}

var _ Rewriter = (*Values)(nil)

// NewValues makes a Rewriter for rows that have values for columns, read under a
// mode: its Charset is the session's character_set_client; empty: utf8mb4.
func NewValues(t *schema.Table, columns []string, m dump.Mode, f Filter) (*Values, error) {
	common, err := newTable(t, columns, f)
	if err != nil {
		return nil, err
	}
	v := &Values{table: common, mode: m, binary: m.Charset == "binary", hidden: charset.HidesASCII(m.Charset), named: map[string]*charset.Charset{}}
	name := m.Charset
	if name == "" {
		name = "utf8mb4"
	}
	v.session, _ = charset.Find(name)
	return v, nil
}

// Append implements Rewriter. The rows of the result are separated as those of
// the text are. What is no row of literals is an error.
func (v *Values) Append(dst, text []byte) ([]byte, Counts, error) {
	var n Counts
	var err error
	v.reader.Reset(text, v.mode)
	empty := len(dst)
	// Rows that stay as they are are copied together, from text[from:to].
	from, to, last := 0, 0, 0
	for {
		v.literals, err = v.reader.Next(v.literals[:0])
		if errors.Is(err, io.EOF) {
			return append(dst, text[from:to]...), n, nil
		}
		n.Read++
		if err == nil && len(v.literals) != len(v.columns) {
			err = errors.New("the row has more or fewer values than there are columns")
		}
		if err != nil {
			return dst, n, v.unreadable(n.Read, err)
		}
		v.decode()
		keep, changed, err := v.ask(n.Read)
		if err != nil {
			return dst, n, err
		}
		rowFrom, rowTo := v.reader.Row()
		between := text[last:rowFrom]
		last = rowTo
		switch {
		case keep && !changed && to == rowFrom-len(between) && to > 0:
			to = rowTo // goes on from the row before
		case keep:
			dst = append(dst, text[from:to]...)
			if len(dst) > empty {
				dst = append(dst, between...)
			}
			from, to = rowFrom, rowTo
			if changed {
				if dst, err = v.row(dst, text[rowFrom:rowTo], rowFrom, n.Read); err != nil {
					return dst, n, err
				}
				from, to = 0, 0
			}
		default:
			dst = append(dst, text[from:to]...)
			from, to = 0, 0
		}
		if keep {
			n.Kept++
		}
		if changed {
			n.Changed++
		}
	}
}

// unreadable says what is wrong with a row.
func (v *Values) unreadable(row int64, err error) error {
	if inexact, ok := dump.IsInexact(err); ok {
		return v.fail(row, inexact.Column, inexact.What)
	}
	return v.fail(row, -1, err.Error())
}

// decode fills the cells from the literals.
func (v *Values) decode() {
	v.decoded = v.decoded[:0]
	for i := range v.columns {
		c, cell := &v.columns[i], &v.cells[i]
		cell.Kind, cell.Value = Null, nil
		if !c.used {
			continue
		}
		l := &v.literals[i]
		switch l.Kind {
		case dump.NullLiteral:
		case dump.NumberLiteral:
			cell.Kind, cell.Value = Number, l.Raw
		case dump.StringLiteral:
			v.decodeString(cell, c, l)
		default:
			v.decodeBytes(cell, c, l)
		}
	}
}

// value gives the bytes that a literal stands for.
func (v *Values) value(l *dump.Literal) []byte {
	if l.Kind == dump.StringLiteral && bytes.IndexByte(l.Raw, '\\') < 0 && bytes.IndexByte(l.Raw, l.Quote) < 0 {
		return l.Raw
	}
	from := len(v.decoded)
	v.decoded = l.AppendValue(v.decoded, v.mode)
	return v.decoded[from:len(v.decoded):len(v.decoded)]
}

func (v *Values) decodeString(cell *Cell, c *column, l *dump.Literal) {
	value := v.value(l)
	switch {
	case isBinary(c.class):
		cell.Kind, cell.Value = Bytes, value
		return
	case isNumeric(c.class) && isNumber(value):
		cell.Kind, cell.Value = Number, value
		return
	}
	set, own := v.session, v.binary
	if l.Charset != nil {
		set = v.introduced(l.Charset)
		own = set == nil && bytes.EqualFold(l.Charset, []byte("binary"))
	}
	if own { // the column takes the bytes for its own
		set = c.own
	}
	v.textOf(cell, set, value)
}

// introduced gives the character set of an introducer; nil for _binary, and for
// what nobody here knows.
func (v *Values) introduced(name []byte) *charset.Charset {
	if set, ok := v.named[string(name)]; ok {
		return set
	}
	set, _ := charset.Find(strings.ToLower(string(name)))
	v.named[string(name)] = set
	return set
}

// decodeBytes takes a hex or bit literal: bytes, but a number for a column of
// numbers ("Hexadecimal Literals" in the MySQL manual).
func (v *Values) decodeBytes(cell *Cell, c *column, l *dump.Literal) {
	value := v.value(l)
	switch {
	case isNumeric(c.class):
		from := len(v.decoded)
		v.decoded = new(big.Int).SetBytes(value).Append(v.decoded, 10)
		cell.Kind, cell.Value = Number, v.decoded[from:len(v.decoded):len(v.decoded)]
	case isBinary(c.class):
		cell.Kind, cell.Value = Bytes, value
	case l.Charset != nil && v.introduced(l.Charset) != nil:
		v.textOf(cell, v.introduced(l.Charset), value)
	default:
		v.textOf(cell, c.own, value)
	}
}

// row writes a row some of whose cells have changed. text is the row, and at where
// it stands.
func (v *Values) row(dst, text []byte, at int, number int64) ([]byte, error) {
	done := 0 // how much of text is written
	for i := range v.cells {
		if !v.cells[i].Changed {
			continue
		}
		l := &v.literals[i]
		dst = append(dst, text[done:l.From-at]...)
		done = l.To - at
		var what string
		if dst, what = v.literal(dst, &v.columns[i], &v.cells[i]); what != "" {
			return dst, v.fail(number, i, what)
		}
	}
	return append(dst, text[done:]...), nil
}

// literal writes a changed cell, or says why not.
func (v *Values) literal(dst []byte, c *column, cell *Cell) ([]byte, string) {
	switch cell.Kind {
	case Null:
		return append(dst, "NULL"...), ""
	case Number:
		if !isNumber(cell.Value) {
			return dst, "the new value is to be a number and is none"
		}
		return append(dst, cell.Value...), ""
	case Bytes:
		return v.bytes(dst, cell.Value), ""
	}
	if isBinary(c.class) {
		return v.bytes(dst, cell.Value), ""
	}
	if what := v.encodable(c, cell.Value); what != "" {
		return dst, what
	}
	return v.text(dst, c, cell.Value)
}

// bytes writes a string of bytes.
func (v *Values) bytes(dst, value []byte) []byte {
	if v.hidden {
		if len(value) == 0 {
			return append(dst, "''"...)
		}
		return hex.AppendEncode(append(dst, "0x"...), value)
	}
	return v.quote(append(dst, "_binary "...), value)
}

// text writes a string of characters: in the session's character set, or, where
// that lacks them or hides quotes in them, in hex with its own. In a session whose
// strings are bytes they are the column's; but JSON has to have characters.
func (v *Values) text(dst []byte, c *column, value []byte) ([]byte, string) {
	switch {
	case v.binary && c.own != nil && !c.json:
		var ok bool
		if v.scratch, ok = c.own.Encode(v.scratch[:0], value); !ok {
			return dst, "the new value is no valid text"
		}
		return v.quote(dst, v.scratch), ""
	case isASCII(value) && !(v.binary && c.json):
		return v.quote(dst, value), ""
	case v.session != nil && v.session.Same() && v.session.Valid(value):
		return v.quote(dst, value), ""
	case v.session != nil && !v.session.Same() && !v.hidden:
		var ok bool
		if v.scratch, ok = v.session.Encode(v.scratch[:0], value); ok {
			return v.quote(dst, v.scratch), ""
		}
	}
	return append(hex.AppendEncode(append(dst, "_utf8mb4 X'"...), value), '\''), ""
}

// quote writes a quoted string. Line ends and the like become escapes, as
// mysqldump writes them, where the session knows escapes.
func (v *Values) quote(dst, value []byte) []byte {
	dst = append(dst, '\'')
	for {
		i := 0
		for i < len(value) && escapes[value[i]] == 0 {
			i++
		}
		dst = append(dst, value[:i]...)
		if i == len(value) {
			return append(dst, '\'')
		}
		c := value[i]
		value = value[i+1:]
		switch {
		case !v.mode.NoBackslashEscapes:
			dst = append(dst, '\\', escapes[c])
		case c == '\'':
			dst = append(dst, c, c)
		default:
			dst = append(dst, c)
		}
	}
}

// escapes say how a byte stands behind a backslash in a string; 0: as it is.
var escapes = [256]byte{0: '0', '\n': 'n', '\r': 'r', 0x1A: 'Z', '\\': '\\', '\'': '\''}
