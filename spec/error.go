package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxErrors is how many problems of one file Parse reports. More than a
// screenful helps nobody.
const maxErrors = 20

// Error is one problem in a dbake.yaml.
type Error struct {
	// File is the name given to Parse.
	File string
	// Pos is where the text at fault begins.
	Pos Position
	// Path is the key at fault, such as "accounts.users[1].password"; empty
	// when the file as a whole is.
	Path string
	// Msg says what is wrong.
	Msg string
	// Hint says what to do about it; it may be empty.
	Hint string
	// Err is the cause, whose text Msg has; nil for problems of the file alone.
	Err error
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Error renders the problem on one line: "dbake.yaml:4:7: datadir: message
// (hint)".
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Pos.Line, e.Pos.Column, e.Text())
}

// Text is the problem without file and position, for callers that show those
// in their own way.
func (e *Error) Text() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString(" (")
		b.WriteString(e.Hint)
		b.WriteString(")")
	}
	return b.String()
}

// ErrorList is what Parse returns: every problem found, in the order of the
// file. It is never empty when it is an error.
type ErrorList []*Error

// Error renders one problem a line.
func (l ErrorList) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As access to each *Error.
func (l ErrorList) Unwrap() []error {
	errs := make([]error, len(l))
	for i, e := range l {
		errs[i] = e
	}
	return errs
}

// problems collects what is wrong with one file.
type problems struct {
	file string
	list ErrorList
}

func (p *problems) add(pos Position, path, hint, format string, args ...any) {
	p.list = append(p.list, &Error{
		File: p.file, Pos: pos, Path: shorten(path), Msg: shorten(fmt.Sprintf(format, args...)), Hint: shorten(hint),
	})
}

// shorten keeps a value of the file that is quoted in an error from filling
// the screen.
func shorten(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// err returns nil, or the problems sorted by position, each once: a faulty
// value behind an anchor is met once per alias.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	list := slices.Clone(p.list)
	slices.SortStableFunc(list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	list = slices.CompactFunc(list, func(a, b *Error) bool {
		return a.Pos == b.Pos && a.Msg == b.Msg
	})
	if more := len(list) - maxErrors; more > 0 {
		first := list[maxErrors]
		list = append(list[:maxErrors:maxErrors], &Error{
			File: first.File, Pos: first.Pos, Msg: fmt.Sprintf("%d more problems from here on", more),
		})
	}
	return list
}
