// Package load puts what a dump says into a running server: it executes the
// statements of a dump in order, with the session state the dump asks for.
//
// How rows get into a table is behind the interface Rows. Everything else, such
// as DDL, SET and grants, runs on the session connection, in order, when the
// rows it could depend on are in.
package load

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/repair"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// Rows puts the rows of INSERT and REPLACE statements into tables. Its methods
// are called from one goroutine.
type Rows interface {
	// Put takes a statement of kind Insert or Replace. It may return before
	// the rows are in; the statement's text is only valid during the call.
	Put(ctx context.Context, st dump.Statement) error
	// Follow tells of a statement that has changed the state of the session,
	// so that rows put from now on see the same state.
	Follow(st dump.Statement)
	// WaitTable returns when all rows put into one table are in.
	WaitTable(ctx context.Context, schema, table string) error
	// Wait returns when all rows are in and every table is whole.
	Wait(ctx context.Context) error
	// Skips reports whether a statement means nothing to rows that are put
	// this way.
	Skips(st dump.Statement) bool
}

// Options say how a dump is loaded.
type Options struct {
	// Object is the dump's name in errors, as the user wrote it.
	Object string
	// Database is the schema that a dump goes into which neither creates nor
	// selects one; empty: the one its header names.
	Database string
	// SkipSystem decides whether accounts and system tables are left out of
	// a dump with this header (the zero Header when it has none). It is asked
	// once, at the first such statement; nil keeps them.
	SkipSystem func(dump.Header) bool
	// Repair makes what fits the dump's statements to the server, from what
	// the dump says about itself (the zero Header when it has none). It is
	// called once, at the first statement; nil leaves all statements as they
	// are.
	Repair func(dump.Header) *repair.Repairer
	// Wants picks the schemas that are loaded; nil takes all. The server's own
	// are up to SkipSystem. WantsRows picks the tables whose rows are.
	Wants     func(schema string) bool
	WantsRows func(schema, table string) bool
	// Filters change rows, or leave them out, before the server sees them; nil
	// loads all as they are. Whatever could bring rows past them is refused,
	// also with Continue: see StatementError.
	Filters rows.Filters
	// Define is told of each table that the dump creates, and again when it
	// changes it, before the rows behind the statement come; nil: nobody is.
	Define func(t *schema.Table) error
	// Continue goes on after a statement the server refused.
	Continue bool
	// ChunkBytes is how much text of rows a lane takes at a time; 0: a
	// default that suits dumps of any size.
	ChunkBytes int
	// Warn receives what the user should know; it must not be nil. It may be
	// called from several goroutines.
	Warn func(text string)
}

// Counts are what a load has done so far. It is safe to read from other
// goroutines through Loader.Counts.
type Counts struct {
	Statements int64 // accepted by the server
	Rows       int64 // that INSERT, REPLACE and LOAD DATA affected, as the server counts
	Tables     int64 // created
	Skipped    int64 // statements refused by the server, with Options.Continue
}

// Loader loads one dump. It is not safe for concurrent use, apart from Counts.
type Loader struct {
	session *sql.Conn // nil: a survey or a pass, which execute nothing
	passer  Passer    // nil: no pass
	scanner *dump.Scanner
	options Options
	rows    Rows
	counts  *counters
	placed  bool   // the session has a default schema, or the dump sees to it
	schema  string // the session's default schema
	left    leftOut
	picked  picked
	repair  *repair.Repairer
	folder  dump.Header // what a dump folder says about itself
	tables  map[string]*Table
	order   []*Table
	sieves  map[string]*sieve // of sessionRows, by tableKey
	defined map[string]*schema.Table
	// routines are the names, in lower case, of those that the dump has made.
	routines map[string]bool
}

// Table is what a load did to one table.
type Table struct {
	Schema, Name string
	Rows         int64
	// Bytes and Digest are the length in bytes and the SHA-256 (hexadecimal)
	// of the table's rows as the dump writes them and the filters leave them:
	// the texts of its VALUES lists, joined by commas. Zero and empty for a
	// table without rows, and for one whose rows came in another form.
	Bytes  int64
	Digest string
	// Dropped and Masked count the rows that filters left out, and those they
	// changed; Cells counts the changed values of each column.
	Dropped, Masked int64
	Cells           map[string]int64

	filled bool // rows have been put
}

