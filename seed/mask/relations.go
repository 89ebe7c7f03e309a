package mask

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// Reference is a foreign key that no CREATE TABLE of the dump declares: one that
// ALTER TABLE adds, or one that exists in the mind of the application only.
type Reference struct {
	// Schema and Table are those that refer.
	Schema, Table string
	schema.ForeignKey
}

// Declared gives the references that restore.subset.foreign_keys of a dbake.yaml
// declares, for Relations.
func Declared(s *spec.Subset) []Reference {
	if s == nil {
		return nil
	}
	list := make([]Reference, 0, len(s.ForeignKeys))
	for _, k := range s.ForeignKeys {
		r := Reference{ForeignKey: schema.ForeignKey{Columns: k.From.Names(), RefColumns: k.To.Names()}}
		r.Schema, r.Table, _ = strings.Cut(k.From.Table(), ".")
		r.RefSchema, r.RefTable, _ = strings.Cut(k.To.Table(), ".")
		list = append(list, r)
	}
	return list
}

// target is a column that another one refers to.
type target struct{ schema, table, column string }

func (t target) String() string { return t.schema + "." + t.table + "." + t.column }

func (t target) key() string { return strings.ToLower(t.String()) }

// Relations tells of tables and foreign keys, so that masks reach columns that
// refer to masked ones over several tables, in whatever order the dump has them.
// For knows the foreign keys of the table it is asked for in any case. It may be
// called several times, also between calls of For.
func (m *Masker) Relations(tables []*schema.Table, virtual ...Reference) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range tables {
		m.tables[strings.ToLower(t.Schema+"."+t.Name)] = t
		m.note(t)
	}
	for _, v := range virtual {
		for i, c := range v.Columns {
			from := target{v.Schema, v.Table, c}
			m.references[from.key()] = append(m.references[from.key()], targetOf(v.Schema, &v.ForeignKey, i))
		}
	}
}

func targetOf(database string, k *schema.ForeignKey, i int) target {
	if k.RefSchema != "" {
		database = k.RefSchema
	}
	to := target{schema: database, table: k.RefTable}
	if i < len(k.RefColumns) {
		to.column = k.RefColumns[i]
	}
	return to
}

// decision is the rule of a column and, when it is that of a column it refers
// to, what is known of that one.
type decision struct {
	rule   *rule
	column *schema.Column // nil: the column's own, or not known
	table  *schema.Table
}

// decide finds the rule of a column. Its own one counts, but it must not differ
// from that of a column it refers to: the rows would no longer join.
func (m *Masker) decide(t *schema.Table, column string) (decision, error) {
	own := m.find(t.Schema, t.Name, column)
	self := target{t.Schema, t.Name, column}
	m.mu.RLock()
	f := follower{m: m, seen: map[string]bool{}}
	followed, from := f.follow(t, self)
	circle := followed.rule == nil && own != nil && from != nil && m.reaches(*from, own)
	m.mu.RUnlock()
	switch {
	case own == nil && followed.rule == nil:
		return decision{}, m.leave(t, column, f.unknown)
	case own == nil && followed.rule.transform.name == "sql":
		return decision{}, fmt.Errorf("mask %s: it refers to %s, which %s masks in the server (%s)",
			fullName(t, column), from, followed.rule.path, "write a rule for this column, too")
	case own == nil:
		return followed, m.tooLate(t, column)
	case from == nil || circle || own.transform.free() || (followed.rule != nil && followed.rule.transform.free()):
		return decision{rule: own}, m.tooLate(t, column)
	case followed.rule == nil && own.transform.name == "keep":
		return decision{rule: own}, nil
	case followed.rule == nil:
		return decision{}, fmt.Errorf("mask %s: it refers to %s, which has no mask, so rows would no longer join (%s)",
			fullName(t, column), from, "put the mask on that column: it follows the foreign key")
	case !own.transform.equal(followed.rule.transform):
		return decision{}, fmt.Errorf("mask %s: %s differs from %s, which is for %s, the column it refers to (%s)",
			fullName(t, column), own.path, followed.rule.path, from, "remove it: the mask follows the foreign key")
	}
	return followed, m.tooLate(t, column)
}

