package spec

import (
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Values of Restore.Definer besides user@host.
const (
	DefinerKeep  = "keep"
	DefinerStrip = "strip"
)

// Values of TableRule.Rows.
const (
	RowsNone = "none"
	RowsAll  = "all"
)

func defaultRestore() Restore {
	return Restore{System: SystemAuto, Definer: DefinerKeep, OnError: OnErrorFail}
}

func (d *decoder) restore(n *node) Restore {
	r := defaultRestore()
	if !record[Restore](d, n) {
		return r
	}
	if v := n.get("database"); v != nil {
		r.Database = d.database(v)
	}
	if v := n.get("system"); v != nil {
		r.System = choice(d, v, SystemAuto, SystemKeep, SystemSkip)
	}
	if v := n.get("definer"); v != nil {
		r.Definer = d.definer(v)
	}
	if v := n.get("on_error"); v != nil {
		r.OnError = choice(d, v, OnErrorFail, OnErrorContinue)
	}
	if v := n.get("databases"); v != nil {
		r.Databases = d.selection(v)
	}
	if v := n.get("tables"); v != nil {
		r.Tables = d.tables(v)
	}
	if v := n.get("subset"); v != nil {
		r.Subset = d.subset(v)
	}
	return r
}

var systemSchemas = []string{"mysql", "information_schema", "performance_schema", "sys"}

func (d *decoder) database(n *node) string {
	s, ok := d.word(n)
	switch {
	case !ok:
	case utf8.RuneCountInString(s) > 64:
		d.fail(n, "", "a database name has at most 64 characters")
	case strings.ContainsAny(s, `/\`):
		d.fail(n, "", "%q cannot be a database name", s)
	case slices.Contains(systemSchemas, strings.ToLower(s)):
		d.fail(n, "", "%q is a system database", s)
	}
	return s
}

var definerAccount = regexp.MustCompile(`^[^@\s'"` + "`" + `]{1,32}@[^@\s'"` + "`" + `]{1,255}$`)

func (d *decoder) definer(n *node) string {
	s, ok := d.word(n)
	if ok && s != DefinerKeep && s != DefinerStrip && !definerAccount.MatchString(s) {
		d.fail(n, didYouMean(s, []string{DefinerKeep, DefinerStrip}),
			"must be keep, strip or an account as user@host, not %q", s)
	}
	return s
}

func (d *decoder) selection(n *node) *Selection {
	if !record[Selection](d, n) {
		return nil
	}
	var s Selection
	if v := n.get("include"); v != nil {
		s.Include = d.texts(v, d.glob)
	}
	if v := n.get("exclude"); v != nil {
		s.Exclude = d.texts(v, d.glob)
	}
	if len(n.fields) == 0 {
		d.fail(n, "remove the key or give it a value", "must hold include or exclude")
	}
	return &s
}

// glob is a pattern in the syntax of path.Match.
func (d *decoder) glob(n *node) (string, bool) {
	s, ok := d.word(n)
	if !ok {
		return "", false
	}
	if _, err := path.Match(s, ""); err != nil {
		d.fail(n, "it knows * ? and [a-z]", "%q is not a pattern", s)
		return "", false
	}
	return s, true
}

// dottedGlob is a pattern whose names are joined by dots, "db.table" for two.
func (d *decoder) dottedGlob(n *node, form string) (string, bool) {
	s, ok := d.glob(n)
	if !ok {
		return "", false
	}
	if strings.Count(s, ".") < strings.Count(form, ".") || slices.Contains(strings.Split(s, "."), "") {
		d.fail(n, "write "+form, "%q is not a pattern of the form %s", s, form)
		return "", false
	}
	return s, true
}

func (d *decoder) tables(n *node) []TableRule {
	if !d.is(n, kindList) {
		return nil
	}
	if len(n.items) == 0 {
		d.fail(n, "remove the key or give it a value", "must not be empty")
	}
	var rules []TableRule
	for _, item := range n.items {
		var rule TableRule
		if record[TableRule](d, item) {
			rule = d.tableRule(item)
		}
		rules = append(rules, rule)
	}
	return rules
}

func (d *decoder) tableRule(n *node) TableRule {
	var r TableRule
	d.required(n, "match")
	if v := n.get("match"); v != nil {
		r.Match, _ = d.dottedGlob(v, "db.table")
	}
	given := 0
	if v := n.get("rows"); v != nil {
		given++
		r.Rows = choice(d, v, RowsNone, RowsAll)
	}
	if v := n.get("where"); v != nil {
		given++
		r.Where = d.where(v)
	}
	if v := n.get("limit"); v != nil {
		given++
		r.Limit = d.limit(v)
	}
	if v := n.get("percent"); v != nil {
		given++
		r.Percent = d.percent(v)
	}
	if given != 1 {
		d.fail(n, "", "must hold exactly one of rows, where, limit and percent, not %d of them", given)
	}
	return r
}

func (d *decoder) where(n *node) string {
	s, ok := d.text(n)
	if ok && strings.Contains(s, ";") {
		d.fail(n, "", `must be a condition without ";"`)
	}
	return s
}

func (d *decoder) limit(n *node) *int64 {
	i, ok := d.integer(n)
	if ok && i < 1 {
		d.fail(n, "rows: none restores no rows", "must be 1 or more, not %d", i)
	}
	return &i
}

func (d *decoder) percent(n *node) *float64 {
	if !d.is(n, kindNumber) {
		return nil
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil || math.IsNaN(f) || f <= 0 || f > 100 {
		d.fail(n, "", "must be a number above 0 and up to 100, not %s", n.text)
	}
	return &f
}
