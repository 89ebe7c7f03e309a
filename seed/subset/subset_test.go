package subset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

func ptr[T any](v T) *T { return &v }

func people() *schema.Table {
	return &schema.Table{
		Schema: "app", Name: "people",
		Columns: []schema.Column{{Name: "id", Type: "int"}, {Name: "name", Type: "varchar", Charset: "utf8mb4", Collation: "utf8mb4_0900_ai_ci"}},
		Keys:    []schema.Key{{Name: "PRIMARY", Primary: true, Unique: true, Columns: []string{"id"}}},
	}
}

// kept gives the numbers of the rows that a rule keeps of n rows.
func kept(t *testing.T, rule spec.TableRule, table *schema.Table, n int) []int {
	t.Helper()
	r, err := New(spec.Restore{Tables: []spec.TableRule{rule}}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	list := []int{}
	for i := range n {
		// Every stretch of rows has a filter of its own.
		f, err := r.For(table, []string{"id", "name"})
		if err != nil {
			t.Fatal(err)
		}
		keep := true
		if f != nil {
			if keep, err = f.Row(cells([]string{fmt.Sprint(i), fmt.Sprintf("name %d", i)})); err != nil {
				t.Fatal(err)
			}
		}
		if keep {
			list = append(list, i)
		}
	}
	return list
}

func TestRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule spec.TableRule
		want []int
	}{
		"none":      {spec.TableRule{Match: "app.*", Rows: "none"}, []int{}},
		"all":       {spec.TableRule{Match: "app.*", Rows: "all"}, []int{0, 1, 2, 3}},
		"limit":     {spec.TableRule{Match: "app.people", Limit: ptr(int64(2))}, []int{0, 1}},
		"where":     {spec.TableRule{Match: "app.p*", Where: "id % 2 = 1 OR name = 'NAME 0'"}, []int{0, 1, 3}},
		"percent":   {spec.TableRule{Match: "app.people", Percent: ptr(100.0)}, []int{0, 1, 2, 3}},
		"elsewhere": {spec.TableRule{Match: "web.*", Rows: "none"}, []int{0, 1, 2, 3}},
	} {
		if diff := cmp.Diff(c.want, kept(t, c.rule, people(), 4)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestPercent: about that share, the same rows every time, a smaller share within
// a larger one, with and without a primary key.
func TestPercent(t *testing.T) {
	t.Parallel()
	for _, table := range []*schema.Table{people(), {Schema: "app", Name: "log", Columns: people().Columns}} {
		const n = 20000
		ten := kept(t, spec.TableRule{Match: "app.*", Percent: ptr(10.0)}, table, n)
		again := kept(t, spec.TableRule{Match: "app.*", Percent: ptr(10.0)}, table, n)
		twenty := kept(t, spec.TableRule{Match: "app.*", Percent: ptr(20.0)}, table, n)
		if !slices.Equal(ten, again) {
			t.Errorf("%s: other rows the second time", table.Name)
		}
		if len(ten) < n*9/100 || len(ten) > n*11/100 || len(twenty) < n*19/100 || len(twenty) > n*21/100 {
			t.Errorf("%s: 10 %% are %d rows of %d, 20 %% are %d", table.Name, len(ten), n, len(twenty))
		}
		for _, r := range ten {
			if _, found := slices.BinarySearch(twenty, r); !found {
				t.Fatalf("%s: row %d is in 10 %% but not in 20 %%", table.Name, r)
			}
		}
	}
	// The choice is part of what users rely on: it must not change with dbake.
	first := kept(t, spec.TableRule{Match: "app.*", Percent: ptr(10.0)}, people(), 60)
	if diff := cmp.Diff([]int{8, 22, 54}, first); diff != "" {
		t.Errorf("another 10 %% than ever (-want +got):\n%s", diff)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	f, err := spec.Parse("dbake.yaml", []byte("version: 1\nbase: mysql:8.4\ndump: a.sql\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Restore.Tables = []spec.TableRule{{Match: "a.b", Where: "id = 1"}, {Match: "a.b", Where: "id = SLEEP(1)"}}
	f.Restore.Subset = &spec.Subset{Roots: []spec.TableRule{{Match: "a.c", Where: "id ="}}}
	err = Check("dbake.yaml", f)
	var list spec.ErrorList
	if !errors.As(err, &list) || len(list) != 2 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"restore.tables[1].where: at character 6: the function SLEEP", "restore.subset.roots[0].where: at character 5: a value"} {
		if !strings.Contains(list[i].Error(), want) {
			t.Errorf("got  %v\nwant %s", list[i], want)
		}
	}
}

// TestMissing: what cannot be done is an error that names the key.
func TestMissing(t *testing.T) {
	t.Parallel()
	fk := func(from, to string) []spec.ForeignKey {
		return []spec.ForeignKey{{From: spec.Columns{from}, To: spec.Columns{to}}}
	}
	roots := []spec.TableRule{{Match: "app.people", Rows: "all"}}
	for want, s := range map[string]spec.Subset{
		`restore.subset.roots[0].match: no table of the dumps matches "app.poeple"`:         {Roots: []spec.TableRule{{Match: "app.poeple", Rows: "all"}}},
		"restore.subset.foreign_keys[0]: no dump has a table app.x":                         {Roots: roots, ForeignKeys: fk("app.x.id", "app.people.id")},
		"restore.subset.foreign_keys[0]: table app.people has no column boss":               {Roots: roots, ForeignKeys: fk("app.people.boss", "app.people.id")},
		"name holds text and people.id numbers":                                             {Roots: roots, ForeignKeys: fk("app.people.name", "app.people.id")},
		`restore.subset.roots[0].where: table app.people: at character 1: table people has`: {Roots: []spec.TableRule{{Match: "app.people", Where: "nme = 1"}}},
	} {
		db := &database{[]*schema.Table{people()}, [][][]string{{{"1", "a"}}}}
		c, err := NewCollector(spec.Restore{Subset: &s}, time.Unix(0, 0), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = db.pass(c); err == nil {
			_, err = c.Finish(t.Context())
		}
		c.Close()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// TestHashes: what a server takes for equal has one hash.
func TestHashes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind kind
		a, b string
		same bool
	}{
		{kindNumber, "5", "005", true},
		{kindNumber, "1.50", "1.5", true},
		{kindNumber, "0", "-0.0", true},
		{kindNumber, "100", "1e2", true},
		{kindNumber, "10", "100", false},
		{kindNumber, "5", "-5", false},
		{kindFolded, "Ab ", "aB", true},
		{kindFolded, "Straße", "STRASSE", true},
		{kindFolded, "é", "E", true},
		{kindFolded, "σ", "ς", true},
		{kindFolded, "ａｂｃ", "ABC", true},
		{kindFolded, "か", "ガ", true},
		{kindFolded, "日本", "日木", false},
		{kindFolded, "a", "b", false},
		{kindExact, "a ", "a", true},
		{kindExact, "A", "a", false},
		{kindBytes, "a ", "a", false},
		{kindTime, "2024-01-01 10:00:00.000", "2024-01-01 10:00:00", true},
		{kindTime, "2024-01-01 10:00:00", "2024-01-01 10:00:01", false},
	} {
		var h hasher
		a := h.hash(c.kind, &rows.Cell{Kind: rows.Text, Value: []byte(c.a)})
		b := h.hash(c.kind, &rows.Cell{Kind: rows.Text, Value: []byte(c.b)})
		if (a == b) != c.same {
			t.Errorf("%s: %q and %q", kindNames[c.kind], c.a, c.b)
		}
	}
}

func TestSetInFile(t *testing.T) {
	t.Parallel()
	s := set{memory: &memory{dir: t.TempDir(), most: 1 << 12}}
	defer s.close()
	for i := range uint64(10000) {
		if err := s.add(i*0x9E3779B97F4A7C15 | 1); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(10000) {
		if !s.has(i*0x9E3779B97F4A7C15 | 1) {
			t.Fatalf("%d is lost", i)
		}
	}
	if s.has(2) || s.has(0) {
		t.Error("the set has what nobody added")
	}
}
