package mask

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/dbake/dbake/seed/rows"
)

var errNoNumber = errors.New("a value is no number")

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// numberStep permutes numbers among those with the same sign and as many digits,
// as far as the column's type has them; 0 stays. With min and max it permutes the
// numbers between them.
type numberStep struct {
	unique
	*permuter
	column  *column
	digits  []byte
	radices []uint16
	out     []byte
}

var errOutOfRange = errors.New("a value is not from min to max")

func (s *numberStep) apply(_ *row, v value) (value, error) {
	if s.column.family == decimalFamily {
		return s.decimal(v)
	}
	n, ok := parseWhole(v.text)
	if !ok || !n.within(s.column.min, s.column.max) {
		return v, errNoNumber
	}
	if s.bounded {
		return s.between(n)
	}
	if n.magnitude == 0 {
		return v, nil
	}
	low, high := band(n.magnitude)
	limit := s.column.max
	if n.negative {
		limit = magnitude(s.column.min)
	} else if s.column.min > 0 {
		low = max(low, uint64(s.column.min))
	}
	high = min(high, limit)
	tweak := uint64(0)
	if n.negative {
		tweak = 1
	}
	count := high - low + 1
	if count > 1<<63 { // numbers of 20 digits: 8446744073709551616 of them, below 2^63
		return v, errNoNumber
	}
	n.magnitude = low + s.number(n.magnitude-low, count, tweak)
	return s.give(n), nil
}

func (s *numberStep) give(n whole) value {
	s.out = s.out[:0]
	if n.negative {
		s.out = append(s.out, '-')
	}
	s.out = strconv.AppendUint(s.out, n.magnitude, 10)
	return value{rows.Number, s.out}
}

// band returns the least and greatest number with as many digits.
func band(n uint64) (low, high uint64) {
	low = 1
	for n >= 10 {
		n /= 10
		low *= 10
	}
	if low > math.MaxUint64/10 {
		return low, math.MaxUint64
	}
	return low, low*10 - 1
}

func (s *numberStep) between(n whole) (value, error) {
	x := int64(n.magnitude)
	if n.negative {
		x = -x
	}
	if n.magnitude > math.MaxInt64 || x < s.min || x > s.max {
		return value{}, errOutOfRange
	}
	x = s.min + int64(s.number(uint64(x-s.min), uint64(s.max-s.min)+1, 2))
	return s.give(whole{x < 0, magnitude(x)}), nil
}

// decimal permutes the digits from the first one that is not 0 on.
func (s *numberStep) decimal(v value) (value, error) {
	d, ok := parseDecimal(v.text)
	_, scale := s.column.precision()
	if !ok || len(d.fraction) > scale {
		return v, errNoNumber
	}
	s.digits = append(append(s.digits[:0], d.whole...), d.fraction...)
	for len(s.digits) < len(d.whole)+scale {
		s.digits = append(s.digits, '0')
	}
	start := 0
	for start < len(s.digits) && s.digits[start] == '0' {
		start++
	}
	if start == len(s.digits) {
		return v, nil
	}
	s.radices = s.radices[:0]
	for i := start; i < len(s.digits); i++ {
		s.digits[i] -= '0'
		s.radices = append(s.radices, digit)
	}
	s.digits[start]--
	s.radices[0] = leading
	s.permuter.digits(s.digits[start:], s.radices)
	s.digits[start]++
	s.out = s.out[:0]
	if d.negative {
		s.out = append(s.out, '-')
	}
	if len(d.whole) == 0 {
		s.out = append(s.out, '0')
	}
	for i, c := range s.digits {
		if i == len(d.whole) {
			s.out = append(s.out, '.')
		}
		if i >= start {
			c += '0'
		}
		s.out = append(s.out, c)
	}
	return value{rows.Number, s.out}, nil
}

// noise moves numbers a little.
type noise struct {
	percent, amount float64
	least, most     *float64
}

func newNoise(_ *transform, o options) (definition, error) {
	d := noise{amount: o.number("amount", 0)}
	d.percent = o.number("percent", 0)
	switch {
	case o.has("percent") && o.has("amount"):
		return nil, o.fail("amount", "choose one", "percent and amount are both given")
	case !o.has("percent") && !o.has("amount"):
		d.percent = 10
	case d.percent == 0 && d.amount == 0:
		return nil, o.fail("", "keep leaves values as they are", "noise of 0 changes nothing")
	}
	for name, p := range map[string]**float64{"min": &d.least, "max": &d.most} {
		if o.has(name) {
			f := o.number(name, 0)
			*p = &f
		}
	}
	if d.least != nil && d.most != nil && *d.least > *d.most {
		return nil, o.fail("min", "", "min is above max")
	}
	return d, nil
}

func (d noise) bind(b *binder) (step, traits, error) {
	err := b.wants(textFamily, integerFamily, decimalFamily, floatFamily)
	s := &noiseStep{noise: d, seeder: b.seeder("noise"), column: b.model}
	if err == nil && b.model != nil {
		for _, limit := range []*float64{d.least, d.most} {
			if limit == nil {
				continue
			}
			if _, fault := b.model.fit(value{rows.Number, strconv.AppendFloat(nil, *limit, 'f', -1, 64)}, false); fault != nil {
				return nil, traits{}, fmt.Errorf("min or max: %w", fault)
			}
		}
	}
	return valued{s}, traits{}, err
}

type noiseStep struct {
	noise
	*seeder
	column *column
	out    []byte
	x, y   big.Int
}

// grains is how finely noise is measured.
const grains = 1_000_000

