package dump

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// field is one field of LOAD DATA's text, read back.
type field struct {
	null  bool
	value string
}

// readFields reads LOAD DATA text by the rules of the manual's "LOAD DATA
// Statement" for LoadFormat. It shares nothing with the encoder.
func readFields(t *testing.T, text []byte) [][]field {
	t.Helper()
	if len(text) > 0 && text[len(text)-1] != '\n' {
		t.Fatalf("the text ends without a newline: %q", text)
	}
	var rows [][]field
	var row []field
	var value []byte
	raw := 0 // bytes of the field as it stands
	null := false
	end := func() {
		row = append(row, field{null && raw == 2, string(value)})
		value, raw, null = nil, 0, false
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\t':
			end()
		case '\n':
			end()
			rows, row = append(rows, row), nil
		case '\\':
			i++
			raw += 2
			switch e := text[i]; e {
			case '0':
				value = append(value, 0)
			case 'b':
				value = append(value, 8)
			case 'n':
				value = append(value, 10)
			case 'r':
				value = append(value, 13)
			case 't':
				value = append(value, 9)
			case 'Z':
				value = append(value, 26)
			case 'N':
				null = true
			default:
				value = append(value, e)
			}
		default:
			raw++
			value = append(value, c)
		}
	}
	return rows
}

func mustValues(t testing.TB, stmt string, m Mode) Values {
	t.Helper()
	ins, ok := ParseInsert([]byte(stmt), m)
	if !ok {
		t.Fatalf("not parsed: %s", stmt)
	}
	return ins
}

func TestParseInsert(t *testing.T) {
	for _, c := range []struct {
		in, schema, table, columns string
		replace, ignore            bool
		head                       string
	}{
		{"INSERT INTO `t` VALUES (1)", "", "t", "", false, false, "INSERT INTO `t` VALUES "},
		{"insert ignore into s.`t``x` (a,`b c`) values\n(1,2)", "s", "t`x", "a,b c", false, true, "insert ignore into s.`t``x` (a,`b c`) values\n"},
		{"REPLACE `t` VALUE (1)", "", "t", "", true, false, "REPLACE `t` VALUE "},
		{"INSERT LOW_PRIORITY IGNORE t() VALUES (1)", "-", "", "", false, false, ""},
		{"INSERT DELAYED INTO t VALUES(1)", "", "t", "", false, false, "INSERT DELAYED INTO t VALUES"},
		{"INSERT INTO t SELECT 1", "-", "", "", false, false, ""},
		{"INSERT INTO t SET a=1", "-", "", "", false, false, ""},
		{"INSERT INTO t PARTITION (p) VALUES (1)", "-", "", "", false, false, ""},
		{"INSERT INTO t (a, b.c) VALUES (1)", "-", "", "", false, false, ""},
		{"INSERT INTO t VALUES ROW(1)", "-", "", "", false, false, ""},
		{"/*!40000 INSERT INTO t VALUES (1) */", "-", "", "", false, false, ""},
		{"INSERT INTO t VALUES /* x */ (1)", "-", "", "", false, false, ""},
		{"UPDATE t SET a=1", "-", "", "", false, false, ""},
		{"INSERT", "-", "", "", false, false, ""},
	} {
		got, ok := ParseInsert([]byte(c.in), Mode{})
		if ok == (c.schema == "-") {
			t.Errorf("%s: ok is %t", c.in, ok)
			continue
		}
		if !ok {
			continue
		}
		if got.Schema != c.schema || got.Table != c.table || strings.Join(got.Columns, ",") != c.columns ||
			got.Replace != c.replace || got.Ignore != c.ignore || string(got.Head) != c.head ||
			string(got.Head)+string(got.Rows) != c.in {
			t.Errorf("%s: %+v, head %q", c.in, got, got.Head)
		}
	}
	if got := mustValues(t, `INSERT INTO "a""b" VALUES (1)`, Mode{ANSIQuotes: true}); got.Table != `a"b` {
		t.Errorf("table %q", got.Table)
	}
}

