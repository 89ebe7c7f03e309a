package mask

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/dbake/dbake/seed/rows"
)

// ip gives addresses. IPv4 addresses of a private network stay in it, others
// become others that are neither private nor otherwise special; of IPv6 addresses
// the first 16 bits stay. With keep that many bits stay instead, and the rest is
// permuted.
type ip struct{ keep int }

func newIP(_ *transform, o options) (definition, error) {
	d := ip{o.whole("keep", -1)}
	if d.keep > 32 && d.keep%4 != 0 {
		return nil, o.fail("keep", "", "above 32 it must be a multiple of 4, not %d", d.keep)
	}
	return d, nil
}

func (d ip) bind(b *binder) (step, traits, error) {
	err := b.wants(textFamily, binaryFamily, inetFamily)
	s := &ipStep{keep: d.keep, shape: shape{permuter: b.permuter("ip")}}
	s.raw = b.column != nil && b.column.family == binaryFamily && (b.column.bytes == 4 || b.column.bytes == 16)
	// Different spellings of an address are one value: texts that are none could
	// get the mask of one, and fail where it counts.
	return valued{s}, traits{injective: true}, err
}

type ipStep struct {
	keep  int
	raw   bool
	shape shape
	out   []byte
}

// special are the networks whose addresses stay in them.
var special = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("240.0.0.0/4"),
}

var errNoAddress = errors.New("a value is no IP address (regex or hash take any text)")

func (s *ipStep) apply(_ *row, v value) (value, error) {
	if s.raw || v.kind == rows.Bytes && (len(v.text) == 4 || len(v.text) == 16) {
		a, ok := netip.AddrFromSlice(v.text)
		if !ok {
			return v, errNoAddress
		}
		masked := s.address(a)
		s.out = append(s.out[:0], masked.AsSlice()...)
		return value{rows.Bytes, s.out}, nil
	}
	text, suffix := v.text, []byte(nil)
	if at := bytes.IndexByte(text, '/'); at >= 0 {
		text, suffix = text[:at], text[at:] // a network's length
	}
	var a netip.Addr
	if err := a.UnmarshalText(text); err != nil || !a.IsValid() || a.Zone() != "" || !isLength(suffix) {
		return v, errNoAddress
	}
	s.out = s.address(a).AppendTo(s.out[:0])
	s.out = append(s.out, suffix...)
	return value{rows.Text, s.out}, nil
}

// isLength reports whether what is behind an address is a network's length, or
// nothing: it stays.
func isLength(suffix []byte) bool {
	if len(suffix) == 0 {
		return true
	}
	n, ok := parseWhole(suffix[1:])
	return ok && isDigit(suffix[1]) && len(suffix) <= len("/128") && n.magnitude <= 128
}

func (s *ipStep) address(a netip.Addr) netip.Addr {
	switch {
	case a.Is4():
		return s.four(a)
	case a.Is4In6():
		return netip.AddrFrom16(s.four(a.Unmap()).As16())
	}
	return s.six(a)
}

func (s *ipStep) four(a netip.Addr) netip.Addr {
	raw := a.As4()
	x := uint64(binary.BigEndian.Uint32(raw[:]))
	if s.keep >= 0 {
		return s.within(x, min(s.keep, 32))
	}
	for _, p := range special {
		if p.Contains(a) {
			return s.within(x, p.Bits())
		}
	}
	// Whatever lands in a special network is moved on until it is out of all:
	// the cycle comes back to where it began, which is out.
	for {
		x = s.shape.number(x, 1<<32, 4)
		if a = four(x); !isSpecial(a) {
			return a
		}
	}
}

func isSpecial(a netip.Addr) bool {
	for _, p := range special {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// within permutes the addresses of a network of keep bits.
func (s *ipStep) within(x uint64, keep int) netip.Addr {
	size := uint64(1) << (32 - keep)
	network := x &^ (size - 1)
	return four(network | s.shape.number(x&(size-1), size, network))
}

func four(x uint64) netip.Addr {
	var raw [4]byte
	binary.BigEndian.PutUint32(raw[:], uint32(x))
	return netip.AddrFrom4(raw)
}

// six permutes the hexadecimal digits behind those that stay.
func (s *ipStep) six(a netip.Addr) netip.Addr {
	keep := 4 // digits
	if s.keep >= 0 {
		keep = (s.keep + 3) / 4
	}
	raw := a.As16()
	var digits [32]byte
	for i, b := range raw {
		digits[2*i], digits[2*i+1] = b>>4, b&15
	}
	s.shape.permuter.nibbles(digits[keep:])
	for i := range raw {
		raw[i] = digits[2*i]<<4 | digits[2*i+1]
	}
	masked := netip.AddrFrom16(raw)
	if masked.Is4In6() {
		// It would be read as an IPv4 address: there is one step more.
		return s.six(masked)
	}
	return masked
}

// nibbles permutes rows of hexadecimal digits, in place.
func (p *permuter) nibbles(digits []byte) {
	var radices [32]uint16
	for i := range radices {
		radices[i] = 16
	}
	p.digits(digits, radices[:len(digits)])
}
