package mask

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/dbake/dbake/seed/rows"
)

// phpDocument masks values in what PHP's serialize wrote: the lengths of strings
// are made right, in bytes of the column's character set. Everything else stays.
type phpDocument struct{ document }

func newPHP(t *transform, o options) (definition, error) {
	d, err := newDocument(t, o)
	return phpDocument{d}, err
}

func (d phpDocument) bind(b *binder) (step, traits, error) {
	if err := b.wants(textFamily, binaryFamily); err != nil {
		return nil, traits{}, err
	}
	s := &phpStep{document: d.document}
	if b.column != nil && b.column.family == textFamily {
		s.charset = b.column.charset
	}
	var err error
	s.steps, err = d.bindAll(b)
	return valued{s}, traits{}, err
}

type phpStep struct {
	document
	steps   []step
	charset charset
	row     *row
	in      []byte
	at      int
	out     []byte
	stack   position
	fault   error
}

var errInvalidPHP = errors.New("a value is nothing that PHP's serialize wrote (invalid: null replaces such values)")

func (s *phpStep) apply(r *row, v value) (value, error) {
	in, err := s.charset.encode(v.text)
	if err != nil {
		return s.replaced(v, errInvalidPHP)
	}
	s.row, s.in, s.at, s.out, s.fault = r, in, 0, s.out[:0], nil
	s.stack = s.start(s.stack)
	ok := s.value(0, -1, 0) && s.at == len(s.in)
	switch {
	case s.fault != nil:
		return v, s.fault
	case !ok:
		return s.replaced(v, errInvalidPHP)
	}
	out, err := s.charset.decode(s.out)
	if err != nil {
		return v, errInvalidPHP
	}
	return value{v.kind, out}, nil
}

const maxPHPDepth = 200

// value goes over one value, as jsonStep.value does.
func (s *phpStep) value(from, rule, depth int) bool {
	if rule < 0 {
		rule = s.document.at(s.stack[from:])
	}
	if s.fault != nil || s.at >= len(s.in) || depth > maxPHPDepth {
		return false
	}
	switch s.in[s.at] {
	case 'N':
		if !bytes.HasPrefix(s.in[s.at:], []byte("N;")) {
			return false
		}
		s.at += 2
		return s.replace(rule, "N;", value{kind: rows.Null})
	case 'b', 'i', 'd':
		raw, text, ok := s.scalar()
		return ok && s.replace(rule, raw, value{rows.Number, text})
	case 's':
		raw, text, ok := s.text(';')
		return ok && s.replace(rule, raw, value{rows.Text, text})
	case 'r', 'R', 'E':
		end := bytes.IndexByte(s.in[s.at:], ';')
		if end < 0 {
			return false
		}
		s.copy(end + 1)
		return true
	case 'a', 'O':
		return s.container(from, rule, depth)
	}
	// C: has a format that its class alone knows.
	return false
}

func (s *phpStep) copy(n int) {
	s.out = append(s.out, s.in[s.at:s.at+n]...)
	s.at += n
}

// scalar takes "i:5;".
func (s *phpStep) scalar() (raw string, text []byte, ok bool) {
	end := bytes.IndexByte(s.in[s.at:], ';')
	if end < 3 || s.in[s.at+1] != ':' {
		return "", nil, false
	}
	all := s.in[s.at : s.at+end+1]
	s.at += end + 1
	return string(all), all[2:end], true
}

// text takes `s:5:"hello"` and what is behind it.
func (s *phpStep) text(behind byte) (raw string, text []byte, ok bool) {
	start := s.at
	n, ok := s.length()
	if !ok || s.at+n+2 > len(s.in) || s.in[s.at] != '"' || s.in[s.at+1+n] != '"' {
		return "", nil, false
	}
	text = s.in[s.at+1 : s.at+1+n]
	s.at += n + 2
	if s.at >= len(s.in) || s.in[s.at] != behind {
		return "", nil, false
	}
	s.at++
	return string(s.in[start:s.at]), text, true
}

