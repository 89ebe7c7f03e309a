package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Kinds of failure, for errors.Is.
var (
	// ErrNotFound: there is no such object, bucket, page or file.
	ErrNotFound = errors.New("not found")
	// ErrDenied: credentials are missing, wrong, expired or not enough.
	ErrDenied = errors.New("access denied")
	// ErrChanged: the object is not the one that was resolved.
	ErrChanged = errors.New("changed while being read")
	// ErrTruncated: the input ends before its format says it may.
	ErrTruncated = errors.New("the dump is truncated")
	// ErrCorrupt: the input contradicts its own format or checksum.
	ErrCorrupt = errors.New("the dump is corrupt")
	// ErrUnsupported: the input is something dbake does not restore.
	ErrUnsupported = errors.New("not a dump that dbake can read")
	// errClosed is what a Read gets after Close.
	errClosed = errors.New("the stream is closed")
)

// Error is a failure to find or to read a dump. Its text never holds a
// credential or a URL's query string; the errors that Unwrap leads to are for
// errors.Is and errors.As, not for printing.
type Error struct {
	// Path is the dbake.yaml path of the dump at fault, such as "dump[0]";
	// empty when the caller knows it and this package does not.
	Path string
	// Op is what was being done, such as "HeadObject" or "GET".
	Op string
	// URL is the object, as Display shows it.
	URL string
	// Hint says what to do about it; it may be empty.
	Hint string
	// Err says what happened.
	Err error
}

// Error is one line: where, what, how it came out, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	if e.URL != "" {
		b.WriteString(e.URL + ": ")
	}
	b.WriteString(e.Err.Error())
	if e.Op != "" {
		b.WriteString(" (" + e.Op + ")")
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// cause is an error with a text of our own: what is below it is kept for
// errors.Is and errors.As, but its text is not shown, because texts from
// elsewhere may hold URLs with signatures or lines of a credentials file.
type cause struct {
	text string
	kind error // one of the Err… variables, or nil
	err  error // what it came from, or nil
}

func (c *cause) Error() string { return c.text }

func (c *cause) Unwrap() []error {
	var list []error
	for _, err := range []error{c.kind, c.err} {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

// hideEOF drops an error that is io.EOF somewhere below: a connection that was
// closed too early must not look like the end of a stream to anyone.
func hideEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// changedError says how an object is not the one that was resolved.
func changedError(format string, args ...any) error {
	return &cause{kind: ErrChanged, text: "the object " + ErrChanged.Error() + ": " + fmt.Sprintf(format, args...)}
}

const changedHint = "build again once nothing writes to it; dumps that are written under a new name each time cannot change"

// withPath adds the dump's place in dbake.yaml to an error of this package.
func withPath(err error, index int) error {
	path := fmt.Sprintf("dump[%d]", index)
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Path: path, Err: err}
	}
	located := *e
	located.Path = path
	return &located
}

// ended returns why ctx is over, or nil while it is not.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// scrub replaces every secret in text. Short ones are left, because replacing
// them would say more about them than the text does.
func scrub(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) >= 8 {
			text = strings.ReplaceAll(text, s, "[redacted]")
		}
	}
	return text
}
