package mask

import (
	"fmt"
	"path"
	"strings"

	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// rule is one entry of mask.columns.
type rule struct {
	path      string
	pattern   string // over db.table.column, the column in lower case
	exact     bool
	transform *transform
}

// transform is a transform as a rule has it: with when and scope.
type transform struct {
	name, path string
	definition definition
	keyed      bool
	scope      string
	when       *condition
	// expression is that of sql.
	expression string
	raw        map[string]any
}

func newRule(c spec.MaskColumn) (rule, error) {
	at := "mask.columns." + c.Pattern
	r := rule{path: at, pattern: foldColumn(c.Pattern), exact: !strings.ContainsAny(c.Pattern, `*?[\`)}
	if _, err := path.Match(c.Pattern, ""); err != nil {
		return r, &Error{Path: at, Msg: "not a pattern", Hint: "it knows *, ? and [a-z]"}
	}
	var err error
	r.transform, err = newTransform(c.Transform, at)
	return r, err
}

// foldColumn lowers the case of the column, the last of a name's parts: servers
// compare names of columns without case, and names of tables mostly with it.
func foldColumn(name string) string {
	dot := strings.LastIndexByte(name, '.')
	return name[:dot+1] + strings.ToLower(name[dot+1:])
}

// find returns the rule for a column: one that names it goes before patterns, and
// earlier ones go before later ones.
func (m *Masker) find(database, table, column string) *rule {
	name := foldColumn(database + "." + table + "." + column)
	var first *rule
	for i := range m.rules {
		r := &m.rules[i]
		if r.exact {
			if r.pattern == name {
				return r
			}
			continue
		}
		if first == nil && r.matches(name) {
			first = r
		}
	}
	return first
}

// Unmatched is a rule that no column matches.
type Unmatched struct {
	// Pattern is its key in mask.columns; Exact tells that it names one column.
	Pattern string
	Exact   bool
}

// Unmatched lists the rules that match no column of the tables that Relations and
// For were told of, in their order. Rules "sql" are not among them: scripts may make
// the tables that they are for.
func (m *Masker) Unmatched() []Unmatched {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var list []Unmatched
	for i := range m.rules {
		if r := &m.rules[i]; !m.matched[i] && r.transform.name != "sql" {
			list = append(list, Unmatched{strings.TrimPrefix(r.path, "mask.columns."), r.exact})
		}
	}
	return list
}

// note marks the rules that match a column of a table. Call it with the lock held.
func (m *Masker) note(t *schema.Table) {
	if len(m.matched) == len(m.rules) {
		return
	}
	for i := range m.rules {
		if m.matched[i] {
			continue
		}
		for j := range t.Columns {
			if m.rules[i].matches(foldColumn(fullName(t, t.Columns[j].Name))) {
				m.matched[i] = true
				break
			}
		}
	}
}

// matches reports whether the rule is for a column, by its folded name.
func (r *rule) matches(name string) bool {
	if r.exact {
		return r.pattern == name
	}
	ok, err := path.Match(r.pattern, name)
	return ok && err == nil
}

// Expression is a transform "sql" of one column: after the restore and before
// anything is sealed, the server is to run UPDATE table SET column = expression
// for all rows, after which the table is rebuilt, so that nothing is left of the
// old values.
type Expression struct {
	Schema, Table, Column string
	// SQL is what the user wrote.
	SQL string
	// Path is the key in the dbake.yaml.
	Path string
}

// HasSQL reports whether a rule needs a server: those cannot mask a stream. path
// is the key of the first one.
func (m *Masker) HasSQL() (path string, needed bool) {
	for _, r := range m.rules {
		if r.transform.name == "sql" {
			return r.transform.path, true
		}
	}
	return "", false
}

// SQL lists the expressions for the columns of a table, in their order. The
// server's keys decide whether what they give is allowed.
func (m *Masker) SQL(t *schema.Table) ([]Expression, error) {
	var list []Expression
	for i := range t.Columns {
		c := &t.Columns[i]
		d, err := m.decide(t, c.Name)
		if err != nil {
			return nil, err
		}
		if d.rule == nil || d.rule.transform.name != "sql" {
			continue
		}
		if c.Generated {
			return nil, fmt.Errorf("mask %s: the server computes this column; mask the columns it comes from", fullName(t, c.Name))
		}
		list = append(list, Expression{
			Schema: t.Schema, Table: t.Name, Column: c.Name,
			SQL: d.rule.transform.expression, Path: d.rule.transform.path,
		})
	}
	return list, nil
}
