package expr

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
)

// decimal is an exact number: small, or big when that is set, divided by ten to
// the scale.
type decimal struct {
	small int64
	big   *big.Int
	scale int
}

// maxDigits is how many digits the servers' DECIMAL holds.
const maxDigits = 65

var powers = func() (p [19]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

func pow10(n int) *big.Int {
	if n < len(powers) {
		return big.NewInt(powers[n])
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// parseDecimal reads a number without an exponent.
func parseDecimal(b []byte) (decimal, bool) {
	var d decimal
	i, negative := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative, i = b[0] == '-', 1
	}
	digits, point := 0, false
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '.' && !point:
			point = true
		case isDigit(c):
			digits++
			if point {
				d.scale++
			}
			d.push(int64(c - '0'))
		default:
			return decimal{}, false
		}
	}
	if digits == 0 {
		return decimal{}, false
	}
	if negative {
		d = d.neg()
	}
	return d, true
}

// push appends a digit.
func (d *decimal) push(digit int64) {
	if d.big == nil && d.small < (1<<63-10)/10 {
		d.small = d.small*10 + digit
		return
	}
	b := new(big.Int).Mul(d.bigInt(), big.NewInt(10))
	d.big = b.Add(b, big.NewInt(digit))
}

func (d decimal) bigInt() *big.Int {
	if d.big != nil {
		return d.big
	}
	return big.NewInt(d.small)
}

func fromBig(b *big.Int, scale int) decimal {
	if b.IsInt64() {
		return decimal{small: b.Int64(), scale: scale}
	}
	return decimal{big: b, scale: scale}
}

func (d decimal) neg() decimal {
	if d.big == nil && d.small != -1<<63 {
		return decimal{small: -d.small, scale: d.scale}
	}
	return fromBig(new(big.Int).Neg(d.bigInt()), d.scale)
}

func (d decimal) sign() int {
	if d.big != nil {
		return d.big.Sign()
	}
	return cmp.Compare(d.small, 0)
}

// at gives the number's digits at a scale that is not smaller than its own.
func (d decimal) at(scale int) *big.Int {
	if scale == d.scale {
		return d.bigInt()
	}
	return new(big.Int).Mul(d.bigInt(), pow10(scale-d.scale))
}

func (d decimal) compare(o decimal) int {
	if d.big == nil && o.big == nil {
		a, b := d.small, o.small
		up := d.scale - o.scale
		if up == 0 {
			return cmp.Compare(a, b)
		}
		if up > 0 && up < len(powers) && abs(b) < (1<<62)/powers[up] {
			return cmp.Compare(a, b*powers[up])
		}
		if up < 0 && -up < len(powers) && abs(a) < (1<<62)/powers[-up] {
			return cmp.Compare(a*powers[-up], b)
		}
	}
	scale := max(d.scale, o.scale)
	return d.at(scale).Cmp(o.at(scale))
}

func abs(a int64) int64 {
	if a < 0 {
		return -a
	}
	return a
}

func (d decimal) add(o decimal) decimal {
	scale := max(d.scale, o.scale)
	return fromBig(new(big.Int).Add(d.at(scale), o.at(scale)), scale)
}

func (d decimal) mul(o decimal) decimal {
	return fromBig(new(big.Int).Mul(d.bigInt(), o.bigInt()), d.scale+o.scale)
}

// quoRem gives the whole quotient, cut off towards zero, and the remainder.
func (d decimal) quoRem(o decimal) (q, r decimal) {
	scale := max(d.scale, o.scale)
	a, b := new(big.Int).QuoRem(d.at(scale), o.at(scale), new(big.Int))
	return fromBig(a, 0), fromBig(b, scale)
}

// floor gives the largest whole number that is not above d.
func (d decimal) floor() decimal {
	q, _ := new(big.Int).DivMod(d.bigInt(), pow10(d.scale), new(big.Int))
	return fromBig(q, 0)
}

func (d decimal) float() float64 {
	f, _ := strconv.ParseFloat(d.String(), 64) // out of range is ±Inf, which compares well
	return f
}

// String writes the number with all digits of its scale, as the servers do.
func (d decimal) String() string {
	s := new(big.Int).Abs(d.bigInt()).String()
	if d.scale > 0 {
		s = strings.Repeat("0", max(0, d.scale+1-len(s))) + s
		s = s[:len(s)-d.scale] + "." + s[len(s)-d.scale:]
	}
	if d.sign() < 0 {
		return "-" + s
	}
	return s
}

func (d decimal) tooLong() bool {
	return d.big != nil && len(d.big.String()) > maxDigits
}
