package dump

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
)

// appendExact writes one literal as a field, or returns false when the field
// would not be the value INSERT stores.
func (e *Encoder) appendExact(dst []byte, l Literal, c *column) ([]byte, bool) {
	switch l.Kind {
	case NullLiteral:
		// NULL for a NOT NULL column is an error, the next AUTO_INCREMENT
		// value or a default, and not always the same one for both.
		return append(dst, '\\', 'N'), !c.NotNull
	case NumberLiteral:
		if wide(c.Charset) && e.layout.file == "binary" {
			return dst, false
		}
		if c.unhex {
			var ok bool
			e.buf, ok = appendNumber(e.buf[:0], l.Raw, c.Class)
			return hex.AppendEncode(dst, e.buf), ok
		}
		return appendNumber(dst, l.Raw, c.Class)
	}
	e.buf = l.AppendValue(e.buf[:0], e.mode)
	if l.Kind != StringLiteral && isNumeric(c.Class) {
		return appendBytesNumber(dst, e.buf, l, c.Class)
	}
	if !e.exactBytes(e.buf, l, c) {
		return dst, false
	}
	if c.unhex {
		return hex.AppendEncode(dst, e.buf), true
	}
	return appendField(dst, e.buf), true
}

// exactBytes reports whether the bytes of a string, hex or bit literal can
// stand in a field as they are.
func (e *Encoder) exactBytes(value []byte, l Literal, c *column) bool {
	from := e.layout.session
	switch {
	case l.Charset != nil:
		from = strings.ToLower(string(l.Charset))
		if !loadable(from) {
			return false
		}
	case l.Kind != StringLiteral:
		from = "binary" // "Hexadecimal Literals": the default type is a binary string
	}
	if len(value) == 0 && !takesEmpty(c.Class) {
		return false
	}
	switch c.Class {
	case BitClass:
		// The bytes of a field, and of a string, are a big-endian number, as a
		// hex or bit literal is; but only up to the width of the largest BIT.
		return len(value) <= 8
	case BinaryClass, GeometryClass:
		return true // bytes are stored as they are, whatever they are called
	case VectorClass:
		return from == "binary" // strings of characters are refused (error 6136)
	case JSONClass:
		// The server refuses JSON of character set binary (error 3144).
		return l.Kind == StringLiteral && from != "binary" && e.sameText(from, value, c)
	case TextClass:
		return e.sameText(from, value, c)
	case ChoiceClass:
		return l.Kind == StringLiteral && e.sameText(from, value, c)
	case UnknownClass:
		return l.Kind == StringLiteral && from != "binary" && e.sameText(from, value, c)
	}
	return l.Kind == StringLiteral && isASCII(value) && c.check.passes(value)
}

// sameText reports whether text in the character set from is the same value
// for the column when it comes in the file's. Text that comes as binary goes
// into the column as it is; from any other character set it is converted.
func (e *Encoder) sameText(from string, value []byte, c *column) bool {
	file := e.layout.file
	switch {
	case from == file: // the column's check is for text of the session
		return from == "binary" || c.check.passes(value)
	case from != "binary" && file != "binary":
		return isASCII(value) || (sameBytes(from, file) && c.check.passes(value))
	case !asciiSame(c.Charset): // one way copies and the other converts
		return false
	case isASCII(value):
		return true
	case from == "binary":
		return sameBytes(c.Charset, file) && validIn(c.Charset, value)
	}
	return sameBytes(from, c.Charset)
}

// validIn reports whether value is text in a character set.
func validIn(charset string, value []byte) bool {
	switch charset {
	case "utf8mb4":
		return checkUTF8.passes(value)
	case "utf8", "utf8mb3":
		return checkUTF8MB3.passes(value)
	}
	return true
}

// appendBytesNumber writes a hex or bit literal for a numeric column, to which
// it is a big-endian number of 64 bits ("Hexadecimal Literals", "Bit-Value
// Literals").
func appendBytesNumber(dst, value []byte, l Literal, class Class) ([]byte, bool) {
	if l.Charset != nil || len(value) == 0 || len(value) > 8 {
		return dst, false
	}
	var n uint64
	for _, b := range value {
		n = n<<8 | uint64(b)
	}
	if class != IntegerClass && n > math.MaxInt64 {
		return dst, false // MySQL takes these for out of range
	}
	return strconv.AppendUint(dst, n, 10), true
}

// Limits of an exact decimal literal, in digits. Longer ones lose digits in one
// of the two ways, or in both.
const (
	maxDigits   = 60
	maxFraction = 30
)

// appendNumber writes a number. The servers read "12.5" in an INSERT as an
// exact decimal and "1.25e1" as a double; a field is read by the column's own
// rules.
func appendNumber(dst, raw []byte, class Class) ([]byte, bool) {
	mantissa, exponent := raw, false
	if i := bytes.IndexAny(raw, "eE"); i >= 0 {
		mantissa, exponent = raw[:i], true
	}
	unsigned, negative := bytes.CutPrefix(mantissa, []byte{'-'})
	whole, fraction, point := bytes.Cut(unsigned, []byte{'.'})
	if len(whole)+len(fraction) > maxDigits || len(fraction) > maxFraction {
		return dst, false
	}
	zero := len(bytes.Trim(whole, "0")) == 0 && len(bytes.Trim(fraction, "0")) == 0
	if negative && zero && !exponent { // an exact zero has no sign
		raw = raw[1:]
	}
	switch class {
	case IntegerClass:
		// Fractions and exponents are rounded by different rules.
		return append(dst, raw...), !exponent && !point
	case DecimalClass:
		return append(dst, raw...), !exponent
	case FloatClass:
		return append(dst, raw...), true
	case YearClass:
		// 0 is the year 0000 as a number and 2000 as a string; with four
		// digits both agree.
		return append(dst, raw...), len(raw) == 4 && len(whole) == 4
	case TextClass, BinaryClass:
		// The column gets the number's canonical text, which this must be.
		canonical := !exponent && !zero && len(whole) <= maxPlain && len(whole) > 0 &&
			(whole[0] != '0' || len(whole) == 1) && (!point || len(fraction) > 0)
		return append(dst, raw...), canonical || string(raw) == "0"
	}
	// BIT, ENUM and SET take numbers and strings for different things; dates
	// have rules of their own for numbers; JSON makes a number of one.
	return dst, false
}

func (l Literal) describe() string {
	name := [...]string{"NULL", "a number", "a string", "a hex literal", "a bit literal"}[l.Kind]
	if l.Charset != nil {
		name += " with a character set"
	}
	return name
}

func (c Class) describe() string {
	article := "a "
	if strings.ContainsRune("aeiou", rune(c.String()[0])) {
		article = "an "
	}
	return article + c.String() + " column"
}
