package mask

import (
	"encoding/base64"
	"encoding/hex"

	"github.com/dbake/dbake/seed/rows"
)

// strongBits is how many bits a hash must have to be taken for unique: of a
// billion values two are the same with a probability below 1 in 10^20.
const strongBits = 128

// hashed is HMAC-SHA256 of the value, byte for byte.
type hashed struct {
	format string
	length int
}

func newHash(_ *transform, o options) (definition, error) {
	h := hashed{o.text("format", "hex"), o.whole("length", 0)}
	full := 64
	if h.format != "hex" {
		full = 43
	}
	if h.length > full {
		return nil, o.fail("length", "", "%s has %d characters", h.format, full)
	}
	return h, nil
}

func (h hashed) bind(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	s := &hashStep{seeder: b.seeder("hash"), format: h.format, length: h.length}
	if s.length == 0 {
		s.length = 64
		if h.format != "hex" {
			s.length = 43
		}
		// What the referred column takes decides, so that both ends are the same.
		if m := b.model; m != nil {
			for _, limit := range []int64{m.chars, m.bytes} {
				if limit >= 0 {
					s.length = int(min(int64(s.length), limit))
				}
			}
		}
	}
	if b.column != nil {
		if limit := shortest(b.column.chars, b.column.bytes); limit >= 0 && s.length > limit {
			return nil, traits{}, b.column.tooLong()
		}
	}
	perCharacter := 4
	if h.format != "hex" && (b.column == nil || b.column.caseSensitive()) {
		perCharacter = 6
	}
	return valued{s}, traits{injective: s.length*perCharacter >= strongBits}, nil
}

type hashStep struct {
	*seeder
	format string
	length int
	out    []byte
}

func (s *hashStep) apply(_ *row, v value) (value, error) {
	sum := s.digest(v.text)
	switch s.format {
	case "hex":
		s.out = hex.AppendEncode(s.out[:0], sum)
	case "base64":
		s.out = base64.RawStdEncoding.AppendEncode(s.out[:0], sum)
	default:
		s.out = base64.RawURLEncoding.AppendEncode(s.out[:0], sum)
	}
	return value{rows.Text, s.out[:s.length]}, nil
}
