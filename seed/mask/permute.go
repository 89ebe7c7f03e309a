package mask

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math/bits"
)

// permuter is a family of keyed permutations, one for every set of values: a
// value is taken for a number below the size of its set, or for a row of digits,
// and goes through a Feistel network, which is a bijection whatever its round
// function is. So no two values of a set get the same result, and the result is
// in the set again. The round function is AES-256 in CBC-MAC form over inputs of
// one length, as in NIST SP 800-38G (FF1), but the networks are simpler: they
// work on bits with cycle walking for small sets, and on digits of any radices
// for large ones.
type permuter struct {
	block   cipher.Block
	header  [aes.BlockSize]byte
	state   [aes.BlockSize]byte
	stream  [aes.BlockSize]byte
	left    []limb
	right   []limb
	permute []byte
	radices []uint16 // all 256
}

// rounds of the networks. FF1 has 10; small sets get more.
const (
	rounds      = 10
	smallRounds = 16
	smallBits   = 24
)

func (b *binder) permuter(label string) *permuter {
	block, err := aes.NewCipher(b.keys.derive(label+" permutation", b.scope))
	if err != nil {
		panic(err) // the key always has 32 bytes
	}
	return &permuter{block: block}
}

// begin makes the round function that of a set, which a and b stand for.
func (p *permuter) begin(a, b uint64) {
	binary.LittleEndian.PutUint64(p.header[:8], a)
	binary.LittleEndian.PutUint64(p.header[8:], b)
	p.block.Encrypt(p.header[:], p.header[:])
}

// number permutes the numbers below n, which is 1 or more and at most 2^63. The
// tweak tells sets of the same size apart.
func (p *permuter) number(x, n, tweak uint64) uint64 {
	width := bits.Len64(n - 1)
	if width == 0 {
		return 0
	}
	p.begin(n, tweak)
	for {
		x = p.network(x, width)
		if x < n {
			// Numbers that the network moves out of the set are moved on until
			// they are back: a cycle that starts in the set returns to it.
			return x
		}
	}
}

// network permutes the numbers of width bits.
func (p *permuter) network(x uint64, width int) uint64 {
	low := width / 2
	lowMask, highMask := uint64(1)<<low-1, uint64(1)<<(width-low)-1
	left, right := x>>low, x&lowMask
	n := rounds
	if width <= smallBits {
		n = smallRounds
	}
	for i := range n {
		if i%2 == 0 {
			left ^= p.round(right, uint64(i)) & highMask
		} else {
			right ^= p.round(left, uint64(i)) & lowMask
		}
	}
	return left<<low | right
}

func (p *permuter) round(half, i uint64) uint64 {
	h := binary.LittleEndian.Uint64(p.header[:8])
	g := binary.LittleEndian.Uint64(p.header[8:])
	binary.LittleEndian.PutUint64(p.state[:8], h^half)
	binary.LittleEndian.PutUint64(p.state[8:], g^i)
	p.block.Encrypt(p.state[:], p.state[:])
	return binary.LittleEndian.Uint64(p.state[:8])
}

// digits permutes, in place, the rows of digits with these radices (2 to 256;
// digit i is below radix i).
func (p *permuter) digits(digits []byte, radices []uint16) {
	n := uint64(1)
	for _, r := range radices {
		high, low := bits.Mul64(n, uint64(r))
		if high != 0 || low > 1<<62 {
			p.row(digits, radices)
			return
		}
		n = low
	}
	x := uint64(0)
	for i, d := range digits {
		x = x*uint64(radices[i]) + uint64(d)
	}
	x = p.number(x, n, uint64(len(digits)))
	for i := len(digits) - 1; i >= 0; i-- {
		r := uint64(radices[i])
		digits[i] = byte(x % r)
		x /= r
	}
}

// limb is some digits of a row, as a number below a modulus.
type limb struct{ value, modulus uint64 }

// limbLimit keeps moduli small against the 64 bits of a round function's word, so
// that what is added to a limb is as good as uniform (the bias is below 2^-14),
// and leaves the top bytes of words for other things.
const limbLimit = 1 << 50

