package dump

import "bytes"

// LiteralKind is the form of a literal in a VALUES list.
type LiteralKind uint8

// The kinds of literals.
const (
	NullLiteral   LiteralKind = iota // NULL or \N
	NumberLiteral                    // -12.5e3
	StringLiteral                    // '…', "…", _utf8mb4'…', N'…'
	HexLiteral                       // 0xFF, X'FF', _binary 0xFF
	BitLiteral                       // 0b101, B'101'
)

// Literal is one value of a row. Its slices point into the statement.
type Literal struct {
	Kind LiteralKind
	// Raw is a number as it stands, what is between a string's quotes, or
	// the digits of a hex or bit literal.
	Raw []byte
	// Quote is a string's quote.
	Quote byte
	// Charset is the introducer's name without its underscore, or nil.
	Charset []byte
	// From and To are where the whole literal stands in the text of rows that
	// a RowReader reads; others leave them zero.
	From, To int
}

// national is the character set that N'…' stands for.
var national = []byte("utf8mb3")

// literalAt takes the literal at b[i] and returns the position behind it. It
// refuses, with ok false, whatever is more than one literal: functions,
// DEFAULT, TRUE, signs with space behind, strings side by side.
func literalAt(b []byte, i int, m Mode) (l Literal, next int, ok bool) {
	c := at(b, i)
	switch {
	case c == '\'' || (c == '"' && !m.ANSIQuotes):
		return stringAt(b, i, m, nil)
	case isDigit(c) && c == '0' && (at(b, i+1) == 'x' || at(b, i+1) == 'b'):
		return digitsAt(b, i+2, at(b, i+1), nil)
	case isDigit(c), c == '-', c == '.':
		next, ok = numberEnd(b, i)
		return Literal{Kind: NumberLiteral, Raw: b[i:next]}, next, ok
	case c == '\\' && at(b, i+1) == 'N':
		return Literal{}, i + 2, true
	case c == '_':
		return introducedAt(b, i, m)
	}
	if at(b, i+1) == '\'' {
		switch c {
		case 'x', 'X', 'b', 'B':
			return quotedDigitsAt(b, i+1, c|0x20, nil)
		case 'n', 'N':
			return stringAt(b, i+1, m, national)
		}
	}
	if i+4 <= len(b) && equalFold(b[i:i+4], "NULL") {
		return Literal{}, i + 4, true
	}
	return Literal{}, i, false
}

// stringAt takes a string whose quote is b[i].
func stringAt(b []byte, i int, m Mode, charset []byte) (Literal, int, bool) {
	q := b[i]
	end, closed := skipName(b, i+1, q, m.escapes(q), multibyteOf(m.Charset))
	if !closed {
		return Literal{}, i, false
	}
	return Literal{Kind: StringLiteral, Raw: b[i+1 : end-1], Quote: q, Charset: charset}, end, true
}

// introducedAt takes a literal behind a character set introducer.
func introducedAt(b []byte, i int, m Mode) (Literal, int, bool) {
	n := i + 1
	for n < len(b) && (isLetter(b[n]) || isDigit(b[n])) {
		n++
	}
	charset := b[i+1 : n]
	for n < len(b) && isSpace(b[n]) {
		n++
	}
	switch c := at(b, n); {
	case c == '\'' || (c == '"' && !m.ANSIQuotes):
		return stringAt(b, n, m, charset)
	case c == '0' && (at(b, n+1) == 'x' || at(b, n+1) == 'b'):
		return digitsAt(b, n+2, b[n+1], charset)
	case (c|0x20 == 'x' || c|0x20 == 'b') && at(b, n+1) == '\'':
		return quotedDigitsAt(b, n+1, c|0x20, charset)
	}
	return Literal{}, i, false
}

// digitsAt takes the digits of 0x… (base 'x') or 0b… (base 'b').
func digitsAt(b []byte, i int, base byte, charset []byte) (Literal, int, bool) {
	l := Literal{Kind: HexLiteral, Charset: charset}
	if base == 'b' {
		l.Kind = BitLiteral
	}
	n := i
	for n < len(b) && hexValue[b[n]] < 16 {
		if base == 'b' && b[n] > '1' {
			break
		}
		n++
	}
	l.Raw = b[i:n]
	// Anything of a word that follows would make it an identifier.
	return l, n, n > i && (n == len(b) || !isWordByte(b[n]))
}