func (s *noiseStep) apply(_ *row, v value) (value, error) {
	r := s.seed(v.text)
	grain := int64(r.below(2*grains+1)) - grains
	d, ok := parseDecimal(v.text)
	if !ok {
		f, err := strconv.ParseFloat(string(v.text), 64)
		if err != nil || f-f != 0 {
			return v, errNoNumber
		}
		return s.float(v, f, float64(grain)/grains)
	}
	scale := len(d.fraction)
	if len(d.whole)+scale > 15 {
		return s.long(v, d, grain)
	}
	n := int64(0)
	for _, part := range [][]byte{d.whole, d.fraction} {
		for _, c := range part {
			n = n*10 + int64(c-'0')
		}
	}
	if d.negative {
		n = -n
	}
	unit := math.Pow10(scale)
	delta := s.percent / 100 * float64(n)
	if s.amount > 0 {
		delta = s.amount * unit
	}
	moved := float64(n) + math.RoundToEven(delta*float64(grain)/grains)
	if least, has := s.lower(); has {
		moved = math.Max(moved, math.Ceil(least*unit))
	}
	if most, has := s.upper(); has {
		moved = math.Min(moved, math.Floor(most*unit))
	}
	s.out = appendScaled(s.out[:0], int64(moved), scale)
	return value{v.kind, s.out}, nil
}

// lower and upper are the limits of option and type, as far as a float is exact.
func (s *noiseStep) lower() (float64, bool) {
	if s.least != nil {
		return *s.least, true
	}
	switch {
	case s.column == nil:
	case s.column.family == integerFamily:
		return float64(s.column.min), true
	case s.column.def.Unsigned:
		return 0, true
	}
	return 0, false
}

func (s *noiseStep) upper() (float64, bool) {
	switch {
	case s.most != nil:
		return *s.most, true
	case s.column == nil:
	case s.column.family == integerFamily && s.column.max < 1<<53:
		return float64(s.column.max), true
	case s.column.family == decimalFamily:
		digits, scale := s.column.precision()
		if digits <= 15 {
			return (math.Pow10(digits) - 1) / math.Pow10(scale), true
		}
	}
	return 0, false
}

func appendScaled(dst []byte, n int64, scale int) []byte {
	if n < 0 {
		dst = append(dst, '-')
		n = -n
	}
	start := len(dst)
	dst = strconv.AppendInt(dst, n, 10)
	for len(dst)-start <= scale {
		dst = append(dst[:start+1], dst[start:]...)
		dst[start] = '0'
	}
	if scale > 0 {
		at := len(dst) - scale
		dst = append(dst[:at+1], dst[at:]...)
		dst[at] = '.'
	}
	return dst
}

// float is for numbers with an exponent, which keep as many digits as they have.
func (s *noiseStep) float(v value, f, share float64) (value, error) {
	moved := f * (1 + s.percent/100*share)
	if s.amount > 0 {
		moved = f + s.amount*share
	}
	if least, has := s.lower(); has {
		moved = math.Max(moved, least)
	}
	if s.most != nil {
		moved = math.Min(moved, *s.most)
	}
	digits := 0
	for _, c := range v.text {
		if c >= '0' && c <= '9' {
			digits++
		} else if c|0x20 == 'e' {
			break
		}
	}
	s.out = strconv.AppendFloat(s.out[:0], moved, 'g', max(digits, 1), 64)
	return value{v.kind, s.out}, nil
}

// long is for numbers of more digits than a float has. The limits of the type are
// not moved to: a result beyond them stays the value's other side.
func (s *noiseStep) long(v value, d decimal, grain int64) (value, error) {
	scale := len(d.fraction)
	s.x.SetString(string(d.whole)+string(d.fraction), 10)
	if s.amount > 0 {
		s.y.SetInt64(int64(math.RoundToEven(s.amount * float64(grain))))
		for range scale {
			s.y.Mul(&s.y, big.NewInt(10))
		}
		s.y.Quo(&s.y, big.NewInt(grains))
	} else {
		s.y.Mul(&s.x, big.NewInt(int64(math.RoundToEven(s.percent*1000))*grain))
		s.y.Quo(&s.y, big.NewInt(100*1000*grains))
	}
	moved := new(big.Int).Add(&s.x, &s.y)
	if s.give(moved, d.negative, scale); s.column != nil {
		if _, err := s.column.fit(value{rows.Number, s.out}, false); err != nil {
			s.give(moved.Sub(&s.x, &s.y), d.negative, scale)
		}
	}
	if !s.between() {
		return v, errors.New("a result is beyond min or max (numbers of more than 15 digits are not moved to them)")
	}
	return value{v.kind, s.out}, nil
}

func (s *noiseStep) give(n *big.Int, negative bool, scale int) {
	text := n.String()
	if text[0] == '-' {
		negative, text = !negative, text[1:]
	}
	for len(text) <= scale {
		text = "0" + text
	}
	s.out = s.out[:0]
	if negative {
		s.out = append(s.out, '-')
	}
	s.out = append(s.out, text[:len(text)-scale]...)
	if scale > 0 {
		s.out = append(append(s.out, '.'), text[len(text)-scale:]...)
	}
}

func (s *noiseStep) between() bool {
	d, _ := parseDecimal(s.out)
	beyond := func(limit *float64, sign int) bool {
		if limit == nil {
			return false
		}
		l, _ := parseDecimal(strconv.AppendFloat(nil, *limit, 'f', -1, 64))
		return d.compare(l)*sign > 0
	}
	return !beyond(s.least, -1) && !beyond(s.most, 1)
}
