// Package subset leaves rows of a dump out while they pass, before any server or
// file sees them: by the rules of restore.tables (Rules), and by restore.subset,
// which keeps what belongs together by foreign keys.
//
// Rules needs one pass over the dump. A subset along foreign keys needs two: the
// first goes through a Collector, which notes the values of keys, and whose Finish
// decides; the second through the Plan that Finish gives. Both are rows.Filters.
// Which rows that keeps is said in docs/subsetting.md.
package subset

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/seed/subset/expr"
	"github.com/dbake/dbake/spec"
)

// Error is a problem of a dbake.yaml that shows only when the tables are known.
type Error struct {
	// Path is the key at fault, such as "restore.tables[0].where".
	Path string
	Err  error
}

// Error gives the path and the cause.
func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Check reads all conditions of a file, which package spec takes for text, and
// gives every problem at its place; name is the file's. It needs no dump; whether
// the columns are there shows later.
func Check(name string, f *spec.File) error {
	var list spec.ErrorList
	check := func(key string, tables []spec.TableRule) {
		for i, r := range tables {
			if r.Where == "" {
				continue
			}
			if _, err := expr.Parse(r.Where); err != nil {
				at := fmt.Sprintf("%s[%d].where", key, i)
				list = append(list, &spec.Error{File: name, Pos: f.Position(at), Path: at, Msg: err.Error(), Err: err})
			}
		}
	}
	check("restore.tables", f.Restore.Tables)
	if s := f.Restore.Subset; s != nil {
		check("restore.subset.roots", s.Roots)
	}
	if len(list) > 0 {
		return list
	}
	return nil
}

// Rules are the filters of restore.tables. They may be used by many goroutines.
type Rules struct {
	list []*rule
	now  time.Time
}

var (
	_ rows.Filters = (*Rules)(nil)
	_ rows.Orderer = (*Rules)(nil)
)

// New makes the filters of restore.tables, whatever restore.subset says. now is
// what NOW() gives in conditions: the time the dump was made, so that the same
// dump always gives the same rows.
func New(options spec.Restore, now time.Time) (*Rules, error) {
	list, err := newRules("restore.tables", options.Tables)
	if err != nil {
		return nil, err
	}
	return &Rules{list: list, now: now}, nil
}

// Ordered reports whether a table's first rows are asked for.
func (r *Rules) Ordered(t *schema.Table) bool {
	rule := find(r.list, t.Schema, t.Name)
	return rule != nil && rule.limit != nil
}

// For makes the filter of a table.
func (r *Rules) For(t *schema.Table, columns []string) (rows.Filter, error) {
	rule := find(r.list, t.Schema, t.Name)
	if rule == nil || rule.Rows == spec.RowsAll {
		return nil, nil //nolint:nilnil // see rows.Filters
	}
	c, err := rule.chooser(t, columns, r.now)
	if err != nil {
		return nil, err
	}
	c.count = rule.counter(t)
	return c, nil
}

// rule is a TableRule made ready. limits holds, by table, how many rows it has let
// through.
type rule struct {
	spec.TableRule
	path   string
	where  *expr.Expr
	limit  *int64
	limits counters
}

func newRules(key string, tables []spec.TableRule) ([]*rule, error) {
	var list []*rule
	for i, t := range tables {
		r := &rule{TableRule: t, path: fmt.Sprintf("%s[%d]", key, i), limit: t.Limit}
		if t.Where != "" {
			var err error
			if r.where, err = expr.Parse(t.Where); err != nil {
				return nil, &Error{r.path + ".where", err}
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// find gives the first rule for a table; nil: none. The server's own schemas have
// none.
func find(list []*rule, schemaName, table string) *rule {
	if isSystem(schemaName) {
		return nil
	}
	for _, r := range list {
		if r.matches(schemaName, table) {
			return r
		}
	}
	return nil
}

func (r *rule) matches(schemaName, table string) bool {
	ok, err := path.Match(r.Match, schemaName+"."+table)
	return ok && err == nil
}

func isSystem(schemaName string) bool {
	switch strings.ToLower(schemaName) {
	case "mysql", "information_schema", "performance_schema", "sys":
		return true
	}
	return false
}

func (r *rule) counter(t *schema.Table) *atomic.Int64 { return r.limits.of(nameOf(t.Schema, t.Name)) }

// chooser decides by one rule which rows of a table stay. It is for one goroutine.
type chooser struct {
	none    bool
	program *expr.Program
	limit   int64
	count   *atomic.Int64 // of a limit, shared by a table's choosers
	percent *percentage
	uses    []bool
}

var (
	_ rows.Filter    = (*chooser)(nil)
	_ rows.Selective = (*chooser)(nil)
)

func (r *rule) chooser(t *schema.Table, columns []string, now time.Time) (*chooser, error) {
	c := &chooser{uses: make([]bool, len(columns))}
	switch {
	case r.Rows == spec.RowsNone:
		c.none = true
	case r.where != nil:
		var err error
		if c.program, err = r.where.Compile(t, columns, expr.Env{Now: now}); err != nil {
			return nil, &Error{r.path + ".where", fmt.Errorf("table %s.%s: %w", t.Schema, t.Name, err)}
		}
		c.uses = c.program.Uses()
	case r.limit != nil:
		c.limit = *r.limit
	case r.Percent != nil:
		c.percent = newPercentage(t, columns, *r.Percent)
		for _, i := range c.percent.columns {
			c.uses[i] = true
		}
	}
	return c, nil
}

// Uses tells the columns that are looked at.
func (c *chooser) Uses() []bool { return c.uses }

// Row decides about a row.
func (c *chooser) Row(cells []rows.Cell) (bool, error) {
	switch {
	case c.none:
		return false, nil
	case c.program != nil:
		keep, err := c.program.Match(cells)
		if err != nil {
			return false, fmt.Errorf("the condition of a rule for rows: %w", err)
		}
		return keep, nil
	case c.count != nil && c.limit > 0:
		return c.count.Add(1) <= c.limit, nil
	case c.percent != nil:
		return c.percent.keeps(cells), nil
	}
	return true, nil
}

var errClosed = errors.New("the first pass is over")