// TestExactness holds one case for every rule: a literal, a column, and the
// field that must come out, or "-" when the statement must go as SQL.
func TestExactness(t *testing.T) {
	utf8, latin1 := Column{Class: TextClass, Charset: "utf8mb4"}, Column{Class: TextClass, Charset: "latin1"}
	class := func(c Class) Column { return Column{Class: c} }
	for _, c := range []struct {
		literal string
		column  Column
		want    string
	}{
		{`'abc'`, utf8, `abc`},
		{`''`, utf8, ``},
		{`'a''b\'c"d\"'`, utf8, `a'b'c"d"`},
		{`'\0\b\n\r\t\Z\\'`, utf8, `\0\b\n\r\t\Z\\`},
		{`'\%\_\N\x\a'`, utf8, `\\%\\_Nxa`},
		{"'a\tb\nc\\\td\\\ne\x00\r'", utf8, `a\tb\nc\td\ne` + "\x00\r"},
		{`'\\N'`, utf8, `\\N`},
		{`"dq''\""`, utf8, `dq''"`},
		{"'\xff\xfe'", class(BinaryClass), "\xff\xfe"},
		{"'\xff\xfe'", utf8, "-"},
		{"'caf\xc3'", class(TemporalClass), "-"},
		{"'\U0001F600'", Column{Class: TextClass, Charset: "utf8mb3"}, "\U0001F600"},
		{`'long enough for the word loop, \'twice\' over'`, latin1, `long enough for the word loop, 'twice' over`},

		{`NULL`, utf8, `\N`},
		{`null`, class(IntegerClass), `\N`},
		{`\N`, class(IntegerClass), `\N`},
		{`NULL`, Column{Class: IntegerClass, NotNull: true}, "-"},
		{`NULL`, class(UnknownClass), `\N`},

		{`12`, class(IntegerClass), `12`},
		{`-12`, class(IntegerClass), `-12`},
		{`-0`, class(IntegerClass), `0`},
		{`18446744073709551615`, class(IntegerClass), `18446744073709551615`},
		{`1.0`, class(IntegerClass), "-"},
		{`1e3`, class(IntegerClass), "-"},
		{`'12'`, class(IntegerClass), `12`},
		{`''`, class(IntegerClass), "-"},
		{`+12`, class(IntegerClass), "-"},
		{`- 12`, class(IntegerClass), "-"},
		{`0x0A`, class(IntegerClass), `10`},
		{`b'101'`, class(IntegerClass), `5`},
		{`0xFFFFFFFFFFFFFFFF`, class(FloatClass), "-"},
		{`0x7F`, class(DecimalClass), "127"},
		{`0xFFFFFFFFFFFFFFFF`, class(IntegerClass), `18446744073709551615`},
		{`0x010000000000000000`, class(IntegerClass), "-"},
		{`x''`, class(IntegerClass), "-"},
		{`_binary 0x0A`, class(IntegerClass), "-"},
		{`TRUE`, class(IntegerClass), "-"},
		{`DEFAULT`, class(IntegerClass), "-"},
		{`NOW()`, class(TemporalClass), "-"},
		{`1+1`, class(IntegerClass), "-"},
		{`12abc`, class(IntegerClass), "-"},

		{`12.50`, class(DecimalClass), `12.50`},
		{`-.5`, class(DecimalClass), `-.5`},
		{`-0.00`, class(DecimalClass), `0.00`},
		{`1.5e2`, class(DecimalClass), "-"},
		{`0.` + strings.Repeat("1", 31), class(DecimalClass), "-"},
		{`'12.5'`, class(DecimalClass), `12.5`},
		{`1.7976931348623157e308`, class(FloatClass), `1.7976931348623157e308`},
		{`-0`, class(FloatClass), `0`},
		{`-0e0`, class(FloatClass), `-0e0`},
		{`3.4`, class(FloatClass), `3.4`},

		{`2024`, class(YearClass), `2024`},
		{`0000`, class(YearClass), `0000`},
		{`0`, class(YearClass), "-"},
		{`69`, class(YearClass), "-"},
		{`'69'`, class(YearClass), `69`},
		{`'2024-01-01 00:00:00'`, class(TemporalClass), `2024-01-01 00:00:00`},
		{`'0000-00-00'`, class(TemporalClass), `0000-00-00`},
		{`20240101`, class(TemporalClass), "-"},
		{`''`, class(TemporalClass), "-"},

		{`12`, utf8, `12`},
		{`0`, utf8, `0`},
		{`12.50`, utf8, `12.50`},
		{`007`, utf8, "-"},
		{`1e3`, utf8, "-"},
		{`.5`, utf8, "-"},
		{`5.`, utf8, "-"},
		{`-0.0`, utf8, "-"},
		{`12`, class(ChoiceClass), "-"},
		{`'a,b'`, class(ChoiceClass), `a,b`},
		{`''`, class(ChoiceClass), ``},
		{`0x61`, class(ChoiceClass), "-"},

		{`0x61FF0A09`, class(BinaryClass), "a\xff\\n\\t"},
		{`0xABC`, class(BinaryClass), `\n` + "\xbc"},
		{`X'4d5c'`, class(BinaryClass), `M\\`},
		{`x'ABC'`, class(BinaryClass), "-"},
		{`b'1000000011'`, class(BinaryClass), "\x02\x03"},
		{`0b11`, class(BinaryClass), "\x03"},
		{`0x61`, utf8, `a`},
		{`0xC3A9`, utf8, `é`},
		{`0xC3A9`, latin1, "-"},
		{`0x61`, latin1, `a`},
		{`0x0061`, Column{Class: TextClass, Charset: "ucs2"}, "-"},

		{`_binary '\0a'`, class(BinaryClass), `\0a`},
		{"_binary\n'a'", class(BinaryClass), `a`},
		{`_binary 'é'`, utf8, `é`},
		{`_binary 'é'`, latin1, "-"},
		{`_utf8mb4'é'`, latin1, `é`},
		{`_utf8mb3'é'`, latin1, `é`},
		{"_latin1'\xe9'", utf8, "-"},
		{"_latin1'\xe9'", class(BinaryClass), "\xe9"},
		{"_latin1'e'", utf8, "e"},
		{"_ucs2'e'", utf8, "-"},
		{"_sjis'e'", utf8, "-"},
		{"_utf8mb4 0xC3A9", utf8, "é"},
		{"_latin1 0xE9", utf8, "-"},
		{"_binary ''", class(BitClass), "-"},
		{"n'abc'", utf8, "abc"},
		{"_unknown.x", utf8, "-"},

		{`b'101'`, class(BitClass), "\x05"},
		{`0x0102`, class(BitClass), "\x01\x02"},
		{`_binary '\n'`, class(BitClass), `\n`},
		{`5`, class(BitClass), "-"},
		{`x'010203040506070809'`, class(BitClass), "-"},

		{`'{"a": "\\n"}'`, class(JSONClass), `{"a": "\\n"}`},
		{`_utf8mb4'{}'`, class(JSONClass), `{}`},
		{`_binary '{}'`, class(JSONClass), "-"},
		{`1`, class(JSONClass), "-"},
		{`0x7B7D`, class(JSONClass), "-"},
		{`''`, class(JSONClass), "-"},
		{`0x000000000101`, class(GeometryClass), "\x00\x00\x00\x00\x01\x01"},
		{`_binary '\0\0'`, class(GeometryClass), `\0\0`},
		{`0x0000803F`, class(VectorClass), "\x00\x00\x80?"},
		{`'uuid'`, class(UnknownClass), `uuid`},
		{`0x00`, class(UnknownClass), "-"},
		{`1`, class(UnknownClass), "-"},
	} {
		e, err := NewEncoder([]Column{c.column}, "utf8mb4", Mode{Charset: "utf8mb4"})
		if err != nil {
			t.Fatal(err)
		}
		got, rest, n, err := e.Append(nil, []byte("("+c.literal+")"), 1<<20)
		if c.want == "-" {
			if _, inexact := IsInexact(err); !inexact || len(got) != 0 || string(rest) != "("+c.literal+")" || n != 0 {
				t.Errorf("%s into %s: %q, %v; must be refused", c.literal, c.column.Class, got, err)
			}
			continue
		}
		if err != nil || string(got) != c.want+"\n" {
			t.Errorf("%s into %s: %q, %v; want %q", c.literal, c.column.Class, got, err, c.want)
		}
	}
}

