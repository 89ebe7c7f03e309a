package charset

import (
	"testing"
)

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, utf8, encoded string }{
		{"utf8mb4", "ü日😀", "ü日😀"},
		{"utf8", "ü日", "ü日"},
		{"utf8mb3", "ü日", "ü日"},
		{"ascii", "a", "a"},
		{"latin1", "é€\u0081", "\xe9\x80\x81"},
		{"latin2", "ł", "\xb3"},
		{"cp1251", "Ж", "\xc6"},
		{"koi8r", "Ж", "\xf6"},
		{"sjis", "表a", "\x95\x5ca"},
		{"cp932", "①", "\x87\x40"},
		{"ujis", "日", "\xc6\xfc"},
		{"eucjpms", "日", "\xc6\xfc"},
		{"gbk", "中", "\xd6\xd0"},
		{"gb2312", "中", "\xd6\xd0"},
		{"gb18030", "中😀", "\xd6\xd0\x94\x39\xfc\x36"},
		{"big5", "中", "\xa4\xa4"},
		{"euckr", "한", "\xc7\xd1"},
		{"ucs2", "aü", "\x00a\x00\xfc"},
		{"utf16", "a😀", "\x00a\xd8\x3d\xde\x00"},
		{"utf16le", "a", "a\x00"},
		{"utf32", "a", "\x00\x00\x00a"},
	} {
		set, ok := Find(c.name)
		if !ok {
			t.Errorf("%s is not known", c.name)
			continue
		}
		got, ok := set.Decode([]byte("x"), []byte(c.encoded))
		if !ok || string(got) != "x"+c.utf8 {
			t.Errorf("%s: %x is %q, %v, want %q", c.name, c.encoded, got, ok, c.utf8)
		}
		got, ok = set.Encode([]byte("x"), []byte(c.utf8))
		if !ok || string(got) != "x"+c.encoded {
			t.Errorf("%s: %q is %x, %v, want %x", c.name, c.utf8, got, ok, c.encoded)
		}
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, utf8 string }{
		{"ascii", "ü"},
		{"latin1", "日"},
		{"latin1", "Ж"},
		{"utf8mb3", "😀"},
		{"ucs2", "😀"},
		{"sjis", "😀"},
		{"sjis", "한"},
		{"gb2312", "丂"},
		{"euckr", "ø😀"},
		{"utf8mb4", "\xff"},
		{"utf16", "\xff"},
	} {
		set, _ := Find(c.name)
		if got, ok := set.Encode([]byte("x"), []byte(c.utf8)); ok || string(got) != "x" {
			t.Errorf("%s: %q is %x, %v, want nothing", c.name, c.utf8, got, ok)
		}
	}
	for _, c := range []struct{ name, encoded string }{
		{"ascii", "\x80"}, {"utf8mb4", "\xe9"}, {"utf8mb3", "😀"}, {"sjis", "\x81"}, {"gbk", "\xff\xff"}, {"ucs2", "a"}, {"utf32", "abcd"},
	} {
		set, _ := Find(c.name)
		if got, ok := set.Decode([]byte("x"), []byte(c.encoded)); ok || string(got) != "x" {
			t.Errorf("%s: %x is %q, %v, want nothing", c.name, c.encoded, got, ok)
		}
	}
	if _, ok := Find("binary"); ok {
		t.Error("binary is no character set to convert from")
	}
}
