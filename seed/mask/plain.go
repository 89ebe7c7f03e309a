package mask

import (
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/dbake/dbake/seed/rows"
)

// null makes every value NULL.
type null struct{}

func newNull(*transform, options) (definition, error) { return null{}, nil }

func (null) bind(b *binder) (step, traits, error) {
	if b.column != nil && b.column.def.NotNull {
		return nil, traits{}, fmt.Errorf("%w: use constant", errNotNull)
	}
	return constantStep{result: value{kind: rows.Null}}, traits{free: true, null: true}, nil
}

// constant gives the same value in every row.
type constant struct {
	text  string
	kind  rows.Kind
	nulls bool
}

func newConstant(_ *transform, o options) (definition, error) {
	c := constant{kind: rows.Text, nulls: o.flag("nulls")}
	c.text, _ = scalar(o.values["value"])
	if _, isText := o.values["value"].(string); !isText {
		c.kind = rows.Number
	}
	return c, nil
}

func (c constant) bind(b *binder) (step, traits, error) {
	s := constantStep{result: value{c.kind, []byte(c.text)}, nulls: c.nulls}
	if b.column != nil {
		fitted, err := b.column.fit(s.result, false)
		if err != nil {
			return nil, traits{}, err
		}
		s.result = fitted
	}
	return s, traits{free: true}, nil
}

type constantStep struct {
	result value
	nulls  bool
}

func (s constantStep) apply(_ *row, v value) (value, error) {
	if v.kind == rows.Null && !s.nulls {
		return v, nil
	}
	return s.result, nil
}

// redact replaces all but some characters.
type redact struct {
	first, last int
	char        string
}

func newRedact(_ *transform, o options) (definition, error) {
	return redact{o.whole("keep_first", 0), o.whole("keep_last", 0), o.text("char", "*")}, nil
}

func (d redact) bind(b *binder) (step, traits, error) {
	if b.column != nil && b.column.numeric() {
		if d.char < "0" || d.char > "9" {
			return nil, traits{}, fmt.Errorf("%q does not fit the type %s: use noise, or char: a digit", d.char, b.column.def.FullType)
		}
	} else if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	if b.column != nil && b.column.family == textFamily && !b.column.charset.takes([]byte(d.char)) {
		return nil, traits{}, fmt.Errorf("%s lacks the character %q: choose another char", b.column.def.Charset, d.char)
	}
	return valued{&redactStep{redact: d}}, traits{cut: true}, nil
}

type redactStep struct {
	redact
	out []byte
}

// apply keeps nothing of a value that has no more characters than are to be kept.
func (s *redactStep) apply(_ *row, v value) (value, error) {
	n := utf8.RuneCount(v.text)
	first, last := s.first, s.last
	if first+last >= n {
		first, last = 0, 0
	}
	s.out = s.out[:0]
	for i, at := 0, 0; at < len(v.text); i++ {
		_, size := utf8.DecodeRune(v.text[at:])
		if i < first || i >= n-last {
			s.out = append(s.out, v.text[at:at+size]...)
		} else {
			s.out = append(s.out, s.char...)
		}
		at += size
	}
	return value{v.kind, s.out}, nil
}

// truncate keeps the first characters.
type truncate int

func newTruncate(_ *transform, o options) (definition, error) {
	return truncate(o.whole("length", 0)), nil
}

func (n truncate) bind(b *binder) (step, traits, error) {
	return valued{&truncateStep{length: int(n)}}, traits{}, b.wantsText()
}

type truncateStep struct {
	length int
	out    []byte
}

func (s *truncateStep) apply(_ *row, v value) (value, error) {
	at := 0
	for i := 0; i < s.length && at < len(v.text); i++ {
		_, size := utf8.DecodeRune(v.text[at:])
		at += size
	}
	s.out = append(s.out[:0], v.text[:at]...)
	return value{v.kind, s.out}, nil
}

// regex replaces the matches of an expression.
type regex struct {
	expression *regexp.Regexp
	template   []byte
	unmatched  string
}

func newRegex(_ *transform, o options) (definition, error) {
	e, err := regexp.Compile(o.text("pattern", ""))
	if err != nil {
		return nil, o.fail("pattern", "", "%v", err)
	}
	return regex{e, []byte(o.text("replace", "")), o.text("unmatched", "keep")}, nil
}

func (d regex) bind(b *binder) (step, traits, error) {
	if b.column != nil && d.unmatched == "null" && b.column.def.NotNull {
		return nil, traits{}, fmt.Errorf("unmatched: null: %w", errNotNull)
	}
	err := b.wants(textFamily, binaryFamily, integerFamily, decimalFamily, floatFamily, dateFamily, enumFamily)
	return valued{&regexStep{regex: d}}, traits{}, err
}

type regexStep struct {
	regex
	out []byte
}

var errUnmatched = errors.New("a value does not match the pattern (widen it, or choose unmatched: keep or null)")

func (s *regexStep) apply(_ *row, v value) (value, error) {
	s.out = s.out[:0]
	at := 0
	matches := s.expression.FindAllSubmatchIndex(v.text, -1)
	if matches == nil {
		switch s.unmatched {
		case "fail":
			return v, errUnmatched
		case "null":
			return value{kind: rows.Null}, nil
		}
		return v, nil
	}
	for _, m := range matches {
		s.out = append(s.out, v.text[at:m[0]]...)
		s.out = s.expression.Expand(s.out, s.template, v.text, m)
		at = m[1]
	}
	s.out = append(s.out, v.text[at:]...)
	return value{v.kind, s.out}, nil
}
