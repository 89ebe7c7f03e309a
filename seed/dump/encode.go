package dump

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// LoadFormat is the part of a LOAD DATA statement that describes the
// Encoder's text. The bytes are written as hex literals because a backslash in
// quotes depends on sql_mode.
const LoadFormat = "FIELDS TERMINATED BY 0x09 ENCLOSED BY '' ESCAPED BY 0x5C " +
	"LINES STARTING BY '' TERMINATED BY 0x0A"

// Encoder turns rows of literals into the text that LOAD DATA reads in
// LoadFormat. It is for one goroutine at a time.
//
// LOAD DATA hands every field to the column as a string in its CHARACTER SET,
// INSERT a literal in the connection's: with the same character set both call
// the same code of the server, so a string carries over whatever the column is.
// Where the file's character set must be another one, and for all literals but
// strings, the rules are in layout.go and exact.go, with their reasons. What no
// rule covers is refused with *InexactError rather than carried over nearly
// right.
//
// LOAD DATA LOCAL implies IGNORE: what would fail an INSERT in strict mode
// becomes a warning. So a load is exact only when it reports as many records as
// rows were encoded, none skipped and no warnings.
type Encoder struct {
	columns []column
	layout  layout
	mode    Mode
	buf     []byte // for values that are looked at before they are written
}

// column is a Column with what the layout says of it.
type column struct {
	Column
	unhex bool
	plain bool // '…' is copied
	check check
}

// NewEncoder returns an Encoder for rows whose literals belong to columns, in
// that order. session is the connection's character set
// (character_set_connection) while the dump's INSERT statements run. Character
// sets in which a character can hold an ASCII byte, such as sjis, are refused.
func NewEncoder(columns []Column, session string, m Mode) (*Encoder, error) {
	session = strings.ToLower(session)
	if !loadable(session) || multibyteOf(m.Charset) != nil {
		return nil, fmt.Errorf("rows in character set %q cannot be loaded as text", session)
	}
	e := &Encoder{layout: newLayout(columns, session), mode: m}
	fields := 0
	for _, c := range columns {
		if c.Class != SkippedClass {
			fields++
		}
		unhex := e.layout.unhex(c.Class)
		e.columns = append(e.columns, column{
			Column: c,
			unhex:  unhex,
			plain:  !unhex && c.Class != SkippedClass && c.Class != VectorClass,
			check:  e.layout.checkOf(c),
		})
	}
	if fields == 0 {
		return nil, errors.New("a row without columns cannot be loaded as text")
	}
	return e, nil
}

// Append encodes rows, as in Values.Rows, until dst holds size bytes or more or
// no row is left. It returns dst with whole rows only, the rows not encoded,
// and how many were. On *InexactError rest begins with the row at fault, and
// everything before it is in dst.
func (e *Encoder) Append(dst, rows []byte, size int) (out, rest []byte, n int, err error) {
	i := skipSpaces(rows, 0)
	for i < len(rows) && (len(dst) < size || n == 0) {
		from := len(dst)
		var next int
		var col int
		var what string
		dst, next, col, what = e.row(dst, rows, i)
		if what == "" {
			var ok bool
			if next, ok = nextRow(rows, next); !ok {
				what = "something stands behind the rows"
			}
		}
		if what != "" {
			return dst[:from], rows[i:], n, &InexactError{n, col, what}
		}
		i = next
		n++
	}
	return dst, rows[i:], n, nil
}

// row encodes the row at b[i] and returns the position behind it. When what is
// not empty it says why column col cannot be encoded.
func (e *Encoder) row(dst, b []byte, i int) (out []byte, next, col int, what string) {
	if at(b, i) != '(' {
		return dst, i, 0, "not a row"
	}
	for col = range e.columns {
		c := &e.columns[col]
		i = skipSpaces(b, i+1)
		ch := at(b, i)
		switch {
		case ch == '\'' && c.plain:
			if dst, i, what = e.appendPlain(dst, b, i+1, c); what != "" {
				return dst, i, col, what
			}
		case (isDigit(ch) || ch == '-') && isNumeric(c.Class) && plainInteger(b, i) > 0:
			n := plainInteger(b, i)
			dst = append(dst, b[i:i+n]...)
			i += n
		default:
			if dst, i, what = e.appendLiteral(dst, b, i, c); what != "" {
				return dst, i, col, what
			}
		}
		if i = skipSpaces(b, i); c.Class != SkippedClass {
			dst = append(dst, '\t')
		}
		if want := separator(col, len(e.columns)); at(b, i) != want {
			return dst, i, col, "not a literal, or a row of another length"
		}
	}
	dst[len(dst)-1] = '\n'
	return dst, i + 1, 0, ""
}

// appendPlain writes the string without introducer whose contents begin at
// b[i], or says why not.
func (e *Encoder) appendPlain(dst, b []byte, i int, c *column) ([]byte, int, string) {
	from := len(dst)
	dst, i, ok := e.appendString(dst, b, i)
	switch {
	case !ok:
		return dst, i, notLiteral
	case len(dst) == from && !takesEmpty(c.Class):
		return dst, i, "an empty string into " + c.Class.describe()
	case c.check != checkNothing && !c.check.passes(dst[from:]):
		return dst, i, "bytes that are not valid in the character set, or that need conversion, into " + c.Class.describe()
	}
	return dst, i, ""
}

func separator(col, columns int) byte {
	if col == columns-1 {
		return ')'
	}
	return ','
}

func isNumeric(c Class) bool { return c == IntegerClass || c == DecimalClass || c == FloatClass }

