package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Sizes of the scanner's buffer, in bytes. mysqldump writes statements of
// about 1 MiB; four of them fit without growing.
const (
	baseBuffer = 4 << 20
	// firstBuffer serves inputs that turn out to be small.
	firstBuffer = 64 << 10
	// shrinkAfter statements that would have fit in a quarter of a grown
	// buffer, the buffer goes back to baseBuffer.
	shrinkAfter = 16
	// DefaultLimit is the size at which a statement is an error rather than
	// a reason to use more memory. No server takes a packet above 1 GiB.
	DefaultLimit = 2 << 30
)

// Scanner splits a dump into statements. It is for one goroutine.
//
// It follows what changes its own rules: DELIMITER lines, and SET statements
// that touch sql_mode, SET NAMES and character_set_client, with values saved
// in user variables and restored, as dumps do it.
type Scanner struct {
	r     io.Reader
	buf   []byte
	start int // first byte that must be kept
	pos   int // how far the lexer has come; at least start
	end   int // end of the bytes read
	eof   bool
	err   error // sticky

	base    int64 // offset in the dump of buf[0]
	line    int64 // line that counted is on
	counted int   // newlines before buf[counted] are in line
	number  int64
	limit   int64
	small   int // consecutive statements that were small for the buffer
	consume int // bytes of the last statement, dropped by the next Next

	lex     lexer
	session session
	names   names
	headers []Header
}

// NewScanner returns a Scanner that reads r. It does not read ahead before the
// first Next.
func NewScanner(r io.Reader) *Scanner {
	s := &Scanner{r: r, line: 1, limit: DefaultLimit}
	s.lex.delim = []byte{';'}
	s.lex.ahead = minAhead
	s.lex.setMode(Mode{})
	return s
}

// SetSQLMode sets what the session's sql_mode says about quoting; it holds for
// the statements after the last one returned.
func (s *Scanner) SetSQLMode(noBackslashEscapes, ansiQuotes bool) {
	m := s.lex.mode
	m.NoBackslashEscapes, m.ANSIQuotes = noBackslashEscapes, ansiQuotes
	s.lex.setMode(m)
}

// SetCharset sets character_set_client by its name in lower case; it holds for
// the statements after the last one returned.
func (s *Scanner) SetCharset(name string) {
	m := s.lex.mode
	m.Charset = name
	s.lex.setMode(m)
}

// SetDelimiter sets what statements end with, as a DELIMITER line does; unlike
// there it may hold the end of a line.
func (s *Scanner) SetDelimiter(d string) { s.lex.setDelimiter([]byte(d)) }

// SetLimit sets the size in bytes a single statement may have.
func (s *Scanner) SetLimit(n int64) { s.limit = n }

// Mode returns the mode the next statement is read under.
func (s *Scanner) Mode() Mode { return s.lex.mode }

// Headers returns what the comments so far say about the dump: one Header for
// each dump in the stream that has one, in order.
func (s *Scanner) Headers() []Header { return s.headers }

// Truncated returns the header of the first dump in the stream whose tool ends
// every dump with a completion line and whose line was not seen. It is
// meaningful after Next has returned io.EOF.
func (s *Scanner) Truncated() (Header, bool) {
	for _, h := range s.headers {
		if h.Footer && !h.Completed {
			return h, true
		}
	}
	return Header{}, false
}

// Next returns the next statement. It returns io.EOF at the end of the dump, a
// *SyntaxError when a quote or a comment has no end or the input is no SQL
// dump, and otherwise the reader's error, wrapped. Every error is final.
func (s *Scanner) Next() (Statement, error) {
	if s.err != nil {
		return Statement{}, s.err
	}
	st, err := s.next()
	if err != nil {
		s.err = err
		return Statement{}, err
	}
	return st, nil
}

func (s *Scanner) next() (Statement, error) {
	s.drop(s.consume)
	s.consume = 0
	for {
		if err := s.skipGap(); err != nil {
			return Statement{}, err
		}
		if s.base == 0 && s.start == 0 {
			if what := foreign(s.buf[:s.end]); what != "" {
				return Statement{}, s.syntaxError(s.start, what)
			}
		}
		st, ok, err := s.clientLine()
		if ok || err != nil {
			return st, err
		}
		if s.pos > s.start { // a DELIMITER line
			s.drop(s.pos - s.start)
			continue
		}
		return s.statement()
	}
}