// length takes `s:5:` and `a:2:`.
func (s *phpStep) length() (int, bool) {
	if s.at+2 > len(s.in) || s.in[s.at+1] != ':' {
		return 0, false
	}
	end := bytes.IndexByte(s.in[s.at+2:], ':')
	if end < 0 {
		return 0, false
	}
	n, err := strconv.Atoi(string(s.in[s.at+2 : s.at+2+end]))
	s.at += 2 + end + 1
	return n, err == nil && n >= 0 && n <= len(s.in)
}

// container goes over `a:2:{…}` and `O:3:"Foo":2:{…}`.
func (s *phpStep) container(from, rule, depth int) bool {
	start := s.at
	var n int
	var ok bool
	if s.in[s.at] == 'O' {
		if _, _, ok = s.text(':'); !ok {
			return false
		}
		s.at -= 2 // length wants a letter and a colon before the number
		n, ok = s.length()
	} else {
		n, ok = s.length()
	}
	if !ok || s.at >= len(s.in) || s.in[s.at] != '{' {
		return false
	}
	s.at++
	s.out = append(s.out, s.in[start:s.at]...)
	to := len(s.stack)
	for range n {
		key, index, ok := s.key()
		if !ok {
			return false
		}
		s.stack = s.stack[:to]
		s.stack = s.down(s.stack[from:to], s.stack, key, index)
		if index >= 0 {
			// A number can be written as a key, too: $.7 and $[7].
			s.stack = s.down(s.stack[from:to], s.stack, key, -1)
		}
		if !s.value(to, rule, depth+1) {
			return false
		}
	}
	s.stack = s.stack[:to]
	if s.at >= len(s.in) || s.in[s.at] != '}' {
		return false
	}
	s.copy(1)
	return true
}

// key takes the key of a member. Names of private and protected properties have
// a prefix between zero bytes, which paths do not.
func (s *phpStep) key() (key string, index int, ok bool) {
	if s.at >= len(s.in) {
		return "", 0, false
	}
	var raw string
	var text []byte
	index = -1
	switch s.in[s.at] {
	case 'i':
		if raw, text, ok = s.scalar(); ok {
			if n, err := strconv.Atoi(string(text)); err == nil {
				index = n
			}
		}
	case 's':
		raw, text, ok = s.text(';')
	}
	s.out = append(s.out, raw...)
	if len(text) > 0 && text[0] == 0 {
		text = text[bytes.LastIndexByte(text, 0)+1:]
	}
	return string(text), index, ok
}

// replace writes the mask of a value that was raw.
func (s *phpStep) replace(rule int, raw string, v value) bool {
	if rule < 0 {
		s.out = append(s.out, raw...)
		return true
	}
	if v.kind == rows.Text {
		text, err := s.charset.decode(v.text)
		if err != nil {
			return false
		}
		v.text = text
	}
	m, err := s.steps[rule].apply(s.row, v)
	if err == nil && m.kind != rows.Null {
		if m.same(v) {
			s.out = append(s.out, raw...)
			return true
		}
		m.text, err = s.charset.encode(m.text)
	}
	if err != nil {
		s.fault = errors.New(s.rules[rule].transform.path + ": " + err.Error())
		return false
	}
	s.write(raw[0], m)
	return true
}

// write keeps the type of numbers where the mask has it.
func (s *phpStep) write(was byte, m value) {
	switch {
	case m.kind == rows.Null:
		s.out = append(s.out, "N;"...)
		return
	case was == 'b' && (string(m.text) == "0" || string(m.text) == "1"):
		s.out = append(append(append(s.out, "b:"...), m.text...), ';')
		return
	case m.kind == rows.Number:
		kind := "d:"
		if _, whole := parseWhole(m.text); whole {
			kind = "i:"
		}
		if _, number := parseDecimal(m.text); number {
			s.out = append(append(append(s.out, kind...), m.text...), ';')
			return
		}
	}
	s.out = append(s.out, "s:"...)
	s.out = strconv.AppendInt(s.out, int64(len(m.text)), 10)
	s.out = append(append(append(s.out, ":\""...), m.text...), "\";"...)
}
