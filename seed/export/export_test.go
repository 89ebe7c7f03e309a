package export

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbake/dbake/seed/dump"
)

// Ranges hold every key once, whatever the bounds.
func TestDivide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Int64().Draw(t, "low")
		high := rapid.Int64Range(low, max(low, low+rapid.Int64Range(0, 1<<62).Draw(t, "width"))).Draw(t, "high")
		n := rapid.Int64Range(0, 300).Draw(t, "n")
		spans := divide(big.NewInt(low), big.NewInt(high), n)
		if int64(len(spans)) > 2*max(n, 1)+2 {
			t.Fatalf("%d ranges instead of %d", len(spans), n)
		}
		if spans[0].from != "" || spans[len(spans)-1].to != "" {
			t.Fatal("the ends are not open")
		}
		for i := 1; i < len(spans); i++ {
			if spans[i].from != spans[i-1].to || spans[i].from == "" {
				t.Fatalf("a gap between %+v and %+v", spans[i-1], spans[i])
			}
			if i > 1 && number(spans[i].from).Cmp(number(spans[i-1].from)) <= 0 {
				t.Fatalf("%+v does not follow %+v", spans[i], spans[i-1])
			}
		}
	})
}

func number(s string) *big.Int {
	n, _ := new(big.Int).SetString(s, 10)
	return n
}

// Bounds stay where they are when rows are added, so that a dump's text changes
// where its rows do.
func TestDivideIsSteady(t *testing.T) {
	t.Parallel()
	a, b := divide(big.NewInt(1), big.NewInt(1_000_000), 100), divide(big.NewInt(1), big.NewInt(1_000_900), 101)
	if !slices.Equal(a[:50], b[:50]) {
		t.Error(a, b)
	}
}

func TestAppendCell(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		class class
		value driver.Value
		want  string
	}{
		{textClass, nil, "NULL"},
		{textClass, []byte("it's \\ \"x\"\n\r\x00\x1a\tü"), `'it\'s \\ "x"\n\r\0\Z` + "\tü'"},
		{textClass, []byte{}, "''"},
		{bytesClass, []byte{0, 0xff, '\''}, "0x00FF27"},
		{bytesClass, []byte{}, "''"},
		{numberClass, int64(-5), "-5"},
		{numberClass, uint64(18446744073709551615), "18446744073709551615"},
		{numberClass, []byte("-0.10"), "-0.10"},
		{numberClass, 5e-324, "5e-324"},
		{floatClass, -1.5, "-1.5"},
	} {
		if got := string(appendCell(nil, test.class, test.value)); got != test.want {
			t.Errorf("%v: %s, want %s", test.value, got, test.want)
		}
	}
}

// Whatever a text holds, dbake's own scanner finds the statement's end and the
// value behind it.
func TestTextsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOf(rapid.SampledFrom([]byte("'\"\\;a`-#/*\n\r\x00\x1a%_,()\xc3\xbc"))).Draw(t, "value")
		statement := string(appendCell([]byte("INSERT INTO `t` VALUES ("), textClass, value)) + ",1);\n"
		scanner := dump.NewScanner(strings.NewReader(statement + "SELECT 1;\n"))
		first, err := scanner.Next()
		if err != nil || string(first.Text) != strings.TrimSuffix(statement, ";\n") {
			t.Fatalf("%q, %v", first.Text, err)
		}
	})
}

func TestDelimiter(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{"SELECT 1": ";;", "a ;; b": "$$", ";; $$": "//", ";;$$//": "$$$", ";;$$$//": "$$$$"} {
		if got := delimiter(body); got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
}

func TestPicks(t *testing.T) {
	t.Parallel()
	databases := []*database{
		{name: "app", tables: []*table{{database: "app", name: "users", kind: kindTable}, {database: "app", name: "merged", kind: kindTable, engine: "MRG_MyISAM"}}},
		{name: "tmp_1"},
	}
	o := Options{
		Databases: Picks{Exclude: []string{"tmp_*"}}, NoRows: []string{"app.log_*"},
		Where: []Where{{"app.u*", "id < 5"}, {"*.*", "1"}},
	}
	if o.Databases.wants("tmp_1") || !o.Databases.wants("app") || !o.wantsRows(databases[0].tables[0]) || o.wantsRows(databases[0].tables[1]) {
		t.Error("picked wrongly")
	}
	if o.where(databases[0].tables[0]) != "id < 5" || o.where(databases[0].tables[1]) != "1" {
		t.Error("the first condition that matches counts")
	}
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{Databases: Picks{Include: []string{"ap"}}}, `no database that this account may see matches "ap"`},
		{Options{Tables: Picks{Include: []string{"app.user"}}}, `no table that this account may see matches "app.user"`},
		{Options{Bare: true}, "app, tmp_1"},
		{Options{Tables: Picks{Include: []string{"app.*"}}}, ""},
	} {
		err := test.o.unmatched(databases)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	for _, bad := range []Options{{NoRows: []string{"users"}}, {Databases: Picks{Include: []string{"[a"}}}, {Where: []Where{{"a.b", " "}}}} {
		if bad.Check() == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// One text of any size passes a pipe, more wait, and the end of the context ends
// both sides.
func TestPipe(t *testing.T) {
	t.Parallel()
	p := newPipe(t.Context())
	go func() {
		for i := range 100 {
			_ = p.push(fmt.Append(make([]byte, maxAhead), i))
		}
		p.end()
	}()
	for i := range 100 {
		text, err := p.pop()
		if err != nil || string(text[maxAhead:]) != fmt.Sprint(i) {
			t.Fatal(len(text), err)
		}
	}
	if _, err := p.pop(); err == nil {
		t.Error("no end")
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	if err := explain(errors.New("x")); errors.Is(err, ErrDefinitionChanged) {
		t.Error(err)
	}
}
