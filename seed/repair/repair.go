// Package repair makes the statements of a dump fit a server other than the one
// the dump was made from. Where the meaning of a statement is clear it changes
// what the server would refuse, and warns; where it is not, it refuses with a
// message that says what to do. Every other statement stays as it is, byte for
// byte.
//
// It works on statements alone and asks no server. What the servers accept is
// from their manuals and was tried on MySQL 9.7 and MariaDB 10.11; the cases are
// in testdata, with the error numbers they used to cause.
package repair

import (
	"fmt"
	"strings"
	"sync"

	"github.com/dbake/dbake/seed/dump"
)

// The flavours of servers, as in dump.Header.
const (
	MySQL   = "mysql"
	MariaDB = "mariadb"
)

// Server is the server that statements are made to fit.
type Server struct {
	Flavour             string
	Major, Minor, Patch int
}

// String gives flavour and version in words.
func (s Server) String() string {
	name := "MySQL"
	if s.Flavour == MariaDB {
		name = "MariaDB"
	}
	return fmt.Sprintf("%s %d.%d", name, s.Major, s.Minor)
}

// id is the version as version comments write it: 80036, 101105.
func (s Server) id() int { return s.Major*10000 + s.Minor*100 + s.Patch }

// mysqlSince reports whether the server is a MySQL of at least this version.
func (s Server) mysqlSince(id int) bool { return s.Flavour == MySQL && s.id() >= id }

// mariadbBefore reports whether the server is a MariaDB older than this version.
func (s Server) mariadbBefore(id int) bool { return s.Flavour == MariaDB && s.id() < id }

// runs reports whether the server executes what is in a version comment.
// MariaDB takes no notice of the numbers of MySQL 5.7 to 9 ("Comment Syntax",
// MariaDB Knowledge Base).
func (s Server) runs(c dump.VersionComment) bool {
	switch {
	case !c.In:
		return true
	case s.Flavour == MySQL && c.MariaDBOnly:
		return false
	case s.Flavour == MariaDB && !c.MariaDBOnly && c.Version >= 50700 && c.Version <= 99999:
		return false
	}
	return c.Version <= s.id()
}

// Values of Options.Definer besides user@host.
const (
	DefinerKeep  = "keep"
	DefinerStrip = "strip"
)

// Options say between which servers a dump moves.
type Options struct {
	// From is what the dump says about the server it was made from; the zero
	// Header when it says nothing.
	From dump.Header
	// To is the server it goes into.
	To Server
	// Definer is what becomes of the DEFINER of views, triggers, routines and
	// events: DefinerKeep or empty, DefinerStrip, or an account as user@host.
	Definer string
}

// Repairer repairs the statements of one dump, in their order. Its methods may
// be called from several goroutines.
type Repairer struct {
	options Options

	mu       sync.Mutex // guards what follows
	warnings []*Warning
	byText   map[string]*Warning
	oracle   bool // the dump has switched to MariaDB's sql_mode ORACLE
}

// New prepares the repair of one dump.
func New(o Options) *Repairer {
	return &Repairer{options: o, byText: map[string]*Warning{}}
}

// Result is what becomes of a statement.
type Result struct {
	// Text is what the server is to execute: the statement's own text, the
	// same slice, when nothing had to change.
	Text []byte
	// Skip is why the statement is left out; empty when it is not. It is
	// among the warnings already.
	Skip string
}

// Refusal says why a statement cannot be made to fit. It holds no value of a
// row.
type Refusal struct {
	// Code is the error number that the server would have given.
	Code int
	// Reason is what is wrong and what to do about it.
	Reason string
}

// Error implements error.
func (e *Refusal) Error() string { return e.Reason }

// Statement repairs one statement. The error is a *Refusal. Of INSERT and REPLACE
// it gives back what it was given: see WithDefaults.
func (r *Repairer) Statement(st dump.Statement) (Result, error) {
	d := &draft{st: st, repairer: r, to: r.options.To}
	var err error
	switch st.Kind {
	case dump.SetStatement:
		d.set()
	case dump.CreateDatabase, dump.AlterDatabase:
		d.database()
	case dump.CreateTable, dump.AlterTable, dump.CreateIndex:
		err = d.table()
	case dump.CreateView, dump.CreateTrigger, dump.CreateRoutine, dump.CreateEvent:
		err = d.program()
	case dump.Sequence:
		if d.to.Flavour == MySQL {
			err = refuse(1064, "it is about a sequence, which MySQL does not have: use an AUTO_INCREMENT column instead, and leave the sequence out of the dump")
		}
	case dump.GTIDPurged:
		d.gtid()
	case dump.Analyze:
		d.histogram()
	case dump.Other:
		d.other()
	}
	if err != nil {
		return Result{}, err
	}
	return d.result(), nil
}

func refuse(code int, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// Warning is something that was changed or left out.
type Warning struct {
	// Text says what and why.
	Text string
	// Count is of how many statements, First the number of the first one and
	// Line its line in the dump.
	Count, First, Line int64
	// Of names the first one's table or object; it may be empty.
	Of string
}

// String gives the warning and where it applies, on one line.
func (w Warning) String() string {
	where := fmt.Sprintf("line %d", w.Line)
	if w.Of != "" {
		where = w.Of + ", " + where
	}
	if w.Count > 1 {
		where = fmt.Sprintf("%d statements, the first: %s", w.Count, where)
	}
	return w.Text + " (" + where + ")"
}

// Warn counts a warning about a statement.
func (r *Repairer) Warn(text string, st dump.Statement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.byText[text]
	if w == nil {
		w = &Warning{Text: text, First: st.Number, Line: st.Line, Of: nameOf(st)}
		r.byText[text] = w
		r.warnings = append(r.warnings, w)
	}
	w.Count++
}

// nameOf names what a statement is about.
func nameOf(st dump.Statement) string {
	name := st.Name
	if name == "" {
		name = st.Table
	}
	return strings.Trim(st.Schema+"."+name, ".")
}

// Warnings gives each distinct warning once, in the order of the dump.
func (r *Repairer) Warnings() []Warning {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Warning, len(r.warnings))
	for i, w := range r.warnings {
		out[i] = *w
	}
	return out
}
