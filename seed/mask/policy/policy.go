// Package policy is the net below the rules of mask.columns: it finds columns that
// look personal, by their names and by their values, and that nobody has decided
// about.
//
// Its findings are names of columns, kinds and numbers; no value gets into a text.
package policy

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// Coverer knows the rules, as mask.Masker does.
type Coverer interface {
	// Covers reports whether a rule decides what becomes of a column.
	Covers(t *schema.Table, column string) (bool, error)
}

// Finding is a column that must have a rule and has none.
type Finding struct {
	Schema, Table, Column string
	// Kind is what it seems to hold; empty when it must have a rule whatever it
	// holds.
	Kind Kind
	// Values of Looked values of the column are of the kind; both are 0 when its
	// name says so.
	Values, Looked int64
}

// String names the column and why it was found.
func (f Finding) String() string {
	name := f.Schema + "." + f.Table + "." + f.Column
	switch {
	case f.Kind == "":
		return name + " (its table has rules)"
	case f.Values > 0:
		return fmt.Sprintf("%s (%d of %d values look like %s)", name, f.Values, f.Looked, f.Kind)
	}
	return fmt.Sprintf("%s (by its name: %s)", name, f.Kind)
}

// Error says which columns must have rules.
type Error struct {
	// Path is "mask.policy".
	Path     string
	Findings []Finding
}

// Error lists the columns and says what to do.
func (e *Error) Error() string {
	list := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		list[i] = f.String()
	}
	what := "1 column has no rule and must have one"
	if len(list) > 1 {
		what = fmt.Sprintf("%d columns have no rule and must have one", len(list))
	}
	return fmt.Sprintf("%s: %s (write a rule for each under mask.columns, keep: {} for what may stay; \"dbake mask suggest\" writes rules to begin with)",
		what, strings.Join(list, ", "))
}

// Policy looks at tables and at the rows that pass. Its methods may be called from
// several goroutines.
type Policy struct {
	all    bool
	rules  Coverer
	wants  func(schema, table string) bool
	failed atomic.Bool

	mu     sync.Mutex
	tables map[string]*schema.Table
	values map[string]*Sample // by db.table.column, the column in lower case
}

var _ rows.Filters = (*Policy)(nil)

// New makes the Policy of a mask section; nil when it has none that requires
// anything. wants says which tables' rows pass at all; nil: all.
func New(p *spec.MaskPolicy, rules Coverer, wants func(schema, table string) bool) *Policy {
	if p == nil || !p.RequireDecision {
		return nil
	}
	if wants == nil {
		wants = func(string, string) bool { return true }
	}
	return &Policy{
		all: p.Columns == spec.PolicyAll, rules: rules, wants: wants,
		tables: map[string]*schema.Table{}, values: map[string]*Sample{},
	}
}

// Declare tells of a table as a dump makes or changes it. For does so, too.
func (p *Policy) Declare(t *schema.Table) {
	if isSystem(t.Schema) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tables[t.Schema+"."+t.Name] = t
}

// Failed reports whether it is sure already that Check will give an error, so that
// work on further rows is in vain.
func (p *Policy) Failed() bool { return p.failed.Load() }

// For implements rows.Filters: its filter looks at the values of columns without a
// rule, and leaves all rows as they are.
func (p *Policy) For(t *schema.Table, columns []string) (rows.Filter, error) {
	if isSystem(t.Schema) || !p.wants(t.Schema, t.Name) {
		return nil, nil //nolint:nilnil // no filter is an answer: see rows.Filters
	}
	p.Declare(t)
	f := &filter{uses: make([]bool, len(columns))}
	for i, name := range columns {
		c := t.Column(name)
		if c == nil || c.Generated {
			continue
		}
		covered, err := p.rules.Covers(t, name)
		if err != nil {
			return nil, err
		}
		if covered {
			continue
		}
		if ByName(t, c) != "" {
			p.failed.Store(true)
			continue
		}
		if family := familyOf(c); family == 't' || family == 'b' {
			f.uses[i] = true
			f.looks = append(f.looks, look{i, p.column(t, c)})
		}
	}
	if len(f.looks) == 0 {
		return nil, nil //nolint:nilnil // as above
	}
	return f, nil
}

// column gives what is known of the values of a column.
func (p *Policy) column(t *schema.Table, c *schema.Column) *Sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := FoldColumn(t.Schema + "." + t.Name + "." + c.Name)
	if p.values[name] == nil {
		p.values[name] = &Sample{}
	}
	return p.values[name]
}

// look is a column of a row.
type look struct {
	index int
	*Sample
}

// filter looks at the rows of one table.
type filter struct {
	uses  []bool
	looks []look
}

var _ rows.Selective = (*filter)(nil)

// Uses implements rows.Selective.
func (f *filter) Uses() []bool { return f.uses }

// Row implements rows.Filter.
func (f *filter) Row(cells []rows.Cell) (bool, error) {
	for _, l := range f.looks {
		c := &cells[l.index]
		l.Add(c.Kind, c.Value)
	}
	return true, nil
}

// Check gives an *Error when columns must have rules and have none. Call it when all
// rows have passed.
func (p *Policy) Check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []Finding
	for _, t := range p.tables {
		if !p.wants(t.Schema, t.Name) {
			continue
		}
		list, err := p.table(t)
		if err != nil {
			return err
		}
		found = append(found, list...)
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return strings.Compare(a.Schema+"\x00"+a.Table+"\x00"+a.Column, b.Schema+"\x00"+b.Table+"\x00"+b.Column)
	})
	return &Error{Path: "mask.policy", Findings: found}
}

// table finds the columns of one table.
func (p *Policy) table(t *schema.Table) ([]Finding, error) {
	var found []Finding
	ruled := false
	for i := range t.Columns {
		c := &t.Columns[i]
		covered, err := p.rules.Covers(t, c.Name)
		if err != nil {
			return nil, err
		}
		ruled = ruled || covered
		if covered || c.Generated {
			continue
		}
		f := Finding{Schema: t.Schema, Table: t.Name, Column: c.Name, Kind: ByName(t, c)}
		if v := p.values[FoldColumn(t.Schema+"."+t.Name+"."+c.Name)]; f.Kind == "" && v != nil {
			f.Kind, f.Values, f.Looked = v.Kind()
		}
		found = append(found, f)
	}
	if p.all && ruled {
		return found, nil
	}
	return slices.DeleteFunc(found, func(f Finding) bool { return f.Kind == "" }), nil
}

// isSystem reports whether a schema is the server's own.
func isSystem(name string) bool {
	switch strings.ToLower(name) {
	case "mysql", "sys", "performance_schema", "information_schema", "ndbinfo":
		return true
	}
	return false
}
