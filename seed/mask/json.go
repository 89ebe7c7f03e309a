package mask

import (
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dbake/dbake/seed/rows"
)

// jsonDocument masks values in JSON documents. All other bytes of a document stay
// what they are, the digits of its numbers too.
type jsonDocument struct{ document }

func newJSON(t *transform, o options) (definition, error) {
	d, err := newDocument(t, o)
	return jsonDocument{d}, err
}

func (d jsonDocument) bind(b *binder) (step, traits, error) {
	if err := b.wants(textFamily, binaryFamily, jsonFamily); err != nil {
		return nil, traits{}, err
	}
	steps, err := d.bindAll(b)
	if b.column != nil && b.column.family == jsonFamily && d.invalid == "empty" {
		err = errors.New("invalid: empty: an empty text is no JSON document")
	}
	return valued{&jsonStep{document: d.document, steps: steps}}, traits{sound: d.invalid != "empty"}, err
}

type jsonStep struct {
	document
	steps []step
	row   *row
	in    []byte
	at    int
	out   []byte
	text  []byte // of the string that was read last
	key   []byte
	stack position
	fault error // of a transform
}

var errInvalidJSON = errors.New("a value is no JSON document (invalid: null replaces such values)")

func (s *jsonStep) apply(r *row, v value) (value, error) {
	s.row, s.in, s.at, s.out, s.fault = r, v.text, 0, s.out[:0], nil
	// Transforms only ever see whole documents: an error in the middle is not a
	// mask.
	if json.Valid(v.text) {
		s.stack = s.start(s.stack)
		s.value(0, -1)
		if s.fault != nil {
			return v, s.fault
		}
		s.out = append(s.out, s.in[s.at:]...)
		return value{v.kind, s.out}, nil
	}
	return s.replaced(v, errInvalidJSON)
}

// replaced is what becomes of a value that is no document.
func (d *document) replaced(v value, fault error) (value, error) {
	switch d.invalid {
	case "null":
		return value{kind: rows.Null}, nil
	case "empty":
		return value{rows.Text, emptyText}, nil
	}
	return v, fault
}

var emptyText = []byte{}

// space copies blanks and what is one of chars.
func (s *jsonStep) space(chars string) {
	for s.at < len(s.in) {
		c := s.in[s.at]
		known := c == ' ' || c == '\t' || c == '\n' || c == '\r'
		for i := range len(chars) {
			known = known || c == chars[i]
		}
		if !known {
			return
		}
		s.out = append(s.out, c)
		s.at++
	}
}

// value goes over the value at s.at. Its position is s.stack[from:]; rule is that
// of a value around it, or -1: what is inside of a value is masked with it.
func (s *jsonStep) value(from, rule int) {
	s.space("")
	if rule < 0 {
		rule = s.document.at(s.stack[from:])
	}
	if s.fault != nil {
		return
	}
	switch s.in[s.at] {
	case '{', '[':
		if rule >= 0 && s.whole(rule) {
			return
		}
		s.container(from, rule)
	default:
		s.scalar(rule)
	}
}

// whole replaces an object or list by null or a constant, which is the same for
// all that is inside of it.
func (s *jsonStep) whole(rule int) bool {
	t := s.rules[rule].transform
	if t.when != nil || (t.name != "null" && t.name != "constant") {
		return false
	}
	end := s.skip(s.at)
	s.replace(rule, value{rows.Text, s.in[s.at:end]})
	s.at = end
	return true
}

func (s *jsonStep) container(from, rule int) {
	object := s.in[s.at] == '{'
	s.out = append(s.out, s.in[s.at])
	s.at++
	to := len(s.stack)
	for index := 0; s.fault == nil; index++ {
		s.space(",")
		if s.in[s.at] == '}' || s.in[s.at] == ']' {
			break
		}
		i := index
		if object {
			end := s.skip(s.at)
			s.key = unquoteJSON(s.key[:0], s.in[s.at:end])
			s.out = append(s.out, s.in[s.at:end]...)
			s.at, i = end, -1
			s.space(":")
		}
		s.stack = s.stack[:to]
		s.stack = s.down(s.stack[from:to], s.stack, string(s.key), i)
		s.value(to, rule)
	}
	s.stack = s.stack[:to]
	if s.fault == nil {
		s.out = append(s.out, s.in[s.at])
		s.at++
	}
}

// skip returns where the value at i ends; the document is valid.
func (s *jsonStep) skip(i int) int {
	depth := 0
	for ; i < len(s.in); i++ {
		switch c := s.in[i]; c {
		case '"':
			for i++; s.in[i] != '"'; i++ {
				if s.in[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			continue
		default:
			if depth > 0 || (i+1 < len(s.in) && !ends(s.in[i+1])) {
				continue
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}

// ends reports whether a number or word ends before c.
func ends(c byte) bool {
	switch c {
	case ',', ':', ' ', '\t', '\n', '\r', '}', ']':
		return true
	}
	return false
}

func (s *jsonStep) scalar(rule int) {
	end := s.skip(s.at)
	raw := s.in[s.at:end]
	s.at = end
	if rule < 0 {
		s.out = append(s.out, raw...)
		return
	}
	v := value{rows.Text, raw}
	switch raw[0] {
	case '"':
		s.text = unquoteJSON(s.text[:0], raw)
		v.text = s.text
	case 'n':
		v = value{kind: rows.Null}
	case 't', 'f':
	default:
		v.kind = rows.Number
	}
	s.replace(rule, v)
}

// replace writes the mask of a value: a number stays one when the mask is one.
func (s *jsonStep) replace(rule int, v value) {
	m, err := s.steps[rule].apply(s.row, v)
	if err != nil {
		s.fault = errors.New(s.rules[rule].transform.path + ": " + err.Error())
		return
	}
	switch {
	case m.kind == rows.Null:
		s.out = append(s.out, "null"...)
	case m.kind == rows.Number && json.Valid(m.text):
		s.out = append(s.out, m.text...)
	case v.kind == rows.Text && m.same(v) && isWord(m.text) && s.at > 0 && s.in[s.at-1] != '"':
		s.out = append(s.out, m.text...) // true and false that stay
	default:
		s.out = quoteJSON(s.out, m.text)
	}
}

func isWord(text []byte) bool { return string(text) == "true" || string(text) == "false" }

// unquoteJSON appends what a string literal stands for.
func unquoteJSON(dst, raw []byte) []byte {
	raw = raw[1 : len(raw)-1]
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, size := unicodeEscape(raw[i-1:])
			dst = utf8.AppendRune(dst, r)
			i += size - 2
		default:
			dst = append(dst, raw[i])
		}
	}
	return dst
}

// unicodeEscape reads a \uXXXX, or two that are a pair.
func unicodeEscape(raw []byte) (r rune, size int) {
	unit := func(b []byte) rune {
		if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(string(b[2:6]), 16, 32)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	r = unit(raw)
	if utf16.IsSurrogate(r) {
		if pair := utf16.DecodeRune(r, unit(raw[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return r, 6
}

func quoteJSON(dst, text []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
