package mask

import (
	"unicode"
	"unicode/utf8"
)

// shape permutes texts of one shape: digits become digits and letters letters of
// the same case, full-width ones full-width ones, and everything else stays where
// it is. So different texts of a shape have different results, and texts of
// different shapes, too.
//
// The case of letters and the width of characters are part of the shape and not
// of what is permuted. So texts that a collation without case takes for one have
// results that it takes for one, and others do not.
//
// A text with letters of other alphabets has no shape: the letters would have to
// stay, or would be mixed up by collations that ignore accents. It gets a code
// instead, behind a mark; so does a text that begins with the mark.
type shape struct {
	*permuter
	digits  []byte
	radices []uint16
	out     []byte
	// keep is how many digits and letters stay at the beginning.
	keep int
	// first: a number's first digit that is not 0 becomes one that is not 0, and
	// a 0 stays: numbers keep their length.
	first bool
	// hex: the letters of a %XX become letters that can stand there.
	hex bool
}

// mark begins codes.
const mark = '~'

// classes of characters; the radix of each is how many it has.
const (
	fixed  = uint16(0)
	digit  = uint16(10)
	letter = uint16(26)
	// hexLetter is a to f in a %XX of a URL.
	hexLetter = uint16(6)
	// leading is a digit from 1 to 9.
	leading = uint16(9)
	foreign = ^uint16(0)
)

// Full-width digits and letters are the ASCII ones moved by this much.
const fullWidth = 0xFEE0

// classOf returns the class of a character and the character of it that stands
// for 0.
func classOf(r rune) (class uint16, zero rune) {
	width := rune(0)
	if r >= '!'+fullWidth && r <= '~'+fullWidth {
		width = fullWidth
	}
	switch c := r - width; {
	case c >= '0' && c <= '9':
		return digit, '0' + width
	case c >= 'a' && c <= 'z':
		return letter, 'a' + width
	case c >= 'A' && c <= 'Z':
		return letter, 'A' + width
	case c < 0x80, unicode.In(r, unicode.P, unicode.Z, unicode.Sm), r == 'ー':
		// The last is a dash to many who type Japanese.
		return fixed, 0
	}
	return foreign, 0
}

// apply returns the text with its digits and letters permuted, or its code; it is
// valid until the next call.
func (s *shape) apply(text []byte) []byte {
	if !s.take(text) {
		s.out = append(s.out[:0], mark)
		s.out = s.permuter.code(s.out, text)
		return s.out
	}
	s.permuter.digits(s.digits, s.radices)
	s.give(text)
	return s.out
}

// shaped reports whether a text keeps its shape.
func (s *shape) shaped(text []byte) bool { return s.take(text) }

// take collects the digits and their radices.
func (s *shape) take(text []byte) bool {
	s.digits, s.radices = s.digits[:0], s.radices[:0]
	if len(text) > 0 && text[0] == mark {
		return false
	}
	seen := 0
	for at := 0; at < len(text); {
		class, value, size := s.next(text, at, seen)
		at += size
		if class == foreign {
			return false
		}
		if class == fixed {
			continue
		}
		if seen++; seen <= s.keep || value < 0 {
			continue
		}
		s.digits = append(s.digits, byte(value))
		s.radices = append(s.radices, class)
	}
	return true
}

// next returns the class and number of the character at text[at]; seen is how
// many digits and letters are before it. The number is -1 for one that stays.
func (s *shape) next(text []byte, at, seen int) (class uint16, value, size int) {
	var r rune
	if c := text[at]; c < utf8.RuneSelf {
		r, size = rune(c), 1
	} else if r, size = utf8.DecodeRune(text[at:]); r == utf8.RuneError && size < 2 {
		return foreign, 0, 1
	}
	class, zero := classOf(r)
	if class == fixed || class == foreign {
		return class, 0, size
	}
	value = int(r - zero)
	if s.first && seen == 0 && class == digit {
		if value == 0 {
			return class, -1, size
		}
		return leading, value - 1, size
	}
	if s.hex && class == letter && value < 6 && escaped(text, at) {
		class = hexLetter
	}
	return class, value, size
}

// escaped reports whether text[at] is one of the digits of a %XX.
func escaped(text []byte, at int) bool {
	hex := func(i int) bool {
		if i >= len(text) {
			return false
		}
		c := text[i] | 0x20
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
	}
	return (at >= 1 && text[at-1] == '%' && hex(at+1)) ||
		(at >= 2 && text[at-2] == '%' && hex(at-1) && text[at-1] != '%')
}

// give writes the text with the digits as they are now.
func (s *shape) give(text []byte) {
	s.out = s.out[:0]
	seen, next := 0, 0
	for at := 0; at < len(text); {
		class, value, size := s.next(text, at, seen)
		if class != fixed {
			seen++
		}
		if class == fixed || seen <= s.keep || value < 0 {
			s.out = append(s.out, text[at:at+size]...)
			at += size
			continue
		}
		r, _ := utf8.DecodeRune(text[at:])
		_, zero := classOf(r)
		if class == leading {
			zero++
		}
		s.out = utf8.AppendRune(s.out, zero+rune(s.digits[next]))
		next++
		at += size
	}
}
