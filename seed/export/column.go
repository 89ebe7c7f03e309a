package export

import (
	"context"
	"slices"
	"strings"
)

// class is how a column's values are written.
type class uint8

const (
	textClass   class = iota // in quotes
	numberClass              // as it comes
	bytesClass               // as 0x…
	floatClass               // like numbers, but read as a double
)

// column is a column that rows have values for.
type column struct {
	name  string
	class class
	// integer columns of a primary key divide a table into ranges.
	integer, unsigned bool
}

var byteTypes = []string{
	"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit", "vector",
	"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection",
}

var integerTypes = []string{"tinyint", "smallint", "mediumint", "int", "bigint"}

// classOf tells how values of a data type are written.
func classOf(dataType string) class {
	switch dataType = strings.ToLower(dataType); {
	case slices.Contains(byteTypes, dataType):
		return bytesClass
	case slices.Contains(integerTypes, dataType), dataType == "decimal", dataType == "double", dataType == "year":
		return numberClass
	case dataType == "float":
		return floatClass
	}
	return textClass
}

// readColumns learns the columns and primary keys of a database's tables, those
// without values (generated ones) left out. listed says for which tables rows
// need a list of columns: where some have no values or are invisible.
func (s *session) readColumns(ctx context.Context, db *database) (listed map[*table]bool, err error) {
	byName := map[string]*table{}
	for _, t := range db.tables {
		t.columns, t.key = nil, nil
		byName[t.name] = t
	}
	records, err := s.query(ctx, `SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, EXTRA, GENERATION_EXPRESSION
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = `+text(db.name)+` ORDER BY TABLE_NAME, ORDINAL_POSITION`)
	if err != nil {
		return nil, err
	}
	listed = map[*table]bool{}
	for _, r := range records {
		t := byName[r.text("table_name")]
		if t == nil {
			continue
		}
		extra := strings.ToUpper(r.text("extra"))
		generated := strings.Contains(extra, "VIRTUAL GENERATED") || strings.Contains(extra, "STORED GENERATED") ||
			slices.Contains([]string{"ROW START", "ROW END"}, r.text("generation_expression"))
		if generated || strings.Contains(extra, "INVISIBLE") {
			listed[t] = true
		}
		if generated && t.kind == kindTable {
			continue
		}
		dataType := strings.ToLower(r.text("data_type"))
		t.columns = append(t.columns, column{
			name: r.text("column_name"), class: classOf(dataType),
			integer: slices.Contains(integerTypes, dataType), unsigned: strings.Contains(r.text("column_type"), "unsigned"),
		})
	}
	return listed, s.readKeys(ctx, db, byName)
}

// readKeys learns the primary keys.
func (s *session) readKeys(ctx context.Context, db *database, byName map[string]*table) error {
	records, err := s.query(ctx, `SELECT TABLE_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS
		WHERE TABLE_SCHEMA = `+text(db.name)+` AND INDEX_NAME = 'PRIMARY' ORDER BY TABLE_NAME, SEQ_IN_INDEX`)
	if err != nil {
		return err
	}
	for _, r := range records {
		t := byName[r.text("table_name")]
		if t == nil {
			continue
		}
		key := column{name: r.text("column_name")}
		for _, c := range t.columns {
			if c.name == key.name && r["sub_part"] == nil {
				key = c
			}
		}
		t.key = append(t.key, key)
	}
	return nil
}

// columnNames lists names as INSERT and SELECT take them.
func columnNames(columns []column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.name)
	}
	return strings.Join(names, ", ")
}

// selection is what a SELECT asks for. The text of a FLOAT is rounded to six
// digits; as a double it is exact.
func selection(columns []column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.name)
		if c.class == floatClass {
			names[i] += " * 1e0"
		}
	}
	return strings.Join(names, ", ")
}
