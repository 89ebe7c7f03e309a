// Package schema says what a table is made of, from the text of its CREATE TABLE
// statement as a server's SHOW CREATE TABLE and mysqldump write it. It works on
// bytes alone.
package schema

// Table is one table.
type Table struct {
	// Schema is empty when neither the statement nor the caller names one.
	Schema, Name string
	Columns      []Column
	// Keys are the primary key first, then the others in the order of the
	// statement.
	Keys        []Key
	ForeignKeys []ForeignKey
	// Engine, Charset and Collation are the table's, in lower case; empty when
	// the statement does not say.
	Engine, Charset, Collation string
}

// Column is one column.
type Column struct {
	Name string
	// Type is the data type in lower case without length: "varchar", "bigint",
	// "enum". FullType is as the statement has it: "varchar(20)",
	// "decimal(10,2) unsigned", "enum('a','b')".
	Type, FullType string
	// Charset and Collation are the column's own or the table's, in lower case;
	// empty for columns without characters.
	Charset, Collation string
	// Length is the number in the parentheses: characters of a char or varchar,
	// bytes of a binary or varbinary, bits of a bit, digits of a decimal,
	// fractional digits of a time. -1 when there is none. Scale is the second
	// number, or 0.
	Length, Scale int64
	Unsigned      bool
	NotNull       bool
	AutoIncrement bool
	// Generated columns have no values of their own; Invisible ones are left
	// out of INSERTs without a column list.
	Generated, Invisible bool
	// Members are those of an enum or set, decoded.
	Members []string
	// Comment is the column's comment, decoded.
	Comment string
}

// Key is an index.
type Key struct {
	// Name is "PRIMARY" for the primary key.
	Name    string
	Primary bool
	Unique  bool
	// Columns are its parts; an expression is left out and makes Partial true,
	// as does a prefix length.
	Columns []string
	Partial bool
}

// ForeignKey refers from columns of its table to columns of another one.
type ForeignKey struct {
	Name    string
	Columns []string
	// RefSchema is empty when it is the table's own schema.
	RefSchema, RefTable string
	RefColumns          []string
}

// Column returns the column of a name, which is compared without case, as the
// servers do; nil when there is none.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if equalFold(t.Columns[i].Name, name) {
			return &t.Columns[i]
		}
	}
	return nil
}
