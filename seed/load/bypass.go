package load

import (
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// harmless are the first words of statements without a kind of their own that
// bring no values into tables, and take none to other tables or columns.
var harmless = []string{
	"SELECT", "SHOW", "DO", "OPTIMIZE", "CHECK", "CHECKSUM", "REPAIR", "SAVEPOINT", "RELEASE", "DELETE", "INSTALL", "UNINSTALL",
	"KILL", "CREATE", "DROP", "ALTER", "PURGE", "LOCK", "UNLOCK", "CACHE", "DEALLOCATE", "RESET", "HELP", "DESCRIBE", "DESC",
}

// bypass gives the reason why a statement must not run where rows are to be
// filtered: what it does would go past the filters. Empty: it may run.
func (l *Loader) bypass(st dump.Statement) string {
	const hint = "; a dump of mysqldump has no such statements, what is to be changed after the restore belongs into a script under after:"
	words := firstWords(st, 3)
	switch st.Kind {
	case dump.Other:
		if words[0] != "" && !slices.Contains(harmless, words[0]) || l.callsRoutine(st) {
			return "it may bring values into tables past the mask: and restore.tables sections of dbake.yaml" + hint
		}
	case dump.SetStatement, dump.Transaction:
		// BEGIN is also what blocks begin with.
		if words[1] == "STATEMENT" || words[0] == "BEGIN" && words[1] != "" && words[1] != "WORK" || l.callsRoutine(st) {
			return "what it executes would go past the mask: and restore.tables sections of dbake.yaml" + hint
		}
	case dump.Analyze:
		if words[1] != "TABLE" && words[1] != "TABLES" && words[2] != "TABLE" && words[2] != "TABLES" {
			return "what it executes would go past the mask: and restore.tables sections of dbake.yaml" + hint
		}
		if hasWord(st, "DATA") {
			return "it holds a histogram, made of the values that the mask: section of dbake.yaml is to hide; make the dump without histograms' data"
		}
	case dump.CreateTable:
		if fillsItself(st) {
			return "it fills the table that it makes past the mask: and restore.tables sections of dbake.yaml" + hint
		}
	case dump.AlterTable:
		if t := l.tables[tableKey(l.schemaOf(st), st.Table)]; t != nil && t.filled && movesValues(st) {
			return "it moves values to other tables or columns when they are past the mask: and restore.tables sections of dbake.yaml already" + hint
		}
	}
	return ""
}

// firstWords gives the first tokens of a statement in upper case; empty behind its
// end.
func firstWords(st dump.Statement, n int) []string {
	words := make([]string, n)
	tokens := dump.NewTokens(st.Text, st.Mode)
	for i := range words {
		t, ok := tokens.Next()
		if !ok {
			break
		}
		words[i] = strings.ToUpper(string(t.Raw))
	}
	return words
}

func hasWord(st dump.Statement, word string) bool {
	for tokens := dump.NewTokens(st.Text, st.Mode); ; {
		t, ok := tokens.Next()
		if !ok || t.Is(word) {
			return ok
		}
	}
}

// callsRoutine reports whether a statement may call a function that the dump has
// made: what such a function does, no filter sees.
func (l *Loader) callsRoutine(st dump.Statement) bool {
	if len(l.routines) == 0 {
		return false
	}
	name := ""
	for tokens := dump.NewTokens(st.Text, st.Mode); ; {
		t, ok := tokens.Next()
		if !ok {
			return false
		}
		if t.IsByte('(') && l.routines[name] {
			return true
		}
		name = strings.ToLower(strings.Trim(string(t.Raw), "`\""))
	}
}

// fillsItself reports whether a CREATE TABLE says what rows the table has: by SELECT,
// by TABLE, or by VALUES, unless these are a partition's.
func fillsItself(st dump.Statement) bool {
	values, named := false, false
	for tokens := dump.NewTokens(st.Text, st.Mode); ; {
		t, ok := tokens.Next()
		if !ok {
			return false
		}
		if t.Is("SELECT") || named && t.Is("TABLE") || values && !t.Is("LESS") && !t.Is("IN") {
			return true
		}
		values, named = t.Is("VALUES"), named || t.Is("TABLE")
	}
}

// movesValues reports whether an ALTER TABLE gives a table or a column another
// name, or changes rows with another table.
func movesValues(st dump.Statement) bool {
	renames := false
	for tokens := dump.NewTokens(st.Text, st.Mode); ; {
		t, ok := tokens.Next()
		switch {
		case !ok:
			return renames
		case renames && !t.Is("INDEX") && !t.Is("KEY"):
			return true
		case t.Is("EXCHANGE"), t.Is("CHANGE"):
			return true
		}
		renames = t.Is("RENAME")
	}
}

// holdsSamples reports whether a table of the server's own holds values of other
// tables: statistics, and logs of statements.
func holdsSamples(schema, table string) bool {
	if !strings.EqualFold(schema, "mysql") {
		return false
	}
	switch strings.ToLower(table) {
	case "column_stats", "general_log", "slow_log":
		return true
	}
	return false
}