// Late refuses a table that a dump has altered so that a column refers to a masked
// one, when rows of it have passed without a mask: tools such as phpMyAdmin write
// foreign keys behind all rows. Relations must know the table.
func (m *Masker) Late(t *schema.Table) error {
	for i := range t.Columns {
		name := t.Columns[i].Name
		m.mu.RLock()
		passed := m.passed[target{t.Schema, t.Name, name}.key()]
		m.mu.RUnlock()
		if !passed {
			continue
		}
		d, err := m.decide(t, name)
		if err != nil {
			return err
		}
		if d.rule != nil && d.rule.transform.name != "keep" {
			return fmt.Errorf("mask %s: the dump says only behind its rows that it refers to a column that %s masks (%s)",
				fullName(t, name), d.rule.path, "write a rule for this column, too")
		}
	}
	return nil
}

// reaches reports whether a column refers, over others, to one that the rule is
// for: then its mask is that one's.
func (m *Masker) reaches(from target, own *rule) bool {
	f := follower{m: m, seen: map[string]bool{}}
	d, _ := f.follow(m.tables[strings.ToLower(from.schema+"."+from.table)], from)
	return d.rule == own
}

// follower looks for the rule of what a column refers to.
type follower struct {
	m    *Masker
	seen map[string]bool
	// unknown are columns of tables that nothing is known of.
	unknown []target
}

// follow returns the rule of the column at the end of the references that begin
// at one of t's, and the nearest column that the first reference names; t is nil
// when the table is not known.
func (f *follower) follow(t *schema.Table, from target) (decision, *target) {
	f.seen[from.key()] = true
	var nearest *target
	for _, to := range f.references(t, from) {
		if f.seen[to.key()] {
			continue
		}
		if nearest == nil {
			nearest = &to
		}
		table := f.m.tables[strings.ToLower(to.schema+"."+to.table)]
		if table == nil {
			f.unknown = append(f.unknown, to)
		}
		if d, _ := f.follow(table, to); d.rule != nil {
			return d, &to
		}
		if r := f.m.find(to.schema, to.table, to.column); r != nil {
			d := decision{rule: r, table: table}
			if table != nil {
				d.column = table.Column(to.column)
			}
			return d, &to
		}
	}
	return decision{}, nearest
}

func (f *follower) references(t *schema.Table, from target) []target {
	list := f.m.references[from.key()]
	if t == nil {
		return list
	}
	for i := range t.ForeignKeys {
		k := &t.ForeignKeys[i]
		for j, c := range k.Columns {
			if strings.EqualFold(c, from.column) {
				list = append(list[:len(list):len(list)], targetOf(t.Schema, k, j))
			}
		}
	}
	return list
}

// leave notes a column that stays as it is although it refers to tables that
// nothing is known of yet.
func (m *Masker) leave(t *schema.Table, column string, unknown []target) error {
	if len(unknown) == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range unknown {
		m.open[u.key()] = fullName(t, column)
	}
	return nil
}

// tooLate refuses to mask a column when another one that refers to it has been
// left as it is, because the dump told too late what refers to what.
func (m *Masker) tooLate(t *schema.Table, column string) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if who, open := m.open[target{t.Schema, t.Name, column}.key()]; open {
		return fmt.Errorf("mask %s: %s refers to it, and came before it was known that this column has a mask "+
			"(write a rule for both columns)", fullName(t, column), who)
	}
	return nil
}

// free reports whether masks do not depend on values, so that columns which refer
// to the column are none of its business.
func (t *transform) free() bool {
	switch t.name {
	case "null", "constant", "sql", "password_hash":
		return true
	}
	return false
}

// equal reports whether two rules ask for the same.
func (t *transform) equal(u *transform) bool {
	return t == u || reflect.DeepEqual(t.raw, u.raw)
}
