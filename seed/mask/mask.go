// Package mask replaces values of a dump's rows before any server or file sees
// them, as mask.columns of a dbake.yaml says.
//
// A keyed transform computes its result from the value and mask.key alone, so a
// value has the same mask in every table, bake and machine, and joins keep
// working. Masks follow foreign keys to the columns that refer. A result always
// fits its column, or there is an error that names the column; texts of errors
// never hold a value.
package mask

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// minKey is the length of the shortest key in bytes. Whoever can guess the key
// can look up values by their masks.
const minKey = 16

// Error is a rule of mask.columns that cannot be carried out.
type Error struct {
	// Path is the key in the dbake.yaml: "mask.columns.app.users.name.name.locale".
	Path string
	Msg  string
	// Hint says what to do; it may be empty.
	Hint string
}

// Error renders the problem as package spec does.
func (e *Error) Error() string {
	text := e.Path + ": " + e.Msg
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Masker makes the filters that mask rows. All its methods may be called from
// several goroutines.
type Masker struct {
	rules []rule
	keys  keys

	mu sync.RWMutex
	// matched are the indexes of rules that match a column of a table.
	matched map[int]bool
	// tables are those that Relations was told of.
	tables map[string]*schema.Table
	// references are foreign keys by the lower-case name of the column that
	// refers.
	references map[string][]target
	// passed are columns that For left as they are, by their lower-case names.
	passed map[string]bool
	// open are columns that For left as they are while nothing was known of the
	// tables they refer to: the referred columns with who refers.
	open map[string]string
}

var _ rows.Filters = (*Masker)(nil)

// New makes the Masker of a mask section. key is the value of mask.key's secret,
// at least 16 bytes not counting line ends behind it; it may be empty when no
// transform needs one. Every error is an *Error with the path of the key that is
// at fault; errors.Join holds several.
func New(m *spec.Mask, key []byte) (*Masker, error) {
	key = bytes.TrimRight(key, "\r\n")
	if len(key) > 0 && len(key) < minKey {
		return nil, &Error{
			Path: "mask.key", Msg: fmt.Sprintf("the key must have at least %d bytes", minKey),
			Hint: "openssl rand -hex 32 makes one",
		}
	}
	masker := &Masker{
		keys: newKeys(key), matched: map[int]bool{}, passed: map[string]bool{}, tables: map[string]*schema.Table{},
		references: map[string][]target{}, open: map[string]string{},
	}
	var errs []error
	for _, column := range m.Columns {
		r, err := newRule(column)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if r.transform.keyed && len(key) == 0 {
			errs = append(errs, &Error{
				Path: "mask.key", Msg: fmt.Sprintf("%s needs a key for %s", r.path, r.transform.name),
				Hint: "write key: {secret: NAME} and pass a secret that is not empty; without it masks could be undone",
			})
		}
		masker.rules = append(masker.rules, r)
	}
	if len(errs) == 1 {
		return nil, errs[0]
	}
	return masker, errors.Join(errs...)
}

// Check says what New would say of a mask section that has its key.
func Check(m *spec.Mask) error {
	_, err := New(m, make([]byte, minKey))
	return err
}

// For implements rows.Filters. It refuses rules that cannot fit a column: those
// that give no value of its type, and those that could give two rows the same
// value of a unique key.
func (m *Masker) For(t *schema.Table, columns []string) (rows.Filter, error) {
	m.mu.Lock()
	m.note(t)
	m.mu.Unlock()
	f := new(filter)
	masks := make(map[string]*bound, len(columns))
	for i, name := range columns {
		b, err := m.bind(t, name, i, columns)
		if err != nil {
			return nil, err
		}
		if b != nil {
			f.work = append(f.work, b)
			masks[lower(name)] = b
		}
	}
	if len(f.work) == 0 {
		return nil, nil //nolint:nilnil // no filter is an answer: see rows.Filters
	}
	if err := checkKeys(t, masks); err != nil {
		return nil, err
	}
	return f, nil
}

// bind makes what masks one column, or nil when nothing does.
func (m *Masker) bind(t *schema.Table, name string, index int, columns []string) (*bound, error) {
	d, err := m.decide(t, name)
	if err != nil || d.rule == nil {
		m.mu.Lock()
		m.passed[target{t.Schema, t.Name, name}.key()] = true
		m.mu.Unlock()
		return nil, err
	}
	def := t.Column(name)
	if def == nil {
		return nil, fmt.Errorf("mask %s: the table has no such column", fullName(t, name))
	}
	tr := d.rule.transform
	if def.Generated || tr.name == "keep" || tr.name == "sql" {
		// The server computes generated columns, and evaluates sql, itself.
		return nil, nil //nolint:nilnil // no mask is an answer
	}
	own := newColumn(t, def)
	b := &binder{keys: &m.keys, table: t, columns: columns, column: own, model: own, scope: tr.scope}
	if d.column != nil {
		b.model = newColumn(d.table, d.column)
	}
	bound := &bound{index: index, column: own}
	if bound.step, bound.traits, err = tr.bind(b); err != nil {
		return nil, fmt.Errorf("mask %s: %s of %s: %w", own.full, tr.name, d.rule.path, err)
	}
	bound.when, _ = bound.step.(*conditional)
	return bound, nil
}

// Covers reports whether a rule decides what becomes of a column: its own one,
// keep and sql included, or that of a column it refers to.
func (m *Masker) Covers(t *schema.Table, column string) (bool, error) {
	d, err := m.decide(t, column)
	return d.rule != nil, err
}

// filter masks the rows of one table.
type filter struct {
	work []*bound
	row  row
}

// row is the row that is being masked, with the values it came with.
type row struct{ cells []rows.Cell }

// Row implements rows.Filter. Every transform sees the row as it came, whatever
// the others make of it.
func (f *filter) Row(cells []rows.Cell) (bool, error) {
	f.row.cells = cells
	for _, b := range f.work {
		c := &cells[b.index]
		if err := b.mask(&f.row, value{c.Kind, c.Value}); err != nil {
			return false, fmt.Errorf("mask %s: %w", b.column.full, err)
		}
	}
	for _, b := range f.work {
		if b.changed {
			cells[b.index].Set(b.result.kind, b.result.text)
		}
	}
	return true, nil
}

// bound is a transform for one column of one table, with room for its result.
type bound struct {
	index   int
	column  *column
	step    step
	traits  traits
	when    *conditional
	result  value
	changed bool
}

// mask computes the result of one value.
func (b *bound) mask(r *row, v value) error {
	b.changed = false
	result, err := b.step.apply(r, v)
	if err != nil {
		return err
	}
	if result.same(v) {
		return nil
	}
	if b.traits.cut {
		result.text = b.column.cut(result.text)
	}
	if result, err = b.column.fit(result, b.traits.sound); err != nil {
		return err
	}
	b.result, b.changed = result, true
	return nil
}
