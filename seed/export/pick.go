package export

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Check refuses options that cannot mean what they say; Run and List do, too.
func (o Options) Check() error {
	patterns := slices.Concat(o.Databases.Include, o.Databases.Exclude)
	qualified := slices.Concat(o.Tables.Include, o.Tables.Exclude, o.NoRows)
	for _, w := range o.Where {
		if strings.TrimSpace(w.Condition) == "" {
			return fmt.Errorf("the condition for %q is empty", w.Match)
		}
		qualified = append(qualified, w.Match)
	}
	for _, p := range qualified {
		if !strings.Contains(p, ".") {
			return fmt.Errorf("%q is a pattern over db.table: write %q for that table in every database", p, "*."+p)
		}
	}
	for _, p := range append(patterns, qualified...) {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("%q is no pattern: %w", p, err)
		}
	}
	return nil
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return p == name || ok && err == nil
	})
}

func (p Picks) wants(name string) bool {
	return (len(p.Include) == 0 || matches(p.Include, name)) && !matches(p.Exclude, name)
}

func (o Options) wantsRows(t *table) bool {
	return t.kind == kindTable && !o.NoData && t.holdsRows() && !matches(o.NoRows, t.qualified())
}

// where gives a table's condition; empty: none.
func (o Options) where(t *table) string {
	for _, w := range o.Where {
		if matches([]string{w.Match}, t.qualified()) {
			return w.Condition
		}
	}
	return ""
}

// unmatched gives an error for a pattern that is to bring something and brings
// nothing: a misspelt name would make a dump without its data.
func (o Options) unmatched(databases []*database) error {
	for _, p := range o.Databases.Include {
		if !slices.ContainsFunc(databases, func(db *database) bool { return matches([]string{p}, db.name) }) {
			return fmt.Errorf("no database that this account may see matches %q", p)
		}
	}
	if len(databases) == 0 {
		return errors.New("there is no database to dump that this account may see")
	}
	tables := slices.Clone(o.Tables.Include)
	for _, w := range o.Where {
		tables = append(tables, w.Match)
	}
	for _, p := range append(tables, o.NoRows...) {
		if !slices.ContainsFunc(databases, func(db *database) bool {
			return slices.ContainsFunc(db.tables, func(t *table) bool { return matches([]string{p}, t.qualified()) })
		}) {
			return fmt.Errorf("no table that this account may see matches %q", p)
		}
	}
	if o.Bare && len(databases) > 1 {
		return fmt.Errorf("a dump without database names holds one database; these were picked: %s", nameList(databases))
	}
	return nil
}

func nameList(databases []*database) string {
	names := make([]string, len(databases))
	for i, db := range databases {
		names[i] = db.name
	}
	return strings.Join(names, ", ")
}
