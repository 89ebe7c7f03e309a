package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// warnOfDefinitions warns of masked columns whose definition may hold values, which
// no mask changes: a literal default, and a comment. It shows neither.
func (r *restore) warnOfDefinitions(ctx context.Context, admin *sql.Conn) (err error) {
	m := r.manifest.Mask
	if m == nil || len(m.Columns) == 0 {
		return nil
	}
	rows, err := admin.QueryContext(ctx, `SELECT CONCAT_WS('.', TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME), COALESCE(COLUMN_DEFAULT, ''), COLUMN_COMMENT
		FROM information_schema.COLUMNS WHERE (COLUMN_DEFAULT IS NOT NULL OR COLUMN_COMMENT <> '') AND EXTRA NOT LIKE '%DEFAULT_GENERATED%'
		AND LOWER(TABLE_SCHEMA) NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY 1`)
	if err != nil {
		return fmt.Errorf("look at the definitions of masked columns: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var found []string
	for rows.Next() {
		var name, value, comment string
		if err := rows.Scan(&name, &value, &comment); err != nil {
			return fmt.Errorf("look at the definitions of masked columns: %w", err)
		}
		if _, masked := slices.BinarySearch(m.Columns, name); masked && (comment != "" || tellsSomething(value)) {
			found = append(found, name)
		}
	}
	if len(found) > 0 {
		r.warn("mask", "these columns are masked, and their definitions have defaults or comments, which stay as they are: "+strings.Join(found, ", "))
	}
	return rows.Err()
}

// tellsSomething is false for defaults that everybody has. MariaDB gives them as SQL.
func tellsSomething(value string) bool {
	value = strings.ToLower(strings.Trim(value, "'"))
	return value != "null" && len(strings.Trim(value, "0.:- ")) > 1 && !strings.HasSuffix(value, ")") && !strings.HasPrefix(value, "current_timestamp")
}
