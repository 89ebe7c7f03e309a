package load

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/repair"
)

// excerptBytes is how much of a failed statement an error shows.
const excerptBytes = 200

// StatementError is a statement that could not be executed. Its text holds no
// value of a row.
type StatementError struct {
	Object        string // the dump
	Number        int64  // of the statement, from 1
	Offset, Line  int64  // where it begins, in the decompressed dump
	Kind          dump.Kind
	Schema, Table string
	Code          int    // the server's error number, or what it would have been; 0: none
	Excerpt       string // the statement's beginning, literals replaced
	reason        string
	err           error
}

// Error gives all of it on one line.
func (e *StatementError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: statement %d (line %d, byte %d, %s", e.Object, e.Number, e.Line, e.Offset, e.Kind)
	if e.Table != "" {
		fmt.Fprintf(&b, " %s", strings.TrimPrefix(e.Schema+"."+e.Table, "."))
	}
	fmt.Fprintf(&b, "): %s; it begins: %s", e.reason, e.Excerpt)
	return b.String()
}

// Unwrap gives the cause, whose text may hold values: test it, do not print it.
func (e *StatementError) Unwrap() error { return e.err }

// statementError describes the failure of a statement.
func (l *Loader) statementError(st dump.Statement, cause error) error {
	e := &StatementError{
		Object: l.options.Object, Number: st.Number, Offset: st.Offset, Line: st.Line,
		Kind: st.Kind, Schema: l.schemaOf(st), Table: st.Table,
		Excerpt: dump.Redact(st.Text, excerptBytes),
		err:     cause,
	}
	var refused *mysql.MySQLError
	var refusal *repair.Refusal
	switch {
	case errors.As(cause, &refusal):
		e.Code, e.reason = refusal.Code, refusal.Reason
	case errors.As(cause, &refused):
		e.Code = int(refused.Number)
		e.reason = fmt.Sprintf("server error %d (%s): %s", refused.Number, sqlState(refused), SafeMessage(refused, !holdsNoValues(st.Kind)))
		if diskFull[refused.Number] {
			e.reason += " (most likely the builder's disk is)"
		}
		if l.repair != nil {
			if hint := l.repair.Explain(e.Code); hint != "" {
				e.reason += " (" + hint + ")"
			}
		}
	default:
		e.reason = cause.Error()
	}
	return e
}

// diskFull lists errors that a full disk gives.
var diskFull = map[uint16]bool{1021: true, 1114: true}

func sqlState(e *mysql.MySQLError) string { return string(e.SQLState[:]) }

// holdsNoValues names the kinds whose error messages can only quote names.
func holdsNoValues(k dump.Kind) bool {
	switch k {
	case dump.Use, dump.CreateDatabase, dump.AlterDatabase, dump.DropDatabase, dump.CreateTable, dump.DropTable,
		dump.AlterKeys, dump.LockTables, dump.UnlockTables, dump.CreateView, dump.DropView,
		dump.CreateTrigger, dump.CreateRoutine, dump.CreateEvent, dump.DropProgram:
		return true
	default:
		return false
	}
}

// quotesNamesOnly lists errors whose messages quote names and never values
// (MySQL Server Error Message Reference).
var quotesNamesOnly = map[uint16]bool{
	1007: true, // database exists
	1044: true, // access denied to database
	1046: true, // no database selected
	1048: true, // column cannot be null
	1049: true, // unknown database
	1050: true, // table exists
	1051: true, // unknown table
	1054: true, // unknown column
	1100: true, // table not locked
	1109: true, // unknown table in
	1110: true, // column specified twice
	1114: true, // table is full
	1118: true, // row size too large
	1136: true, // column count
	1146: true, // no such table
	1153: true, // packet too large
	1264: true, // out of range for column
	1261: true, // row without data for all columns
	1262: true, // row with more data than columns
	1265: true, // data truncated for column
	1364: true, // no default
	1406: true, // data too long for column
	1451: true, // foreign key, parent
	1452: true, // foreign key, child
	3105: true, // value for generated column
	3819: true, // check constraint
	4025: true, // check constraint (MariaDB)
}

// signalled lists errors whose text the dump's own code makes ("SIGNAL Statement").
var signalled = map[uint16]bool{1642: true, 1643: true, 1644: true}

// unquoted are errors whose messages show values without quotes, and what is shown
// instead.
var unquoted = map[uint16]string{
	1526: "the table has no partition for the value",
	1863: "found a row in the wrong partition",
}

// numbers are those of a message without quotes: they may be values, such as a
// latitude that is out of range.
var numbers = regexp.MustCompile(`\d[\d.]*`)

// tail matches the end of a message that names a key or a column.
var tail = regexp.MustCompile("(?s)^.*( for (?:key|column) [`'][^'`]*[`'](?:[.`][^ ']*)?(?: at row \\d+)?)$")

// SafeMessage gives a server's error message without the values it may quote.
// mayHoldValues is false for statements that cannot hold any.
func SafeMessage(e *mysql.MySQLError, mayHoldValues bool) string {
	if e.Number == 1064 {
		// The message goes on with the statement's own text.
		before, near, _ := strings.Cut(e.Message, " near '")
		if mayHoldValues || near == "" {
			return before
		}
		return before + " near: " + dump.Redact([]byte(near), excerptBytes/2)
	}
	if mayHoldValues && signalled[e.Number] {
		return "a trigger or routine of the dump raised a condition, whose text may hold values"
	}
	if !mayHoldValues || quotesNamesOnly[e.Number] {
		return e.Message
	}
	if known, is := unquoted[e.Number]; is {
		return known
	}
	before, _, quoted := strings.Cut(e.Message, "'")
	if !quoted {
		return numbers.ReplaceAllString(e.Message, "…")
	}
	text := before + "'…'"
	if m := tail.FindStringSubmatch(e.Message); m != nil {
		text += m[1]
	}
	return text
}

// TruncatedError says that a dump lacks its completion line.
type TruncatedError struct{ Object, Tool string }

// Error says what is missing and what it means.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%s: the dump is not complete: %s ends every dump with the line \"-- Dump completed\", and it is missing; make the dump again and look at the exit status of %s", e.Object, e.Tool, e.Tool)
}

// IsConnectionLost reports whether an error means that the server went away
// rather than that it refused something.
func IsConnectionLost(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF)
}
