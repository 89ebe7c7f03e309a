package dump

import (
	"bytes"
	"io"
)

// maxComment is how much of a comment between statements is looked at, in
// bytes; what dump tools say there is shorter.
const maxComment = 512

// skipGap moves start to the first byte of the next statement, over space,
// comments and empty statements. It returns io.EOF when there is none.
func (s *Scanner) skipGap() error {
	for {
		if err := s.want(s.lex.ahead); err != nil {
			return err
		}
		b := s.buf[s.start:s.end]
		if len(b) == 0 {
			return io.EOF
		}
		if kind := s.commentAt(b); kind != 0 {
			if err := s.dropComment(kind); err != nil {
				return err
			}
			continue
		}
		n := s.spaceAt(b)
		if n == 0 {
			return nil
		}
		s.drop(n)
	}
}

// spaceAt returns how many bytes at the front of b say nothing.
func (s *Scanner) spaceAt(b []byte) int {
	switch {
	case isSpace(b[0]):
		n := 1
		for n < len(b) && isSpace(b[n]) {
			n++
		}
		return n
	case s.base+int64(s.start) == 0 && bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return 3
	case bytes.HasPrefix(b, s.lex.delim):
		return len(s.lex.delim)
	case b[0] == '\\':
		switch at(b, 1) {
		case 'g', 'G', 'c', '-':
			return 2
		}
	}
	return 0
}

// commentAt returns the kind of the comment that b begins with, as in
// lexer.comment.
func (s *Scanner) commentAt(b []byte) byte {
	switch c := b[0]; {
	case bytes.HasPrefix(b, s.lex.delim):
	case c == '#', c == '-' && at(b, 1) == '-':
		// Here "--" needs no space behind it: it cannot begin a statement,
		// and MariaDB's client skips such lines.
		return '-'
	case c == '/' && at(b, 1) == '*' && (!isVersionComment(b, 0) || isSandbox(b, 0)):
		return '*'
	}
	return 0
}

// dropComment drops the comment at start, piece by piece, so that memory stays
// bounded however long it is.
func (s *Scanner) dropComment(kind byte) error {
	n := 2 // the opening, or a part of it that cannot be the end
	if kind == '-' {
		n = 1
	}
	offset, line := s.base+int64(s.start), s.line
	var text []byte
	for {
		b := s.buf[s.start:s.end]
		var end int
		var closed bool
		if kind == '-' {
			i := bytes.IndexByte(b[n:], '\n')
			if end, closed = n+i+1, i >= 0; !closed {
				end = len(b)
			}
		} else {
			end, closed = skipBlockComment(b, n)
		}
		text = append(text, b[:min(end, maxComment-len(text))]...)
		if closed || (s.eof && kind == '-') {
			s.comment(text)
			s.drop(end)
			return nil
		}
		if s.eof {
			return &SyntaxError{offset, line, "the input ends inside a comment that begins here; is the dump truncated?"}
		}
		s.drop(end)
		n = 0
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// foreign names what the first bytes of an input show it to be when that is no
// SQL, or returns "".
func foreign(b []byte) string {
	for _, f := range []struct{ magic, what string }{
		{"<?xml", "this is XML (mysqldump --xml), which holds no SQL; dump again without --xml"},
		{"<mysqldump", "this is XML (mysqldump --xml), which holds no SQL; dump again without --xml"},
		{"\xFF\xFE", "this is UTF-16, as a PowerShell redirection writes it; dump again with --result-file"},
		{"\xFE\xFF", "this is UTF-16, as a PowerShell redirection writes it; dump again with --result-file"},
		{"PGDMP", "this is a PostgreSQL archive, not a MySQL dump"},
		{"\xFEbin", "this is a binary log; turn it into SQL with mysqlbinlog"},
		{"XBSTCK01", "this is an xbstream backup (XtraBackup), not a SQL dump"},
	} {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return f.what
		}
	}
	return ""
}
