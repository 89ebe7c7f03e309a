package subset

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// spillSize is how large a set of keys may be before it lies in a file, in bytes.
const spillSize = 256 << 20

// Collector goes through the first pass over a dump: it notes, in files, the values
// of all columns of keys as hashes, and which rows the rules choose. As rows.Filters
// it lets no row through. The rows of a table must come in the order of the dump
// and from one goroutine at a time.
type Collector struct {
	options      spec.Subset
	roots, rules []*rule
	now          time.Time
	memory       memory

	mu     sync.Mutex
	tables map[string]*table
	order  []*table // as they came
	done   bool
}

var (
	_ rows.Filters = (*Collector)(nil)
	_ rows.Orderer = (*Collector)(nil)
)

// table is what is known of one table.
type table struct {
	name   string // as nameOf gives it
	schema *schema.Table
	// columns are the columns of all keys, in lower case, and kinds what they
	// hold; a record has one hash for each.
	columns []string
	kinds   []kind
	missing []bool // some rows have no value for the column
	root    *rule
	rule    *rule // of restore.tables, which narrows what comes along

	file    *os.File
	out     *bufio.Writer
	records int64
	hasher  hasher

	node // for the closure
}

// NewCollector begins the first pass for restore.subset, which must be there. now
// is as for New; dir is a directory for temporary files (empty: the system's).
// Close must be called.
func NewCollector(options spec.Restore, now time.Time, dir string) (*Collector, error) {
	roots, err := newRules("restore.subset.roots", options.Subset.Roots)
	if err != nil {
		return nil, err
	}
	rules, err := newRules("restore.tables", options.Tables)
	if err != nil {
		return nil, err
	}
	return &Collector{
		options: *options.Subset, roots: roots, rules: rules, now: now,
		memory: memory{dir: dir, most: spillSize}, tables: map[string]*table{},
	}, nil
}

// Close removes what is noted, if Finish has not. It may be called twice.
func (c *Collector) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	for _, t := range c.order {
		t.close()
	}
}

func (t *table) close() {
	if t.file != nil {
		t.file.Close()
		os.Remove(t.file.Name())
		t.file, t.out = nil, nil
	}
}

// Ordered is always true.
func (c *Collector) Ordered(*schema.Table) bool { return true }

// Declare tells of a table as a statement makes or alters it; foreign keys may
// come behind the rows, other keys may not. It is not needed for tables that have
// rows and are not altered after them.
func (c *Collector) Declare(t *schema.Table) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.declare(t)
	return err
}

func (c *Collector) declare(s *schema.Table) (*table, error) {
	if c.done {
		return nil, errClosed
	}
	name := nameOf(s.Schema, s.Name)
	t := c.tables[name]
	if t == nil {
		t = &table{name: name, root: find(c.roots, s.Schema, s.Name), rule: find(c.rules, s.Schema, s.Name)}
		c.tables[name] = t
		c.order = append(c.order, t)
	}
	columns := c.keyColumns(s)
	if t.records > 0 {
		for _, col := range columns { // t.columns stays as it is
			if !slices.Contains(t.columns, col) {
				return nil, fmt.Errorf("table %s.%s has a key over %s only after its rows; name the reference in restore.subset.foreign_keys", s.Schema, s.Name, col)
			}
		}
		t.schema = s
		return t, nil
	}
	t.schema, t.columns = s, columns
	t.kinds, t.missing = make([]kind, len(columns)), make([]bool, len(columns))
	for i, name := range columns {
		t.kinds[i] = kindOf(s.Column(name))
	}
	return t, nil
}

// keyColumns lists, in lower case, the columns that may be on either side of a
// foreign key: a server wants an index for both. The order of a table without keys
// stays when keys are added.
func (c *Collector) keyColumns(s *schema.Table) []string {
	var list []string
	add := func(names []string) {
		for _, n := range names {
			n = strings.ToLower(n)
			if !slices.Contains(list, n) && s.Column(n) != nil {
				list = append(list, n)
			}
		}
	}
	for _, k := range s.Keys {
		add(k.Columns)
	}
	if len(s.Keys) == 0 { // phpMyAdmin adds all keys behind the rows
		for i := range s.Columns {
			switch s.Columns[i].Type {
			case "text", "mediumtext", "longtext", "blob", "mediumblob", "longblob", "json":
			default:
				add([]string{s.Columns[i].Name})
			}
		}
	}
	for _, fk := range s.ForeignKeys {
		add(fk.Columns)
	}
	for _, fk := range c.options.ForeignKeys {
		for _, side := range []spec.Columns{fk.From, fk.To} {
			if strings.EqualFold(side.Table(), nameOf(s.Schema, s.Name)) {
				add(side.Names())
			}
		}
	}
	return list
}

