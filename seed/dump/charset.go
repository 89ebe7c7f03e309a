package dump

// multibyte is a character set whose second bytes overlap ASCII, so that a
// lexer which looks at single bytes would see quotes and backslashes that are
// none. The ranges are those the servers' own character sets accept.
type multibyte struct {
	lead, trail [256]bool
}

// length returns how many bytes the character at b[i] has: 2 for a whole
// two-byte character, 1 for everything else, 0 when b ends too early to tell.
func (m *multibyte) length(b []byte, i int) int {
	if !m.lead[b[i]] {
		return 1
	}
	if i+1 >= len(b) {
		return 0
	}
	if m.trail[b[i+1]] {
		return 2
	}
	return 1
}

type byteRange struct{ from, to int }

func newMultibyte(lead, trail []byteRange) *multibyte {
	m := new(multibyte)
	for _, r := range lead {
		for c := r.from; c <= r.to; c++ {
			m.lead[c] = true
		}
	}
	for _, r := range trail {
		for c := r.from; c <= r.to; c++ {
			m.trail[c] = true
		}
	}
	return m
}

var (
	sjisBytes = newMultibyte([]byteRange{{0x81, 0x9F}, {0xE0, 0xFC}}, []byteRange{{0x40, 0x7E}, {0x80, 0xFC}})
	// gb18030 has four-byte characters too; their second and fourth bytes are
	// digits, which mean nothing to the lexer, so gbk's table serves it.
	gbkBytes  = newMultibyte([]byteRange{{0x81, 0xFE}}, []byteRange{{0x40, 0x7E}, {0x80, 0xFE}})
	big5Bytes = newMultibyte([]byteRange{{0xA1, 0xF9}}, []byteRange{{0x40, 0x7E}, {0xA1, 0xFE}})
)

// multibyteOf returns the table of a character set, or nil for the many whose
// characters hold no ASCII bytes (utf8mb4, latin1, ujis, euckr, binary …).
func multibyteOf(charset string) *multibyte {
	switch charset {
	case "sjis", "cp932":
		return sjisBytes
	case "gbk", "gb18030":
		return gbkBytes
	case "big5":
		return big5Bytes
	}
	return nil
}
