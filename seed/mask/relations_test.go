package mask_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// table makes a table of varchar columns; references are "column>table.column".
func table(name string, columns []string, references ...string) *schema.Table {
	t := &schema.Table{Schema: "app", Name: name}
	for _, c := range columns {
		t.Columns = append(t.Columns, varchar(c, 100))
	}
	for _, r := range references {
		column, to, _ := strings.Cut(r, ">")
		refTable, refColumn, _ := strings.Cut(to, ".")
		k := schema.ForeignKey{Columns: []string{column}, RefTable: refTable, RefColumns: []string{refColumn}}
		if database, rest, ok := strings.Cut(refColumn, "."); ok {
			k.RefSchema, k.RefTable, k.RefColumns[0] = refTable, database, rest
		}
		t.ForeignKeys = append(t.ForeignKeys, k)
	}
	return t
}

// masked is the mask of a value in the first column, or the value when none is for
// it.
func masked(t *testing.T, m *mask.Masker, table *schema.Table, value string) string {
	t.Helper()
	f, err := m.For(table, []string{table.Columns[0].Name})
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		return value
	}
	return row(t, f, table, value)[0]
}

const emailRule = "{email: {}}"

func TestMasksFollowForeignKeys(t *testing.T) {
	t.Parallel()
	users := table("users", []string{"email"})
	orders := table("orders", []string{"customer"}, "customer>users.email")
	notes := table("notes", []string{"author"}, "author>orders.customer")
	elsewhere := table("x", []string{"u"}, "u>app.users.email")
	elsewhere.Schema = "other"

	m := maskerOf(t, "app.users.email", emailRule)
	want := masked(t, m, users, "jo@acme.org")
	if want == "jo@acme.org" {
		t.Fatal("nothing is masked")
	}
	// Before anything is known of users: the CREATE TABLE names it.
	if got := masked(t, m, orders, "jo@acme.org"); got != want {
		t.Errorf("the referring column has %q, the referred one %q", got, want)
	}
	if got := masked(t, m, elsewhere, "jo@acme.org"); got != want {
		t.Errorf("a column of another database has %q, the referred one %q", got, want)
	}
	// Over a chain, which takes the tables in between.
	m.Relations([]*schema.Table{users, orders, notes})
	if got := masked(t, m, notes, "jo@acme.org"); got != want {
		t.Errorf("the end of a chain has %q, the referred column %q", got, want)
	}
	if covered, err := m.Covers(notes, "author"); !covered || err != nil {
		t.Errorf("a referring column is covered: %v, error %v", covered, err)
	}
}

func TestMasksFollowVirtualForeignKeys(t *testing.T) {
	t.Parallel()
	users := table("users", []string{"email"})
	log := table("log", []string{"who"})
	m := maskerOf(t, "app.users.email", emailRule)
	if got := masked(t, m, log, "jo@acme.org"); got != "jo@acme.org" {
		t.Fatalf("without a foreign key the column has %q", got)
	}
	m.Relations(nil, mask.Reference{Schema: "app", Table: "log", ForeignKey: schema.ForeignKey{
		Columns: []string{"who"}, RefTable: "users", RefColumns: []string{"email"},
	}})
	if got, want := masked(t, m, log, "jo@acme.org"), masked(t, m, users, "jo@acme.org"); got != want {
		t.Errorf("the referring column has %q, the referred one %q", got, want)
	}
}

func TestCirclesOfForeignKeys(t *testing.T) {
	t.Parallel()
	a := table("a", []string{"x"}, "x>b.y")
	b := table("b", []string{"y"}, "y>a.x")
	self := table("self", []string{"boss", "name"}, "boss>self.name", "name>self.name")
	m := maskerOf(t, "app.a.x", emailRule, "app.self.name", emailRule)
	m.Relations([]*schema.Table{a, b, self})
	if x, y := masked(t, m, a, "jo@acme.org"), masked(t, m, b, "jo@acme.org"); x != y || x == "jo@acme.org" {
		t.Errorf("two columns that refer to each other have %q and %q", x, y)
	}
	if got := masked(t, m, self, "jo@acme.org"); got != masked(t, m, a, "jo@acme.org") {
		t.Errorf("a column that refers to its own table has %q", got)
	}
}