// For makes the filter that notes a table's rows.
func (c *Collector) For(s *schema.Table, columns []string) (rows.Filter, error) {
	if isSystem(s.Schema) {
		return nil, nil //nolint:nilnil // see rows.Filters
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t, err := c.declare(s)
	if err != nil {
		return nil, err
	}
	if t.rule != nil && t.rule.Rows == spec.RowsNone && t.root == nil {
		return dropAll{}, nil
	}
	if t.file == nil {
		if t.file, err = os.CreateTemp(c.memory.dir, "subset"); err != nil {
			return nil, fmt.Errorf("make a file for the keys of %s: %w", t.name, err)
		}
		t.out = bufio.NewWriterSize(t.file, 64<<10)
	}
	choose, err := newChoice(t, t.schema, columns, c.now)
	if err != nil {
		return nil, err
	}
	n := &noter{table: t, choice: choose, at: make([]int, len(t.columns)), record: make([]byte, 1+8*len(t.columns))}
	for i, name := range t.columns {
		n.at[i] = indexOf(columns, name)
		t.missing[i] = t.missing[i] || n.at[i] < 0
	}
	n.uses = union(choose.uses, n.at)
	return n, nil
}

func indexOf(columns []string, name string) int {
	return slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
}

func union(uses []bool, at []int) []bool {
	uses = slices.Clone(uses)
	for _, i := range at {
		if i >= 0 {
			uses[i] = true
		}
	}
	return uses
}

type dropAll struct{}

func (dropAll) Row([]rows.Cell) (bool, error) { return false, nil }

// choice applies the rules to a row, in either pass: whether it is one of the
// roots' rows, and whether it may come along.
type choice struct {
	root, rule *chooser // nil: none
	uses       []bool
}

func newChoice(t *table, s *schema.Table, columns []string, now time.Time) (*choice, error) {
	c := &choice{uses: make([]bool, len(columns))}
	for _, side := range []struct {
		rule *rule
		into **chooser
	}{{t.root, &c.root}, {t.rule, &c.rule}} {
		if side.rule == nil {
			continue
		}
		made, err := side.rule.chooser(s, columns, now)
		if err != nil {
			return nil, err
		}
		made.count = side.rule.counter(s)
		*side.into = made
		for i, used := range made.uses {
			c.uses[i] = c.uses[i] || used
		}
	}
	return c, nil
}

// The flags of a record.
const (
	flagRoot  = 1 << iota // a row that a root's rule chooses
	flagMay               // a row that restore.tables does not leave out
	flagsSize = 1
)

func (c *choice) flags(cells []rows.Cell) (flags byte, err error) {
	may := true
	if c.rule != nil {
		if may, err = c.rule.Row(cells); err != nil {
			return 0, err
		}
	}
	if may {
		flags |= flagMay
	}
	if c.root != nil {
		root, err := c.root.Row(cells)
		if err != nil {
			return 0, err
		}
		if root {
			flags |= flagRoot
		}
	}
	return flags, nil
}

// noter writes the record of each row.
type noter struct {
	table  *table
	choice *choice
	at     []int // where the key columns are among the cells; -1: nowhere
	uses   []bool
	record []byte
}

// Uses tells the columns that are looked at.
func (n *noter) Uses() []bool { return n.uses }

// Row notes a row.
func (n *noter) Row(cells []rows.Cell) (bool, error) {
	flags, err := n.choice.flags(cells)
	if err != nil {
		return false, err
	}
	t := n.table
	n.record[0] = flags
	for i, at := range n.at {
		var h uint64
		if at >= 0 {
			h = t.hasher.hash(t.kinds[i], &cells[at])
		}
		binary.LittleEndian.PutUint64(n.record[flagsSize+8*i:], h)
	}
	if _, err := t.out.Write(n.record); err != nil {
		return false, fmt.Errorf("note the keys of %s: %w", t.name, err)
	}
	t.records++
	return false, nil
}

// scan calls visit with the flags and hashes of each row, backwards if asked.
func (t *table) scan(backwards bool, visit func(flags byte, record []uint64) error) error {
	if t.records == 0 {
		return nil
	}
	size := flagsSize + 8*len(t.columns)
	per := int64(max(1, (1<<20)/size))
	block := make([]byte, per*int64(size))
	record := make([]uint64, len(t.columns))
	blocks := (t.records + per - 1) / per
	for b := range blocks {
		if backwards {
			b = blocks - 1 - b
		}
		n := min(per, t.records-b*per)
		part := block[:n*int64(size)]
		if _, err := t.file.ReadAt(part, b*per*int64(size)); err != nil {
			return fmt.Errorf("read the keys of %s: %w", t.name, err)
		}
		for i := range n {
			if backwards {
				i = n - 1 - i
			}
			one := part[i*int64(size):]
			for c := range record {
				record[c] = binary.LittleEndian.Uint64(one[flagsSize+8*c:])
			}
			if err := visit(one[0], record); err != nil {
				return err
			}
		}
	}
	return nil
}
