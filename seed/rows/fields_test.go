package rows

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var tabs = Format{Charset: "binary", FieldEnd: "\t", RowEnd: "\n", Escape: `\`}

func TestFieldsTellCells(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, everyKind)
	encoded := tabs
	encoded.Charset, encoded.Decode = "utf8mb4", map[string]string{"b": "FROM_BASE64", "x": "UNHEX", "g": "UNHEX"}
	for name, c := range map[string]struct {
		format Format
		row    string
		want   string
	}{
		"each column's own": {
			tabs, "-1\t12.50\tü\\\tx\\\\\xc3\xbc\t\xe9\t\x95\\\\\t\x00a\tü\t\\0\xff\t\x05\t2024-01-02\t{\"a\": \"\\\\n\"}\t\\N\t\\N\n",
			`number "-1", number "12.50", text "ü\tx\\ü", text "é", text "表", text "a", text "ü", bytes "\x00\xff", bytes "\x05", text "2024-01-02", text "{\"a\": \"\\n\"}", null "", null ""`,
		},
		"the file's": {
			encoded, "1\t2\tü\té\t表\ta\tü\tAP8=\t05\t\\N\t{}\t00ff\tx\n",
			`number "1", number "2", text "ü", text "é", text "表", text "a", text "ü", bytes "\x00\xff", bytes "\x05", null "", text "{}", bytes "\x00\xff", text "x"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			f, err := NewFields(table, names, c.format, each(func(cells []Cell) (bool, error) { got = show(cells); return true, nil }))
			if err != nil {
				t.Fatal(err)
			}
			out, n, err := f.Append(nil, []byte(c.row))
			if err != nil || n != (Counts{1, 1, 0}) || string(out) != c.row {
				t.Errorf("%q came out, %+v, %v", out, n, err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFieldsKeepWhatStays(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, "CREATE TABLE t (id int, v varchar(20))")
	f := each(func(cells []Cell) (bool, error) {
		switch string(cells[1].Value) {
		case "drop":
			return false, nil
		case "change":
			cells[1].Set(Text, []byte("a\tb\\\n"))
		}
		return true, nil
	})
	for in, want := range map[string]string{
		"":                             "",
		"1\ta\n2\t\\q\n":               "1\ta\n2\t\\q\n",
		"1\tdrop\n":                    "",
		"1\tdrop\n2\ta\n":              "2\ta\n",
		"1\ta\n2\tdrop\n3\tb\n":        "1\ta\n3\tb\n",
		"1\ta\n2\tchange\n3\tc\n":      "1\ta\n2\ta\\tb\\\\\\n\n3\tc\n",
		"1\tchange\n2\tdrop\n3\t\\N\n": "1\ta\\tb\\\\\\n\n3\t\\N\n",
	} {
		r, err := NewFields(table, names, tabs, f)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := r.Append([]byte("x"), []byte(in))
		if err != nil || string(got) != "x"+want {
			t.Errorf("%q becomes %q, %v, want %q", in, got, err, want)
		}
	}
	r, err := NewFields(table, names, tabs, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{"1\n", "1\ta\tb\n", "1\ta", "1\ta\\\n"} {
		if _, _, err := r.Append(nil, []byte(in)); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
	bad := tabs
	bad.Charset = "sjis"
	if _, err := NewFields(table, names, bad, f); err == nil {
		t.Error("a file in sjis is taken")
	}
}

func TestFieldsRoundTrip(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, everyKind)
	formats := []Format{
		tabs,
		{Charset: "utf8mb4", FieldEnd: ",", RowEnd: "\r\n", Escape: `\`, Decode: map[string]string{"b": "FROM_BASE64", "x": "UNHEX"}},
		{Charset: "utf8mb4", FieldEnd: "||", RowEnd: "\n", Escape: `"`},
	}
	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom(formats).Draw(t, "format")
		want := drawCells(t)
		write, err := NewFields(table, names, format, each(func(cells []Cell) (bool, error) {
			for i := range cells {
				cells[i].Set(want[i].Kind, want[i].Value)
			}
			return true, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		null := strings.TrimSuffix(strings.Repeat(format.Escape+"N"+format.FieldEnd, len(names)), format.FieldEnd) + format.RowEnd
		text, _, err := write.Append(nil, []byte(null+null))
		if err != nil {
			t.Fatal(err)
		}
		read, err := NewFields(table, names, format, each(func(cells []Cell) (bool, error) {
			if got := show(cells); got != show(want) {
				t.Fatalf("written as %q\nread as %s\nwant %s", text, got, show(want))
			}
			return true, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		again, n, err := read.Append(nil, text)
		if err != nil || n.Read != 2 || !bytes.Equal(again, text) {
			t.Fatalf("%q became %q, %+v, %v", text, again, n, err)
		}
	})
}
