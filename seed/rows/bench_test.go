package rows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dbake/dbake/seed/dump"
)

// benchRows are rows of 14 columns, ten of which hold what masks change.
func benchRows(b *testing.B, tab bool) ([]byte, string) {
	b.Helper()
	var create, text strings.Builder
	create.WriteString("CREATE TABLE t (id int, n int")
	for i := range 10 {
		fmt.Fprintf(&create, ", c%d varchar(100)", i)
	}
	create.WriteString(", body text, at datetime) DEFAULT CHARSET=utf8mb4")
	for i := range 5000 {
		if tab {
			fmt.Fprintf(&text, "%d\t%d", i, i*7)
		} else {
			if i > 0 {
				text.WriteByte(',')
			}
			fmt.Fprintf(&text, "(%d,%d", i, i*7)
		}
		for c := range 10 {
			if tab {
				fmt.Fprintf(&text, "\tuser%d.%d@example.com", i, c)
			} else {
				fmt.Fprintf(&text, ",'user%d.%d@example.com'", i, c)
			}
		}
		body := strings.Repeat("Lorem ipsum dolor sit amet. ", 6)
		if tab {
			fmt.Fprintf(&text, "\t%s\\n\t2024-01-02 03:04:05\n", body)
		} else {
			fmt.Fprintf(&text, ",'%s\\n','2024-01-02 03:04:05')", body)
		}
	}
	return []byte(text.String()), create.String()
}

func benchmark(b *testing.B, tab, change bool) {
	b.Helper()
	text, create := benchRows(b, tab)
	table, names := tableOf(b, create)
	uses := make([]bool, len(names))
	for i := range 10 {
		uses[2+i] = true
	}
	value := []byte("someone.else@example.org")
	f := picky{uses, func(cells []Cell) (bool, error) {
		if change {
			for i := range 10 {
				cells[2+i].Set(Text, value)
			}
		}
		return true, nil
	}}
	var r Rewriter
	var err error
	if tab {
		r, err = NewFields(table, names, tabs, f)
	} else {
		r, err = NewValues(table, names, dump.Mode{}, f)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		if dst, _, err = r.Append(dst[:0], text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValuesPass(b *testing.B)   { benchmark(b, false, false) }
func BenchmarkValuesChange(b *testing.B) { benchmark(b, false, true) }
func BenchmarkFieldsPass(b *testing.B)   { benchmark(b, true, false) }
func BenchmarkFieldsChange(b *testing.B) { benchmark(b, true, true) }
