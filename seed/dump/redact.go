package dump

import (
	"bytes"
	"unicode/utf8"
)

// Redact returns the start of a statement without any of its values, on one
// line of valid UTF-8 and at most limit bytes long, for errors and logs. It needs
// no Mode.
//
// Strings, numbers, hex and bit literals become "?", comments go, and names
// stay until the first quoted value or VALUES. From there on only punctuation
// and words of a short fixed list are shown: behind a string whose quoting is
// not what it seems anything could be a value. For the same reason the text
// ends with "…" at the first byte that two modes would read differently, such
// as a backslash before a quote.
func Redact(stmt []byte, limit int) string {
	r := redactor{b: stmt, max: limit}
	r.run()
	return r.result()
}

type redactor struct {
	b   []byte
	i   int
	max int
	out []byte

	verb    string // the statement's first word
	named   bool   // INSERT, REPLACE: the table's name has been seen
	depth   int    // parentheses
	strict  bool   // names are not shown any more
	space   bool   // space stands before the next token
	stopped bool
}

// verbs are the words a statement may begin with for anything to be shown.
var verbs = wordSet("ALTER ANALYZE BEGIN CALL CHANGE CHECK COMMIT CREATE DELETE DELIMITER DO DROP " +
	"EXECUTE FLUSH GRANT INSERT INSTALL LOAD LOCK OPTIMIZE PREPARE RENAME REPLACE RESET REVOKE " +
	"ROLLBACK SAVEPOINT SELECT SET START STOP TRUNCATE UNINSTALL UNLOCK UPDATE USE WITH")

// vocabulary holds the words shown behind values.
var vocabulary = wordSet("AND AS AUTO_INCREMENT BY CHARACTER COLLATE COMMENT DEFAULT DEFINER DO DUPLICATE " +
	"END ENGINE FOR FROM GRANT IDENTIFIED INTO KEY ON OR PARTITION PASSWORD PRIMARY REQUIRE SELECT " +
	"SET TABLE TO UPDATE USING VALUE VALUES VIA WHERE WITH")

var insertModifiers = wordSet("LOW_PRIORITY HIGH_PRIORITY DELAYED IGNORE INTO")

func wordSet(list string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range bytes.Fields([]byte(list)) {
		set[string(w)] = true
	}
	return set
}

func (r *redactor) run() {
	for r.i < len(r.b) && !r.stopped && len(r.out) <= r.max {
		r.token()
	}
}

// result cuts what was written to max bytes.
func (r *redactor) result() string {
	if r.stopped || len(r.out) > r.max || r.i < len(r.b) {
		const dots = "…"
		n := max(0, min(len(r.out), r.max-len(dots)))
		for n > 0 && n < len(r.out) && !utf8.RuneStart(r.out[n]) {
			n--
		}
		if r.max < len(dots) {
			return ""
		}
		return string(r.out[:n]) + dots
	}
	return string(r.out)
}

// token takes one token.
func (r *redactor) token() {
	b, c := r.b[r.i:], r.b[r.i]
	switch {
	case c <= ' ' || c == 0x7F:
		r.i++
		r.space = true
	case c == '#', c == '-' && isDashComment(b, 0):
		n := bytes.IndexByte(b, '\n')
		r.comment(n+1, n >= 0)
	case c == '/' && at(b, 1) == '*':
		r.blockComment(b)
	case c == '*' && at(b, 1) == '/':
		r.comment(2, true)
	case c == '\'' || c == '"':
		r.text(b)
	case c == '`':
		r.name(b)
	case isDigit(c), c == '.' && isDigit(at(b, 1)) && !r.afterName():
		r.number(b)
	case isWordByte(c):
		r.word(b)
	case c == '\\':
		r.stopped = true
	default:
		r.punctuation(c)
	}
}

// afterName reports whether the last byte written ends a name, so that a point
// behind it is a separator: `schema`.`1st`.
func (r *redactor) afterName() bool {
	return !r.space && len(r.out) > 0 && (r.out[len(r.out)-1] == '`' || isWordByte(r.out[len(r.out)-1]))
}

func (r *redactor) comment(n int, closed bool) {
	r.i += n
	r.space, r.stopped = true, !closed
}

