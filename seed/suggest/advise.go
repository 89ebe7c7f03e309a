package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// adviser finds a rule for each column.
type adviser struct {
	tables  []*tableSample
	byName  map[string]*tableSample
	columns spec.MaskColumns // the rules there are
	given   *mask.Masker
	found   []Rule
	decided map[string]bool
	locale  string
}

// anyKey stands for the key of masks that are only tried.
var anyKey = make([]byte, 32)

func newAdviser(m *spec.Mask, tables []*tableSample) (*adviser, error) {
	a := &adviser{tables: tables, byName: map[string]*tableSample{}, decided: map[string]bool{}}
	if m != nil {
		a.columns = slices.Clone(m.Columns)
	}
	var err error
	if a.given, err = mask.New(&spec.Mask{Columns: a.columns}, anyKey); err != nil {
		return nil, err
	}
	var kana, han, hangul int64
	for _, t := range tables {
		a.byName[strings.ToLower(t.table.Schema+"."+t.table.Name)] = t
		a.given.Relations([]*schema.Table{t.table})
		for _, c := range t.columns {
			kana, han, hangul = kana+c.kana, han+c.han, hangul+c.hangul
		}
	}
	switch {
	case hangul > kana && hangul > 0:
		a.locale = "ko"
	case kana > 0:
		a.locale = "ja"
	case han > 0:
		a.locale = "zh"
	}
	return a, nil
}