// New prepares a load of the dump that scanner reads over session alone. The
// session must be new: the dump's own SET statements give it the state the dump
// needs.
func New(session *sql.Conn, scanner *dump.Scanner, o Options) *Loader {
	l := &Loader{session: session, scanner: scanner, options: o, counts: &counters{}, tables: map[string]*Table{}}
	l.rows = (*sessionRows)(l)
	return l
}

// NewParallel is New with rows loaded over lanes besides the session. The lanes
// must be new, too, and belong to the load until Run has returned.
func NewParallel(session *sql.Conn, lanes Lanes, scanner *dump.Scanner, o Options) *Loader {
	l := New(session, scanner, o)
	l.rows = newLaneRows(l, lanes)
	return l
}

// Run loads the dump to its end. It returns a *StatementError when the server
// refuses a statement, a *dump.SyntaxError when the dump cannot be split into
// statements, and a *TruncatedError when the dump ends before its completion
// line. What the server accepted before an error stays in the server.
func (l *Loader) Run(ctx context.Context) error {
	if r, ok := l.rows.(*laneRows); ok {
		stop := r.start(ctx)
		defer stop()
	}
	// A client program names its character set when it connects; the dump may
	// rely on it (mysqldump --compact) and overrides it otherwise.
	begin := dump.Statement{Kind: dump.SetStatement, Text: []byte("SET NAMES utf8mb4")}
	if l.passer == nil {
		if err := l.prepare(ctx, string(begin.Text)); err != nil {
			return fmt.Errorf("begin the session for %s: %w", l.options.Object, err)
		}
	}
	l.rows.Follow(begin)
	for {
		st, err := l.scanner.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.options.Object, err)
		}
		if err := l.step(ctx, st); err != nil {
			return err
		}
		if l.passer != nil {
			if err := l.passer.Over(st); err != nil {
				return err
			}
		}
	}
	if err := l.rows.Wait(ctx); err != nil {
		return err
	}
	l.left.report(l.options)
	l.reportRepairs()
	if h, cut := l.scanner.Truncated(); cut {
		return &TruncatedError{Object: l.options.Object, Tool: h.Tool}
	}
	return nil
}

// Counts tells how far the load is; it may be called from any goroutine.
func (l *Loader) Counts() Counts { return l.counts.read() }

// Tables gives the tables the load created or filled, in the order of the
// dump. Call it when Run has returned.
func (l *Loader) Tables() []Table {
	out := make([]Table, len(l.order))
	for i, t := range l.order {
		out[i] = *t
	}
	return out
}

// step executes one statement, or leaves it out for a reason.
func (l *Loader) step(ctx context.Context, st dump.Statement) error {
	if l.repair == nil && l.options.Repair != nil {
		l.repair = l.options.Repair(l.header())
	}
	if why := refusal(st); why != "" {
		return l.statementError(st, errors.New(why))
	}
	if l.leavesOut(st) || l.rows.Skips(st) || l.unpicked(st) {
		return nil
	}
	if l.options.Filters != nil {
		if why := l.bypass(st); why != "" {
			return l.statementError(st, errors.New(why))
		}
	}
	if err := l.place(ctx, st); err != nil {
		return err
	}
	if st.Kind == dump.Insert || st.Kind == dump.Replace {
		if !l.wantsRows(st) {
			return nil
		}
		return l.rows.Put(ctx, st)
	}
	clear(l.sieves) // the statement may change tables
	st, skip, err := l.repaired(st)
	if skip || err != nil {
		return err
	}
	if err := l.waitFor(ctx, st); err != nil {
		return err
	}
	if _, err := l.execute(ctx, st); err != nil {
		return err
	}
	l.follow(st)
	return l.define(st)
}

