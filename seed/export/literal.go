package export

import (
	"database/sql/driver"
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// appendHex writes bytes as 0x…; none of them as two quotes, because 0x alone is
// no literal.
func appendHex(b, v []byte) []byte {
	if len(v) == 0 {
		return append(b, "''"...)
	}
	b = append(b, "0x"...)
	for _, c := range v {
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// escapes are the bytes that need a backslash, with what stands behind it
// ("String Literals" in the MySQL reference manual). NUL and Ctrl-Z are for
// clients that read text.
var escapes = [256]byte{0: '0', '\n': 'n', '\r': 'r', 0x1a: 'Z', '\\': '\\', '\'': '\''}

// appendText writes a string in quotes.
func appendText(b, v []byte) []byte {
	b = append(b, '\'')
	start := 0
	for i, c := range v {
		if escapes[c] != 0 {
			b = append(b, v[start:i]...)
			b = append(b, '\\', escapes[c])
			start = i + 1
		}
	}
	b = append(b, v[start:]...)
	return append(b, '\'')
}

// appendCell writes a value as the literal of its column.
func appendCell(b []byte, c class, v driver.Value) []byte {
	raw, isBytes := v.([]byte)
	switch {
	case v == nil:
		return append(b, "NULL"...)
	case !isBytes:
		return appendValue(b, v)
	case c == bytesClass:
		return appendHex(b, raw)
	case c == textClass:
		return appendText(b, raw)
	}
	return append(b, raw...)
}

// comment makes a text fit into one line of a comment.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