// TestLayouts shows how the columns of a table decide on the file's character
// set, and what that does to a row.
func TestLayouts(t *testing.T) {
	utf8, latin1 := Column{Class: TextClass, Charset: "utf8mb4"}, Column{Class: TextClass, Charset: "latin1"}
	ucs2, blob, json := Column{Class: TextClass, Charset: "ucs2"}, Column{Class: BinaryClass}, Column{Class: JSONClass}
	for _, c := range []struct {
		columns []Column
		session string
		row     string
		want    string // the line, or "-"
		format  string
	}{
		{[]Column{utf8, latin1}, "utf8mb4", "('é','é')", "é\té", "utf8mb4 (`a`,`b`)"},
		{[]Column{utf8, blob}, "utf8mb4", "('é',_binary '\xff\\n')", "é\t\xff\\n", "binary (`a`,`b`)"},
		{[]Column{latin1, blob}, "utf8mb4", "('e','x')", "e\tx", "binary (`a`,`b`)"},
		{[]Column{latin1, blob}, "utf8mb4", "('é','x')", "-", ""},
		{[]Column{latin1, blob}, "latin1", "('\xe9','\xe9')", "\xe9\t\xe9", "binary (`a`,`b`)"},
		{[]Column{latin1, blob}, "utf8mb4", "(_latin1'\xe9',_utf8mb4'é')", "\xe9\té", "binary (`a`,`b`)"},
		{[]Column{latin1, blob}, "utf8mb4", "(0xE9,0xE9)", "\xe9\t\xe9", "binary (`a`,`b`)"},
		{[]Column{json, blob}, "utf8mb4", "('{}',_binary '\\0a')", "{}\t0061", "utf8mb4 (`a`,@dbake_1) SET `b`=UNHEX(@dbake_1)"},
		{[]Column{json, blob}, "utf8mb4", "('{}',0xF)", "{}\t0f", "utf8mb4 (`a`,@dbake_1) SET `b`=UNHEX(@dbake_1)"},
		{[]Column{json, blob}, "utf8mb4", "('{}',12)", "{}\t3132", "utf8mb4 (`a`,@dbake_1) SET `b`=UNHEX(@dbake_1)"},
		{[]Column{json, blob}, "utf8mb4", "('{}',NULL)", "{}\t\\N", "utf8mb4 (`a`,@dbake_1) SET `b`=UNHEX(@dbake_1)"},
		{[]Column{json, blob}, "utf8mb4", "('{}','')", "{}\t", "utf8mb4 (`a`,@dbake_1) SET `b`=UNHEX(@dbake_1)"},
		{[]Column{json, {Class: BitClass}}, "utf8mb4", "('{}',b'101')", "{}\t05", "utf8mb4 (`a`,@dbake_1) SET `b`=UNHEX(@dbake_1)"},
		{[]Column{json, {Class: SkippedClass}}, "utf8mb4", "('{}',1)", "{}", "utf8mb4 (`a`)"},
		{[]Column{ucs2, blob}, "utf8mb4", "('é',0x00)", "é\t00", "utf8mb4 (`a`,@dbake_1) SET `b`=UNHEX(@dbake_1)"},
		{[]Column{ucs2, blob}, "binary", "(12,0x00)", "-", ""},
		{[]Column{utf8, utf8}, "utf8mb3", "('\U0001F600','')", "-", ""},
	} {
		e, err := NewEncoder(c.columns, c.session, Mode{Charset: c.session})
		if err != nil {
			t.Fatal(err)
		}
		got, _, _, err := e.Append(nil, []byte(c.row), 1)
		if c.want == "-" {
			if _, inexact := IsInexact(err); !inexact {
				t.Errorf("%s: %q, %v; must be refused", c.row, got, err)
			}
			continue
		}
		format, ferr := e.Format([]string{"a", "b"})
		charset, columns, _ := strings.Cut(c.format, " ")
		if want := "CHARACTER SET " + charset + " " + LoadFormat + " " + columns; format != want || ferr != nil {
			t.Errorf("%s: format %s, %v; want %s", c.row, format, ferr, want)
		}
		if err != nil || string(got) != c.want+"\n" {
			t.Errorf("%s: %q, %v; want %q", c.row, got, err, c.want)
		}
	}
}

