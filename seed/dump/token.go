package dump

import "bytes"

// tokenKind is what a token of a statement is.
type tokenKind uint8

const (
	tokEnd   tokenKind = iota
	tokWord            // a keyword or a plain identifier
	tokName            // a quoted identifier
	tokText            // a quoted string
	tokOther           // a single byte
)

// token is one token; raw keeps its quotes.
type token struct {
	kind tokenKind
	raw  []byte
}

// tokens reads a whole statement token by token. Version comments are
// transparent to it, other comments are space.
type tokens struct {
	b    []byte
	i    int
	mode Mode
	mb   *multibyte
	// comment is 1 more than where the version comment begins that the last
	// token stands in; 0: it stands in none.
	comment int
}

func newTokens(b []byte, mode Mode) tokens {
	return tokens{b: b, mode: mode, mb: multibyteOf(mode.Charset)}
}

// next returns the next token, of kind tokEnd when there is none.
func (t *tokens) next() token {
	t.skipSpace()
	if t.i >= len(t.b) {
		return token{}
	}
	from := t.i
	c := t.b[t.i]
	switch {
	case c == '`', c == '"', c == '\'':
		end, _ := skipName(t.b, t.i+1, c, t.mode.escapes(c), t.mb)
		t.i = end
		if c == '`' || (c == '"' && t.mode.ANSIQuotes) {
			return token{tokName, t.b[from:end]}
		}
		return token{tokText, t.b[from:end]}
	case isWordByte(c):
		for t.i < len(t.b) && isWordByte(t.b[t.i]) {
			if t.mb != nil {
				t.i += max(1, t.mb.length(t.b, t.i))
			} else {
				t.i++
			}
		}
		t.i = min(t.i, len(t.b))
		return token{tokWord, t.b[from:t.i]}
	}
	t.i++
	return token{tokOther, t.b[from:t.i]}
}

// skipName is skipQuoted, but takes a doubled quote as part of the string.
func skipName(b []byte, i int, q byte, escapes bool, mb *multibyte) (int, bool) {
	for {
		end, closed := skipQuoted(b, i, q, escapes, mb)
		if !closed {
			return len(b), false
		}
		if at(b, end) != q {
			return end, true
		}
		i = end + 1
	}
}

func (t *tokens) skipSpace() {
	for t.i < len(t.b) {
		b, i := t.b, t.i
		switch c := b[i]; {
		case isSpace(c):
			t.i++
		case c == '#', c == '-' && isDashComment(b, i):
			n := bytes.IndexByte(b[i:], '\n')
			if n < 0 {
				n = len(b) - i - 1
			}
			t.i += n + 1
		case c == '/' && at(b, i+1) == '*' && isVersionComment(b, i):
			t.openComment()
		case c == '/' && at(b, i+1) == '*':
			t.i, _ = skipBlockComment(b, i+2)
		case c == '*' && at(b, i+1) == '/':
			t.i += 2
			t.comment = 0
		default:
			return
		}
	}
}

// openComment moves behind the opening of a version comment.
func (t *tokens) openComment() {
	t.comment = t.i + 1
	t.i += 3
	if t.b[t.i-1] == 'M' {
		t.i++
	}
	for t.i < len(t.b) && isDigit(t.b[t.i]) {
		t.i++
	}
}

func isWordByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '$' || c >= 0x80
}

// is reports whether a word is the given upper-case keyword.
func (t token) is(keyword string) bool {
	return t.kind == tokWord && equalFold(t.raw, keyword)
}

func equalFold(b []byte, upper string) bool {
	if len(b) != len(upper) {
		return false
	}
	for i := range b {
		c := b[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}

// isName reports whether a token can be an identifier.
func (t token) isName() bool { return t.kind == tokWord || t.kind == tokName }

// names turns identifiers into strings, sharing those it has seen: a dump says
// the same few names over and over.
type names struct{ seen map[string]string }

// maxNames bounds the memory of names.
const maxNames = 4096

func (n *names) of(t token) string {
	raw := t.raw
	if t.kind == tokName && len(raw) >= 2 {
		q := raw[0]
		raw = raw[1 : len(raw)-1]
		if bytes.IndexByte(raw, q) >= 0 {
			raw = bytes.ReplaceAll(raw, []byte{q, q}, []byte{q})
		}
	}
	if s, ok := n.seen[string(raw)]; ok {
		return s
	}
	if n.seen == nil || len(n.seen) >= maxNames {
		n.seen = make(map[string]string)
	}
	s := string(raw)
	n.seen[s] = s
	return s
}
