package charset

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// tables are the character sets by the servers' names. Source: "Supported Character
// Sets and Collations" in the MySQL manual.
var tables = map[string]encoding.Encoding{
	"big5":     traditionalchinese.Big5,
	"cp1250":   charmap.Windows1250,
	"cp1251":   charmap.Windows1251,
	"cp1256":   charmap.Windows1256,
	"cp1257":   charmap.Windows1257,
	"cp850":    charmap.CodePage850,
	"cp852":    charmap.CodePage852,
	"cp866":    charmap.CodePage866,
	"cp932":    japanese.ShiftJIS,
	"eucjpms":  japanese.EUCJP,
	"euckr":    korean.EUCKR,
	"gb18030":  simplifiedchinese.GB18030,
	"gb2312":   simplifiedchinese.GBK,
	"gbk":      simplifiedchinese.GBK,
	"greek":    charmap.ISO8859_7,
	"hebrew":   charmap.ISO8859_8,
	"koi8r":    charmap.KOI8R,
	"koi8u":    charmap.KOI8U,
	"latin2":   charmap.ISO8859_2,
	"latin5":   charmap.ISO8859_9,
	"latin7":   charmap.ISO8859_13,
	"macroman": charmap.Macintosh,
	"sjis":     japanese.ShiftJIS,
	"tis620":   charmap.Windows874,
	"ucs2":     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"ujis":     japanese.EUCJP,
	"utf16":    unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"utf16le":  unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf32":    utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
}

// latin1 is what MySQL calls so: Windows-1252, with the five bytes that it leaves
// free standing for the control characters of the same numbers ("West European
// Character Sets" in the MySQL manual).
var latin1 = func() (t [256]rune) {
	for i := range t {
		t[i] = charmap.Windows1252.DecodeByte(byte(i))
		if t[i] == utf8.RuneError {
			t[i] = rune(i)
		}
	}
	return t
}()

var latin1Bytes = func() map[rune]byte {
	m := make(map[rune]byte, 128)
	for i := 0x80; i < 0x100; i++ {
		m[latin1[i]] = byte(i)
	}
	return m
}()

// latin1Encoder turns valid UTF-8 into latin1.
type latin1Encoder struct{ transform.NopResetter }

// Transform implements transform.Transformer.
func (latin1Encoder) Transform(dst, src []byte, _ bool) (n, read int, err error) {
	for read < len(src) {
		if n == len(dst) {
			return n, read, transform.ErrShortDst
		}
		r, size := utf8.DecodeRune(src[read:])
		b := byte(r)
		if r >= utf8.RuneSelf {
			var ok bool
			if b, ok = latin1Bytes[r]; !ok {
				return n, read, errNotThere
			}
		}
		dst[n] = b
		n, read = n+1, read+size
	}
	return n, read, nil
}