func TestEncoderModesAndShapes(t *testing.T) {
	text := Column{Class: TextClass, Charset: "utf8mb4"}
	three := []Column{text, {Class: SkippedClass}, text}
	for _, c := range []struct {
		columns []Column
		mode    Mode
		rows    string
		want    string
		fails   string
	}{
		{three, Mode{}, "('a',1+1,'b')", "", "row 1, column 2: not a literal, or a row of another length"},
		{three, Mode{}, "('a',1,'b') ,\n( 'c' , NULL,\t'd' )\n", "a\tb\nc\td\n", ""},
		{three, Mode{NoBackslashEscapes: true}, `('\',0,'\\n')`, `\\` + "\t" + `\\\\n` + "\n", ""},
		{three, Mode{ANSIQuotes: true}, `("a",0,'b')`, "", "row 1, column 1: not a literal"},
		{three, Mode{}, `('a',0)`, "", "row 1, column 2: not a literal, or a row of another length"},
		{three, Mode{}, `('a',0,'b','c')`, "", "row 1, column 3: not a literal, or a row of another length"},
		{three, Mode{}, `('a',0,'b'),('c'`, "a\tb\n", "row 2, column 1: not a literal, or a row of another length"},
		{three, Mode{}, `('a',0,'b'),('c',0,'`, "a\tb\n", "row 2, column 3: not a literal"},
		{three, Mode{}, `('a',0,'b') ON DUPLICATE KEY UPDATE a=1`, "", "row 1, column 1: something stands behind the rows"},
		{three, Mode{}, `('a',0,'b'),`, "", "row 1, column 1: something stands behind the rows"},
		{three, Mode{}, `('a',0,'b' 'c')`, "", "row 1, column 3: not a literal, or a row of another length"},
	} {
		e, err := NewEncoder(c.columns, "utf8mb4", c.mode)
		if err != nil {
			t.Fatal(err)
		}
		got, _, _, err := e.Append(nil, []byte(c.rows), 1<<20)
		if string(got) != c.want || (err == nil) != (c.fails == "") || (err != nil && err.Error() != c.fails) {
			t.Errorf("%s: %q, %v\nwant %q, %s", c.rows, got, err, c.want, c.fails)
		}
	}
	for _, charset := range []string{"sjis", "gbk", "ucs2", "utf16", "ujis", ""} {
		if _, err := NewEncoder(three, charset, Mode{}); err == nil {
			t.Errorf("charset %q is taken", charset)
		}
	}
	if _, err := NewEncoder([]Column{{}}, "latin1", Mode{Charset: "gbk"}); err == nil {
		t.Error("a gbk dump is taken")
	}
}

