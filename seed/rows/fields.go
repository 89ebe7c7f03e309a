package rows

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/dbake/dbake/seed/charset"
	"github.com/dbake/dbake/seed/schema"
)

// Format is how the fields of a file of rows are written, as LOAD DATA's clauses
// of the same names say.
type Format struct {
	// Charset is the file's character set; "binary": each column's own.
	Charset string
	// FieldEnd and RowEnd end fields and rows; Escape has one byte.
	FieldEnd, RowEnd, Escape string
	// Decode has a function, UNHEX or FROM_BASE64, for each column whose
	// fields are encoded.
	Decode map[string]string
}

// Fields rewrites rows of fields, as LOAD DATA reads them: those of mysqldump --tab
// and of MySQL Shell.
type Fields struct {
	table
	format  Format
	file    *charset.Charset // nil: each column's own
	decode  []string         // by column
	special [256]bool        // bytes that may end a field or escape one
	fields  []field
	esc     byte
	escapes [256]byte // how a byte stands behind the escape; 0: as it is
	plain   []byte    // a value without its encoding
}

// field is where a field stands in the text.
type field struct {
	from, to int
	escaped  bool // it holds escapes
}

var _ Rewriter = (*Fields)(nil)

// NewFields makes a Rewriter for files whose fields are those of columns.
func NewFields(t *schema.Table, columns []string, format Format, f Filter) (*Fields, error) {
	if len(format.Escape) != 1 || format.FieldEnd == "" || format.RowEnd == "" {
		return nil, errors.New("rewrite rows: fields and rows must have an end, and an escape of one byte")
	}
	common, err := newTable(t, columns, f)
	if err != nil {
		return nil, err
	}
	out := &Fields{table: common, format: format, esc: format.Escape[0], decode: make([]string, len(columns))}
	if format.Charset != "binary" {
		var ok bool
		if out.file, ok = charset.Find(format.Charset); !ok || charset.HidesASCII(format.Charset) {
			return nil, fmt.Errorf("rewrite rows for %s.%s: their character set %q is not one that dbake can change text in; make the dump in utf8mb4", t.Schema, t.Name, format.Charset)
		}
	}
	for i, c := range out.columns {
		out.decode[i] = format.Decode[c.name]
	}
	for _, b := range []byte{out.esc, format.FieldEnd[0], format.RowEnd[0]} {
		out.special[b] = true
		if bytes.IndexByte([]byte("0bnrtZN"), b) < 0 {
			out.escapes[b] = b
		}
	}
	for b, letter := range map[byte]byte{'\n': 'n', '\t': 't', '\r': 'r', 0: '0'} {
		out.escapes[b] = letter
	}
	return out, nil
}

// Append implements Rewriter. The text must end with the end of a row.
func (f *Fields) Append(dst, text []byte) ([]byte, Counts, error) {
	var n Counts
	from := 0 // rows that stay as they are are copied together, from here
	for at := 0; at < len(text); {
		n.Read++
		end, ok := f.split(text, at)
		if !ok {
			return dst, n, f.fail(n.Read, -1, "the row has no end")
		}
		if len(f.fields) != len(f.columns) {
			return dst, n, f.fail(n.Read, -1, fmt.Sprintf("the row has %d fields, and there are %d columns", len(f.fields), len(f.columns)))
		}
		if col, what := f.cellsOf(text); what != "" {
			return dst, n, f.fail(n.Read, col, what)
		}
		keep, changed, err := f.ask(n.Read)
		if err != nil {
			return dst, n, err
		}
		if keep {
			n.Kept++
		}
		if !keep || changed {
			dst = append(dst, text[from:at]...)
			from = end
		}
		if changed {
			n.Changed++
			if dst, err = f.row(dst, text[at:end], at, n.Read); err != nil {
				return dst, n, err
			}
		}
		at = end
	}
	return append(dst, text[from:]...), n, nil
}

// split finds the fields of the row at text[at], and where the next one begins.
func (f *Fields) split(text []byte, at int) (next int, ok bool) {
	f.fields = f.fields[:0]
	current := field{from: at}
	for i := at; i < len(text); {
		b := text[i]
		if !f.special[b] {
			i++
			continue
		}
		switch {
		case b == f.esc:
			current.escaped = true
			i += 2
		case hasPrefix(text[i:], f.format.RowEnd):
			current.to = i
			f.fields = append(f.fields, current)
			return i + len(f.format.RowEnd), true
		case hasPrefix(text[i:], f.format.FieldEnd):
			current.to = i
			f.fields = append(f.fields, current)
			i += len(f.format.FieldEnd)
			current = field{from: i}
		default:
			i++
		}
	}
	return 0, false
}

