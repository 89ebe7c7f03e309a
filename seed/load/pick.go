package load

import "github.com/dbake/dbake/seed/dump"

// picked remembers the answers about the schema and the table of the statements
// before: a dump asks for the same ones over and over.
type picked struct {
	asked, wanted bool
	schema        string

	rowsAsked, rows      bool
	rowSchema, rowsTable string
}

// unpicked reports whether a statement is about a schema that is not loaded.
// USE is followed in thought only, since the schema is not there.
func (l *Loader) unpicked(st dump.Statement) bool {
	if l.options.Wants == nil {
		return false
	}
	switch st.Kind {
	case dump.SetStatement, dump.Transaction, dump.UnlockTables, dump.Flush, dump.CreateUser, dump.Grant, dump.GTIDPurged:
		return false // about the session or the server
	}
	schema := l.landsIn(st)
	if schema == "" || IsSystemSchema(schema) || l.wants(schema) {
		return false
	}
	if st.Kind == dump.Use {
		l.schema, l.placed = st.Schema, true
	}
	return true
}

func (l *Loader) wants(schema string) bool {
	p := &l.picked
	if !p.asked || p.schema != schema {
		p.asked, p.schema, p.wanted = true, schema, l.options.Wants(schema)
	}
	return p.wanted
}

// wantsRows reports whether the rows of a statement are loaded.
func (l *Loader) wantsRows(st dump.Statement) bool {
	if l.options.Filters != nil && holdsSamples(l.schemaOf(st), st.Table) {
		l.left.samples++
		return false
	}
	if l.options.WantsRows == nil {
		return true
	}
	p, schema := &l.picked, l.schemaOf(st)
	if !p.rowsAsked || p.rowsTable != st.Table || p.rowSchema != schema {
		p.rowsAsked, p.rowSchema, p.rowsTable = true, schema, st.Table
		p.rows = l.options.WantsRows(schema, st.Table)
	}
	return p.rows
}