// randomRow writes a row of n literals and the values a plain reading gives.
func randomRow(r *rand.Rand, n int, m Mode) (string, []field) {
	var lits []string
	var want []field
	for range n {
		switch r.IntN(6) {
		case 0:
			lits, want = append(lits, "NULL"), append(want, field{null: true})
		case 1:
			s := fmt.Sprint(r.IntN(2000) - 1000)
			lits, want = append(lits, s), append(want, field{value: s})
		case 2:
			b := make([]byte, r.IntN(12))
			for i := range b {
				b[i] = byte(r.IntN(256))
			}
			lits, want = append(lits, fmt.Sprintf("x'%X'", b)), append(want, field{value: string(b)})
		default:
			lit, value := randomString(r, m)
			if r.IntN(3) == 0 {
				lit = "_binary " + lit
			}
			lits, want = append(lits, lit), append(want, field{value: value})
		}
	}
	sep := []string{",", ", ", "\n,"}[r.IntN(3)]
	return "(" + strings.Join(lits, sep) + ")", want
}

func randomString(r *rand.Rand, m Mode) (literal, value string) {
	escapes := map[string]string{
		`\0`: "\x00", `\b`: "\b", `\n`: "\n", `\r`: "\r", `\t`: "\t", `\Z`: "\x1a", `\\`: `\`, `\'`: `'`,
		`\"`: `"`, `\%`: `\%`, `\_`: `\_`, `\N`: "N", `\q`: "q", "\\\n": "\n", "\\\t": "\t", "''": "'",
	}
	keys := []string{`\0`, `\b`, `\n`, `\r`, `\t`, `\Z`, `\\`, `\'`, `\"`, `\%`, `\_`, `\N`, `\q`, "\\\n", "\\\t", "''"}
	var l, v strings.Builder
	for range r.IntN(24) {
		switch k := keys[r.IntN(len(keys))]; {
		case r.IntN(3) == 0 && (k == "''" || !m.NoBackslashEscapes):
			l.WriteString(k)
			v.WriteString(escapes[k])
		case r.IntN(4) == 0:
			s := []string{"\t", "\n", "\r", "\x00", `"`, "é", "\xe8", "\xff", ",", ")", "(", "N"}[r.IntN(12)]
			l.WriteString(s)
			v.WriteString(s)
		case r.IntN(8) == 0 && m.NoBackslashEscapes:
			l.WriteString(`\`)
			v.WriteString(`\`)
		default:
			s := "plain text of some length"[:r.IntN(25)]
			l.WriteString(s)
			v.WriteString(s)
		}
	}
	return "'" + l.String() + "'", v.String()
}

func TestFieldsReadBackAsTheLiteralsSay(t *testing.T) {
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 4))
		m := Mode{NoBackslashEscapes: seed%3 == 0}
		columns := make([]Column, 1+r.IntN(6))
		for i := range columns {
			columns[i].Class = BinaryClass
		}
		var rows []string
		var want [][]field
		for range 1 + r.IntN(20) {
			row, w := randomRow(r, len(columns), m)
			rows, want = append(rows, row), append(want, w)
		}
		text := []byte(strings.Join(rows, []string{",", ",\n", " , "}[r.IntN(3)]))
		e, err := NewEncoder(columns, "utf8mb4", m)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		total, size := 0, r.IntN(200)
		for rest := text; len(rest) > 0; {
			var out []byte
			var n int
			if out, rest, n, err = e.Append(nil, rest, size); err != nil {
				t.Fatalf("seed %d: %v of %q", seed, err, text)
			}
			got, total = append(got, out...), total+n
		}
		if total != len(want) {
			t.Fatalf("seed %d: %d rows, want %d", seed, total, len(want))
		}
		if back := readFields(t, got); fmt.Sprint(back) != fmt.Sprint(want) {
			t.Fatalf("seed %d: %q\n got %+v\nwant %+v", seed, text, back, want)
		}
		checkReader(t, text, m, want)
		checkCuts(t, text, m, 1+r.IntN(300), len(rows))
	}
}

// checkReader reads the same rows literal by literal.
func checkReader(t *testing.T, text []byte, m Mode, want [][]field) {
	t.Helper()
	r := NewRowReader(text, m)
	var row []Literal
	for i := 0; ; i++ {
		var err error
		if row, err = r.Next(row[:0]); errors.Is(err, io.EOF) && i == len(want) {
			return
		} else if err != nil {
			t.Fatalf("row %d: %v of %q", i, err, text)
		}
		for j, l := range row {
			got := field{null: l.Kind == NullLiteral, value: string(l.AppendValue(nil, m))}
			if got != want[i][j] {
				t.Fatalf("row %d, column %d of %q: %+v, want %+v", i, j, text, got, want[i][j])
			}
		}
	}
}

// checkCuts cuts the rows in parts and puts them together again.
func checkCuts(t *testing.T, text []byte, m Mode, n, rows int) {
	t.Helper()
	if !(Values{Rows: text, Mode: m}).Complete() {
		t.Fatalf("not complete: %q", text)
	}
	count := 0
	for rest := text; len(rest) > 0; {
		part, more, ok := CutRows(rest, m, n)
		if !ok {
			t.Fatalf("no cut in %q", rest)
		}
		r := NewRowReader(part, m)
		for {
			if _, err := r.Next(nil); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatalf("part %q: %v", part, err)
				}
				break
			}
			count++
		}
		rest = more
	}
	if count != rows {
		t.Fatalf("%d rows in the parts of %q, want %d", count, text, rows)
	}
}

func TestIncompleteStatements(t *testing.T) {
	for _, rows := range []string{
		"(1) ON DUPLICATE KEY UPDATE a=VALUES(a)", "(1),(2) AS new", "(1)(2)", "(1),", "(1", "('a)", "(1) -- x", "1", "",
	} {
		if (Values{Rows: []byte(rows)}).Complete() {
			t.Errorf("%s passes for complete", rows)
		}
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	rows := []byte(`(1,'it\'s',NULL,_binary 'x',0xFF),(2,'',3.5,'y','z')`)
	columns := []Column{{Class: IntegerClass}, {Class: TextClass, Charset: "utf8mb4"}, {Class: DecimalClass}, {Class: BinaryClass}, {Class: BinaryClass}}
	e, err := NewEncoder(columns, "utf8mb4", Mode{})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 8192)
	if n := testing.AllocsPerRun(100, func() {
		if _, _, _, err := e.Append(dst, rows, 4096); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Append: %v allocations", n)
	}
	r, row := NewRowReader(rows, Mode{}), make([]Literal, 0, 8)
	if n := testing.AllocsPerRun(100, func() {
		r.i, r.row = 0, 0
		for {
			if _, err := r.Next(row); err != nil {
				break
			}
		}
	}); n != 0 {
		t.Errorf("Next: %v allocations", n)
	}
}

func FuzzEncoder(f *testing.F) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		row, _ := randomRow(r, 1+r.IntN(4), Mode{})
		f.Add([]byte(row+","+row), uint8(seed))
	}
	f.Fuzz(func(t *testing.T, rows []byte, knobs uint8) {
		m := Mode{NoBackslashEscapes: knobs&1 != 0, ANSIQuotes: knobs&2 != 0}
		var first []Literal
		if lits, err := NewRowReader(rows, m).Next(nil); err == nil {
			first = lits
		}
		columns := make([]Column, max(1, len(first)))
		for i := range columns {
			columns[i] = Column{Class: Class(int(knobs>>2+uint8(i))%int(VectorClass) + 1), Charset: "utf8mb4"}
		}
		columns[0].Class = BinaryClass
		e, err := NewEncoder(columns, "utf8mb4", m)
		if err != nil {
			t.Fatal(err)
		}
		out, rest, n, err := e.Append(nil, rows, 1<<30)
		if err == nil && len(rest) > 0 {
			t.Fatalf("stopped early at %q", rest)
		}
		back := readFields(t, out)
		if len(back) != n {
			t.Fatalf("%d rows became %d: %q → %q", n, len(back), rows, out)
		}
		r := NewRowReader(rows, m)
		for i := range n {
			lits, err := r.Next(nil)
			if err != nil || len(lits) != len(columns) {
				t.Fatalf("row %d: the reader does not agree: %v", i, err)
			}
			want := field{lits[0].Kind == NullLiteral, string(lits[0].AppendValue(nil, m))}
			if e.columns[0].unhex && !want.null {
				want.value = fmt.Sprintf("%x", want.value)
			}
			if lits[0].Kind != NumberLiteral && back[i][0] != want {
				t.Fatalf("row %d: %+v, want %+v", i, back[i][0], want)
			}
		}
	})
}
