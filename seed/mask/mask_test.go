package mask_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

func TestTheKeyDecides(t *testing.T) {
	t.Parallel()
	table := tableOf(varchar("c", 100))
	m := maskOf(t, "app.t.c", "{name: {}}")
	with := func(key string) string {
		t.Helper()
		masker, err := mask.New(m, []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return row(t, filterOf(t, masker, table), table, "Jane")[0]
	}
	first := with("0123456789abcdef")
	if again := with("0123456789abcdef\n"); again != first {
		t.Errorf("a line end behind the key makes %q of %q", again, first)
	}
	if other := with("0123456789abcdeg"); other == first {
		t.Error("another key gives the same mask")
	}
}

func TestKeyedTransformsNeedAKey(t *testing.T) {
	t.Parallel()
	for transform, needed := range map[string]bool{
		"{email: {}}": true, "{chain: [{truncate: 3}, {hash: {}}]}": true, "{json: {$.a: {name: {}}}}": true,
		"{template: 'x{hash}'}": true, "{template: 'x{column}'}": false, "{redact: {}}": false,
		"{json: {$.a: {redact: {}}}}": false, "{'null': {}}": false, "{password_hash: {password: x, cost: 4}}": false, "{keep: {}}": false,
	} {
		m := maskOf(t, "app.t.c", transform)
		_, err := mask.New(m, nil)
		var fault *mask.Error
		if errors.As(err, &fault) != needed || (needed && fault.Path != "mask.key") {
			t.Errorf("%s without a key: %v", transform, err)
		}
		if _, err := mask.New(m, []byte("short")); err == nil || !strings.HasPrefix(err.Error(), "mask.key: ") || strings.Contains(err.Error(), "short") {
			t.Errorf("%s with a short key: %v", transform, err)
		}
		if err := mask.Check(m); err != nil {
			t.Errorf("%s: %v", transform, err)
		}
	}
}

// TestFaultsAreFoundAtOnce: what package spec cannot check New does, with the path
// of the key.
func TestFaultsAreFoundAtOnce(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"{json: {'$.a[': {redact: {}}}}":                  "mask.columns.p.json.$.a[: a ] is missing",
		"{json: {$.a: {naame: {}}}}":                      "mask.columns.p.json.$.a.naame: unknown transform",
		"{json: {}}":                                      "mask.columns.p.json: json needs a path",
		"{chain: [{sql: x}]}":                             "mask.columns.p.chain[0].sql: sql cannot be part of chain",
		"{template: 'a{value}'}":                          "mask.columns.p.template.text: there is no placeholder {value}",
		"{template: 'a{hash'}":                            "mask.columns.p.template.text: a { or } stands alone",
		"{template: 'a}b'}":                               "mask.columns.p.template.text: a { or } stands alone",
		"{template: 'a{hash:99}'}":                        "{hash:…} needs a number from 1 to 64",
		"{redact: {}, when: 'a ='}":                       "mask.columns.p.when: there must be a number or a text",
		"{redact: {}, when: '(a = 1'}":                    "mask.columns.p.when: a ) is missing",
		"{redact: {}, when: 'a matches ''('''}":           "mask.columns.p.when: error parsing regexp",
		"{sql: x, when: a = 1}":                           "mask.columns.p.when: a condition means nothing to sql",
		"{noise: {percent: 1, amount: 2}}":                "mask.columns.p.noise.amount: percent and amount are both given",
		"{unique: {min: 5}}":                              "mask.columns.p.unique: min and max go together",
		"{shuffle: [a, A]}":                               `mask.columns.p.shuffle.values: "A" is in it twice`,
		"{name: {script: katakana}}":                      "mask.columns.p.name.script: katakana is a script of Japanese names",
		"{password_hash: {password: x, cost: 99}}":        "mask.columns.p.password_hash.cost: bcrypt takes a cost from 4 to 16",
		"{email: {domain: 'a b'}}":                        "mask.columns.p.email.domain: this is no domain",
		"{hash: {format: base64, length: 64}}":            "mask.columns.p.hash.length: base64 has 43 characters",
		"{shift: {range: 999999w}}":                       "mask.columns.p.shift.range: 999999w is more than the calendar has",
		"{redact: {keep_first: 1.5}}":                     "mask.columns.p.redact.keep_first: must be a whole number",
		"{redact: {keep: 1}}":                             "mask.columns.p.redact.keep: unknown option of redact",
		"{redact: {}, email: {}}":                         "mask.columns.p: must hold exactly one transform",
		"{truncate: {}}":                                  `mask.columns.p.truncate: truncate needs the option "length"`,
		"{chain: [{redact: {}}, {choice: {values: []}}]}": "mask.columns.p.chain[1].choice.values: must be a list of values",
	}
	for transform, want := range cases {
		_, err := mask.New(maskOf(t, "p", transform), testKey)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", transform, err, want)
		}
	}
}

