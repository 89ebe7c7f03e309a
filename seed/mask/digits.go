package mask

import (
	"fmt"

	"github.com/dbake/dbake/seed/rows"
)

// digits gives numbers in the format of the ones there were: phone, zip and
// credit_card.
type digits struct {
	kind string
	keep int
}

func newDigits(t *transform, o options) (definition, error) {
	return digits{t.name, o.whole("keep", 0)}, nil
}

func (d digits) bind(b *binder) (step, traits, error) {
	if err := b.wants(textFamily, binaryFamily, integerFamily, decimalFamily); err != nil {
		return nil, traits{}, err
	}
	numeric := b.column != nil && b.column.numeric()
	s := shape{permuter: b.permuter(d.kind), keep: d.keep, first: d.kind == "phone" || numeric}
	if d.kind == "credit_card" {
		// The check digit is computed, and the others must not begin with 0
		// where the column would drop it.
		return valued{&cardStep{shape: s}}, traits{injective: !b.folded()}, nil
	}
	return valued{&shapeStep{shape: s}}, traits{injective: !b.folded()}, nil
}

// cardStep permutes all digits but the last, which makes the number valid by Luhn
// (ISO/IEC 7812-1) when the value was. A value that was not becomes one that is as
// far off, so that different values stay different.
type cardStep struct {
	shape shape
	bare  []byte
	out   []byte
}

func (s *cardStep) apply(_ *row, v value) (value, error) {
	last, count := 0, 0
	for i, c := range v.text {
		if c >= '0' && c <= '9' {
			last = i
			count++
		}
	}
	if count < 2 || !s.shape.shaped(v.text) {
		return value{v.kind, s.shape.apply(v.text)}, nil
	}
	off := (int(v.text[last]-'0') + 10 - luhn(v.text[:last])) % 10
	s.bare = append(append(s.bare[:0], v.text[:last]...), v.text[last+1:]...)
	masked := s.shape.apply(s.bare)
	s.out = append(s.out[:0], masked[:last]...)
	s.out = append(s.out, '0'+byte((luhn(s.out)+off)%10))
	s.out = append(s.out, masked[last:]...)
	return value{v.kind, s.out}, nil
}

// luhn returns the check digit for the digits in a text.
func luhn(text []byte) int {
	sum, double := 0, true
	for i := len(text) - 1; i >= 0; i-- {
		c := text[i]
		if c < '0' || c > '9' {
			continue
		}
		d := int(c - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		double = !double
		sum += d
	}
	return (10 - sum%10) % 10
}

// iban gives account numbers (ISO 13616): the country stays, the account's digits
// and letters are permuted, and the check digits are computed. Wrong ones stay as
// far off as they are.
type iban struct{}

func newIBAN(*transform, options) (definition, error) { return iban{}, nil }

func (iban) bind(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	return valued{&ibanStep{shape: shape{permuter: b.permuter("iban")}}}, traits{injective: !b.folded()}, nil
}

type ibanStep struct {
	shape shape
	out   []byte
}

func (s *ibanStep) apply(_ *row, v value) (value, error) {
	if !isIBAN(v.text) {
		return value{v.kind, s.shape.apply(v.text)}, nil
	}
	given := int(v.text[2]-'0')*10 + int(v.text[3]-'0')
	off := (given + 100 - ibanCheck(v.text)) % 100
	s.out = append(s.out[:0], v.text[:4]...)
	s.out = append(s.out, s.shape.apply(v.text[4:])...)
	check := (ibanCheck(s.out) + off) % 100
	s.out[2], s.out[3] = '0'+byte(check/10), '0'+byte(check%10)
	return value{rows.Text, s.out}, nil
}

// isIBAN reports whether a text has the form: two letters, two digits, and letters
// and digits with blanks between them.
func isIBAN(text []byte) bool {
	if len(text) < 5 {
		return false
	}
	for i, c := range text {
		isLetter := (c|0x20) >= 'a' && (c|0x20) <= 'z'
		isDigit := c >= '0' && c <= '9'
		switch {
		case i < 2 && !isLetter, (i == 2 || i == 3) && !isDigit, !isLetter && !isDigit && c != ' ' && c != '-':
			return false
		}
	}
	return true
}

// ibanCheck computes the check digits: 98 less the remainder by 97 of account,
// country and 00.
func ibanCheck(text []byte) int {
	rest := 0
	add := func(c byte) {
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case (c|0x20) >= 'a' && (c|0x20) <= 'z':
			rest = (rest*100 + int(c|0x20) - 'a' + 10) % 97
		}
	}
	for _, c := range text[4:] {
		add(c)
	}
	add(text[0])
	add(text[1])
	return 98 - rest*100%97
}