// row permutes long rows: a Feistel network whose halves are lists of limbs. In
// every round each limb of one half is turned on, within its modulus, by a word
// that depends on the other half.
func (p *permuter) row(digits []byte, radices []uint16) {
	half := len(digits) / 2
	p.left = limbsOf(p.left[:0], digits[:half], radices[:half])
	p.right = limbsOf(p.right[:0], digits[half:], radices[half:])
	p.begin(uint64(len(digits)), 1<<63)
	for _, side := range [][]limb{p.left, p.right} {
		for i, l := range side {
			absorb(&p.header, i, l.modulus)
			p.block.Encrypt(p.header[:], p.header[:])
		}
	}
	for i := range rounds {
		if i%2 == 0 {
			p.turn(p.left, p.right, i)
		} else {
			p.turn(p.right, p.left, i)
		}
	}
	writeLimbs(digits[:half], radices[:half], p.left)
	writeLimbs(digits[half:], radices[half:], p.right)
}

func limbsOf(limbs []limb, digits []byte, radices []uint16) []limb {
	l := limb{0, 1}
	for i, d := range digits {
		r := uint64(radices[i])
		if l.modulus*r > limbLimit {
			limbs = append(limbs, l)
			l = limb{0, 1}
		}
		l.value, l.modulus = l.value*r+uint64(d), l.modulus*r
	}
	return append(limbs, l)
}

func writeLimbs(digits []byte, radices []uint16, limbs []limb) {
	// The digits of a limb end where its modulus is used up.
	end := len(digits)
	for j := len(limbs) - 1; j >= 0; j-- {
		l := limbs[j]
		for l.modulus > 1 {
			end--
			r := uint64(radices[end])
			digits[end] = byte(l.value % r)
			l.value /= r
			l.modulus /= r
		}
	}
}

// absorb mixes a word into one half of a block.
func absorb(block *[aes.BlockSize]byte, i int, word uint64) {
	at := block[8*(i%2):][:8]
	binary.LittleEndian.PutUint64(at, binary.LittleEndian.Uint64(at)^word)
}

func (p *permuter) turn(limbs, other []limb, round int) {
	p.state = p.header
	p.state[aes.BlockSize-1] ^= byte(round + 1)
	for i, l := range other {
		absorb(&p.state, i, l.value)
		if i%2 == 1 && i < len(other)-1 {
			p.block.Encrypt(p.state[:], p.state[:])
		}
	}
	p.block.Encrypt(p.state[:], p.state[:])
	p.stream = p.state
	for j := range limbs {
		if j >= 2 && j%2 == 0 {
			// More words: the block encrypted once more, with a number in it.
			p.stream = p.state
			p.stream[7] ^= byte(j)
			p.stream[6] ^= byte(j >> 8)
			p.stream[5] ^= byte(j >> 16)
			p.block.Encrypt(p.stream[:], p.stream[:])
		}
		l := &limbs[j]
		word := binary.LittleEndian.Uint64(p.stream[8*(j%2):])
		add, _ := bits.Mul64(word, l.modulus)
		l.value = (l.value + add) % l.modulus
	}
}

// code is 32 digits and letters that no collation takes for one another: of the
// letters that some do (i j y, u v, m n) there is one each.
const code = "0123456789abcdefghiklmopqrstuwxz"

// code appends text permuted and written in letters and digits, 8 for every 5
// bytes. Different texts give different codes.
func (p *permuter) code(dst, text []byte) []byte {
	p.permute = append(p.permute[:0], text...)
	p.bytes(p.permute)
	held, n := uint32(0), 0
	for _, b := range p.permute {
		held, n = held<<8|uint32(b), n+8
		for n >= 5 {
			n -= 5
			dst = append(dst, code[held>>n&31])
		}
	}
	if n > 0 {
		dst = append(dst, code[held<<(5-n)&31])
	}
	return dst
}

// bytes permutes texts of one length, in place.
func (p *permuter) bytes(text []byte) {
	for len(p.radices) < len(text) {
		p.radices = append(p.radices, 256)
	}
	p.digits(text, p.radices[:len(text)])
}
