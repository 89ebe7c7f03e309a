package subset

import (
	"context"
	"fmt"
	"slices"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// Finish ends the first pass and decides which rows are kept. The Collector is of
// no more use then, apart from Close, which the Plan's Close includes.
func (c *Collector) Finish(ctx context.Context) (*Plan, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return nil, errClosed
	}
	c.done = true
	p := &Plan{collector: c, tables: c.tables}
	for _, t := range c.order {
		if t.out != nil {
			if err := t.out.Flush(); err != nil {
				return nil, fmt.Errorf("note the keys of %s: %w", t.name, err)
			}
		}
	}
	if err := p.checkRoots(); err != nil {
		return nil, err
	}
	if err := p.connect(); err != nil {
		return nil, err
	}
	order := p.assign()
	for _, step := range []func(context.Context, []*table) error{p.down, p.up, p.beside} {
		if err := step(ctx, order); err != nil {
			p.Close()
			return nil, err
		}
	}
	for _, t := range c.order {
		t.close()
	}
	for _, r := range append(slices.Clone(c.roots), c.rules...) {
		r.limits.list = nil
	}
	return p, nil
}

// checkRoots makes sure that every root has matched something: a misspelt name
// would bake an image without its data.
func (p *Plan) checkRoots() error {
	for _, r := range p.collector.roots {
		if !slices.ContainsFunc(p.collector.order, func(t *table) bool { return r.matches(t.schema.Schema, t.schema.Name) }) {
			return &Error{r.path + ".match", fmt.Errorf("no table of the dumps matches %q", r.Match)}
		}
	}
	return nil
}

