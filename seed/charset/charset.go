// Package charset knows the character sets of MySQL and MariaDB as far as text has
// to be read and written in them.
package charset

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// Charset turns text of one character set into UTF-8 and back. It is for one
// goroutine at a time.
type Charset struct {
	name   string
	kind   kind
	double *[256]rune // of a set with one byte per character; nil for others
	decode transform.Transformer
	encode transform.Transformer
}

var errNotThere = errors.New("the character set lacks a character")

type kind uint8

const (
	foreign kind = iota // by decode and encode
	utf8mb4
	utf8mb3
	ascii
	single // by double and encode
)

// Find gives a character set by the name that servers have for it, in lower
// case. It returns false for binary and for the few that Go has no tables of
// (armscii8, dec8, geostd8, hp8, keybcs2, macce, swe7).
func Find(name string) (*Charset, bool) {
	switch name {
	case "utf8mb4":
		return &Charset{name: name, kind: utf8mb4}, true
	case "utf8", "utf8mb3":
		return &Charset{name: name, kind: utf8mb3}, true
	case "ascii":
		return &Charset{name: name, kind: ascii}, true
	case "latin1":
		return &Charset{name: name, kind: single, double: &latin1, encode: latin1Encoder{}}, true
	}
	e := tables[name]
	if e == nil {
		return nil, false
	}
	return &Charset{name: name, decode: e.NewDecoder().Transformer, encode: e.NewEncoder().Transformer}, true
}

// Name is the name that Find was asked for.
func (c *Charset) Name() string { return c.name }

// Same reports whether valid text of the character set is the same bytes in
// UTF-8.
func (c *Charset) Same() bool { return c.kind == utf8mb4 || c.kind == utf8mb3 || c.kind == ascii }

// Valid reports whether text is valid in a character set of which Same is true.
func (c *Charset) Valid(text []byte) bool {
	switch c.kind {
	case utf8mb4:
		return utf8.Valid(text)
	case utf8mb3:
		return utf8.Valid(text) && !bytes.ContainsFunc(text, func(r rune) bool { return r > 0xFFFF })
	}
	return isASCII(text)
}

// Decode appends text as UTF-8 to dst. It returns dst as it was, and false, when
// text is not valid in the character set.
func (c *Charset) Decode(dst, text []byte) ([]byte, bool) {
	switch {
	case c.Same():
		if !c.Valid(text) {
			return dst, false
		}
		return append(dst, text...), true
	case c.kind == single:
		for _, b := range text {
			dst = utf8.AppendRune(dst, c.double[b])
		}
		return dst, true
	}
	from := len(dst)
	dst, ok := run(c.decode, dst, text)
	// Go's tables put U+FFFD for what is not valid.
	if !ok || bytes.Contains(dst[from:], []byte("\uFFFD")) {
		return dst[:from], false
	}
	return dst, true
}

// Encode appends text, which is UTF-8, to dst in the character set. It returns dst
// as it was, and false, when the set lacks one of the characters, or text is not
// valid UTF-8.
func (c *Charset) Encode(dst, text []byte) ([]byte, bool) {
	if c.Same() {
		if !c.Valid(text) {
			return dst, false
		}
		return append(dst, text...), true
	}
	if !utf8.Valid(text) {
		return dst, false
	}
	from := len(dst)
	dst, ok := run(c.encode, dst, text)
	if !ok || !c.has(text, dst[from:]) {
		return dst[:from], false
	}
	return dst, true
}

// has reports whether a character set that is smaller than Go's table for it has
// the characters of a text, which the table encodes so.
func (c *Charset) has(text, encoded []byte) bool {
	switch c.name {
	case "ucs2":
		return !bytes.ContainsFunc(text, func(r rune) bool { return r > 0xFFFF })
	case "gb2312": // a part of gbk
		for _, b := range encoded {
			if b >= 0x80 && b < 0xA1 {
				return false
			}
		}
	}
	return true
}

// run appends what a transformer makes of text.
func run(t transform.Transformer, dst, text []byte) ([]byte, bool) {
	t.Reset()
	for {
		if cap(dst)-len(dst) < len(text)+16 {
			dst = append(make([]byte, 0, 2*cap(dst)+2*len(text)+64), dst...)
		}
		n, read, err := t.Transform(dst[len(dst):cap(dst)], text, true)
		dst, text = dst[:len(dst)+n], text[read:]
		switch {
		case err == nil:
			return dst, true
		case err != transform.ErrShortDst: //nolint:errorlint // a sentinel, as its package says
			return dst, false
		case n == 0:
			dst = append(make([]byte, 0, 2*cap(dst)+64), dst...)
		}
	}
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// HidesASCII reports whether a character of a set may hold a byte that is also a
// quote, a backslash or another ASCII character.
func HidesASCII(name string) bool {
	switch name {
	case "sjis", "cp932", "big5", "gbk", "gb18030", "ucs2", "utf16", "utf16le", "utf32":
		return true
	}
	return false
}