func hasPrefix(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}

// cellsOf fills the cells from the fields. what is not empty when a column's field
// cannot be read.
func (f *Fields) cellsOf(text []byte) (col int, what string) {
	f.decoded = f.decoded[:0]
	for i := range f.columns {
		c, cell, at := &f.columns[i], &f.cells[i], f.fields[i]
		cell.Kind, cell.Value = Null, nil
		if !c.used {
			continue
		}
		raw := text[at.from:at.to]
		if len(raw) == 2 && raw[0] == f.esc && raw[1] == 'N' {
			continue
		}
		value := raw
		if at.escaped {
			from := len(f.decoded)
			f.decoded = f.unescape(f.decoded, raw)
			value = f.decoded[from:len(f.decoded):len(f.decoded)]
		}
		if f.decode[i] != "" {
			var ok bool
			if value, ok = f.decodeValue(f.decode[i], value); !ok {
				return i, "the field is not encoded as the dump says"
			}
		}
		f.cell(c, cell, value)
	}
	return 0, ""
}

func (f *Fields) cell(c *column, cell *Cell, value []byte) {
	set := f.file
	if set == nil {
		set = c.own
	}
	switch {
	case isBinary(c.class):
		cell.Kind, cell.Value = Bytes, value
	case isNumeric(c.class) && isNumber(value):
		cell.Kind, cell.Value = Number, value
	default:
		f.textOf(cell, set, value)
	}
}

// unescape resolves a field's escapes ("LOAD DATA Statement" in the MySQL manual).
func (f *Fields) unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		b := raw[i]
		if b != f.esc || i+1 == len(raw) {
			dst = append(dst, b)
			continue
		}
		i++
		switch b = raw[i]; b {
		case '0':
			b = 0
		case 'b':
			b = '\b'
		case 'n':
			b = '\n'
		case 'r':
			b = '\r'
		case 't':
			b = '\t'
		case 'Z':
			b = 0x1A
		}
		dst = append(dst, b)
	}
	return dst
}

// decodeValue undoes what a function of the server will undo.
func (f *Fields) decodeValue(function string, value []byte) ([]byte, bool) {
	from := len(f.decoded)
	var err error
	if function == "UNHEX" {
		f.decoded, err = hex.AppendDecode(f.decoded, value)
	} else {
		f.decoded, err = base64.StdEncoding.AppendDecode(f.decoded, value)
	}
	if err != nil {
		return nil, false
	}
	return f.decoded[from:len(f.decoded):len(f.decoded)], true
}

// row writes a row some of whose cells have changed. text is the row with its end,
// and at where it stands.
func (f *Fields) row(dst, text []byte, at int, number int64) ([]byte, error) {
	done := 0
	for i := range f.cells {
		if !f.cells[i].Changed {
			continue
		}
		dst = append(dst, text[done:f.fields[i].from-at]...)
		done = f.fields[i].to - at
		var what string
		if dst, what = f.write(dst, i); what != "" {
			return dst, f.fail(number, i, what)
		}
	}
	return append(dst, text[done:]...), nil
}

// write writes a changed cell, or says why not.
func (f *Fields) write(dst []byte, i int) ([]byte, string) {
	c, cell := &f.columns[i], &f.cells[i]
	value := cell.Value
	switch {
	case cell.Kind == Null:
		return append(dst, f.esc, 'N'), ""
	case cell.Kind == Number && !isNumber(value):
		return dst, "the new value is to be a number and is none"
	case cell.Kind == Text && !isBinary(c.class):
		if what := f.encodable(c, value); what != "" {
			return dst, what
		}
		set := f.file
		if set == nil {
			set = c.own
		}
		if set == nil || set.Same() && set.Valid(value) {
			break
		}
		var ok bool
		if f.plain, ok = set.Encode(f.plain[:0], value); !ok {
			return dst, "the new value has characters that the file's character set " + set.Name() + " lacks"
		}
		value = f.plain
	}
	switch f.decode[i] {
	case "UNHEX":
		return hex.AppendEncode(dst, value), ""
	case "FROM_BASE64":
		return base64.StdEncoding.AppendEncode(dst, value), ""
	}
	return f.escape(dst, value), ""
}

// escape writes a value as a field.
func (f *Fields) escape(dst, value []byte) []byte {
	for {
		i := 0
		for i < len(value) && f.escapes[value[i]] == 0 {
			i++
		}
		dst = append(dst, value[:i]...)
		if i == len(value) {
			return dst
		}
		dst = append(dst, f.esc, f.escapes[value[i]])
		value = value[i+1:]
	}
}