// TestJoinsCannotBreakUnnoticed: rules that would give the two ends of a foreign
// key different masks are refused.
func TestJoinsCannotBreakUnnoticed(t *testing.T) {
	t.Parallel()
	users := table("users", []string{"email"})
	orders := table("orders", []string{"customer"}, "customer>users.email")
	cases := []struct {
		name  string
		rules []string
		want  string // of the error for orders; empty: none
	}{
		{"the referring column only", []string{"app.orders.customer", emailRule}, "put the mask on that column"},
		{"different rules", []string{"app.users.email", emailRule, "app.orders.customer", "{hash: {}}"}, "the mask follows"},
		{"different scopes", []string{"app.users.email", emailRule, "app.orders.customer", "{email: {}, scope: x}"}, "the mask follows"},
		{"equal rules", []string{"app.users.email", emailRule, "app.orders.customer", emailRule}, ""},
		{"one pattern", []string{"app.*.*", emailRule}, ""},
		{"kept on one end", []string{"app.users.email", emailRule, "app.orders.customer", "{keep: {}}"}, "the mask follows"},
		{"kept on both", []string{"app.users.email", "{keep: {}}"}, ""},
		{"NULL", []string{"app.users.email", emailRule, "app.orders.customer", "{'null': {}}"}, ""},
		{"by the server", []string{"app.users.email", "{sql: x}"}, "write a rule for this column"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := maskerOf(t, c.rules...)
			m.Relations([]*schema.Table{users, orders})
			_, err := m.For(orders, []string{"customer"})
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestATableThatComesTooLate: without Relations the table in the middle of a chain
// is not known when the first one is masked.
func TestATableThatComesTooLate(t *testing.T) {
	t.Parallel()
	a := table("a", []string{"x"}, "x>b.y")
	b := table("b", []string{"y"}, "y>c.z")
	m := maskerOf(t, "app.c.z", emailRule)
	if got := masked(t, m, a, "jo@acme.org"); got != "jo@acme.org" {
		t.Fatalf("the column has the mask %q", got)
	}
	_, err := m.For(b, []string{"y"})
	if err == nil || !strings.Contains(err.Error(), "app.a.x") || !strings.Contains(err.Error(), "app.b.y") {
		t.Errorf("error %v, want one that names both columns", err)
	}
}

// TestTheReferredColumnDecides: ends of a foreign key of different lengths have
// the same masks.
func TestTheReferredColumnDecides(t *testing.T) {
	t.Parallel()
	users := table("users", []string{"code"})
	users.Columns[0].Length = 20
	orders := table("orders", []string{"code"}, "code>users.code")
	m := maskerOf(t, "app.users.code", "{hash: {}}")
	m.Relations([]*schema.Table{users, orders})
	if a, b := masked(t, m, users, "A1"), masked(t, m, orders, "A1"); a != b || len(a) != 20 {
		t.Errorf("the ends have %q and %q", a, b)
	}
}

func TestDeclaredReferences(t *testing.T) {
	t.Parallel()
	s := &spec.Subset{ForeignKeys: []spec.ForeignKey{
		{From: spec.Columns{"app.log.n", "app.log.who"}, To: spec.Columns{"other.users.n", "other.users.email"}},
	}}
	want := []mask.Reference{{Schema: "app", Table: "log", ForeignKey: schema.ForeignKey{
		Columns: []string{"n", "who"}, RefSchema: "other", RefTable: "users", RefColumns: []string{"n", "email"},
	}}}
	if diff := cmp.Diff(want, mask.Declared(s)); diff != "" || mask.Declared(nil) != nil {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnmatchedRules(t *testing.T) {
	t.Parallel()
	m := maskerOf(t, "app.users.EMAIL", emailRule, "app.users.mail", emailRule, "*.*.token", emailRule, "app.u*.email", emailRule,
		"app.Users.email", emailRule, "app.late.x", emailRule, "app.made.x", "{sql: id}")
	m.Relations([]*schema.Table{table("users", []string{"Email"})})
	if _, err := m.For(table("late", []string{"x"}), []string{"x"}); err != nil {
		t.Fatal(err)
	}
	want := []mask.Unmatched{{Pattern: "app.users.mail", Exact: true}, {Pattern: "*.*.token"}, {Pattern: "app.Users.email", Exact: true}}
	if diff := cmp.Diff(want, m.Unmatched()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
