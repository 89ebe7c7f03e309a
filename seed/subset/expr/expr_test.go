package expr

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

func cellsFrom(values ...string) []rows.Cell {
	var cells []rows.Cell
	for _, v := range values {
		c := rows.Cell{Kind: rows.Text, Value: []byte(v)}
		if v == "NULL" {
			c = rows.Cell{Kind: rows.Null}
		}
		cells = append(cells, c)
	}
	return cells
}

func users() *schema.Table {
	return &schema.Table{Schema: "app", Name: "users", Columns: []schema.Column{
		{Name: "id", Type: "int"},
		{Name: "name", Type: "varchar", Charset: "utf8mb4", Collation: "utf8mb4_0900_ai_ci"},
		{Name: "made", Type: "timestamp"},
		{Name: "price", Type: "decimal", Scale: 2},
		{Name: "order", Type: "int"},
		{Name: "doc", Type: "json"},
		{Name: "old", Type: "varchar", Charset: "sjis", Collation: "sjis_japanese_ci"},
		{Name: "sum", Type: "int", Generated: true},
	}}
}

var userColumns = []string{"id", "name", "made", "price", "order", "doc", "old"}

func TestMatch(t *testing.T) {
	t.Parallel()
	cells := cellsFrom("7", "Zoë", "2024-03-01 10:00:00", "12.50", "NULL", "{}", "x")
	for text, want := range map[string]bool{
		"id = 7": true,
		"id > 7": false,
		"users.id = 7 AND app.users.name = 'ZOE'": true,
		"`order` IS NULL":                         true,
		"`order` = 1 OR NULL":                     false,
		"NOT (`order` = 1)":                       false,
		"made >= NOW() - INTERVAL 30 DAY":         true,
		"made >= NOW() - INTERVAL 29 DAY":         false,
		"made < '2024-03-02'":                     true,
		"price = 12.5":                            true,
		"price * 2 BETWEEN 25 AND 25.00":          true,
		"name LIKE 'zo_'":                         true,
		"name COLLATE utf8mb4_bin LIKE 'zo_'":     false,
		"name REGEXP '^z'":                        true,
		"id IN (1, 2, 7)":                         true,
		"id NOT IN (1, NULL)":                     false,
		"id % 2 = 1 XOR id = 7":                   false,
		"old IS NOT NULL AND doc IS NOT NULL":     true,
		"old COLLATE sjis_bin = 'x'":              true,
		"CASE_OF = 1 OR id = 7":                   false,
	} {
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		p, err := e.Compile(users(), userColumns, Env{Now: time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC)})
		if strings.Contains(text, "CASE_OF") {
			if err == nil || !strings.Contains(err.Error(), `no column "CASE_OF"`) {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := p.Match(cells); err != nil || got != want {
			t.Errorf("%s is %v (%v), want %v", text, got, err, want)
		}
	}
}

// TestRefusals: what is not understood is an error at its place, and never true.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "character 1: a value is expected",
		"id = ":                              "character 6: a value is expected",
		"id = 1 AND":                         "character 11: a value is expected",
		"id == 1":                            "character 5: a value is expected",
		"id = 1)":                            `character 7: a condition cannot go on with ")"`,
		"id IN (SELECT id FROM x)":           "character 8: SELECT is not taken here",
		"id = (SELECT 1)":                    "character 7: subqueries",
		"EXISTS (SELECT 1)":                  "function EXISTS is not supported",
		"SLEEP(1)":                           "the function SLEEP is not supported in conditions (known here: ABS,",
		"id = @x":                            "'@' is not taken here",
		"id = 'x":                            "no closing quote",
		"id -- all":                          "comments",
		"doc->'$.a' = 1":                     "JSON paths",
		"nme = 1":                            `table users has no column "nme"`,
		"other.id = 1":                       "a condition sees one table only",
		"doc = '{}'":                         "a column of type json can only be asked for NULL",
		"old = 'x'":                          `text in the collation "sjis_japanese_ci"`,
		"sum = 1":                            "generated column",
		"made = 20240101":                    "a date with time is compared with an integer",
		"made > 'yesterday'":                 "a text that is no date",
		"made > '2024-02-31'":                "a text that is no date",
		"id = 'abc'":                         "text that is not plainly a number",
		"made":                               "neither true nor false",
		"'a' = 'b'":                          "two literals",
		"name REGEXP '(?i)x'":                "simple patterns",
		"name = 'x' COLLATE utf8mb4_xx_ci":   "is not supported in conditions",
		"name LIKE name":                     "LIKE takes a literal",
		"id IN (1, 'x')":                     "mixed",
		"made + INTERVAL 1 FORTNIGHT > made": "a unit is expected",
		strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500): "nested too deeply",
		strings.Repeat("NOT ", 500) + "1":                         "nested too deeply",
	} {
		e, err := Parse(text)
		if err == nil {
			_, err = e.Compile(users(), userColumns, Env{})
		}
		if refusal := (*Error)(nil); !errors.As(err, &refusal) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n gives %v\n want  %s", text, err, want)
		}
	}
}

func TestEveryFunctionIsKnown(t *testing.T) {
	t.Parallel()
	sums := []string{"DATE_ADD", "DATE_SUB", "ADDDATE", "SUBDATE"}
	for name := range strings.SplitSeq(functionNames, ", ") {
		sum := slices.Contains(sums, name)
		if (lookup(name) == nil) != sum {
			t.Errorf("the function %s is named but not known", name)
		}
	}
}

// TestErrorsHoldNoValues: a row's error is safe to be shown.
func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	e, err := Parse("id = 1 OR made > NOW() OR price > 1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.Compile(users(), userColumns, Env{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Match(cellsFrom("secret", "secret", "secret", "secret", "NULL", "NULL", "NULL"))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("id = 1 AND name LIKE 'a%' OR made > NOW() - INTERVAL 1 DAY")
	f.Fuzz(func(_ *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		p, err := e.Compile(users(), userColumns, Env{})
		if err != nil {
			return
		}
		_, _ = p.Match(cellsFrom("7", "Zoë", "2024-03-01 10:00:00", "12.50", "NULL", "{}", "x"))
	})
}

func BenchmarkMatch(b *testing.B) {
	cells := cellsFrom("7", "Zoë", "2024-03-01 10:00:00", "12.50", "NULL", "{}", "x")
	for _, text := range []string{"id > 100", "made >= NOW() - INTERVAL 30 DAY", "name = 'alice'", "price > 10 AND name LIKE 'a%' AND id IN (1, 2, 3)"} {
		b.Run(text, func(b *testing.B) {
			e, err := Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			p, err := e.Compile(users(), userColumns, Env{Now: time.Unix(0, 0)})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Match(cells); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