// statement reads from the first byte of a statement to its delimiter.
func (s *Scanner) statement() (Statement, error) {
	s.lex.reset()
	for {
		rel, why := s.lex.scan(s.buf[s.start:s.end], s.pos-s.start, s.eof)
		s.pos = s.start + rel
		switch {
		case why == delimited:
			return s.finish(len(s.lex.delim)), nil
		case why == commanded:
			return s.finish(2), nil
		case s.eof && s.pos >= s.end:
			if what := s.lex.open(); what != "" {
				return Statement{}, s.syntaxError(s.start+s.lex.opened, what)
			}
			return s.finish(0), nil
		case s.eof: // an escape or a character cut short at the end
			return Statement{}, s.syntaxError(s.start+s.lex.opened, s.lex.open())
		}
		if err := s.fill(); err != nil {
			return Statement{}, err
		}
	}
}

// open says what has not been closed where the input ended.
func (l *lexer) open() string {
	switch {
	case l.quote == '`':
		return "the input ends inside a `quoted` name that begins here; is the dump truncated?"
	case l.quote != 0:
		return "the input ends inside a quoted string that begins here; is the dump truncated?"
	case l.comment == '*':
		return "the input ends inside a comment that begins here; is the dump truncated?"
	}
	return ""
}

// finish makes a Statement of the bytes up to pos, which a delimiter of n
// bytes follows.
func (s *Scanner) finish(n int) Statement {
	st := s.take(s.pos, n)
	st.classify(&s.names)
	if s.lex.command {
		st.Kind = ClientCommand
	}
	if st.Kind == SetStatement {
		if m := s.session.apply(st.Text, s.lex.mode); m != s.lex.mode {
			s.lex.setMode(m)
		}
	}
	return st
}

// take makes a Statement, not classified yet, of the bytes from start to end.
func (s *Scanner) take(end, delim int) Statement {
	s.number++
	if len(s.buf) > 4*baseBuffer && end-s.start < len(s.buf)/4 {
		s.small++
	} else {
		s.small = 0
	}
	s.consume = end - s.start + delim
	return Statement{
		Text:   trimRight(s.buf[s.start:end]),
		Offset: s.base + int64(s.start),
		End:    s.base + int64(end+delim),
		Line:   s.line,
		Number: s.number,
		Mode:   s.lex.mode,
	}
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// drop gives up the first n bytes and counts the lines in them.
func (s *Scanner) drop(n int) {
	s.start += n
	s.pos = s.start
	if s.counted < s.start {
		s.line += int64(bytes.Count(s.buf[s.counted:s.start], []byte{'\n'}))
		s.counted = s.start
	}
}

func (s *Scanner) syntaxError(i int, what string) error {
	line := s.line + int64(bytes.Count(s.buf[s.counted:i], []byte{'\n'}))
	return &SyntaxError{Offset: s.base + int64(i), Line: line, What: what}
}

// want makes n bytes visible from start, or all there are.
func (s *Scanner) want(n int) error {
	for s.end-s.start < n && !s.eof {
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads more bytes, keeping those from start on.
func (s *Scanner) fill() error {
	if err := s.room(); err != nil {
		return err
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		if n < 0 || n > len(s.buf)-s.end {
			return errors.New("read dump: the reader returned an impossible count")
		}
		s.end += n
		switch {
		case errors.Is(err, io.EOF):
			s.eof = true
			return nil
		case err != nil:
			return fmt.Errorf("read dump at byte %d: %w", s.base+int64(s.end), err)
		case n > 0:
			return nil
		}
	}
	return fmt.Errorf("read dump at byte %d: %w", s.base+int64(s.end), io.ErrNoProgress)
}

// room makes place for reading: it moves the kept bytes to the front, grows
// the buffer when they fill it, and shrinks it when they have long been few.
func (s *Scanner) room() error {
	kept := s.end - s.start
	if int64(kept) >= s.limit {
		return s.syntaxError(s.start, fmt.Sprintf(
			"a statement that begins here is longer than %d bytes; is its delimiter missing?", s.limit))
	}
	size := len(s.buf)
	switch {
	case size == 0:
		size = firstBuffer
	case size < baseBuffer && s.base+int64(s.end) >= int64(4*size):
		size = baseBuffer
	case kept == size:
		size += min(size, 256<<20)
	case s.small >= shrinkAfter && kept < baseBuffer/2:
		size, s.small = baseBuffer, 0
	}
	switch {
	case size != len(s.buf):
		old := s.buf
		s.buf = make([]byte, size)
		copy(s.buf, old[s.start:s.end])
	case s.end == size || s.start > size/2:
		copy(s.buf, s.buf[s.start:s.end])
	default:
		return nil
	}
	s.base += int64(s.start)
	s.pos -= s.start
	s.counted -= s.start
	s.start, s.end = 0, kept
	return nil
}