func TestTheRuleThatCounts(t *testing.T) {
	t.Parallel()
	m := maskerOf(
		t,
		"*.*.*mail", "{constant: pattern}",
		"app.users.*", "{constant: later}",
		"app.users.email", "{constant: exact}",
		"*.Logs.*", "{keep: {}}",
	)
	for name, want := range map[string]string{
		"app.users.email": "exact", "app.users.EMail": "exact", "app.users.Work_Mail": "pattern", "app.users.name": "later",
		"app.Users.name": "name", "b.c.email": "pattern", "b.Logs.x": "x", "b.c.other": "other",
	} {
		parts := strings.Split(name, ".")
		table := &schema.Table{Schema: parts[0], Name: parts[1], Columns: []schema.Column{varchar(parts[2], 20)}}
		f, err := m.For(table, []string{parts[2]})
		if err != nil {
			t.Fatal(err)
		}
		got := parts[2]
		if f != nil {
			got = row(t, f, table, parts[2])[0]
		}
		if got != want {
			t.Errorf("%s becomes %q, want %q", name, got, want)
		}
		covered, err := m.Covers(table, parts[2])
		if wantCovered := want != "name" && want != "other"; err != nil || covered != wantCovered {
			t.Errorf("%s is covered: %v (error %v)", name, covered, err)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	table := tableOf(varchar("c", 20), columnOf("int"), varchar("kind", 20))
	table.Columns[1].Name = "n"
	cases := []struct {
		when   string
		masked []string // of rows a to f
	}{
		{"n > 5", []string{"c", "d", "e"}},
		{"n >= 5.0", []string{"b", "c", "d", "e"}},
		{"n = 10 or n = 5", []string{"b", "c", "e"}},
		{"n != 5", []string{"a", "c", "d", "e"}},
		{"not n <> 5", []string{"b", "e"}},
		{"n is null", []string{"e"}},
		{"n is not null and kind is not null", []string{"a", "b", "c"}},
		{"kind = 'x'", []string{"a", "d"}},
		{"`Kind` in ('x', 'it''s')", []string{"a", "c", "d"}},
		{"kind not in ('x')", []string{"b", "c", "d", "e"}},
		{"kind matches '^[xy]$'", []string{"a", "b", "d"}},
		{"kind not matches '(?i)X'", []string{"b", "c", "d", "e"}},
		{"(n < 5 and kind = 'x') or n = 100", []string{"a", "d", "e"}},
		{"NOT (n > 5 AND kind = 'z')", []string{"a", "b", "c", "d", "e"}},
	}
	for _, c := range cases {
		m, err := mask.New(maskOf(t, "app.t.c", `{constant: masked, when: "`+c.when+`"}`), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.when, err)
		}
		f := filterOf(t, m, table)
		var masked []string
		for _, r := range [][]string{{"a", "-1", "x"}, {"b", "5", "y"}, {"c", "10", "it's"}, {"d", "100", "NULL"}, {"e", "NULL", "z"}} {
			if row(t, f, table, r...)[0] == "masked" {
				masked = append(masked, r[0])
			}
		}
		if diff := cmp.Diff(c.masked, masked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.when, diff)
		}
	}
	if _, err := maskerOf(t, "app.t.c", "{redact: {}, when: x = 1}").For(table, namesOf(table)); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("a condition on a column that is not there: %v", err)
	}
}

// TestRowsAreMaskedAsTheyCame: a mask of one column does not change what those of
// others see.
func TestRowsAreMaskedAsTheyCame(t *testing.T) {
	t.Parallel()
	table := tableOf(varchar("a", 20), varchar("b", 20), columnOf("date"), columnOf("date"))
	table.Columns[2].Name, table.Columns[3].Name = "from", "until"
	f := filterOf(t, maskerOf(
		t,
		"app.t.a", "{constant: masked}",
		"app.t.b", "{redact: {}, when: a = 'x'}",
		"app.t.from", "{shift: {by: a}}",
		"app.t.until", "{shift: {by: a}}",
	), table)
	got := row(t, f, table, "x", "y", "2020-03-01", "2020-03-05")
	if got[0] != "masked" || got[1] != "*" {
		t.Errorf("the row becomes %q", got)
	}
	if got[2] == "2020-03-01" || got[2][:8] == got[3][:8] && got[3][8:] < got[2][8:] {
		t.Errorf("dates that move together become %s and %s", got[2], got[3])
	}
	other := row(t, f, table, "x", "z", "2020-03-01", "2020-03-05")
	if other[1] != "*" || other[2] != got[2] || other[3] != got[3] {
		t.Errorf("the same column by gives other dates: %q and %q", got, other)
	}
}

