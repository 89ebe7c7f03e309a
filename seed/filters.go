package seed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/seed/subset"
	"github.com/dbake/dbake/spec"
)

// filters are what changes rows and leaves rows out while they pass.
type filters struct {
	all rows.Filters // nil: rows go in as they are
	// define is told of the tables that filters have to know of; nil: nobody.
	define func(*schema.Table) error
	// masker holds the transforms "sql", which the server evaluates.
	masker *mask.Masker
	// policy looks for columns that nobody has decided about; nil: they are fine.
	policy *policy.Policy
	// closed holds what a subset needs until the dumps are in.
	closed *subset.Plan
	// survey is the survey of the dump before, while there is one going on.
	survey    *load.Loader
	collector *subset.Collector
}

// makeFilters makes the filters: first what picks rows, which decides by their
// real values, then the masks. A subset along foreign keys takes a pass over all
// dumps of its own, before a server is there.
func (r *restore) makeFilters(ctx context.Context) error {
	var list rows.Chain
	var masks rows.Filters
	var err error
	if r.order.Mask != nil {
		if masks, err = r.makeMasks(); err != nil {
			return err
		}
	}
	switch {
	case r.order.Options.Subset != nil:
		if err := r.surveyDumps(ctx); err != nil {
			return err
		}
		list = append(list, r.filter.closed)
	case r.picksRows():
		rules, err := subset.New(r.order.Options, r.now())
		if err != nil {
			return atSubset(err)
		}
		list = append(list, rules)
	}
	if masks != nil {
		list = append(list, masks)
	}
	if len(list) > 0 {
		r.filter.all = list
	}
	return nil
}

// picksRows reports whether restore.tables picks some of a table's rows. All or
// none of them take no filter.
func (r *restore) picksRows() bool {
	return slices.ContainsFunc(r.order.Options.Tables, func(t spec.TableRule) bool { return t.Rows == "" })
}

// now is what NOW() gives in conditions: when the dumps were made, as far as it
// shows, so that the same dumps give the same rows.
func (r *restore) now() time.Time {
	var latest time.Time
	for _, o := range r.order.Objects {
		if o.Modified.After(latest) {
			latest = o.Modified
		}
	}
	if latest.IsZero() {
		return r.started.UTC()
	}
	return latest.UTC()
}

// atSubset gives an error about rules for rows its place.
func atSubset(err error) error {
	var e *subset.Error
	if errors.As(err, &e) {
		return at(e.Path, err)
	}
	return err
}

// surveyDumps decides which rows of all dumps a subset keeps.
func (r *restore) surveyDumps(ctx context.Context) error {
	dir := filepath.Join(r.dirs.Work, "subset")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make a directory for the keys of rows: %w", err)
	}
	collector, err := subset.NewCollector(r.order.Options, r.now(), dir)
	if err != nil {
		return atSubset(err)
	}
	defer collector.Close()
	r.filter.collector = collector
	err = r.loadDumps(ctx)
	r.filter.collector, r.filter.survey, r.matched = nil, nil, nil
	if err != nil {
		return atSubset(err)
	}
	r.emit(event.Phase{Name: "decide which rows belong together"})
	if r.filter.closed, err = collector.Finish(ctx); err != nil {
		return atSubset(err)
	}
	for _, text := range r.filter.closed.Warnings() {
		r.warn("restore.subset", text)
	}
	return nil
}

// closeFilters gives back what filters hold.
func (r *restore) closeFilters() {
	if r.filter.closed != nil {
		r.filter.closed.Close()
	}
}

// newSurvey makes the survey of a dump.
func (r *restore) newSurvey(name string, scanner *dump.Scanner) *load.Loader {
	l := load.NewSurvey(scanner, load.Options{
		Object:     name,
		Database:   r.order.Options.Database,
		SkipSystem: r.skipsSystem,
		Wants:      r.wants,
		WantsRows:  r.wantsRows,
		Filters:    r.filter.collector,
		Define: func(t *schema.Table) error {
			if r.filter.define != nil {
				if err := r.filter.define(t); err != nil {
					return err
				}
			}
			return r.filter.collector.Declare(t)
		},
		Warn: func(string) {}, // the restore says it again
	}, r.filter.survey)
	r.filter.survey = l
	return l
}

// loadDumps restores, or surveys, all dumps in order.
func (r *restore) loadDumps(ctx context.Context) error {
	for objects := r.order.Objects; len(objects) > 0; {
		n := plan.Together(objects)
		if err := r.loadDump(ctx, objects[:n]); err != nil {
			return at(fmt.Sprintf("dump[%d]", objects[0].Dump), atSubset(err))
		}
		objects = objects[n:]
	}
	return nil
}

// phase is what is being done with a dump.
func (r *restore) phase() string {
	if r.filter.collector != nil {
		return "survey"
	}
	return "restore"
}
