package compare

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// taker takes one server down over one session.
type taker struct {
	conn     *sql.Conn
	options  Options
	mariadb  bool
	snapshot *Snapshot
	tables   []table
}

// begin gives the session a state of its own: results come as the bytes that
// are stored, times in UTC, names in UTF-8.
func (t *taker) begin(ctx context.Context) error {
	var version string
	if err := t.conn.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	t.mariadb = strings.Contains(version, "MariaDB")
	statements := []string{
		"SET NAMES utf8mb4",
		"SET SESSION sql_mode = '', time_zone = '+00:00', sql_quote_show_create = 1",
	}
	if !t.mariadb {
		// Cached statistics would hide the present AUTO_INCREMENT; hashes of
		// passwords can hold any byte.
		statements = append(statements, "SET SESSION information_schema_stats_expiry = 0, print_identified_with_as_hex = ON, lc_time_names = 'en_US'")
	}
	for _, statement := range statements {
		if _, err := t.conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// add takes down one fact.
func (t *taker) add(object, what, value string) {
	t.snapshot.facts[fact{object, what}] = value
}

// inScope is the condition on a column that holds a database's name.
func (t *taker) inScope(column string) string {
	if len(t.options.Databases) == 0 {
		return column + " NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')"
	}
	quoted := make([]string, len(t.options.Databases))
	for i, name := range t.options.Databases {
		quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(name) + "'"
	}
	return column + " IN (" + strings.Join(quoted, ", ") + ")"
}

// row is one row of a query whose values are texts; NULL is null.
type row struct {
	columns []string
	values  []sql.NullString
}

// get gives a column's text by name, whatever its case.
func (r row) get(column string) string {
	for i, name := range r.columns {
		if strings.EqualFold(name, column) {
			return r.values[i].String
		}
	}
	return ""
}

// text shows the row with a line per column, apart from those left out.
func (r row) text(leaveOut ...string) string {
	var b strings.Builder
columns:
	for i, name := range r.columns {
		for _, out := range leaveOut {
			if strings.EqualFold(name, out) {
				continue columns
			}
		}
		value := "NULL"
		if r.values[i].Valid {
			value = fmt.Sprintf("%q", r.values[i].String)
		}
		fmt.Fprintf(&b, "%s = %s\n", strings.ToUpper(name), value)
	}
	return b.String()
}

// query gives all rows of a small result.
func (t *taker) query(ctx context.Context, query string) ([]row, error) {
	rows, err := t.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []row
	for rows.Next() {
		r := row{columns: columns, values: make([]sql.NullString, len(columns))}
		into := make([]any, len(columns))
		for i := range r.values {
			into[i] = &r.values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	return out, nil
}

// quote quotes an identifier ("Schema Object Names", MySQL manual).
func quote(names ...string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = "`" + strings.ReplaceAll(name, "`", "``") + "`"
	}
	return strings.Join(out, ".")
}