// unique permutes values of any column within those of the same shape.
type unique struct {
	code     bool
	bounded  bool
	min, max int64
}

func newUnique(_ *transform, o options) (definition, error) {
	u := unique{code: o.text("as", "shape") == "code", bounded: o.has("min") || o.has("max")}
	u.min, u.max = int64(o.number("min", 0)), int64(o.number("max", 0))
	switch {
	case o.has("min") != o.has("max"):
		return nil, o.fail("", "", "min and max go together")
	case u.min > u.max:
		return nil, o.fail("min", "", "min is above max")
	case u.bounded && u.code:
		return nil, o.fail("as", "", "min and max are for numbers, and a code is none")
	}
	return u, nil
}

func (u unique) bind(b *binder) (step, traits, error) {
	proven := traits{injective: true}
	if b.column == nil {
		return u.bindText(b)
	}
	switch b.model.family {
	case integerFamily, decimalFamily:
		if u.code {
			return nil, proven, fmt.Errorf("a code is no %s", b.column.def.FullType)
		}
		s := &numberStep{unique: u, permuter: b.permuter("unique"), column: b.model}
		if u.bounded && b.model.family != integerFamily {
			return nil, proven, fmt.Errorf("min and max are for whole numbers, and %s has others", b.column.def.FullType)
		}
		if u.bounded && !(whole{u.min < 0, magnitude(u.min)}.within(b.model.min, b.model.max) && whole{u.max < 0, magnitude(u.max)}.within(b.model.min, b.model.max)) {
			return nil, proven, fmt.Errorf("min or max is out of the range of %s", b.column.def.FullType)
		}
		return valued{s}, proven, nil
	case binaryFamily:
		if !u.code && !u.bounded {
			return valued{&bytesStep{permuter: b.permuter("unique")}}, proven, nil
		}
	case uuidFamily:
		return uuid{}.bind(b)
	}
	if u.bounded {
		return nil, proven, fmt.Errorf("min and max are for numbers, and this is %s", b.column.def.FullType)
	}
	return u.bindText(b)
}

func (u unique) bindText(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	if u.code {
		return valued{&codeStep{permuter: b.permuter("unique")}}, traits{injective: true}, nil
	}
	return valued{&shapeStep{shape: shape{permuter: b.permuter("unique")}}}, traits{injective: !b.folded()}, nil
}

// bytesStep permutes the bytes of texts of one length.
type bytesStep struct {
	*permuter
	out []byte
}

func (s *bytesStep) apply(_ *row, v value) (value, error) {
	s.out = append(s.out[:0], v.text...)
	s.bytes(s.out)
	return value{rows.Bytes, s.out}, nil
}

// codeStep writes codes. Blanks at the end stay there: collations differ in
// whether they count.
type codeStep struct {
	*permuter
	out []byte
}

func (s *codeStep) apply(_ *row, v value) (value, error) {
	end := len(v.text)
	for end > 0 && v.text[end-1] == ' ' {
		end--
	}
	s.out = s.code(s.out[:0], v.text[:end])
	s.out = append(s.out, v.text[end:]...)
	return value{rows.Text, s.out}, nil
}
