package load

import (
	"context"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/schema"
)

// Passer takes what a dump says where there is no server. Its methods are called
// from one goroutine, in the order of the dump. The texts of statements are valid
// during a call only.
type Passer interface {
	// Pass takes a statement that is to be executed and puts no rows into a table.
	Pass(st dump.Statement) error
	// Rows takes an INSERT or REPLACE; t is its table as the dump has made it so
	// far, another one after each change; nil: the dump has not made it.
	Rows(st dump.Statement, t *schema.Table) error
	// Place takes a statement that the dump lacks: one that makes or selects the
	// schema that it goes into.
	Place(statement string) error
	// Over is called behind each statement of the dump, also those left out.
	Over(st dump.Statement) error
}

// NewPass prepares a Loader that executes nothing: it hands on what would be
// executed, without asking Options.Filters about rows. before is the pass of the
// dump before, whose tables the rows of this one may belong to; nil: there is none.
func NewPass(scanner *dump.Scanner, o Options, to Passer, before *Loader) *Loader {
	l := NewSurvey(scanner, o, before)
	l.passer = to
	l.rows = &passRows{surveyRows{loader: l}}
	return l
}

// passRows is the Rows of a pass.
type passRows struct{ surveyRows }

func (r *passRows) Put(_ context.Context, st dump.Statement) error {
	l := r.loader
	t := l.table(st)
	t.filled = true
	if err := l.passer.Rows(st, l.defined[tableKey(t.Schema, t.Name)]); err != nil {
		return l.statementError(st, err)
	}
	return nil
}
