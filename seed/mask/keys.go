package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
)

// keys derives the keys of transforms from mask.key: HMAC-SHA256 over the
// format's version, the transform's name and the scope, so that no two
// transforms share a stream.
type keys struct{ master []byte }

func newKeys(key []byte) keys {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("dbake mask 1"))
	return keys{mac.Sum(nil)}
}

func (k *keys) derive(label, scope string) []byte {
	mac := hmac.New(sha256.New, k.master)
	mac.Write([]byte(label))
	mac.Write([]byte{0})
	mac.Write([]byte(scope))
	return mac.Sum(nil)
}

// seeder turns values into seeds: HMAC-SHA256 under the transform's key.
type seeder struct {
	mac    hash.Hash
	sum    [sha256.Size]byte
	folded []byte
	random random
}

func (b *binder) seeder(label string) *seeder {
	return &seeder{mac: hmac.New(sha256.New, b.keys.derive(label, b.scope))}
}

// digest is the HMAC of exactly this text; it is valid until the next call.
func (s *seeder) digest(text []byte) []byte {
	s.mac.Reset()
	s.mac.Write(text)
	return s.mac.Sum(s.sum[:0])
}

// seed starts the random numbers that belong to a text. Its case and blanks at
// its ends do not count.
func (s *seeder) seed(text []byte) *random {
	folded := fold(s.folded, text)
	if cap(folded) > cap(s.folded) && len(folded) > 0 && &folded[0] != &text[0] {
		s.folded = folded
	}
	sum := s.digest(folded)
	for i := range s.random {
		s.random[i] = binary.LittleEndian.Uint64(sum[8*i:])
	}
	return &s.random
}

// random is xoshiro256** (Blackman and Vigna), seeded with a whole digest. It is
// written out here because its numbers must never change.
type random [4]uint64

func (r *random) next() uint64 {
	result := bits.RotateLeft64(r[1]*5, 7) * 9
	t := r[1] << 17
	r[2] ^= r[0]
	r[3] ^= r[1]
	r[1] ^= r[2]
	r[0] ^= r[3]
	r[2] ^= t
	r[3] = bits.RotateLeft64(r[3], 45)
	return result
}

// below returns a number from 0 to n-1. The bias is below n/2^64.
func (r *random) below(n uint64) uint64 {
	high, _ := bits.Mul64(r.next(), n)
	return high
}

// digits appends n decimal digits.
func (r *random) digits(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0'+byte(r.below(10)))
	}
	return dst
}