func (r *redactor) blockComment(b []byte) {
	if !isVersionComment(b, 0) {
		n, closed := skipBlockComment(b, 2)
		r.comment(n, closed)
		return
	}
	n := bytes.IndexByte(b, '!') + 1
	for isDigit(at(b, n)) {
		n++
	}
	r.comment(n, true)
}

// put writes a token.
func (r *redactor) put(s []byte) {
	if r.space && len(r.out) > 0 {
		r.out = append(r.out, ' ')
	}
	r.space = false
	r.out = append(r.out, s...)
}

func (r *redactor) value() { r.put([]byte{'?'}) }

// text replaces a quoted string.
func (r *redactor) text(b []byte) {
	r.value()
	r.strict = true
	q := b[0]
	for i := 1; i < len(b); i++ {
		if b[i] != q {
			continue
		}
		if b[i-1] == '\\' {
			break // two readings
		}
		if at(b, i+1) != q {
			r.i += i + 1
			return
		}
		i++
	}
	r.stopped = true
}

// maxName is the longest identifier in bytes: 64 characters.
const maxName = 256

// name takes an identifier in backticks.
func (r *redactor) name(b []byte) {
	end, closed := skipName(b, 1, '`', false, nil)
	raw := b[:end]
	if !closed || len(raw) > maxName || !utf8.Valid(raw) || bytes.ContainsAny(raw, "'\"\\\n\r\x00") ||
		bytes.ContainsFunc(raw, func(c rune) bool { return c < ' ' || c == 0x7F || c == 0x2028 || c == 0x2029 || c == 0x85 }) {
		r.value()
		r.stopped = true
		return
	}
	r.i += end
	if r.strict || r.verb == "" {
		r.value()
		return
	}
	r.named = true
	r.put(raw)
}

// number takes everything that begins with a digit.
func (r *redactor) number(b []byte) {
	n := 1
	for n < len(b) {
		c := b[n]
		exponent := (c == '+' || c == '-') && lower(b[n-1]) == 'e' && isDigit(at(b, n+1))
		if !isWordByte(c) && c != '.' && !exponent {
			break
		}
		n++
	}
	r.i += n
	r.value()
}

// word takes a keyword or a plain name.
func (r *redactor) word(b []byte) {
	n := 1
	for n < len(b) && isWordByte(b[n]) {
		n++
	}
	w := b[:n]
	if !utf8.Valid(w) || bytes.Contains(w, []byte("$$")) || len(w) > maxName ||
		bytes.ContainsFunc(w, func(c rune) bool { return c == 0x2028 || c == 0x2029 || c == 0x85 }) {
		r.value()
		r.stopped = true
		return
	}
	r.i += n
	up := string(bytes.ToUpper(w))
	if r.verb == "" {
		if r.verb = up; !verbs[up] {
			r.value()
			r.stopped = true
			return
		}
		r.put(w)
		return
	}
	if q := at(b, n); q == '\'' || q == '"' {
		return // x'…', _utf8mb4'…': the string speaks for it
	}
	r.enter(up, b[n:])
	switch {
	case r.strict && !vocabulary[up], up == "TRUE", up == "FALSE":
		r.value()
	default:
		r.put(w)
	}
}

// enter looks whether values begin at a word.
func (r *redactor) enter(up string, rest []byte) {
	switch up {
	case "VALUES", "VALUE":
		r.strict = r.strict || at(bytes.TrimLeft(rest, " \t\r\n"), 0) == '('
	case "IDENTIFIED", "DUPLICATE":
		r.strict = true
	case "PASSWORD":
		r.strict = r.strict || r.verb == "SET"
	}
	if r.verb != "INSERT" && r.verb != "REPLACE" || r.depth > 0 {
		return
	}
	switch {
	case len(r.out) > 0 && r.out[len(r.out)-1] == '.' && !r.space:
	case r.named:
		r.strict = true
	case !insertModifiers[up]:
		r.named = true
	}
}

func (r *redactor) punctuation(c byte) {
	r.i++
	switch c {
	case '(':
		r.depth++
	case ')':
		r.depth--
	}
	if r.verb == "" && c != '(' {
		r.stopped = true
		return
	}
	r.put([]byte{c})
}