// repeat scans tables one after the other until nothing comes of it any more: a
// table is scanned again when what size gives for it has grown meanwhile. Without
// cycles one scan of each is enough, when they come in the right order.
func repeat(ctx context.Context, order []*table, size func(*table) int, scan func(*table) error) error {
	last := map[*table]int{}
	for changed := true; changed; {
		changed = false
		for _, t := range order {
			now := size(t)
			if before, scanned := last[t]; scanned && before == now || now < 0 {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			last[t], changed = now, true
			if err := scan(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// chosen reports whether a row is one that the roots choose, or comes along with
// them.
func (t *table) chosen(flags byte, record []uint64) bool {
	switch t.role {
	case roleRoot:
		return flags&flagRoot != 0
	case roleBelow:
		if flags&flagMay == 0 {
			return false
		}
		for _, e := range t.parents {
			if e.to.down.n > 0 && e.to.down.has(join(record, e.columns)) {
				return true
			}
		}
	}
	return false
}

// needed reports whether a kept row refers to a row.
func (t *table) needed(record []uint64) bool {
	for _, k := range t.keys {
		if k.need.n > 0 && k.need.has(join(record, k.columns)) {
			return true
		}
	}
	return false
}

// keeps reports whether a row is kept.
func (t *table) keeps(flags byte, record []uint64) bool {
	switch {
	case t.role == roleOther:
		return !t.emptied && flags&flagMay != 0
	case t.role != roleBeside:
		return t.chosen(flags, record) || t.needed(record)
	case t.emptied || flags&flagMay == 0:
		return false
	}
	for _, e := range t.parents {
		if h := join(record, e.columns); h != 0 && !e.to.all.has(h) {
			return false
		}
	}
	return true
}

// down finds the rows that come along with the roots' rows.
func (p *Plan) down(ctx context.Context, order []*table) error {
	size := func(t *table) int {
		n := -1
		if t.role == roleRoot {
			n = 0
		}
		if t.role == roleBelow {
			n = 0
			for _, e := range t.parents {
				n += e.to.down.n
			}
			if n == 0 {
				n = -1
			}
		}
		return n
	}
	return repeat(ctx, order, size, func(t *table) error {
		if len(t.keys) == 0 {
			return nil // nothing refers to it
		}
		return t.scan(false, func(flags byte, record []uint64) error {
			if !t.chosen(flags, record) {
				return nil
			}
			for _, k := range t.keys {
				if err := k.down.add(join(record, k.columns)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// up finds the rows that kept rows refer to. Rows mostly refer to rows before
// them, so they are read from the end.
func (p *Plan) up(ctx context.Context, order []*table) error {
	order = slices.Clone(order)
	slices.Reverse(order)
	size := func(t *table) int {
		if t.role == roleOther || t.role == roleBeside || len(t.parents) == 0 {
			return -1
		}
		n := 0
		for _, k := range t.keys {
			n += k.need.n
		}
		if n == 0 && t.role == roleAbove {
			return -1
		}
		return n
	}
	return repeat(ctx, order, size, func(t *table) error {
		return t.scan(true, func(flags byte, record []uint64) error {
			if !t.keeps(flags, record) {
				return nil
			}
			for _, e := range t.parents {
				if err := e.to.need.add(join(record, e.columns)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// beside finds the rows of the tables beside: those whose parents are all kept.
func (p *Plan) beside(ctx context.Context, order []*table) error {
	for _, t := range order {
		for _, e := range t.parents {
			e.to.wanted = e.to.wanted || (t.role == roleBeside && !t.emptied)
		}
	}
	size := func(t *table) int {
		if !slices.ContainsFunc(t.keys, func(k *key) bool { return k.wanted }) {
			return -1
		}
		n := 0
		for _, e := range t.parents {
			if t.role == roleBeside {
				n += e.to.all.n
			}
		}
		return n
	}
	return repeat(ctx, order, size, func(t *table) error {
		return t.scan(false, func(flags byte, record []uint64) error {
			if !t.keeps(flags, record) {
				return nil
			}
			for _, k := range t.keys {
				if !k.wanted {
					continue
				}
				if err := k.all.add(join(record, k.columns)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// Close gives memory and files back. It may be called twice.
func (p *Plan) Close() {
	for _, t := range p.tables {
		t.close()
		for _, k := range t.keys {
			k.down.close()
			k.need.close()
			k.all.close()
		}
	}
}

// Warnings says what a user should know of: foreign keys that lead nowhere.
func (p *Plan) Warnings() []string { return slices.Clone(p.warnings) }

// Memory is what the sets of keys take, in bytes, those in files included.
func (p *Plan) Memory() int64 {
	var n int64
	for _, t := range p.tables {
		for _, k := range t.keys {
			n += int64(len(k.down.places)+len(k.need.places)+len(k.all.places)) * 8
		}
	}
	return n
}

var (
	_ rows.Filters = (*Plan)(nil)
	_ rows.Orderer = (*Plan)(nil)
)

// Ordered reports whether a table's first rows are asked for.
func (p *Plan) Ordered(s *schema.Table) bool {
	t := p.tables[nameOf(s.Schema, s.Name)]
	return t != nil && ((t.root != nil && t.root.limit != nil) || (t.rule != nil && t.rule.limit != nil))
}

// For makes the filter of a table for the second pass. Values are taken as in the
// first one, whatever the table has become on the server meanwhile.
func (p *Plan) For(s *schema.Table, columns []string) (rows.Filter, error) {
	t := p.tables[nameOf(s.Schema, s.Name)]
	switch {
	case isSystem(s.Schema):
		return nil, nil //nolint:nilnil // see rows.Filters
	case t == nil:
		return nil, fmt.Errorf("table %s.%s was not there in the first pass over the dump; has the dump changed?", s.Schema, s.Name)
	case t.records == 0:
		return dropAll{}, nil
	case t.role == roleOther && !t.emptied && t.rule == nil:
		return nil, nil //nolint:nilnil // see rows.Filters
	}
	choose, err := newChoice(t, t.schema, columns, p.collector.now)
	if err != nil {
		return nil, err
	}
	f := &planned{table: t, choice: choose, at: make([]int, len(t.columns)), record: make([]uint64, len(t.columns))}
	for i, name := range t.columns {
		if f.at[i] = -1; t.role != roleOther && t.looksAt(i) {
			if f.at[i] = indexOf(columns, name); f.at[i] < 0 {
				return nil, fmt.Errorf("the rows of %s.%s have no value for %s, which a foreign key goes over", s.Schema, s.Name, name)
			}
		}
	}
	f.uses = union(choose.uses, f.at)
	return f, nil
}

// looksAt reports whether a column is part of a foreign key or referred to.
func (t *table) looksAt(column int) bool {
	return slices.ContainsFunc(t.parents, func(e *edge) bool { return slices.Contains(e.columns, column) }) ||
		slices.ContainsFunc(t.keys, func(k *key) bool { return slices.Contains(k.columns, column) })
}

// planned is a table's filter in the second pass.
type planned struct {
	table  *table
	choice *choice
	at     []int
	uses   []bool
	record []uint64
	hasher hasher
}

// Uses tells the columns that are looked at.
func (f *planned) Uses() []bool { return f.uses }

// Row decides about a row.
func (f *planned) Row(cells []rows.Cell) (bool, error) {
	flags, err := f.choice.flags(cells)
	if err != nil {
		return false, err
	}
	for i, at := range f.at {
		if at >= 0 {
			f.record[i] = f.hasher.hash(f.table.kinds[i], &cells[at])
		}
	}
	return f.table.keeps(flags, f.record), nil
}