func TestGeneratedAndServerMasksAreLeftToTheServer(t *testing.T) {
	t.Parallel()
	table := tableOf(varchar("a", 20), varchar("b", 20), varchar("c", 20))
	table.Columns[1].Generated = true
	m := maskerOf(t, "app.t.a", "{sql: UPPER(a)}", "app.t.b", "{redact: {}}", "app.x.*", "{redact: {}}")
	if f, err := m.For(table, namesOf(table)); f != nil || err != nil {
		t.Errorf("filter %v, error %v", f, err)
	}
	got, err := m.SQL(table)
	want := []mask.Expression{{Schema: "app", Table: "t", Column: "a", SQL: "UPPER(a)", Path: "mask.columns.app.t.a.sql"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v; expressions (-want +got):\n%s", err, diff)
	}
	if path, needed := m.HasSQL(); !needed || path != want[0].Path {
		t.Errorf("HasSQL gives %q, %v", path, needed)
	}
}

// TestEveryTransformIsKnown holds package spec's list against this package.
func TestEveryTransformIsKnown(t *testing.T) {
	t.Parallel()
	examples := map[string]string{
		"constant": "{constant: x}", "template": "{template: x}", "truncate": "{truncate: 3}",
		"regex": "{regex: {pattern: a, replace: b}}", "choice": "{choice: [a]}", "password_hash": "{password_hash: x}",
		"sql": "{sql: x}", "json": "{json: {$.a: {keep: {}}}}", "php": "{php: {$.a: {keep: {}}}}", "chain": "{chain: [{keep: {}}]}",
	}
	for _, tr := range spec.Transforms() {
		example := examples[tr.Name]
		if example == "" {
			example = "{'" + tr.Name + "': {}}"
		}
		m := maskOf(t, "a.b.c", example)
		if err := mask.Check(m); err != nil {
			t.Errorf("%s: %v", tr.Name, err)
		}
		_, err := mask.New(m, nil)
		if tr.Keyed != (err != nil) {
			t.Errorf("%s: package spec says keyed: %v; without a key the error is %v", tr.Name, tr.Keyed, err)
		}
		for _, o := range tr.Options {
			if o.Name == "locale" && !slices.Equal(o.Values, spec.Locales()) {
				t.Errorf("%s has locales of its own", tr.Name)
			}
		}
	}
	for _, locale := range spec.Locales() {
		for _, name := range []string{"name", "address", "city", "country", "company", "job"} {
			if got, err := one(t, "{"+name+": {locale: "+locale+"}}", varchar("c", 200))("Jane"); err != nil || got == "" {
				t.Errorf("%s in %s: %q, error %v", name, locale, got, err)
			}
		}
	}
}

func TestManyGoroutinesMask(t *testing.T) {
	t.Parallel()
	table := tableOf(varchar("a", 200), varchar("b", 200), varchar("c", 200))
	m := maskerOf(t, "app.t.a", "{email: {}}", "app.t.b", "{name: {locale: ja}}", "app.t.c", "{json: {$.x: {hash: {}}}, when: a is not null}")
	want := row(t, filterOf(t, m, table), table, "jo@acme.org", "Jo", `{"x":"y"}`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			m.Relations([]*schema.Table{table})
			f, err := m.For(table, namesOf(table))
			if err != nil {
				t.Error(err)
				return
			}
			for range 100 {
				got, err := tryRow(t, f, table, "jo@acme.org", "Jo", `{"x":"y"}`)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("the row becomes %q (error %v), want %q", got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

// What is around a URL or an address is no part of what stays.
func TestURLsAndAddressesKeepNoTextAroundThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ transform, value, hidden, kept string }{
		{"{url: {}}", "Jane Doe http://acme.org/x", "Jane", ""},
		{"{url: {}}", "090 jane://acme.org/x", "jane", ""},
		{"{url: {}}", "sip://0901234567:12345678", "12345678", "sip://"},
		{"{url: {}}", "https://jane:geheim@acme.org:8443/x", "jane", ":8443"},
		{"{url: {keep_host: true}}", "https://jane:geheim@acme.org:8443/x", "geheim", "@acme.org:8443/"},
		{"{url: {keep_host: true}}", "https://acme.org/jane", "jane", "https://acme.org/"},
		{"{ip: {}}", "203.0.113.9/28", "203.0.113.9", "/28"},
	} {
		got, err := one(t, c.transform, columnOf("varchar(100)"))(c.value)
		if err != nil || strings.Contains(got, c.hidden) || !strings.Contains(got, c.kept) {
			t.Errorf("%s of %s: %s (%v)", c.transform, c.value, got, err)
		}
	}
	for _, value := range []string{"203.0.113.9/jane", "203.0.113.9/", "203.0.113.9/+5", "203.0.113.9/129"} {
		if got, err := one(t, "{ip: {}}", columnOf("varchar(100)"))(value); err == nil || strings.Contains(err.Error(), "203") {
			t.Errorf("%s: %s (%v), want an error", value, got, err)
		}
	}
}
