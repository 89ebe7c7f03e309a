package load

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/dbake/dbake/seed/folder"
)

// pieces splits a text into pieces of whole rows.
func pieces(t interface{ Fatal(...any) }, text string, d folder.Dialect, size int) (out []string, rows int64) {
	l, err := newLines(iotest.OneByteReader(strings.NewReader(text)), d)
	if err != nil {
		t.Fatal(err)
	}
	for {
		piece, n, err := l.fill(nil, size)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return out, rows
		}
		out, rows = append(out, string(piece)), rows+n
	}
}

// Whatever the pieces' size, no row is cut, lost or counted twice.
func TestRowsStayWhole(t *testing.T) {
	t.Parallel()
	for _, d := range []folder.Dialect{folder.DefaultDialect, {FieldEnd: "::", RowEnd: "\r\n", Escape: "^"}} {
		rapid.Check(t, func(rt *rapid.T) {
			field := rapid.StringMatching("[ab\t\n\r:^\\\\]{0,6}")
			var text strings.Builder
			var ends []int
			n := rapid.IntRange(0, 20).Draw(rt, "rows")
			for range n {
				for i, f := range rapid.SliceOfN(field, 1, 4).Draw(rt, "fields") {
					if i > 0 {
						text.WriteString(d.FieldEnd)
					}
					for _, c := range []byte(f) {
						if strings.IndexByte(d.RowEnd+d.FieldEnd+d.Escape, c) >= 0 {
							text.WriteString(d.Escape)
						}
						text.WriteByte(c)
					}
				}
				text.WriteString(d.RowEnd)
				ends = append(ends, text.Len())
			}
			got, rows := pieces(rt, text.String(), d, rapid.IntRange(1, 40).Draw(rt, "size"))
			if strings.Join(got, "") != text.String() || rows != int64(n) {
				rt.Fatalf("%d rows in %q became %d in %q", n, text.String(), rows, got)
			}
			at := 0
			for _, piece := range got {
				at += len(piece)
				whole := false
				for _, end := range ends {
					whole = whole || end == at
				}
				if !whole {
					rt.Fatalf("%q is cut at %d in %q", text.String(), at, got)
				}
			}
		})
	}
}

func TestRowsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1\ta\n2\tb", "1\ta\\\n", "1\\"} {
		l, err := newLines(strings.NewReader(text), folder.DefaultDialect)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.fill(nil, 1<<20); err == nil || !strings.Contains(err.Error(), "not complete") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFieldsOfTheFirstRow(t *testing.T) {
	t.Parallel()
	l, err := newLines(nil, folder.DefaultDialect)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"\n": 1, "a\tb\n": 2, "a\\\tb\t\\N\nx\ty\tz\n": 2, "\\\n\t\n": 2, "\\\\\tb\t\n": 3} {
		if got := l.fields([]byte(text)); got != want {
			t.Errorf("%q has %d fields, not %d", text, got, want)
		}
	}
}

// What mysqldump --tab leaves unescaped is noticed, and nothing else is.
func TestBackslashesThatArePartsOfCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		wide bool
		want bool
	}{
		{"1\t\xbf\\\n", false, true},
		{"1\ta\\\tb\n", false, false},
		{"1\t\xbf\xd0\n", false, false},
		{"1\t\x5c\x0f\n", true, true},
		{"1\t\\N\n2\t\x00a\n", true, false},
		{"\\N\t\x00a\n", true, false},
	} {
		f := textFormat{unsafe: "c", wide: c.wide}
		if got := f.check([]byte(c.text)) != nil; got != c.want {
			t.Errorf("%q (wide: %v): refused is %v", c.text, c.wide, got)
		}
	}
}

func BenchmarkLines(b *testing.B) {
	text := bytes.Repeat([]byte("12345\tsome words of text\t2026-01-01 00:00:00\t\\N\tmore text with \\\\ in it\n"), 1<<20/64)
	b.SetBytes(int64(len(text)))
	buffer := make([]byte, 0, 6<<20)
	for b.Loop() {
		l, err := newLines(bytes.NewReader(text), folder.DefaultDialect)
		if err != nil {
			b.Fatal(err)
		}
		for n := int64(1); n > 0; {
			if buffer, n, err = l.fill(buffer[:0], 4<<20); err != nil {
				b.Fatal(err)
			}
		}
	}
}
