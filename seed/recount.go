package seed

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/manifest"
)

// noSuchTable is ER_NO_SUCH_TABLE.
const noSuchTable = 1146

// recount makes the manifest say what is in the tables where that can differ from
// what one dump has put in: scripts insert and delete, and a second dump may drop
// or fill the same table. Tables that are gone are left out.
func (r *restore) recount(ctx context.Context, conn *sql.Conn) error {
	m := r.manifest
	if len(r.order.After) == 0 && len(m.Dumps) < 2 {
		return nil
	}
	r.emit(event.Phase{Name: "count rows"})
	m.Tables = merge(m.Tables)
	m.Rows = 0
	kept := m.Tables[:0]
	for _, t := range m.Tables {
		if !load.IsSystemSchema(t.Schema) {
			gone, err := count(ctx, conn, &t)
			if err != nil {
				return err
			}
			if gone {
				continue
			}
		}
		m.Rows += t.Rows
		kept = append(kept, t)
	}
	m.Tables = kept
	return nil
}

// count asks the server for a table's rows.
func count(ctx context.Context, conn *sql.Conn, t *manifest.Table) (gone bool, err error) {
	err = conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+load.QuoteName(t.Schema)+"."+load.QuoteName(t.Name)).Scan(&t.Rows)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == noSuchTable {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("count the rows of %s.%s: %w", t.Schema, t.Name, withoutValues(err))
	}
	return false, nil
}

// merge makes one entry of those that several dumps have left for a table, which
// stand side by side. Its digest is of theirs.
func merge(tables []manifest.Table) []manifest.Table {
	var merged []manifest.Table
	for _, t := range tables {
		last := len(merged) - 1
		if last < 0 || merged[last].Schema != t.Schema || merged[last].Name != t.Name {
			merged = append(merged, t)
			continue
		}
		both := sha256.Sum256([]byte(merged[last].Digest + " " + t.Digest))
		merged[last].Digest = hex.EncodeToString(both[:])
		merged[last].Rows += t.Rows
		merged[last].Bytes += t.Bytes
		merged[last].Masked += t.Masked
		merged[last].Dropped += t.Dropped
	}
	return slices.Clip(merged)
}
