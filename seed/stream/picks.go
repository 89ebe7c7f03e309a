package stream

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/seed/subset"
	"github.com/dbake/dbake/spec"
)

// picks decides what of a dump passes, as a bake does.
type picks struct {
	options spec.Restore
	matched []string // patterns of restore.databases.include
}

// wants decides by restore.databases whether a schema passes.
func (p *picks) wants(name string) bool {
	d := p.options.Databases
	if d == nil {
		return true
	}
	included := d.Include == nil
	for _, pattern := range d.Include {
		if matches(pattern, name) {
			included = true
			p.matched = append(p.matched, pattern)
		}
	}
	return included && !slices.ContainsFunc(d.Exclude, func(pattern string) bool { return matches(pattern, name) })
}

// wantsRows decides by restore.tables whether a table's rows pass.
func (p *picks) wantsRows(database, table string) bool {
	for _, rule := range p.options.Tables {
		if matches(rule.Match, database+"."+table) {
			return rule.Rows != spec.RowsNone
		}
	}
	return true
}

// wantsRows is picks.wantsRows until it is sure that mask.policy fails the work:
// then the dump is read on for its tables only, so that the error can name all.
func (r *run) wantsRows(database, table string) bool {
	if r.policy != nil && r.policy.Failed() {
		return false
	}
	return r.picks.wantsRows(database, table)
}

// skipsSystem leaves accounts and system tables out unless they are asked for: a
// masked dump may be for any server, and hashes of passwords are nobody's business
// there.
func (p *picks) skipsSystem(dump.Header) bool { return p.options.System != spec.SystemKeep }

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// tally gives the count of a table.
func (r *run) tally(t *schema.Table) *tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := t.Schema + "." + t.Name
	if r.tallies[name] == nil {
		r.tallies[name] = &tally{Table: Table{Schema: t.Schema, Name: t.Name}}
	}
	return r.tallies[name]
}

// check makes sure that the dumps were what the dbake.yaml takes them for.
func (r *run) check() error {
	if d := r.options.Restore.Databases; d != nil {
		for i, pattern := range d.Include {
			if !slices.Contains(r.picks.matched, pattern) {
				return &Error{fmt.Sprintf("restore.databases.include[%d]", i), fmt.Errorf("no database of the dumps matches %q", pattern)}
			}
		}
	}
	if r.options.Mask == nil {
		return nil
	}
	for _, rule := range r.options.Mask.Columns {
		if !r.uses(rule.Pattern) {
			return &Error{"mask.columns." + rule.Pattern, errors.New("no column of the dumps matches; a name that is misspelt would let values pass")}
		}
	}
	if r.policy != nil {
		return r.policy.Check()
	}
	return nil
}

// uses reports whether a rule matches a column.
func (r *run) uses(pattern string) bool {
	pattern = policy.FoldColumn(pattern)
	for _, t := range r.tables {
		for i := range t.Columns {
			if matches(pattern, policy.FoldColumn(t.Schema+"."+t.Name+"."+t.Columns[i].Name)) {
				return true
			}
		}
	}
	return false
}

// blame gives an error the key that is to blame for it, where that is not its
// innermost one already.
func blame(err error) error {
	var m *mask.Error
	var s *subset.Error
	var p *policy.Error
	switch {
	case errors.As(err, &m):
		return &Error{m.Path, err}
	case errors.As(err, &s):
		return &Error{s.Path, err}
	case errors.As(err, &p):
		return &Error{p.Path, err}
	}
	return err
}

// noteDefinition notes that a definition holds what looks personal.
func (r *run) noteDefinition(st dump.Statement, found map[policy.Kind]bool) {
	if len(found) == 0 {
		return
	}
	var kinds []string
	for k := range found {
		kinds = append(kinds, k.String())
	}
	slices.Sort(kinds)
	name := strings.Trim(st.Table+"."+st.Name, ".")
	r.definitions = append(r.definitions, fmt.Sprintf("line %d, %s %s: %s", st.Line, st.Kind, name, strings.Join(kinds, ", ")))
}

// maxDefinitions is how many definitions a warning lists.
const maxDefinitions = 20

// report warns of what passed and may hold values.
func (r *run) report() {
	if r.commented > 0 {
		r.sink(event.Warning{Path: "mask", Text: fmt.Sprintf("left out %d comments that hold statements with values", r.commented)})
	}
	if n := len(r.definitions); n > 0 {
		list := r.definitions[:min(n, maxDefinitions)]
		text := "definitions pass as they are, and these hold what looks personal in a comment, a default or a body: " + strings.Join(list, "; ")
		if n > len(list) {
			text += fmt.Sprintf("; and %d more", n-len(list))
		}
		r.sink(event.Warning{Path: "mask", Text: text})
	}
}

// result sums up.
func (r *run) result(bytes int64) *Result {
	out := &Result{Dumps: int64(len(r.options.Objects)), Bytes: bytes}
	for _, t := range r.tallies {
		out.Rows += t.Rows
		out.Dropped += t.Dropped
		out.Masked += t.Masked
		out.Tables = append(out.Tables, t.Table)
	}
	slices.SortFunc(out.Tables, func(a, b Table) int {
		return strings.Compare(a.Schema+"\x00"+a.Name, b.Schema+"\x00"+b.Name)
	})
	return out
}