// quotedDigitsAt takes the digits of x'…' or b'…', whose quote is b[i].
func quotedDigitsAt(b []byte, i int, base byte, charset []byte) (Literal, int, bool) {
	l, n, _ := digitsAt(b, i+1, base, charset)
	if at(b, n) != '\'' || (base == 'x' && len(l.Raw)%2 != 0) {
		return Literal{}, i, false
	}
	return l, n + 1, true
}

// numberEnd returns the position behind the number at b[i].
func numberEnd(b []byte, i int) (int, bool) {
	if b[i] == '-' {
		i++
	}
	digits := 0
	for ; i < len(b) && isDigit(b[i]); i++ {
		digits++
	}
	if at(b, i) == '.' {
		for i++; i < len(b) && isDigit(b[i]); i++ {
			digits++
		}
	}
	if digits == 0 {
		return i, false
	}
	if at(b, i)|0x20 == 'e' {
		i++
		if c := at(b, i); c == '+' || c == '-' {
			i++
		}
		if !isDigit(at(b, i)) {
			return i, false
		}
		for i < len(b) && isDigit(b[i]) {
			i++
		}
	}
	return i, i == len(b) || !isWordByte(b[i])
}

// hexValue is the value of a hex digit, or 255.
var hexValue = func() (t [256]uint8) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = uint8(i)
	}
	for i, c := range []byte("ABCDEF") {
		t[c] = uint8(10 + i)
	}
	return t
}()

// AppendValue appends the bytes a literal stands for: the string's characters
// with escapes resolved, the bytes of a hex or bit literal, the text of a
// number, nothing for NULL.
func (l Literal) AppendValue(dst []byte, m Mode) []byte {
	switch l.Kind {
	case NumberLiteral:
		return append(dst, l.Raw...)
	case StringLiteral:
		return appendUnquoted(dst, l.Raw, l.Quote, m)
	case HexLiteral:
		return appendHex(dst, l.Raw)
	case BitLiteral:
		return appendBits(dst, l.Raw)
	}
	return dst
}

// appendUnquoted resolves a string's escapes and doubled quotes.
// Source: "String Literals" in the MySQL reference manual.
func appendUnquoted(dst, raw []byte, q byte, m Mode) []byte {
	escapes, mb := m.escapes(q), multibyteOf(m.Charset)
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case mb != nil && mb.length(raw, i) == 2:
			dst = append(dst, c, raw[i+1])
			i++
		case c == q:
			dst = append(dst, c)
			i++ // the second of the pair
		case c == '\\' && escapes && i+1 < len(raw):
			i++
			dst = appendEscaped(dst, raw[i])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendEscaped appends what a backslash and c mean in a string.
func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '0':
		return append(dst, 0)
	case 'b':
		return append(dst, '\b')
	case 'n':
		return append(dst, '\n')
	case 'r':
		return append(dst, '\r')
	case 't':
		return append(dst, '\t')
	case 'Z':
		return append(dst, 0x1A)
	case '%', '_': // kept with the backslash, for LIKE
		return append(dst, '\\', c)
	}
	return append(dst, c)
}

// appendHex decodes hex digits; an odd count stands for a leading 0.
func appendHex(dst, digits []byte) []byte {
	if len(digits)%2 != 0 {
		dst = append(dst, hexValue[digits[0]])
		digits = digits[1:]
	}
	for i := 0; i+1 < len(digits); i += 2 {
		dst = append(dst, hexValue[digits[i]]<<4|hexValue[digits[i+1]])
	}
	return dst
}

// appendBits decodes binary digits; the first byte may have fewer than eight.
func appendBits(dst, digits []byte) []byte {
	for len(digits) > 0 {
		n := (len(digits)-1)%8 + 1
		var v byte
		for _, d := range digits[:n] {
			v = v<<1 | (d - '0')
		}
		dst = append(dst, v)
		digits = digits[n:]
	}
	return dst
}

// isASCII reports whether b has no byte above 0x7F.
func isASCII(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r >= 0x80 })
}