// advise gives the rules.
func (a *adviser) advise() ([]Rule, error) {
	for _, referring := range []bool{false, true} { // a column says best itself what it holds
		for _, t := range a.tables {
			if err := a.table(t, referring); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(a.found, func(x, y Rule) int {
		return strings.Compare(x.Schema+"\x00"+x.Table+"\x00"+x.Column, y.Schema+"\x00"+y.Table+"\x00"+y.Column)
	})
	return a.found, nil
}

// table finds rules for the columns of a table that refer to others, or do not.
func (a *adviser) table(t *tableSample, referring bool) error {
	for i := range t.table.Columns {
		c := &t.table.Columns[i]
		refers := slices.ContainsFunc(t.table.ForeignKeys, func(k schema.ForeignKey) bool {
			return slices.ContainsFunc(k.Columns, func(name string) bool { return strings.EqualFold(name, c.Name) })
		})
		if refers != referring || c.Generated {
			continue
		}
		covered, err := a.given.Covers(t.table, c.Name)
		if err != nil {
			return err
		}
		if covered {
			continue
		}
		if kind, why, whole := judge(t, c); kind != "" {
			a.place(t, c, kind, why, whole, 0)
		}
	}
	return nil
}

// judge says what a column looks like and why; whole: its values are of the kind,
// not texts that hold some.
func judge(t *tableSample, c *schema.Column) (kind policy.Kind, why string, whole bool) {
	kind = policy.ByName(t.table, c)
	var seen policy.Kind
	var hits, values int64
	if s := t.columns[strings.ToLower(c.Name)]; s != nil {
		seen, hits, values = s.Kind()
	}
	whole = seen != "" && hits*10 >= values*8
	switch {
	case kind == "" && seen == "":
		return "", "", false
	case kind == "":
		return seen, fmt.Sprintf("%d of %d values look like %s", hits, values, seen), whole
	case seen == kind:
		return kind, fmt.Sprintf("name; %d of %d values look like %s", hits, values, kind), whole
	case whole && kind == policy.Text:
		return seen, fmt.Sprintf("%d of %d values look like %s", hits, values, seen), true
	}
	return kind, fmt.Sprintf("name: %s", kind), true
}

// place finds a rule for a column, or for the one that it refers to: masks follow
// foreign keys.
func (a *adviser) place(t *tableSample, c *schema.Column, kind policy.Kind, why string, whole bool, depth int) {
	for _, k := range t.table.ForeignKeys {
		for i, name := range k.Columns {
			if !strings.EqualFold(name, c.Name) || i >= len(k.RefColumns) || depth > 10 {
				continue
			}
			database := k.RefSchema
			if database == "" {
				database = t.table.Schema
			}
			to := a.byName[strings.ToLower(database+"."+k.RefTable)]
			if to == nil {
				continue
			}
			if ref := to.table.Column(k.RefColumns[i]); ref != nil && (to != t || ref != c) {
				a.place(to, ref, kind, why+" (of "+t.table.Name+"."+c.Name+", which refers to this column)", whole, depth+1)
				return
			}
		}
	}
	full := policy.FoldColumn(t.table.Schema + "." + t.table.Name + "." + c.Name)
	if a.decided[full] {
		return
	}
	a.decided[full] = true
	for _, transform := range candidates(kind, c, whole, a.locale) {
		rule := Rule{Schema: t.table.Schema, Table: t.table.Name, Column: c.Name, Transform: transform, Why: why}
		if _, keep := transform["keep"]; keep {
			rule.Why += "; no transform fits: decide"
		}
		if c.Type == "json" {
			rule.Why += `; to keep the rest: json: {"$.path": {...}}`
		}
		column := spec.MaskColumn{Pattern: rule.Pattern(), Transform: transform}
		if a.fits(t.table, column) {
			a.found = append(a.found, rule)
			return
		}
	}
}

// fits reports whether masks of a table and of those that refer to it can be made
// with another rule, beside those found for the tables around.
func (a *adviser) fits(t *schema.Table, column spec.MaskColumn) bool {
	around := map[*schema.Table]bool{t: true}
	for _, s := range a.tables {
		if refersTo(s.table, t) || refersTo(t, s.table) {
			around[s.table] = true
		}
	}
	column.Transform = cheap(column.Transform)
	columns := append(slices.Clone(a.columns), column)
	for _, r := range a.found {
		if around[a.byName[strings.ToLower(r.Schema+"."+r.Table)].table] {
			columns = append(columns, spec.MaskColumn{Pattern: r.Pattern(), Transform: cheap(r.Transform)})
		}
	}
	m, err := mask.New(&spec.Mask{Columns: columns}, anyKey)
	if err != nil {
		return false
	}
	for s := range around {
		m.Relations([]*schema.Table{s})
	}
	for s := range around {
		if s != t && !refersTo(s, t) {
			continue
		}
		var names []string
		for i := range s.Columns {
			names = append(names, s.Columns[i].Name)
		}
		if _, err := m.For(s, names); err != nil {
			return false
		}
	}
	return true
}

// cheap makes trying a hash of a password, which is as long, take less time.
func cheap(transform map[string]any) map[string]any {
	if _, slow := transform["password_hash"]; slow {
		return one("password_hash", options{"password": "password", "cost": 4.0})
	}
	return transform
}

// refersTo reports whether a foreign key of one table may lead to another.
func refersTo(t, to *schema.Table) bool {
	return slices.ContainsFunc(t.ForeignKeys, func(k schema.ForeignKey) bool { return strings.EqualFold(k.RefTable, to.Name) })
}

// options is a transform's options.
type options = map[string]any

func one(name string, o options) map[string]any {
	if o == nil {
		o = options{}
	}
	return map[string]any{name: o}
}

// candidates are transforms for a kind, the best one first; the last always fits.
func candidates(kind policy.Kind, c *schema.Column, whole bool, locale string) []map[string]any {
	var list []map[string]any
	if c.Type == "json" {
		list = append(list, one("null", nil), one("constant", options{"value": "{}"}))
	} else {
		list = fitting(kind, c, whole, locale)
	}
	if !c.NotNull {
		list = append(list, one("null", nil))
	}
	return append(list, one("unique", nil), one("unique", options{"as": "code"}), one("redact", nil), one("constant", options{"value": ""}), one("keep", nil))
}

func fitting(kind policy.Kind, c *schema.Column, whole bool, locale string) []map[string]any {
	local := func(name string) map[string]any {
		if locale == "" {
			return one(name, nil)
		}
		return one(name, options{"locale": locale})
	}
	switch kind {
	case policy.Email:
		if !whole {
			return []map[string]any{one("redact", nil)}
		}
		return []map[string]any{one("email", nil)}
	case policy.FullName:
		return []map[string]any{local("name")}
	case policy.FirstName, policy.LastName, policy.Address, policy.City:
		return []map[string]any{local(string(kind))}
	case policy.Kana:
		return []map[string]any{one("name", options{"locale": "ja", "script": "katakana"})}
	case policy.Phone, policy.Zip, policy.IBAN, policy.IP, policy.MAC, policy.Username:
		return []map[string]any{one(string(kind), nil)}
	case policy.Card:
		return []map[string]any{one("credit_card", nil)}
	case policy.Birthday:
		return []map[string]any{one("shift", options{"range": "365d"})}
	case policy.Gender:
		return []map[string]any{one("shuffle", nil), one("redact", nil)}
	case policy.Password:
		return []map[string]any{one("password_hash", options{"password": "password"})}
	case policy.Token:
		return []map[string]any{one("hash", hashOptions(c)), one("unique", nil)}
	case policy.Location:
		return []map[string]any{one("noise", options{"amount": 0.1})}
	case policy.Income:
		return []map[string]any{one("noise", options{"percent": 20.0})}
	case policy.UserAgent:
		return []map[string]any{one("constant", options{"value": "Mozilla/5.0"})}
	case policy.Sensitive:
		return []map[string]any{one("shuffle", nil)}
	case policy.Text:
		return []map[string]any{one("redact", nil)}
	}
	return nil
}

// hashOptions makes a hash as long as the column can take.
func hashOptions(c *schema.Column) options {
	if c.Length > 0 && c.Length < 64 {
		return options{"length": float64(c.Length)}
	}
	return options{}
}
