// Package query asks a server the verify: queries of a dbake.yaml, the same way while
// an image is baked and when it is looked at later.
package query

import (
	"context"
	"database/sql"
	"errors"

	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/manifest"
)

// What is wrong with an answer.
var (
	ErrNoRow    = errors.New("it gave no row")
	ErrNotTrue  = errors.New("its first column is not true")
	ErrManyRows = errors.New("it gave more than one row")
)

// Holds returns nil when a query gives one row whose first column is neither NULL,
// nor 0, nor empty; else one of the errors above. Every other error is the server's
// or the connection's, whose text may hold values.
func Holds(ctx context.Context, conn *sql.Conn, query string) error {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return ErrNoRow
	}
	var first sql.RawBytes
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(sql.RawBytes)
	}
	values[0] = &first
	if err := rows.Scan(values...); err != nil {
		return err
	}
	switch string(first) { // NULL is empty, too
	case "", "0", "0.0", "0.00":
		return ErrNotTrue
	}
	if rows.Next() {
		return ErrManyRows
	}
	return rows.Err()
}

// Database is where queries and scripts work that select no database: the only one
// of the tables', or none. The server's own do not count.
func Database(tables []manifest.Table) string {
	only := ""
	for _, t := range tables {
		switch {
		case load.IsSystemSchema(t.Schema) || t.Schema == only:
		case only != "":
			return ""
		default:
			only = t.Schema
		}
	}
	return only
}
