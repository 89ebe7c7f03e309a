package seed

import (
	"fmt"
	"path"
	"slices"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/repair"
	"github.com/dbake/dbake/spec"
)

// repairer makes a dump's statements fit the base's server.
func (r *restore) repairer(from dump.Header) *repair.Repairer {
	return r.repairerWith(from, r.order.Options.Definer)
}

// copyRepairer is repairer for what has been in such a server already.
func (r *restore) copyRepairer(from dump.Header) *repair.Repairer {
	return r.repairerWith(from, spec.DefinerKeep)
}

func (r *restore) repairerWith(from dump.Header, definer string) *repair.Repairer {
	v := r.server.Version()
	return repair.New(repair.Options{
		From:    from,
		To:      repair.Server{Flavour: string(r.server.Flavour()), Major: v.Major, Minor: v.Minor, Patch: v.Patch},
		Definer: definer,
	})
}

// wants decides by restore.databases whether a schema is restored.
func (r *restore) wants(schema string) bool {
	picks := r.order.Options.Databases
	if picks == nil {
		return true
	}
	included := picks.Include == nil
	for _, pattern := range picks.Include {
		if matches(pattern, schema) {
			included = true
			if !slices.Contains(r.matched, pattern) {
				r.matched = append(r.matched, pattern)
			}
		}
	}
	return included && !slices.ContainsFunc(picks.Exclude, func(p string) bool { return matches(p, schema) })
}

// matches takes patterns in the syntax of path.Match, which the spec has checked.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// wantsRows decides whether the rows of a table are restored. None are once it is
// sure that mask.policy fails the bake: then the dump is read on for its tables
// only, so that the error can name all columns.
func (r *restore) wantsRows(schema, table string) bool {
	if p := r.filter.policy; p != nil && p.Failed() {
		return false
	}
	return r.picksTable(schema, table)
}

// picksTable decides by restore.tables whether the rows of a table are restored:
// the first rule that matches counts.
func (r *restore) picksTable(schema, table string) bool {
	for _, rule := range r.order.Options.Tables {
		if matches(rule.Match, schema+"."+table) {
			return rule.Rows != spec.RowsNone
		}
	}
	return true
}

// checkPicks makes sure that each pattern of restore.databases.include has
// matched something: a misspelt name would bake an image without its data.
func (r *restore) checkPicks() error {
	picks := r.order.Options.Databases
	if picks == nil {
		return nil
	}
	for i, pattern := range picks.Include {
		if !slices.Contains(r.matched, pattern) {
			return at(fmt.Sprintf("restore.databases.include[%d]", i), fmt.Errorf("no database of the dumps matches %q", pattern))
		}
	}
	return nil
}
