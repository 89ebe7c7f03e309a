package dump

import (
	"bytes"
	"strconv"
	"strings"
)

// session follows the SET statements of a dump as far as they change how its
// text is read. It knows nothing of the server: a value that only the server
// can know leaves the mode as it is.
type session struct {
	saved map[string]Mode // the mode when a user variable was set, by its name
}

// maxSaved bounds the user variables remembered; dumps use about a dozen.
const maxSaved = 256

// maxSet is the longest SET statement looked into, in bytes.
const maxSet = 64 << 10

// apply returns the mode that holds after a SET statement.
func (s *session) apply(stmt []byte, m Mode) Mode {
	if len(stmt) > maxSet {
		return m
	}
	t := newTokens(stmt, m)
	t.next() // SET
	for {
		part, last := assignment(&t)
		m = s.assign(part, m)
		if last {
			return m
		}
	}
}

// assignment collects the tokens up to a comma outside parentheses.
func assignment(t *tokens) (part []token, last bool) {
	depth := 0
	for {
		tok := t.next()
		if tok.kind == tokEnd {
			return part, true
		}
		if tok.kind == tokOther {
			switch tok.raw[0] {
			case '(':
				depth++
			case ')':
				depth--
			case ',':
				if depth == 0 {
					return part, false
				}
			}
		}
		part = append(part, tok)
	}
}

// assign carries out one assignment of a SET statement.
func (s *session) assign(part []token, m Mode) Mode {
	if len(part) == 0 || part[0].is("STATEMENT") { // SET STATEMENT … FOR holds for one statement
		return m
	}
	if len(part) >= 2 && part[0].is("NAMES") {
		return withCharset(m, part[1])
	}
	if len(part) >= 3 && ((part[0].is("CHARACTER") && part[1].is("SET")) || (part[0].is("CHAR") && part[1].is("SET"))) {
		return withCharset(m, part[2])
	}
	if len(part) >= 2 && part[0].is("CHARSET") {
		return withCharset(m, part[1])
	}
	name, global, user, value := target(part)
	switch {
	case user:
		if len(s.saved) < maxSaved || s.has(name) {
			s.save(name, value, m)
		}
		return m
	case global || len(value) == 0:
		return m
	case name == "sql_mode":
		return s.withSQLMode(m, value)
	case name == "character_set_client":
		if v, ok := userVariable(value); ok {
			if old, ok := s.saved[v]; ok {
				m.Charset = old.Charset
			}
			return m
		}
		return withCharset(m, value[0])
	}
	return m
}

func (s *session) has(name string) bool { _, ok := s.saved[name]; return ok }

// save remembers what a user variable stands for.
func (s *session) save(name string, value []token, m Mode) {
	if v, ok := userVariable(value); ok {
		old, ok := s.saved[v]
		if !ok {
			return
		}
		m = old
	} else if len(value) > 0 && value[0].kind == tokText {
		// Whether it is a sql_mode or a character set shows where it is used.
		m = withCharset(modeOfNames(m, text(value[0])), value[0])
	}
	if s.saved == nil {
		s.saved = make(map[string]Mode)
	}
	s.saved[name] = m
}

// target takes the left side of an assignment apart: the variable's name in
// lower case, whether it is a global or a user variable, and the right side.
func target(part []token) (name string, global, user bool, value []token) {
	ats := 0
	for i, t := range part {
		switch {
		case t.kind == tokOther && t.raw[0] == '@':
			ats++
		case t.is("GLOBAL"), t.is("PERSIST"), t.is("PERSIST_ONLY"):
			global = true
		case t.is("SESSION"), t.is("LOCAL"), t.kind == tokOther && t.raw[0] == '.':
		case t.kind == tokOther && t.raw[0] == ':':
		case t.kind == tokOther && t.raw[0] == '=':
			return name, global, ats == 1, part[i+1:]
		case t.kind == tokText, t.kind == tokName:
			name = strings.ToLower(text(t))
		default:
			name = strings.ToLower(string(t.raw))
		}
	}
	return "", false, false, nil
}

// userVariable returns the name of the one user variable a value consists of.
func userVariable(value []token) (string, bool) {
	if len(value) != 2 || value[0].kind != tokOther || value[0].raw[0] != '@' {
		return "", false
	}
	return strings.ToLower(text(value[1])), true
}

// text returns a token without its quotes, as it stands between them.
func text(t token) string {
	if (t.kind == tokText || t.kind == tokName) && len(t.raw) >= 2 {
		return string(t.raw[1 : len(t.raw)-1])
	}
	return string(t.raw)
}

func withCharset(m Mode, t token) Mode {
	if t.kind == tokOther || t.is("DEFAULT") || t.is("NULL") {
		return m
	}
	m.Charset = strings.ToLower(text(t))
	return m
}

// The bits that sql_mode's flags have when it is set as a number.
const (
	ansiQuotesBit  = 1 << 2
	noBackslashBit = 1 << 20
)

// withSQLMode carries out SET sql_mode = value.
func (s *session) withSQLMode(m Mode, value []token) Mode {
	if v, ok := userVariable(value); ok {
		if old, ok := s.saved[v]; ok {
			m.NoBackslashEscapes, m.ANSIQuotes = old.NoBackslashEscapes, old.ANSIQuotes
		}
		return m
	}
	if len(value) == 1 {
		t := value[0]
		if n, err := strconv.ParseUint(string(t.raw), 10, 64); err == nil {
			m.ANSIQuotes, m.NoBackslashEscapes = n&ansiQuotesBit != 0, n&noBackslashBit != 0
			return m
		}
		if t.is("DEFAULT") {
			m.ANSIQuotes, m.NoBackslashEscapes = false, false
			return m
		}
		return modeOfNames(m, text(t))
	}
	return withExpression(m, value)
}

// withExpression guesses the two common forms: CONCAT and friends add the
// flags their strings name, REPLACE takes them away.
func withExpression(m Mode, value []token) Mode {
	var named Mode
	for _, t := range value {
		if t.kind != tokText {
			continue
		}
		n := modeOfNames(Mode{}, string(bytes.Trim([]byte(text(t)), ", ")))
		named.ANSIQuotes = named.ANSIQuotes || n.ANSIQuotes
		named.NoBackslashEscapes = named.NoBackslashEscapes || n.NoBackslashEscapes
	}
	for len(value) > 1 && value[0].kind == tokOther && value[0].raw[0] == '(' {
		value = value[1:]
	}
	remove := value[0].is("REPLACE") || value[0].is("REGEXP_REPLACE")
	if named.ANSIQuotes {
		m.ANSIQuotes = !remove
	}
	if named.NoBackslashEscapes {
		m.NoBackslashEscapes = !remove
	}
	return m
}

// modeOfNames returns m with the flags of a comma-separated sql_mode. The
// names of whole dialects contain ANSI_QUOTES.
func modeOfNames(m Mode, list string) Mode {
	m.ANSIQuotes, m.NoBackslashEscapes = false, false
	for name := range strings.SplitSeq(list, ",") {
		switch strings.ToUpper(strings.TrimSpace(name)) {
		case "NO_BACKSLASH_ESCAPES":
			m.NoBackslashEscapes = true
		case "ANSI_QUOTES", "ANSI", "ORACLE", "MSSQL", "DB2", "MAXDB", "POSTGRESQL":
			m.ANSIQuotes = true
		}
	}
	return m
}
