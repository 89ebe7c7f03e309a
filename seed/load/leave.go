package load

import (
	"fmt"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// leftOut counts what a load did not execute although the dump holds it.
type leftOut struct {
	system, replication, samples int64

	decided, skipSystem bool
}

// leavesOut decides whether a statement is left out.
func (l *Loader) leavesOut(st dump.Statement) bool {
	switch {
	case st.Kind == dump.ChangeMaster:
		// A baked image is nobody's replica.
		l.left.replication++
		return true
	case l.isSystem(st) && l.skipsSystem():
		l.left.system++
		return true
	}
	return false
}

func (l *Loader) skipsSystem() bool {
	if !l.left.decided && l.options.SkipSystem != nil {
		l.left.skipSystem = l.options.SkipSystem(l.header())
	}
	l.left.decided = true
	return l.left.skipSystem
}

// isSystem reports whether a statement is about accounts or system tables.
func (l *Loader) isSystem(st dump.Statement) bool {
	switch st.Kind {
	case dump.CreateUser, dump.Grant:
		return true
	case dump.Flush, dump.SetStatement, dump.Use, dump.Transaction, dump.UnlockTables, dump.GTIDPurged:
		return false
	default:
		return IsSystemSchema(l.landsIn(st))
	}
}

// landsIn gives the schema a statement works in, or will when it is placed.
func (l *Loader) landsIn(st dump.Statement) string {
	schema := l.schemaOf(st)
	if schema == "" && !l.placed {
		return l.targetDatabase()
	}
	return schema
}

// IsSystemSchema reports whether a schema belongs to the server.
func IsSystemSchema(name string) bool {
	switch strings.ToLower(name) {
	case "mysql", "sys", "performance_schema", "information_schema", "ndbinfo":
		return true
	}
	return false
}

func (o *leftOut) report(options Options) {
	if o.system > 0 {
		options.Warn(fmt.Sprintf("%s: left out %d statements about accounts and system tables; declare the accounts the image needs under accounts: in dbake.yaml", options.Object, o.system))
	}
	if o.samples > 0 {
		options.Warn(fmt.Sprintf("%s: left out %d statements with rows of the server's own statistics and logs, which hold values of other tables", options.Object, o.samples))
	}
	if o.replication > 0 {
		options.Warn(fmt.Sprintf("%s: left out %d CHANGE MASTER/CHANGE REPLICATION SOURCE statements: a baked image is no replica", options.Object, o.replication))
	}
}