// follow takes note of what an executed statement has changed.
func (l *Loader) follow(st dump.Statement) {
	switch st.Kind {
	case dump.Use:
		l.schema = st.Schema
		l.rows.Follow(st)
	case dump.SetStatement:
		if !isGlobal(st) {
			l.rows.Follow(st)
		}
	case dump.CreateTable:
		l.table(st)
		l.counts.tables.Add(1)
	case dump.CreateRoutine:
		if l.routines == nil {
			l.routines = map[string]bool{}
		}
		l.routines[strings.ToLower(st.Name)] = true
	}
}

// define tells of a table that has been created or changed. What cannot be read is
// left to whoever puts rows into the table: they look at it in the server.
func (l *Loader) define(st dump.Statement) error {
	if l.options.Define == nil {
		return nil
	}
	key := tableKey(l.schemaOf(st), st.Table)
	old := l.defined[key]
	var t *schema.Table
	var err error
	switch st.Kind {
	case dump.CreateTable:
		t, err = schema.Parse(st.Text, st.Mode)
		if err == nil && old != nil && hasWord(st, "EXISTS") && !sameColumns(old, t) {
			err = errors.New("which of the two it is depends on what is there") // IF NOT EXISTS
		}
	case dump.AlterTable:
		if old == nil {
			return nil
		}
		altered := *old
		t, err = &altered, schema.Alter(&altered, st.Text, st.Mode)
	case dump.DropTable:
		delete(l.defined, key)
		return nil
	default:
		return nil
	}
	if err != nil {
		delete(l.defined, key) // what was known holds no more
		return nil             //nolint:nilerr // see above
	}
	t.Schema, t.Name = l.schemaOf(st), st.Table
	if l.defined == nil {
		l.defined = map[string]*schema.Table{}
	}
	l.defined[key] = t
	if err := l.options.Define(l.defined[key]); err != nil {
		return l.statementError(st, err)
	}
	return nil
}

// sameColumns reports whether two tables have the same columns in the same order.
func sameColumns(a, b *schema.Table) bool {
	return slices.EqualFunc(a.Columns, b.Columns, func(x, y schema.Column) bool {
		return strings.EqualFold(x.Name, y.Name) && x.Invisible == y.Invisible && x.Generated == y.Generated
	})
}

// waitFor waits for the rows that a statement could depend on. What is not
// known to be harmless waits for all.
func (l *Loader) waitFor(ctx context.Context, st dump.Statement) error {
	switch st.Kind {
	case dump.Use, dump.CreateDatabase, dump.LockTables, dump.UnlockTables, dump.AlterKeys, dump.Transaction,
		dump.GTIDPurged, dump.CreateView, dump.DropView, dump.CreateRoutine, dump.CreateEvent, dump.DropProgram:
		return nil // these are about definitions, not rows
	case dump.SetStatement:
		if !bytes.Contains(bytes.ToUpper(st.Text), []byte("SELECT")) {
			return nil
		}
	case dump.CreateTable:
		if !readsOtherTables(st.Text) {
			return l.rows.WaitTable(ctx, l.schemaOf(st), st.Table)
		}
	case dump.DropTable:
		if !bytes.Contains(st.Text, []byte(",")) {
			return l.rows.WaitTable(ctx, l.schemaOf(st), st.Table)
		}
	case dump.CreateTrigger:
		return l.rows.WaitTable(ctx, l.schemaOf(st), st.Table)
	}
	return l.rows.Wait(ctx)
}

// readsOtherTables reports whether a CREATE TABLE may copy from a table. A word
// in a comment that only looks so costs a wait, nothing else.
func readsOtherTables(text []byte) bool {
	upper := bytes.ToUpper(text)
	return bytes.Contains(upper, []byte("SELECT")) || bytes.Contains(upper, []byte("LIKE"))
}

// globalTarget matches an assignment to a variable of the server. Reading one,
// as in SET x = @@GLOBAL.x, changes the session only.
var globalTarget = regexp.MustCompile(`(?i)(?:^|[\s,])(?:@@)?(?:global|persist|persist_only)[\s.]+\S+?\s*:?=`)

// isGlobal reports whether a SET statement changes the server rather than the
// session.
func isGlobal(st dump.Statement) bool { return globalTarget.Match(st.Text) }

