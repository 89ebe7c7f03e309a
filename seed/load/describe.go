package load

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// tableInfo is what the live server says about a table.
type tableInfo struct {
	columns []columnInfo
	create  string // SHOW CREATE TABLE
	innodb  bool
	empty   bool
	// serial: the order in which rows arrive shows in the result, or
	// something of the table's own runs for each row.
	serial   bool
	triggers bool
	// What the session says when rows begin to come: zeroIsValue, an
	// AUTO_INCREMENT column takes 0 for a value; checksParents, each row is
	// checked against the tables its foreign keys refer to.
	zeroIsValue, checksParents bool
}

type columnInfo struct {
	name          string
	column        dump.Column
	invisible     bool
	generated     bool
	autoIncrement bool
}

// describe asks for everything a lane has to know about a table.
func describe(ctx context.Context, conn *sql.Conn, schema, table string) (*tableInfo, error) {
	info := &tableInfo{}
	qualified := QuoteName(schema) + "." + QuoteName(table)
	var name string
	row := conn.QueryRowContext(ctx, "SHOW CREATE TABLE "+qualified)
	if err := row.Scan(&name, &info.create); err != nil {
		return nil, fmt.Errorf("look at table %s.%s: %w", schema, table, err)
	}
	if err := info.readColumns(ctx, conn, schema, table); err != nil {
		return nil, fmt.Errorf("look at the columns of %s.%s: %w", schema, table, err)
	}
	var triggers, rows int
	err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = "+
		QuoteText(schema)+" AND EVENT_OBJECT_TABLE = "+QuoteText(table)).Scan(&triggers)
	if err == nil {
		err = conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+qualified+" LIMIT 1) x").Scan(&rows)
	}
	if err != nil {
		return nil, fmt.Errorf("look at table %s.%s: %w", schema, table, err)
	}
	_, options, _ := strings.Cut(info.create, "\n)")
	info.innodb = strings.Contains(options, " ENGINE=InnoDB")
	info.empty = rows == 0
	hasPrimary := strings.Contains(info.create, "\n  PRIMARY KEY ")
	info.triggers = triggers > 0
	info.serial = !hasPrimary || triggers > 0 || strings.Contains(options, "WITH SYSTEM VERSIONING")
	return info, nil
}

func (info *tableInfo) readColumns(ctx context.Context, conn *sql.Conn, schema, table string) error {
	rows, err := conn.QueryContext(ctx, `SELECT COLUMN_NAME, DATA_TYPE, COALESCE(CHARACTER_SET_NAME, ''), IS_NULLABLE, EXTRA
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = `+QuoteText(schema)+` AND TABLE_NAME = `+QuoteText(table)+`
		ORDER BY ORDINAL_POSITION`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, dataType, charset, nullable, extra string
		if err := rows.Scan(&name, &dataType, &charset, &nullable, &extra); err != nil {
			return err
		}
		extra = strings.ToUpper(extra)
		c := columnInfo{
			name:          name,
			invisible:     strings.Contains(extra, "INVISIBLE"),
			generated:     strings.Contains(extra, "VIRTUAL GENERATED") || strings.Contains(extra, "STORED GENERATED"),
			autoIncrement: strings.Contains(extra, "AUTO_INCREMENT"),
		}
		c.column = dump.Column{Class: dump.ClassOf(dataType, charset), NotNull: nullable == "NO", AutoIncrement: c.autoIncrement, Charset: charset}
		if c.generated {
			c.column.Class = dump.SkippedClass
		}
		info.columns = append(info.columns, c)
	}
	return rows.Err()
}

// pick gives the columns that a statement with this column list fills, in its
// order; a statement without a list fills all that are visible. It returns
// false when the list names a column the table has not.
func (info *tableInfo) pick(list []string) ([]columnInfo, bool) {
	var out []columnInfo
	if list == nil {
		for _, c := range info.columns {
			if !c.invisible {
				out = append(out, c)
			}
		}
		return out, true
	}
	for _, name := range list {
		found := false
		for _, c := range info.columns {
			if strings.EqualFold(c.name, name) {
				out, found = append(out, c), true
				break
			}
		}
		if !found {
			return nil, false
		}
	}
	return out, true
}

// numbersItself reports whether the table makes AUTO_INCREMENT values for rows
// with these columns: then the order of rows decides what they are.
func (info *tableInfo) numbersItself(columns []columnInfo) bool {
	for _, c := range info.columns {
		if !c.autoIncrement {
			continue
		}
		for _, given := range columns {
			if given.name == c.name {
				return !info.zeroIsValue
			}
		}
		return true
	}
	return false
}

// QuoteText writes a string literal, for a session whose sql_mode has neither
// NO_BACKSLASH_ESCAPES nor ANSI_QUOTES ("String Literals", MySQL manual).
func QuoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\x00", `\0`).Replace(s) + "'"
}
