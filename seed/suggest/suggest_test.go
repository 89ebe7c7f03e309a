package suggest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// text is a Source of one dump.
type text string

type stream struct{ *strings.Reader }

func (s stream) Close() error    { return nil }
func (s stream) Position() int64 { return 0 }

func (s text) Open(context.Context, plan.Object) (source.Stream, error) {
	return stream{strings.NewReader(string(s))}, nil
}

// Whatever types, keys and names columns have, the rules fit them, are valid, and
// satisfy a policy that requires decisions by names.
func TestSuggestionsFit(t *testing.T) {
	t.Parallel()
	types := []string{
		"varchar(100)", "varchar(5)", "char(2) COLLATE utf8mb4_turkish_ci", "text", "json", "varbinary(16)", "blob", "int unsigned", "bigint",
		"smallint", "decimal(9,2)", "double", "date", "datetime(3)", "year", "enum('a','b')", "set('x','y')", "point", "inet6", "tinyint(1)",
	}
	names := []string{
		"email", "phone", "full_name", "first_name", "last_name", "kana", "username", "address", "city", "zip", "birthday", "gender", "ssn",
		"card_number", "cvv", "iban", "bank_account", "ip", "mac", "user_agent", "password", "token", "lat", "salary", "religion", "photo", "memo",
	}
	var dump strings.Builder
	dump.WriteString("USE `a-b`;\n")
	for i, typ := range types {
		for j, suffix := range []string{" NOT NULL", ", UNIQUE KEY (`%s`)"} {
			fmt.Fprintf(&dump, "CREATE TABLE `t*%d%d` (`id` int NOT NULL", i, j)
			for _, name := range names {
				after := suffix
				if strings.Contains(suffix, "%") {
					if typ == "text" || typ == "json" || typ == "blob" || typ == "point" {
						after = ""
					} else {
						after = fmt.Sprintf(suffix, name)
					}
				}
				fmt.Fprintf(&dump, ", `%s` %s%s", name, typ, after)
			}
			dump.WriteString(") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n")
		}
	}
	object := plan.Object{Location: spec.Location{Kind: spec.KindContext, Path: "a.sql"}, Size: -1}
	found, err := Run(t.Context(), Options{Source: text(dump.String()), Objects: []plan.Object{object}}, event.Discard)
	if err != nil {
		t.Fatal(err)
	}
	yaml := string(found.YAML())
	file, err := spec.Parse("dbake.yaml", []byte("version: 1\nbase: mysql:8.4\ndump: a.sql\n"+yaml), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, yaml)
	}
	for i, c := range file.Mask.Columns {
		file.Mask.Columns[i].Transform = cheap(c.Transform)
	}
	m, err := mask.New(file.Mask, anyKey)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, r := range found.Rules {
		if _, keep := r.Transform["keep"]; keep {
			kept++
		}
	}
	if found.Tables != 2*len(types) || len(found.Rules) < 400 || kept > 40 {
		t.Errorf("%d rules for %d tables, %d of them keep", len(found.Rules), found.Tables, kept)
	}
	check(t, dump.String(), m, file.Mask)
}

// check asks the masks and the policy about all tables of a dump.
func check(t *testing.T, dump string, m *mask.Masker, section *spec.Mask) {
	t.Helper()
	r := &reader{options: Options{Source: text(dump), Rows: 1}, sink: event.Discard, tables: map[string]*tableSample{}}
	if err := r.read(t.Context(), plan.Object{}); err != nil {
		t.Fatal(err)
	}
	p := policy.New(section.Policy, m, nil)
	for _, s := range r.sorted() {
		m.Relations([]*schema.Table{s.table})
		p.Declare(s.table)
		var names []string
		for _, c := range s.table.Columns {
			names = append(names, c.Name)
		}
		if _, err := m.For(s.table, names); err != nil {
			t.Error(err)
		}
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
}