// takesEmpty: an empty field makes a number or a date of LOAD DATA's own
// choosing ("LOAD DATA Statement", on empty fields); INSERT would fail.
func takesEmpty(c Class) bool {
	return c == TextClass || c == BinaryClass || c == ChoiceClass || c == SkippedClass
}

// maxPlain is how many digits a number may have to be copied without a look:
// with 18 it is an exact 64-bit integer in any reading.
const maxPlain = 18

// plainInteger returns the length of the integer at b[i] when it has no
// leading zero to lose, no fraction and no exponent; otherwise 0.
func plainInteger(b []byte, i int) int {
	n := i
	if b[n] == '-' {
		n++
		if at(b, n) == '0' { // -0 is 0 to INSERT and may be -0.0 to LOAD DATA
			return 0
		}
	}
	digits := n
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	if n == digits || n-digits > maxPlain {
		return 0
	}
	if c := at(b, n); c != ',' && c != ')' {
		return 0
	}
	return n - i
}

const (
	quotes   = lowBits * '\''
	slashes  = lowBits * '\\'
	controls = lowBits * 0x08 // with lowMask: bytes 8 to 11, tab and newline among them
	lowMask  = lowBits * 0xFC
)

// appendString copies the string that begins at b[i], behind its single quote,
// and returns the position behind the closing quote. The escapes of a string
// literal mean the same to LOAD DATA and are copied as they are, but for \%,
// \_ (kept with their backslash in a string, not in a field) and \N.
func (e *Encoder) appendString(dst, b []byte, i int) ([]byte, int, bool) {
	for {
		for i+8 <= len(b) {
			n := len(dst)
			if cap(dst)-n < 8 {
				dst = slices.Grow(dst, 4096)
			}
			x := binary.LittleEndian.Uint64(b[i:])
			binary.LittleEndian.PutUint64(dst[n:n+8], x)
			y, z, w := x^quotes, x^slashes, x&lowMask^controls
			hit := ((y-lowBits)&^y | (z-lowBits)&^z | (w-lowBits)&^w) & highBits
			if hit != 0 {
				k := bits.TrailingZeros64(hit) >> 3
				dst, i = dst[:n+k], i+k
				break
			}
			dst, i = dst[:n+8], i+8
		}
		for i < len(b) && b[i] != '\'' && b[i] != '\\' && b[i]&0xFC != 0x08 {
			dst = append(dst, b[i])
			i++
		}
		if i == len(b) {
			return dst, i, false
		}
		c := b[i]
		switch {
		case c == '\'':
			if at(b, i+1) != '\'' {
				return dst, i + 1, true
			}
			dst = append(dst, c)
			i += 2
		case c == '\\' && !e.mode.NoBackslashEscapes:
			if i+1 == len(b) {
				return dst, i, false
			}
			dst = appendFieldEscape(dst, b[i+1])
			i += 2
		default:
			dst = appendFieldByte(dst, c)
			i++
		}
	}
}

// appendFieldEscape writes for a field what a backslash and c are in a string.
func appendFieldEscape(dst []byte, c byte) []byte {
	switch c {
	case '0', 'b', 'n', 'r', 't', 'Z', '\\':
		return append(dst, '\\', c)
	case '%', '_':
		return append(dst, '\\', '\\', c)
	}
	return appendFieldByte(dst, c)
}

// fieldEscapes says how a byte of a value stands behind a backslash in a field;
// 0 for the bytes that stand for themselves, which all others do, NUL included.
var fieldEscapes = [256]byte{'\t': 't', '\n': 'n', '\\': '\\'}

// appendFieldByte writes one byte of a value so that LOAD DATA reads it back.
func appendFieldByte(dst []byte, c byte) []byte {
	if e := fieldEscapes[c]; e != 0 {
		return append(dst, '\\', e)
	}
	return append(dst, c)
}

// appendField writes a whole value.
func appendField(dst, value []byte) []byte {
	dst = slices.Grow(dst, 2*len(value))
	for _, c := range value {
		dst = appendFieldByte(dst, c)
	}
	return dst
}

// appendHexField writes the bytes that hex digits stand for.
func appendHexField(dst, digits []byte) []byte {
	if len(digits)%2 != 0 {
		dst = appendFieldByte(dst, hexValue[digits[0]])
		digits = digits[1:]
	}
	dst = slices.Grow(dst, len(digits))
	for len(digits) >= 2 {
		dst = appendFieldByte(dst, hexValue[digits[0]]<<4|hexValue[digits[1]])
		digits = digits[2:]
	}
	return dst
}

// appendLiteral encodes the literal at b[i] by the rules of exact. The string
// returned says why not.
func (e *Encoder) appendLiteral(dst, b []byte, i int, c *column) ([]byte, int, string) {
	if n := binaryString(b, i); n > 0 && c.Class.rawBytes() && !c.unhex {
		return e.appendPlain(dst, b, i+n, c)
	}
	l, next, ok := literalAt(b, i, e.mode)
	if !ok {
		return dst, i, notLiteral
	}
	if c.Class == SkippedClass {
		return dst, next, ""
	}
	if l.Kind == HexLiteral && l.Charset == nil && c.Class == BinaryClass && !c.unhex {
		return appendHexField(dst, l.Raw), next, ""
	}
	dst, ok = e.appendExact(dst, l, c)
	if !ok {
		return dst, i, l.describe() + " into " + c.Class.describe()
	}
	return dst, next, ""
}

// binaryString returns the length of what stands before the contents of the
// string at b[i], as mysqldump writes it for bytes, or 0.
func binaryString(b []byte, i int) int {
	const start = "_binary '"
	if len(b)-i > len(start) && string(b[i:i+len(start)]) == start {
		return len(start)
	}
	return 0
}
