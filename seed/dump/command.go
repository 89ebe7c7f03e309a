package dump

import (
	"bytes"
	"errors"
	"io"
)

// maxCommandWord is longer than every client command's name.
const maxCommandWord = 24

// commandParams says of a command of the client, by its name in lower case,
// whether it takes parameters; a command that takes none and has some is no
// command but SQL.
func commandParams(name string) (params, ok bool) {
	switch name {
	case "delimiter", "use", "source", "system", "tee", "pager", "prompt", "connect",
		"charset", "query_attributes":
		return true, true
	case "?", "help":
		return true, true
	case "clear", "edit", "ego", "exit", "go", "nopager", "notee", "nowarning", "print",
		"quit", "rehash", "status", "warnings", "resetconnection", "ssl_session_data_print",
		"sandbox":
		return false, true
	}
	return false, false
}

// clientLine looks for a command of the client program at start. DELIMITER is
// carried out: pos moves behind its line and ok stays false. USE, which the
// client takes without a delimiter, becomes an ordinary statement; every other
// command becomes one of kind ClientCommand.
func (s *Scanner) clientLine() (st Statement, ok bool, err error) {
	if err := s.want(maxCommandWord + s.lex.ahead); err != nil {
		return Statement{}, false, err
	}
	name := s.commandName()
	if name == "" {
		return Statement{}, false, nil
	}
	line, err := s.wantLine(name == "delimiter")
	if err != nil {
		return Statement{}, false, err
	}
	args := bytes.TrimSpace(line[s.commandLen(line):])
	if name == "delimiter" {
		return Statement{}, false, s.setDelimiter(line, args)
	}
	params, _ := commandParams(name)
	if (len(args) > 0 && !params) || (name == "use" && len(args) == 0) {
		return Statement{}, false, nil
	}
	s.pos = s.start + len(line)
	delim := 0
	if bytes.HasPrefix(s.buf[s.pos:s.end], s.lex.delim) {
		delim = len(s.lex.delim)
	}
	st = s.take(s.pos, delim)
	st.Kind = ClientCommand
	if name == "use" {
		st.classify(&s.names)
	}
	return st, true, nil
}

// commandName returns the lower-case name of the command that the line at
// start may hold, or "". A command in the short form, \x, has the name "\".
func (s *Scanner) commandName() string {
	b := s.buf[s.start:s.end]
	if b[0] == '\\' {
		switch at(b, 1) {
		case 'N', 0:
			return ""
		case 'd':
			return "delimiter"
		}
		return "help" // any name that takes parameters: all are refused alike
	}
	n := s.commandLen(b)
	if n == 0 || n >= maxCommandWord {
		return ""
	}
	var low [maxCommandWord]byte
	for i, c := range b[:n] {
		low[i] = lower(c)
	}
	if _, ok := commandParams(string(low[:n])); !ok {
		return ""
	}
	if c := at(b, n); n < len(b) && !isSpace(c) && !bytes.HasPrefix(b[n:], s.lex.delim) {
		return ""
	}
	return string(low[:n])
}

// commandLen returns the length of the first word of b.
func (s *Scanner) commandLen(b []byte) int {
	if at(b, 0) == '\\' {
		return min(2, len(b))
	}
	if at(b, 0) == '?' {
		return 1
	}
	n := 0
	for n < len(b) && n < maxCommandWord && (isLetter(b[n]) || b[n] == '_') {
		n++
	}
	return n
}

// wantLine makes the rest of the line at start visible and returns it, without
// its end. Unless whole is set it ends at a delimiter outside quotes, too.
func (s *Scanner) wantLine(whole bool) ([]byte, error) {
	seen := 0
	for {
		b := s.buf[s.start:s.end]
		n := bytes.IndexByte(b[seen:], '\n')
		if n >= 0 || s.eof {
			if n >= 0 {
				b = b[:seen+n]
			}
			if !whole {
				b = s.untilDelimiter(b)
			}
			return b, nil
		}
		seen = len(b)
		if err := s.fill(); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
}

// untilDelimiter cuts a line at the first delimiter outside quotes.
func (s *Scanner) untilDelimiter(line []byte) []byte {
	for i := 0; i < len(line); i++ {
		if bytes.HasPrefix(line[i:], s.lex.delim) {
			return line[:i]
		}
		if c := line[i]; c == '\'' || c == '"' || c == '`' {
			end, closed := skipQuoted(line, i+1, c, s.lex.mode.escapes(c), s.lex.mb)
			if !closed {
				return line
			}
			i = end - 1
		}
	}
	return line
}

// setDelimiter carries out a DELIMITER line. Like the client it takes the
// first word of the arguments, or what is in quotes.
func (s *Scanner) setDelimiter(line, args []byte) error {
	d := args
	if len(args) > 0 && (args[0] == '\'' || args[0] == '"' || args[0] == '`') {
		d = args[1:]
		if n := bytes.IndexByte(d, args[0]); n >= 0 {
			d = d[:n]
		}
	} else if n := bytes.IndexFunc(args, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }); n >= 0 {
		d = args[:n]
	}
	if len(d) == 0 {
		return s.syntaxError(s.start, "DELIMITER needs a delimiter behind it")
	}
	if bytes.IndexByte(d, '\\') >= 0 {
		return s.syntaxError(s.start, "a delimiter cannot hold a backslash")
	}
	s.lex.setDelimiter(d)
	s.pos = s.start + len(line)
	return nil
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isLetter(c byte) bool { c |= 0x20; return c >= 'a' && c <= 'z' }
