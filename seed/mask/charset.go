package mask

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// charset is a character set as the servers have it. The zero charset is
// utf8mb4.
type charset struct {
	// last is the last character of a Unicode form; 0: all.
	last rune
	// unit is the size of ASCII characters in bytes, where it is not 1.
	unit int
	// single maps characters to bytes; several encodes them.
	single  *charmap.Charmap
	several encoding.Encoding
	// ascii sets take no others.
	ascii bool
}

// charsetOf knows the character sets of MySQL and MariaDB by name. Of one that is
// not known it takes ASCII only. latin1 is what others call cp1252.
func charsetOf(name string) charset {
	switch name {
	case "", "utf8mb4", "binary", "gb18030":
		if name == "gb18030" {
			return charset{several: simplifiedchinese.GB18030}
		}
		return charset{}
	case "utf8", "utf8mb3":
		return charset{last: 0xFFFF}
	case "ucs2":
		return charset{last: 0xFFFF, unit: 2}
	case "utf16", "utf16le":
		return charset{unit: 2}
	case "utf32":
		return charset{unit: 4}
	case "sjis", "cp932":
		return charset{several: japanese.ShiftJIS}
	case "ujis", "eucjpms":
		return charset{several: japanese.EUCJP}
	case "gbk", "gb2312":
		return charset{several: simplifiedchinese.GBK}
	case "big5":
		return charset{several: traditionalchinese.Big5}
	case "euckr":
		return charset{several: korean.EUCKR}
	}
	if m := singles()[name]; m != nil {
		return charset{single: m}
	}
	return charset{ascii: true}
}

func singles() map[string]*charmap.Charmap {
	return map[string]*charmap.Charmap{
		"latin1": charmap.Windows1252, "latin2": charmap.ISO8859_2, "latin5": charmap.ISO8859_9,
		"latin7": charmap.ISO8859_13, "greek": charmap.ISO8859_7, "hebrew": charmap.ISO8859_8,
		"cp1250": charmap.Windows1250, "cp1251": charmap.Windows1251, "cp1256": charmap.Windows1256,
		"cp1257": charmap.Windows1257, "cp850": charmap.CodePage850, "cp852": charmap.CodePage852,
		"cp866": charmap.CodePage866, "koi8r": charmap.KOI8R, "koi8u": charmap.KOI8U,
		"macroman": charmap.Macintosh, "tis620": charmap.Windows874,
	}
}

// takes reports whether the set has all characters of a text.
func (c *charset) takes(text []byte) bool {
	if isASCII(text) {
		return true
	}
	switch {
	case !utf8.Valid(text), c.ascii:
		return false
	case c.single != nil:
		for _, r := range string(text) {
			if _, ok := c.single.EncodeRune(r); !ok {
				return false
			}
		}
	case c.several != nil:
		_, err := c.several.NewEncoder().Bytes(text)
		return err == nil
	case c.last > 0:
		for _, r := range string(text) {
			if r > c.last {
				return false
			}
		}
	}
	return true
}

// size is the length of a text in this set; the text is one that it takes.
func (c *charset) size(text []byte) int64 {
	switch {
	case c.unit == 4:
		return 4 * int64(utf8.RuneCount(text))
	case c.unit == 2:
		n := int64(0)
		for _, r := range string(text) {
			n += 2
			if r > 0xFFFF {
				n += 2
			}
		}
		return n
	case c.single != nil:
		return int64(utf8.RuneCount(text))
	case c.several != nil && !isASCII(text):
		if b, err := c.encode(text); err == nil {
			return int64(len(b))
		}
	}
	return int64(len(text))
}

// encode gives the bytes of a text in this set; the Unicode forms stay UTF-8.
func (c *charset) encode(text []byte) ([]byte, error) {
	switch {
	case c.single != nil:
		return c.single.NewEncoder().Bytes(text)
	case c.several != nil:
		return c.several.NewEncoder().Bytes(text)
	}
	return text, nil
}

// decode is the way back from encode.
func (c *charset) decode(text []byte) ([]byte, error) {
	switch {
	case c.single != nil:
		return c.single.NewDecoder().Bytes(text)
	case c.several != nil:
		return c.several.NewDecoder().Bytes(text)
	}
	return text, nil
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= 0x80 {
			return false
		}
	}
	return true
}
