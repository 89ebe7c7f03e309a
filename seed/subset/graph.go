package subset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// role is what a table is to a subset.
type role uint8

const (
	// roleOther: nothing connects the table with a root.
	roleOther role = iota
	// roleRoot: rules choose its rows.
	roleRoot
	// roleBelow: it refers to a root, or to a table below one; rows come along
	// with those they refer to.
	roleBelow
	// roleAbove: kept rows refer to it, and those rows it has to keep.
	roleAbove
	// roleBeside: it is connected, but neither of these; it keeps the rows
	// whose parents are all kept.
	roleBeside
)

// node is a table's place among the foreign keys.
type node struct {
	role role
	// parents are the table's foreign keys, keys what others refer to it by.
	parents []*edge
	keys    []*key
	// emptied: follow: parents leaves it empty, or others: none does.
	emptied bool
}

// key is a list of columns that foreign keys refer to, with the values of the rows
// that are chosen by the roots or below them, that kept rows refer to, and that
// are kept at all.
type key struct {
	table           *table
	columns         []int
	down, need, all set
	wanted          bool // all is asked for
}

// edge is a foreign key.
type edge struct {
	columns []int
	to      *key
}

// Plan is what the first pass has decided: the filters of the second one. Close
// must be called. They may be used by many goroutines.
type Plan struct {
	collector *Collector
	tables    map[string]*table
	warnings  []string
}

// connect makes the graph of the foreign keys between the tables that were seen.
func (p *Plan) connect() error {
	for _, t := range p.collector.order {
		for _, fk := range t.schema.ForeignKeys {
			refSchema := fk.RefSchema
			if refSchema == "" {
				refSchema = t.schema.Schema
			}
			if err := p.link(t, fk, p.tables[nameOf(refSchema, fk.RefTable)]); err != nil {
				return err
			}
		}
	}
	for i, fk := range p.collector.options.ForeignKeys {
		path := fmt.Sprintf("restore.subset.foreign_keys[%d]", i)
		from, to := p.tables[strings.ToLower(fk.From.Table())], p.tables[strings.ToLower(fk.To.Table())]
		if from == nil || to == nil {
			missing := fk.From.Table()
			if from != nil {
				missing = fk.To.Table()
			}
			return &Error{path, fmt.Errorf("no dump has a table %s", missing)}
		}
		for _, side := range []struct {
			t       *table
			columns spec.Columns
		}{{from, fk.From}, {to, fk.To}} {
			for _, name := range side.columns.Names() {
				if side.t.schema.Column(name) == nil {
					return &Error{path, fmt.Errorf("table %s has no column %s", side.columns.Table(), name)}
				}
			}
		}
		declared := schema.ForeignKey{Columns: fk.From.Names(), RefTable: to.schema.Name, RefColumns: fk.To.Names()}
		if err := p.link(from, declared, to); err != nil {
			return &Error{path, err}
		}
	}
	return nil
}

// link adds a foreign key. One that refers to a table without rows is left out:
// no row can be kept for it.
func (p *Plan) link(from *table, fk schema.ForeignKey, to *table) error {
	what := fmt.Sprintf("the foreign key of %s.%s over %s", from.schema.Schema, from.schema.Name, strings.Join(fk.Columns, ", "))
	if from.records == 0 {
		return nil
	}
	if to != nil && to.records == 0 && to.rule == nil {
		return nil
	}
	if to == nil || to.records == 0 {
		p.warnings = append(p.warnings, fmt.Sprintf("%s refers to %s, of which no rows are restored", what, fk.RefTable))
		return nil
	}
	e := &edge{}
	var refs []int
	for i, name := range fk.Columns {
		if i >= len(fk.RefColumns) {
			return fmt.Errorf("%s names fewer columns in %s", what, fk.RefTable)
		}
		a := slices.Index(from.columns, strings.ToLower(name))
		b := slices.Index(to.columns, strings.ToLower(fk.RefColumns[i]))
		if a < 0 || b < 0 || from.missing[a] || to.missing[b] {
			return fmt.Errorf("%s cannot be followed: some rows of the dump have no value for %s or %s.%s", what, name, fk.RefTable, fk.RefColumns[i])
		}
		if from.kinds[a] != to.kinds[b] {
			return fmt.Errorf("%s cannot be followed: %s holds %s and %s.%s %s", what, name, kindNames[from.kinds[a]], fk.RefTable, fk.RefColumns[i], kindNames[to.kinds[b]])
		}
		e.columns, refs = append(e.columns, a), append(refs, b)
	}
	e.to = to.key(refs, &p.collector.memory)
	from.parents = append(from.parents, e)
	return nil
}

func (t *table) key(columns []int, m *memory) *key {
	for _, k := range t.keys {
		if slices.Equal(k.columns, columns) {
			return k
		}
	}
	k := &key{table: t, columns: columns, down: set{memory: m}, need: set{memory: m}, all: set{memory: m}}
	t.keys = append(t.keys, k)
	return k
}

// assign gives every table its role, and gives them in an order in which, without
// cycles, tables come behind those that they refer to.
func (p *Plan) assign() []*table {
	order := p.parentsFirst()
	below := map[*table]bool{}
	for _, t := range order {
		if t.root != nil {
			t.role, below[t] = roleRoot, true
		}
	}
	p.spread(order, func(t *table, e *edge) (*table, bool) { return t, below[e.to.table] }, below)
	above := map[*table]bool{}
	follow := p.collector.options.Follow != spec.FollowParents
	for _, t := range order {
		if below[t] && t.role != roleRoot {
			if t.emptied = !follow; follow {
				t.role = roleBelow
			}
		}
		above[t] = t.role != roleOther
	}
	p.spread(order, func(t *table, e *edge) (*table, bool) { return e.to.table, above[t] }, above)
	connected := map[*table]bool{}
	for _, t := range order {
		if above[t] && t.role == roleOther {
			t.role, t.emptied = roleAbove, false
		}
		connected[t] = t.role != roleOther || t.emptied
	}
	for before := -1; before != count(connected); {
		before = count(connected)
		p.spread(order, func(t *table, e *edge) (*table, bool) { return e.to.table, connected[t] }, connected)
		p.spread(order, func(t *table, e *edge) (*table, bool) { return t, connected[e.to.table] }, connected)
	}
	for _, t := range order {
		if connected[t] && t.role == roleOther {
			t.role = roleBeside
		}
		if (t.role == roleOther || t.role == roleBeside) && p.collector.options.Others == spec.OthersNone {
			t.emptied = true
		}
	}
	return order
}

func count(in map[*table]bool) (n int) {
	for _, is := range in {
		if is {
			n++
		}
	}
	return n
}

// spread adds tables to in until none comes: the one that step names for a foreign
// key, when it says so.
func (p *Plan) spread(order []*table, step func(*table, *edge) (*table, bool), in map[*table]bool) {
	for changed := true; changed; {
		changed = false
		for _, t := range order {
			for _, e := range t.parents {
				if to, ok := step(t, e); ok && !in[to] {
					in[to], changed = true, true
				}
			}
		}
	}
}

// parentsFirst sorts the tables.
func (p *Plan) parentsFirst() []*table {
	var order []*table
	seen := map[*table]bool{}
	var visit func(t *table)
	visit = func(t *table) {
		if seen[t] {
			return
		}
		seen[t] = true
		for _, e := range t.parents {
			visit(e.to.table)
		}
		order = append(order, t)
	}
	for _, t := range p.collector.order {
		visit(t)
	}
	return order
}
