package mask

import (
	"bytes"
	"math/bits"
)

// decimal is a number without exponent, taken apart: what is before its point,
// without zeros in front, and what is behind it, as written.
type decimal struct {
	negative        bool
	whole, fraction []byte
}

func parseDecimal(text []byte) (decimal, bool) {
	var d decimal
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		d.negative = text[0] == '-'
		text = text[1:]
	}
	digits := 0
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && d.fraction == nil:
			d.whole, d.fraction = text[:i:i], text[i+1:]
		default:
			return d, false
		}
	}
	if d.fraction == nil {
		d.whole = text
	}
	d.whole = bytes.TrimLeft(d.whole, "0")
	return d, digits > 0
}

func (d decimal) zero() bool { return len(d.whole) == 0 && len(bytes.Trim(d.fraction, "0")) == 0 }

func (d decimal) compare(e decimal) int {
	switch {
	case d.zero() && e.zero():
		return 0
	case d.zero() || e.zero() || d.negative != e.negative:
		if d.sign() < e.sign() {
			return -1
		}
		return 1
	case d.negative:
		return -d.compareMagnitude(e)
	}
	return d.compareMagnitude(e)
}

func (d decimal) sign() int {
	switch {
	case d.zero():
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func (d decimal) compareMagnitude(e decimal) int {
	if len(d.whole) != len(e.whole) {
		if len(d.whole) < len(e.whole) {
			return -1
		}
		return 1
	}
	if o := bytes.Compare(d.whole, e.whole); o != 0 {
		return o
	}
	return bytes.Compare(bytes.TrimRight(d.fraction, "0"), bytes.TrimRight(e.fraction, "0"))
}

// whole is an integer of up to 64 bits and a sign.
type whole struct {
	negative  bool
	magnitude uint64
}

func parseWhole(text []byte) (whole, bool) {
	var n whole
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		n.negative = text[0] == '-'
		text = text[1:]
	}
	for _, c := range text {
		high, low := bits.Mul64(n.magnitude, 10)
		sum, carry := bits.Add64(low, uint64(c-'0'), 0)
		if c < '0' || c > '9' || high != 0 || carry != 0 {
			return n, false
		}
		n.magnitude = sum
	}
	return n, len(text) > 0
}

func (n whole) within(least int64, most uint64) bool {
	if n.negative && n.magnitude > 0 {
		return least < 0 && n.magnitude <= uint64(-(least+1))+1
	}
	return n.magnitude <= most && (least <= 0 || n.magnitude >= uint64(least))
}
