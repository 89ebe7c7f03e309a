package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mysqld"
)

// moment waits for the next second of the server's clock and gives it: what
// changes from now on is told from what has changed before.
func moment(ctx context.Context, admin *sql.Conn) (string, error) {
	var now string
	var left float64
	err := admin.QueryRowContext(ctx, "SELECT NOW() + INTERVAL 1 SECOND, 1 - MICROSECOND(NOW(6)) / 1000000").Scan(&now, &left)
	if err != nil {
		return "", fmt.Errorf("ask for the server's time: %w", err)
	}
	select {
	case <-time.After(time.Duration(left*float64(time.Second)) + 10*time.Millisecond):
		return now, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// forgetDigests takes from the manifest what the rows of the dumps looked like in
// tables that have changed since a moment. A table of which the server does not
// know is taken for changed.
func (r *restore) forgetDigests(ctx context.Context, admin *sql.Conn, since string) error {
	if r.server.Flavour() == mysqld.MySQL && r.server.Version().AtLeast(8, 0, 0) {
		if err := executeAll(ctx, admin, "SET SESSION information_schema_stats_expiry = 0"); err != nil {
			return fmt.Errorf("ask which tables scripts have changed: %w", err)
		}
	}
	unchanged, err := unchangedSince(ctx, admin, since)
	if err != nil {
		return fmt.Errorf("ask which tables scripts have changed: %w", err)
	}
	for i := range r.manifest.Tables {
		if t := &r.manifest.Tables[i]; !unchanged[tableName{t.Schema, t.Name}] {
			t.Bytes, t.Digest = 0, ""
		}
	}
	return nil
}

func unchangedSince(ctx context.Context, admin *sql.Conn, since string) (unchanged map[tableName]bool, err error) {
	rows, err := admin.QueryContext(ctx, "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE UPDATE_TIME < "+load.QuoteText(since))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	unchanged = map[tableName]bool{}
	for rows.Next() {
		var t tableName
		if err := rows.Scan(&t.schema, &t.name); err != nil {
			return nil, err
		}
		unchanged[t] = true
	}
	return unchanged, rows.Err()
}