// refusal gives the reason why a statement must not run at all.
func refusal(st dump.Statement) string {
	switch st.Kind {
	case dump.ClientCommand:
		return "this is a command of the mysql client program, not SQL, and dbake runs none of those: take it out of the script"
	case dump.Load:
		return "it reads a file that is not part of the dump: make the dump with INSERT statements"
	default:
		return ""
	}
}

// prepare executes a statement of dbake's own on the session.
func (l *Loader) prepare(ctx context.Context, statement string) error {
	switch {
	case l.passer != nil:
		return l.passer.Place(statement)
	case l.session == nil:
		return nil
	}
	_, err := l.session.ExecContext(ctx, statement)
	return err
}

// execute runs a statement on the session and gives the rows it affected.
func (l *Loader) execute(ctx context.Context, st dump.Statement) (int64, error) {
	switch {
	case l.passer != nil:
		l.counts.statements.Add(1)
		return 0, l.passer.Pass(st)
	case l.session == nil:
		return 0, nil
	}
	return l.executeOn(ctx, l.session, st)
}

// executeOn runs a statement; it may be called from several goroutines, each
// with a connection of its own.
func (l *Loader) executeOn(ctx context.Context, conn *sql.Conn, st dump.Statement) (int64, error) {
	result, err := conn.ExecContext(ctx, string(st.Text))
	switch {
	case err == nil:
		l.counts.statements.Add(1)
		n, err := result.RowsAffected()
		if err != nil {
			return 0, l.statementError(st, err)
		}
		return n, nil
	case isEmptyQuery(err):
		return 0, nil
	}
	if helped, err := l.remedy(ctx, conn, st, err); helped || err != nil {
		return 0, err
	}
	return 0, l.goOn(l.statementError(st, err), err)
}

// goOn gives the error of a refused statement, or nil when the load is to go on
// after it.
func (l *Loader) goOn(failure, cause error) error {
	var refused *mysql.MySQLError
	var refusal *repair.Refusal
	if !l.options.Continue || !errors.As(cause, &refused) && !errors.As(cause, &refusal) {
		return failure
	}
	l.counts.skipped.Add(1)
	l.options.Warn("left out: " + failure.Error())
	return nil
}

// isEmptyQuery recognises ER_EMPTY_QUERY: the statement is a version comment
// for another server, and empty to this one.
func isEmptyQuery(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == 1065
}

// table gives the record of the table a statement is about.
func (l *Loader) table(st dump.Statement) *Table {
	schema := l.schemaOf(st)
	key := tableKey(schema, st.Table)
	t := l.tables[key]
	if t == nil {
		t = &Table{Schema: schema, Name: st.Table}
		l.tables[key] = t
		l.order = append(l.order, t)
	}
	return t
}

func tableKey(schema, table string) string { return schema + "\x00" + table }

// schemaOf gives the schema a statement works in.
func (l *Loader) schemaOf(st dump.Statement) string {
	if st.Schema == "" {
		return l.schema
	}
	return st.Schema
}

// sessionRows is the Rows that sends each statement as it is over the session:
// for scripts, whose statements may depend on each other in any way.
type sessionRows Loader

var _ Rows = (*sessionRows)(nil)

func (r *sessionRows) Put(ctx context.Context, st dump.Statement) error {
	l := (*Loader)(r)
	l.table(st).filled = true
	if l.options.Filters != nil {
		text, err := l.siftStatement(ctx, st)
		if err != nil {
			return l.statementError(st, err)
		}
		if text == nil {
			return nil
		}
		st.Text = text
	}
	n, err := l.execute(ctx, st)
	if err != nil {
		return err
	}
	l.counts.rows.Add(n)
	l.table(st).Rows += n
	return nil
}

func (r *sessionRows) Follow(dump.Statement)                           {}
func (r *sessionRows) WaitTable(context.Context, string, string) error { return nil }
func (r *sessionRows) Wait(context.Context) error                      { return nil }
func (r *sessionRows) Skips(dump.Statement) bool                       { return false }
