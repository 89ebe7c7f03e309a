package expr

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokName             // an identifier or a keyword
	tokQuoted           // `…`
	tokNumber           // 12, 1.5, 1e3
	tokString           // '…' or "…"
	tokHex              // 0xFF, x'FF', 0b1, b'1'
	tokOp
)

type token struct {
	kind tokenKind
	// noNumber: a hex literal in quotes, which is a number in MySQL only.
	noNumber bool
	// text is the name, the number's digits, the decoded string, the bytes of
	// a hex literal or the operator; upper is a name in upper case.
	text, upper string
	pos         int
}

// is reports whether the token is an operator or an unquoted keyword.
func (t token) is(words ...string) bool {
	for _, w := range words {
		if (t.kind == tokOp && t.text == w) || (t.kind == tokName && t.upper == w) {
			return true
		}
	}
	return false
}

// lexer takes a condition apart by the rules of the servers' default sql_mode.
type lexer struct {
	text string
	i    int
}

var operators = []string{
	"<=>", "->>", "<=", ">=", "<>", "!=", "&&", "||", "->",
	"=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "%", "!", ".",
}

func (l *lexer) next() (token, error) {
	for l.i < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.i]) >= 0 {
		l.i++
	}
	start := l.i
	if start == len(l.text) {
		return token{kind: tokEnd, pos: start}, nil
	}
	rest := l.text[start:]
	c := rest[0]
	switch {
	case strings.HasPrefix(rest, "/*") || strings.HasPrefix(rest, "-- ") || c == '#':
		return token{}, fail(start, "comments are not taken here")
	case c == '\'' || c == '"':
		return l.quoted(c)
	case c == '`':
		return l.backticked()
	case (c == 'x' || c == 'X' || c == 'b' || c == 'B') && len(rest) > 1 && rest[1] == '\'':
		return l.quotedBits(c | 0x20)
	case strings.HasPrefix(rest, "0x") || strings.HasPrefix(rest, "0b"):
		l.i += 2
		digits := l.while(isWord)
		return bits(start, rest[1], digits)
	case isDigit(c) || (c == '.' && len(rest) > 1 && isDigit(rest[1])):
		return l.number()
	case isWord(c):
		word := l.while(isWord)
		return token{kind: tokName, text: word, upper: strings.ToUpper(word), pos: start}, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.i += len(op)
			return token{kind: tokOp, text: op, pos: start}, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, fail(start, "%q is not taken here", r)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool {
	return isDigit(c) || c == '_' || c == '$' || (c|0x20 >= 'a' && c|0x20 <= 'z') || c >= 0x80
}

func (l *lexer) while(in func(byte) bool) string {
	start := l.i
	for l.i < len(l.text) && in(l.text[l.i]) {
		l.i++
	}
	return l.text[start:l.i]
}

func (l *lexer) number() (token, error) {
	start := l.i
	l.while(isDigit)
	if l.i < len(l.text) && l.text[l.i] == '.' {
		l.i++
		l.while(isDigit)
	}
	if l.i < len(l.text) && l.text[l.i]|0x20 == 'e' {
		l.i++
		if l.i < len(l.text) && (l.text[l.i] == '+' || l.text[l.i] == '-') {
			l.i++
		}
		if l.while(isDigit) == "" {
			return token{}, fail(start, "this number has no digits behind its e")
		}
	}
	if l.i < len(l.text) && isWord(l.text[l.i]) {
		return token{}, fail(start, "this is neither a number nor a name; put names that begin with a digit in backticks")
	}
	return token{kind: tokNumber, text: l.text[start:l.i], pos: start}, nil
}

// escapes are the backslash sequences of strings; \% and \_ stay as they are,
// for LIKE ("String Literals", MySQL manual).
var escapes = map[byte]string{
	'0': "\x00", 'b': "\b", 'n': "\n", 'r': "\r", 't': "\t", 'Z': "\x1a", '%': `\%`, '_': `\_`,
}

func (l *lexer) quoted(quote byte) (token, error) {
	start := l.i
	var b strings.Builder
	for l.i++; l.i < len(l.text); l.i++ {
		c := l.text[l.i]
		switch {
		case c == quote && l.i+1 < len(l.text) && l.text[l.i+1] == quote:
			b.WriteByte(quote)
			l.i++
		case c == quote:
			l.i++
			return token{kind: tokString, text: b.String(), pos: start}, nil
		case c == '\\' && l.i+1 < len(l.text):
			l.i++
			if s, ok := escapes[l.text[l.i]]; ok {
				b.WriteString(s)
			} else {
				b.WriteByte(l.text[l.i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{}, fail(start, "this string has no closing quote")
}

func (l *lexer) backticked() (token, error) {
	start := l.i
	var b strings.Builder
	for l.i++; l.i < len(l.text); l.i++ {
		switch {
		case l.text[l.i] != '`':
			b.WriteByte(l.text[l.i])
		case l.i+1 < len(l.text) && l.text[l.i+1] == '`':
			b.WriteByte('`')
			l.i++
		default:
			l.i++
			return token{kind: tokQuoted, text: b.String(), pos: start}, nil
		}
	}
	return token{}, fail(start, "this name has no closing backtick")
}

func (l *lexer) quotedBits(kind byte) (token, error) {
	start := l.i
	end := strings.IndexByte(l.text[start+2:], '\'')
	if end < 0 {
		return token{}, fail(start, "this literal has no closing quote")
	}
	digits := l.text[start+2 : start+2+end]
	l.i = start + 2 + end + 1
	tok, err := bits(start, kind, digits)
	tok.noNumber = kind == 'x'
	return tok, err
}

// bits decodes the digits of a hex ('x') or bit ('b') literal.
func bits(start int, kind byte, digits string) (token, error) {
	per, valid := 2, "0123456789abcdef"
	if kind == 'b' {
		per, valid = 8, "01"
	}
	if digits == "" || (kind == 'x' && len(digits)%2 != 0) {
		return token{}, fail(start, "this literal needs an even number of hex digits, or bits")
	}
	digits = strings.Repeat("0", (per-len(digits)%per)%per) + strings.ToLower(digits)
	out := make([]byte, 0, len(digits)/per)
	for i := 0; i < len(digits); i += per {
		n := 0
		for _, d := range []byte(digits[i : i+per]) {
			v := strings.IndexByte(valid, d)
			if v < 0 {
				return token{}, fail(start, "this literal holds something that is no digit")
			}
			n = n*len(valid) + v
		}
		out = append(out, byte(n))
	}
	return token{kind: tokHex, text: string(out), pos: start}, nil
}
