package rows

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/schema"
)

func tableOf(t testing.TB, create string) (*schema.Table, []string) {
	t.Helper()
	table, err := schema.Parse([]byte(create), dump.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	table.Schema = "app"
	var names []string
	for _, c := range table.Columns {
		names = append(names, c.Name)
	}
	return table, names
}

// each is a Filter from a function.
type each func(cells []Cell) (bool, error)

func (f each) Row(cells []Cell) (bool, error) { return f(cells) }

// show writes cells down.
func show(cells []Cell) string {
	var out []string
	for _, c := range cells {
		out = append(out, fmt.Sprintf("%s %q", [...]string{"null", "number", "text", "bytes"}[c.Kind], c.Value))
	}
	return strings.Join(out, ", ")
}

const everyKind = "CREATE TABLE t (i int, d decimal(9,2), v varchar(20), l text CHARACTER SET latin1, s varchar(9) CHARACTER SET sjis, " +
	"u varchar(9) CHARACTER SET utf16, e enum('a','ü'), b varbinary(20), x bit(9), at datetime, j json, g point, w uuid) DEFAULT CHARSET=utf8mb4"

func TestValuesTellCells(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, everyKind)
	for name, c := range map[string]struct {
		mode dump.Mode
		row  string
		want string
	}{
		"utf8mb4": {
			dump.Mode{},
			"(-1,12.50,'it\\'s ''ü''\\n','é','表','日','ü','\\0\xff',b'101','2024-01-02 03:04:05','{\\\"a\\\": 1}',0x00FF,'6ccd780c-baba-1026-9564-5b8c656024db')",
			`number "-1", number "12.50", text "it's 'ü'\n", text "é", text "表", text "日", text "ü", bytes "\x00\xff", bytes "\x05", ` +
				`text "2024-01-02 03:04:05", text "{\"a\": 1}", bytes "\x00\xff", text "6ccd780c-baba-1026-9564-5b8c656024db"`,
		},
		"binary": {
			dump.Mode{Charset: "binary"},
			"('7',NULL,'\xc3\xbc','\xe9','\x95\\\\','\x00a','\xc3\xbc',_binary 'x',0x0101,'2024-01-02','{}',NULL,NULL)",
			`number "7", null "", text "ü", text "é", text "表", text "a", text "ü", bytes "x", bytes "\x01\x01", ` +
				`text "2024-01-02", text "{}", null "", null ""`,
		},
		"latin1, no escapes": {
			dump.Mode{Charset: "latin1", NoBackslashEscapes: true},
			"(0x10,1e3,'\xe9\\','\x80',_sjis 0x955C,_utf8mb4'日',1,'\xe9',1,20240102,_utf8mb4'\"é\"',_binary'\\','x')",
			`number "16", number "1e3", text "é\\", text "€", text "表", text "日", number "1", bytes "\xe9", number "1", ` +
				`number "20240102", text "\"é\"", bytes "\\", text "x"`,
		},
		"sjis": {
			dump.Mode{Charset: "sjis"},
			"(1,1,'\x95\\',X'e9',_binary '\x95\\',0x0061,'a','\x95\\',1,1,'{}',NULL,NULL)",
			`number "1", number "1", text "表", text "é", text "表", text "a", text "a", bytes "\x95\\", number "1", number "1", text "{}", null "", null ""`,
		},
		"not valid": {
			dump.Mode{},
			"('x','1x','\xe9','\xff','\x81',0x00,'\xff',NULL,NULL,'\xff','\xff',NULL,NULL)",
			`text "x", text "1x", bytes "\xe9", bytes "\xff", bytes "\x81", bytes "\x00", bytes "\xff", null "", null "", bytes "\xff", bytes "\xff", null "", null ""`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			v, err := NewValues(table, names, c.mode, each(func(cells []Cell) (bool, error) { got = show(cells); return true, nil }))
			if err != nil {
				t.Fatal(err)
			}
			out, n, err := v.Append(nil, []byte(c.row))
			if err != nil || n != (Counts{1, 1, 0}) || string(out) != c.row {
				t.Errorf("%q came out, %+v, %v", out, n, err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValuesAreWrittenForTheSession(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, everyKind)
	text := func(s string) Cell { return Cell{Kind: Text, Value: []byte(s)} }
	row := []Cell{
		{Kind: Number, Value: []byte("5")},
		{},
		text("it's \\ ü\n\x00\x1a"),
		text("€"),
		text("表"),
		text("日"),
		text("ü"),
		{Kind: Bytes, Value: []byte("\xff'\\\n")},
		{Kind: Bytes, Value: []byte{1}},
		text("2024-01-02"),
		text(`{"é": 1}`),
		{Kind: Bytes},
		text("x"),
	}
	for name, c := range map[string]struct {
		mode dump.Mode
		want string
	}{
		"utf8mb4": {
			dump.Mode{}, `(5,NULL,'it\'s \\ ü\n\0\Z','€','表','日','ü',_binary '` + "\xff" + `\'\\\n',_binary '` + "\x01" + `','2024-01-02','{"é": 1}',_binary '','x')`,
		},
		"no escapes": {
			dump.Mode{NoBackslashEscapes: true}, "(5,NULL,'it''s \\ ü\n\x00\x1a','€','表','日','ü',_binary '\xff''\\\n',_binary '\x01','2024-01-02','{\"é\": 1}',_binary '','x')",
		},
		"latin1": {
			dump.Mode{Charset: "latin1"}, `(5,NULL,'it\'s \\ ` + "\xfc" + `\n\0\Z','` + "\x80" + `',_utf8mb4 X'e8a1a8',_utf8mb4 X'e697a5','` + "\xfc" + `',_binary '` + "\xff" + `\'\\\n',_binary '` + "\x01" + `','2024-01-02','{"` + "\xe9" + `": 1}',_binary '','x')`,
		},
		"binary": {
			dump.Mode{Charset: "binary"}, `(5,NULL,'it\'s \\ ü\n\0\Z','` + "\x80" + `','` + "\x95" + `\\','` + "\x65\xe5" + `','ü',_binary '` + "\xff" + `\'\\\n',_binary '` + "\x01" + `','2024-01-02',_utf8mb4 X'7b22c3a9223a20317d',_binary '','x')`,
		},
		"sjis": {
			dump.Mode{Charset: "sjis"}, `(5,NULL,_utf8mb4 X'69742773205c20c3bc0a001a',_utf8mb4 X'e282ac',_utf8mb4 X'e8a1a8',_utf8mb4 X'e697a5',_utf8mb4 X'c3bc',0xff275c0a,0x01,'2024-01-02',_utf8mb4 X'7b22c3a9223a20317d','','x')`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := NewValues(table, names, c.mode, each(func(cells []Cell) (bool, error) {
				for i := range cells {
					cells[i].Set(row[i].Kind, row[i].Value)
				}
				return true, nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := v.Append(nil, []byte("("+strings.Repeat("NULL,", len(names)-1)+"NULL)"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValuesKeepWhatStays(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, "CREATE TABLE t (id int, v varchar(20), n double)")
	f := each(func(cells []Cell) (bool, error) {
		switch string(cells[1].Value) {
		case "drop":
			return false, nil
		case "change":
			cells[1].Set(Text, []byte("new"))
		}
		return true, nil
	})
	for in, want := range map[string]string{
		"(1,'a',1.0)": "(1,'a',1.0)",
		"( 1 , _utf8mb4'a' , 0x31 ),\n(2,\"b\",.5e0)": "( 1 , _utf8mb4'a' , 0x31 ),\n(2,\"b\",.5e0)",
		"(1,'drop',1)":                                             "",
		"(1,'drop',1),(2,'a',1)":                                   "(2,'a',1)",
		"(1,'a',1),\n(2,'drop',1),\n(3,'b',1)":                     "(1,'a',1),\n(3,'b',1)",
		"(1,'a',1),(2,'drop',1)":                                   "(1,'a',1)",
		"(1,'a',1),(2,'change' ,1.50),(3,'c',1),(4,'d',1)":         "(1,'a',1),(2,'new' ,1.50),(3,'c',1),(4,'d',1)",
		"(1,'change',1),(2,'drop',1),(3,'change',1),(4,'drop',1) ": "(1,'new',1),(3,'new',1)",
		"(1,'drop',1),(2,'drop',1)":                                "",
	} {
		v, err := NewValues(table, names, dump.Mode{}, f)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := v.Append([]byte("VALUES "), []byte(in))
		if err != nil || string(got) != "VALUES "+want {
			t.Errorf("%s becomes %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, "CREATE TABLE t (id int, v varchar(20)) CHARSET=latin1")
	cause := errors.New("no mask fits")
	for name, c := range map[string]struct {
		rows string
		f    each
		want string
	}{
		"function":  {"(1,'secret'),(2,UPPER('secret'))", nil, "row 2 for app.t, column v: not a literal"},
		"select":    {"SELECT 'secret'", nil, "row 1 for app.t, column id: not a row"},
		"short":     {"('secret')", nil, "row 1 for app.t: the row has more or fewer values than there are columns"},
		"behind":    {"(1,'secret') ON DUPLICATE KEY UPDATE v='secret'", nil, "row 1 for app.t, column v: something stands behind the rows"},
		"filter":    {"(1,'secret')", func([]Cell) (bool, error) { return false, cause }, "row 1 for app.t: no mask fits"},
		"character": {"(1,'x')", func(c []Cell) (bool, error) { c[1].Set(Text, []byte("secret 日")); return true, nil }, "row 1 for app.t, column v: the new value has characters that the column's character set latin1 lacks"},
		"number":    {"(1,'x')", func(c []Cell) (bool, error) { c[0].Set(Number, []byte("1); DROP")); return true, nil }, "row 1 for app.t, column id: the new value is to be a number and is none"},
	} {
		f := c.f
		if f == nil {
			f = func([]Cell) (bool, error) { return true, nil }
		}
		v, err := NewValues(table, names, dump.Mode{}, f)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = v.Append(nil, []byte(c.rows))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		if name == "filter" && !errors.Is(err, cause) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
	if _, err := NewValues(table, []string{"id", "nothing"}, dump.Mode{}, each(nil)); err == nil {
		t.Error("a column that is not there is taken")
	}
}

// Whatever cells are, written and read again they are the same, in every session
// that can hold them; and a filter that does nothing changes no byte.
func TestValuesRoundTrip(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, everyKind)
	rapid.Check(t, func(t *rapid.T) {
		m := dump.Mode{
			NoBackslashEscapes: rapid.Bool().Draw(t, "no escapes"), ANSIQuotes: rapid.Bool().Draw(t, "ansi"),
			Charset: rapid.SampledFrom([]string{"", "utf8mb4", "utf8", "latin1", "binary", "sjis", "gbk", "ujis"}).Draw(t, "session"),
		}
		want := drawCells(t)
		write, err := NewValues(table, names, m, each(func(cells []Cell) (bool, error) {
			for i := range cells {
				cells[i].Set(want[i].Kind, want[i].Value)
			}
			return true, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		null := "(" + strings.Repeat("NULL,", len(names)-1) + "NULL)"
		text, _, err := write.Append(nil, []byte(null+","+null))
		if err != nil {
			t.Fatal(err)
		}
		read, err := NewValues(table, names, m, each(func(cells []Cell) (bool, error) {
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

// drawCells draws a row of the table that everyKind makes.
func drawCells(t *rapid.T) []Cell {
	hard := []string{"a", " ", "\\", "'", "\"", "`", "%", "\x00", "\n", "\t", "\r", "\x1a", ",", ")", "N", "0", "\b"}
	text := func(more ...string) Cell {
		parts := rapid.SliceOfN(rapid.SampledFrom(append(more, hard...)), 0, 8).Draw(t, "text")
		return Cell{Kind: Text, Value: []byte(strings.Join(parts, ""))}
	}
	raw := func() Cell {
		return Cell{Kind: Bytes, Value: rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "bytes")}
	}
	number := func() Cell {
		return Cell{Kind: Number, Value: []byte(rapid.SampledFrom([]string{"0", "-1", "1.50", "9e9"}).Draw(t, "number"))}
	}
	cells := []Cell{
		number(), number(), text("ü", "日", "😀"), text("é", "€"), text("表", "日"), text("ü", "日", "😀"), text("ü"),
		raw(), raw(), text(), text("ü", "日"), raw(), text(),
	}
	for i := range cells {
		if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
			cells[i] = Cell{}
		}
	}
	return cells
}

func TestSelectiveFiltersSeeTheirColumns(t *testing.T) {
	t.Parallel()
	table, names := tableOf(t, "CREATE TABLE t (a int, b int, c int)")
	pick := func(uses ...bool) Filter {
		return picky{uses, func(cells []Cell) (bool, error) {
			cells[1].Set(Number, []byte(string(cells[1].Value)+"0"))
			if cells[0].Kind != Null {
				t.Error("a column that nobody looks at was read")
			}
			return true, nil
		}}
	}
	v, err := NewValues(table, names, dump.Mode{}, chain{pick(false, true, false), pick(false, true, true)})
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := v.Append(nil, []byte("(1,2,3)"))
	if err != nil || string(out) != "(1,200,3)" {
		t.Errorf("got %s, %v", out, err)
	}
	got := map[string]int64{}
	for range 2 { // the second time adds nothing
		v.TakeChanged(func(column string, n int64) { got[column] += n })
	}
	if diff := cmp.Diff(map[string]int64{"b": 1}, got); diff != "" {
		t.Errorf("changed cells (-want +got):\n%s", diff)
	}
}

type picky struct {
	uses []bool
	each
}

func (p picky) Uses() []bool { return p.uses }

func TestValuesAllocateNothing(t *testing.T) {
	table, names := tableOf(t, "CREATE TABLE t (id int, a varchar(20), b text CHARACTER SET latin1, c blob)")
	v, err := NewValues(table, names, dump.Mode{}, each(func([]Cell) (bool, error) { return true, nil }))
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("(1,'it\\'s','caf\xc3\xa9',_binary '\\0x'),(2,'x',NULL,0xFF00)")
	var dst []byte
	if n := testing.AllocsPerRun(100, func() { dst, _, _ = v.Append(dst[:0], text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	table, _ := tableOf(t, "CREATE TABLE t (a int)")
	a, b, c := &named{}, &named{ordered: true}, &named{}
	for _, x := range []struct {
		in            Filters
		ordered, rest int
	}{{a, 0, 1}, {b, 1, 0}, {Chain{a, b, c}, 2, 1}, {Chain{b, a, c}, 1, 2}, {Chain{a, c}, 0, 2}, {Chain{c, b}, 2, 0}} {
		ordered, rest := Split(x.in, table)
		if size(ordered) != x.ordered || size(rest) != x.rest {
			t.Errorf("%v is split into %v and %v", x.in, ordered, rest)
		}
	}
}

func size(f Filters) int {
	switch f := f.(type) {
	case nil:
		return 0
	case Chain:
		return len(f)
	}
	return 1
}

type named struct{ ordered bool }

func (*named) For(*schema.Table, []string) (Filter, error) { return nil, nil } //nolint:nilnil // no filter
func (n *named) Ordered(*schema.Table) bool                { return n.ordered }
