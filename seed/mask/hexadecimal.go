package mask

import (
	"errors"

	"github.com/dbake/dbake/seed/rows"
)

// hexadecimal gives identifiers in hexadecimal digits, with the separators where
// they are, or in bytes: UUIDs and MAC addresses.
type hexadecimal struct {
	label string
	// sizes are the bytes that an identifier can have.
	sizes []int
	// keep is how many digits stay at the beginning.
	keep int
	// part splits a digit into what is permuted, below the radix, and what stays.
	part func(i int, d byte) (radix uint16, shift uint)
	what error
}

// uuid gives UUIDs (RFC 9562): version and variant stay.
type uuid struct{}

func newUUID(*transform, options) (definition, error) { return uuid{}, nil }

func (uuid) bind(b *binder) (step, traits, error) {
	return hexadecimal{
		label: "uuid", sizes: []int{16}, what: errors.New("a value is no UUID (hash and unique take any text)"),
		part: func(i int, d byte) (uint16, uint) {
			switch {
			case i == 12: // version
				return 1, 0
			case i == 16 && d >= 8 && d < 12: // variant: binary 10
				return 4, 0
			case i == 16:
				return 1, 0
			}
			return 16, 0
		},
	}.bind(b)
}

// mac gives hardware addresses: the bits for groups and local addresses stay.
type mac struct{ vendor bool }

func newMAC(_ *transform, o options) (definition, error) { return mac{o.flag("keep_vendor")}, nil }

func (d mac) bind(b *binder) (step, traits, error) {
	h := hexadecimal{
		label: "mac", sizes: []int{6, 8}, what: errors.New("a value is no MAC address (hash and unique take any text)"),
		part: func(i int, _ byte) (uint16, uint) {
			if i == 1 {
				return 4, 2
			}
			return 16, 0
		},
	}
	if d.vendor {
		h.keep = 6
	}
	return h.bind(b)
}

func (h hexadecimal) bind(b *binder) (step, traits, error) {
	err := b.wants(textFamily, binaryFamily, uuidFamily)
	s := &hexStep{hexadecimal: h, permuter: b.permuter(h.label)}
	for _, size := range h.sizes {
		s.raw = s.raw || b.column != nil && b.column.family == binaryFamily && b.column.bytes == int64(size)
	}
	return valued{s}, traits{injective: true}, err
}

type hexStep struct {
	hexadecimal
	*permuter
	raw     bool
	digits  []byte
	values  []byte
	radices []uint16
	out     []byte
}

func (s *hexStep) apply(_ *row, v value) (value, error) {
	s.digits = s.digits[:0]
	raw := s.raw || v.kind == rows.Bytes && s.fits(2*len(v.text))
	upper := false
	for _, c := range v.text {
		switch {
		case raw:
			s.digits = append(s.digits, c>>4, c&15)
		case c >= '0' && c <= '9':
			s.digits = append(s.digits, c-'0')
		case c >= 'a' && c <= 'f':
			s.digits = append(s.digits, c-'a'+10)
		case c >= 'A' && c <= 'F':
			s.digits = append(s.digits, c-'A'+10)
			upper = true
		case c != '-' && c != ':' && c != '.' && c != '{' && c != '}':
			return v, s.what
		}
	}
	if !s.fits(len(s.digits)) {
		return v, s.what
	}
	s.mask()
	s.give(v.text, raw, upper)
	return value{v.kind, s.out}, nil
}

func (s *hexStep) fits(digits int) bool {
	for _, size := range s.sizes {
		if digits == 2*size {
			return true
		}
	}
	return false
}

// mask permutes what does not stay of the digits.
func (s *hexStep) mask() {
	s.values, s.radices = s.values[:0], s.radices[:0]
	for i := s.keep; i < len(s.digits); i++ {
		if radix, shift := s.part(i, s.digits[i]); radix > 1 {
			s.values = append(s.values, s.digits[i]>>shift%byte(radix))
			s.radices = append(s.radices, radix)
		}
	}
	s.permuter.digits(s.values, s.radices)
	next := 0
	for i := s.keep; i < len(s.digits); i++ {
		if radix, shift := s.part(i, s.digits[i]); radix > 1 {
			old := s.digits[i] >> shift % byte(radix)
			s.digits[i] += s.values[next]<<shift - old<<shift
			next++
		}
	}
}

// give writes the digits in the value's format. Letters are all of one case,
// since identifiers are compared without it.
func (s *hexStep) give(text []byte, raw, upper bool) {
	letters := byte('a' - 10)
	if upper {
		letters = 'A' - 10
	}
	s.out = s.out[:0]
	next := 0
	for _, c := range text {
		if raw {
			s.out = append(s.out, s.digits[next]<<4|s.digits[next+1])
			next += 2
			continue
		}
		if c == '-' || c == ':' || c == '.' || c == '{' || c == '}' {
			s.out = append(s.out, c)
			continue
		}
		d := s.digits[next] + '0'
		if s.digits[next] >= 10 {
			d = s.digits[next] + letters
		}
		s.out = append(s.out, d)
		next++
	}
}
