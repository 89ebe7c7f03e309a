package dump

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// lexer finds the end of a statement. It can stop at any byte and go on when
// more bytes are there: all it knows is in its fields.
type lexer struct {
	mode  Mode
	mb    *multibyte
	delim []byte
	ahead int        // bytes that must be visible to decide at a special byte
	plain [256]uint8 // 1 for bytes that mean nothing outside quotes

	quote   byte // the quote the position is in, or 0
	comment byte // '-' in a comment to the end of the line, '*' in /* */, or 0
	opened  int  // where quote or comment began, relative to the statement
	command bool // a client command was seen in the statement
}

// outcome is why scan returned.
type outcome uint8

const (
	needMore  outcome = iota // the bytes end before the statement does
	delimited                // a delimiter begins at the position
	commanded                // \g or \G begins at the position
)

// minAhead covers the longest fixed thing the lexer has to see at once: the
// start of a sandbox comment, "/*M!999999\-".
const minAhead = 16

func (l *lexer) setDelimiter(d []byte) {
	l.delim = append([]byte(nil), d...)
	l.ahead = max(minAhead, len(d))
	l.build()
}

func (l *lexer) setMode(m Mode) {
	l.mode = m
	l.mb = multibyteOf(m.Charset)
	l.build()
}

func (l *lexer) build() {
	for c := range l.plain {
		l.plain[c] = 1
	}
	for _, c := range []byte("'\"`\\#-/") {
		l.plain[c] = 0
	}
	if len(l.delim) > 0 {
		l.plain[l.delim[0]] = 0
	}
	if l.mb == nil {
		return
	}
	for c, lead := range l.mb.lead {
		if lead {
			l.plain[c] = 0
		}
	}
}

// reset makes the lexer stand at the start of a statement.
func (l *lexer) reset() {
	l.quote, l.comment, l.opened, l.command = 0, 0, 0, false
}

// scan goes on at b[i]. b begins at the statement's start; last says that
// nothing follows b. It returns the position it stopped at.
func (l *lexer) scan(b []byte, i int, last bool) (int, outcome) {
	for {
		if l.quote != 0 || l.comment != 0 {
			var closed bool
			if i, closed = l.leave(b, i); !closed {
				return i, needMore
			}
		}
		for i < len(b) && l.plain[b[i]] != 0 {
			i++
		}
		if i == len(b) || (len(b)-i < l.ahead && !last) {
			return i, needMore
		}
		next, why := l.special(b, i)
		if why != needMore {
			return i, why
		}
		if next == i { // a multi-byte character cut by the end of the input
			next++
		}
		i = next
	}
}

// leave moves behind the quote or the comment the position is in.
func (l *lexer) leave(b []byte, i int) (int, bool) {
	var closed bool
	switch {
	case l.comment == '-':
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return len(b), false
		}
		i, closed = i+n+1, true
	case l.comment == '*':
		i, closed = skipBlockComment(b, i)
	default:
		i, closed = skipQuoted(b, i, l.quote, l.mode.escapes(l.quote), l.mb)
	}
	if closed {
		l.quote, l.comment = 0, 0
	}
	return i, closed
}

// special decides what the byte at b[i] outside quotes and comments means and
// returns where to go on. The order of the tests is the client's: a backslash
// comes before the delimiter, the delimiter before comments and quotes.
func (l *lexer) special(b []byte, i int) (int, outcome) {
	c := b[i]
	if l.mb != nil && l.mb.lead[c] {
		return i + l.mb.length(b, i), needMore
	}
	if c == '\\' {
		switch at(b, i+1) {
		case 'g', 'G':
			return i, commanded
		case 'N': // an old way to write NULL
		default:
			l.command = true
		}
		return min(i+2, len(b)), needMore
	}
	if c == l.delim[0] && bytes.HasPrefix(b[i:], l.delim) {
		return i, delimited
	}
	switch c {
	case '\'', '"', '`':
		l.quote, l.opened = c, i
	case '#':
		l.comment, l.opened = '-', i
	case '-':
		if isDashComment(b, i) {
			l.comment, l.opened = '-', i
		}
	case '/':
		if at(b, i+1) == '*' && (!isVersionComment(b, i) || isSandbox(b, i)) {
			l.comment, l.opened = '*', i
			return i + 2, needMore
		}
	}
	return i + 1, needMore
}

// at returns b[i], or 0 behind the end.
func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || (c >= '\t' && c <= '\r') }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isDashComment reports whether "--" at b[i] begins a comment: it does before
// a space, a control character or the end. 5--1 is a subtraction.
func isDashComment(b []byte, i int) bool {
	if at(b, i+1) != '-' {
		return false
	}
	c := at(b, i+2)
	return c <= ' ' || c == 0x7F
}

// isVersionComment reports whether b[i:] begins with /*! or /*M!, whose
// contents are code. A hint comment, /*+ … */, is not one of them: neither
// client looks for quotes or delimiters in it.
func isVersionComment(b []byte, i int) bool {
	c := at(b, i+2)
	return c == '!' || (c == 'M' && at(b, i+3) == '!')
}

// isSandbox reports whether b[i:] begins with a version comment that holds the
// client command \-, which mariadb-dump writes to turn its client's dangerous
// commands off. To everybody else it is a comment.
func isSandbox(b []byte, i int) bool {
	for i += 2; i < len(b) && (b[i] == 'M' || b[i] == '!' || isDigit(b[i])); i++ {
	}
	return at(b, i) == '\\' && at(b, i+1) == '-'
}

// skipBlockComment returns the position behind the next */ at or after b[i].
// Without one it returns a position to go on from when more bytes are there.
func skipBlockComment(b []byte, i int) (int, bool) {
	for {
		n := bytes.IndexByte(b[i:], '*')
		if n < 0 {
			return len(b), false
		}
		i += n
		if i+1 == len(b) {
			return i, false
		}
		if b[i+1] == '/' {
			return i + 2, true
		}
		i++
	}
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// skipQuoted returns the position behind the quote q that closes a string,
// starting inside it at b[i]. A doubled quote is taken for the end of one
// string and the start of the next, which comes to the same. Without a closing
// quote it returns a position to go on from when more bytes are there.
func skipQuoted(b []byte, i int, q byte, escapes bool, mb *multibyte) (int, bool) {
	if mb != nil {
		return skipQuotedMultibyte(b, i, q, escapes, mb)
	}
	esc := q
	if escapes {
		esc = '\\'
	}
	// Eight bytes at a time: a byte of x^pattern is zero where it matches,
	// and (y-low)&^y&high marks the lowest zero byte of y exactly.
	quotes, escs := lowBits*uint64(q), lowBits*uint64(esc)
	for {
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			y, z := x^quotes, x^escs
			if hit := ((y - lowBits) &^ y & highBits) | ((z - lowBits) &^ z & highBits); hit != 0 {
				i += bits.TrailingZeros64(hit) >> 3
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != q && b[i] != esc {
			i++
		}
		if i == len(b) {
			return i, false
		}
		if b[i] == q {
			return i + 1, true
		}
		if i+1 == len(b) {
			return i, false
		}
		i += 2
	}
}

func skipQuotedMultibyte(b []byte, i int, q byte, escapes bool, mb *multibyte) (int, bool) {
	for i < len(b) {
		c := b[i]
		switch {
		case mb.lead[c]:
			n := mb.length(b, i)
			if n == 0 {
				return i, false
			}
			i += n
		case c == q:
			return i + 1, true
		case c == '\\' && escapes:
			if i+1 == len(b) {
				return i, false
			}
			i += 2
		default:
			i++
		}
	}
	return i, false
}
