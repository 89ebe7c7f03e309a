package load

import (
	"context"
	"fmt"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// place sees to it that a statement which needs a default schema has one. A
// dump of one schema ("mysqldump app") neither creates nor selects it: the user
// of a client program names it on the command line.
func (l *Loader) place(ctx context.Context, st dump.Statement) error {
	if l.placed {
		return nil
	}
	switch st.Kind {
	case dump.Use:
		l.placed = true
		return nil
	case dump.CreateTable, dump.DropTable, dump.AlterTable, dump.AlterKeys, dump.TruncateTable,
		dump.LockTables, dump.Insert, dump.Replace, dump.CreateView, dump.DropView,
		dump.CreateTrigger, dump.CreateRoutine, dump.CreateEvent, dump.DropProgram,
		dump.CreateIndex, dump.Sequence, dump.AlterDatabase:
	default:
		return nil
	}
	if st.Schema != "" {
		return nil // it names its schema itself
	}
	name := l.targetDatabase()
	if name == "" {
		return l.statementError(st, fmt.Errorf("the dump selects no database and its header names none: say where it goes with restore.database in dbake.yaml"))
	}
	l.placed = true
	if err := l.prepare(ctx, "CREATE DATABASE IF NOT EXISTS "+QuoteName(name)); err != nil {
		return fmt.Errorf("%s: make the database %s for it: %w", l.options.Object, name, err)
	}
	use := dump.Statement{Kind: dump.Use, Schema: name, Text: []byte("USE " + QuoteName(name))}
	if err := l.prepare(ctx, string(use.Text)); err != nil {
		return fmt.Errorf("%s: make the database %s for it: %w", l.options.Object, name, err)
	}
	l.schema = name
	l.rows.Follow(use)
	return nil
}

func (l *Loader) targetDatabase() string {
	if l.options.Database != "" {
		return l.options.Database
	}
	if headers := l.scanner.Headers(); len(headers) > 0 {
		return headers[len(headers)-1].Database
	}
	return ""
}

// QuoteName quotes an identifier, as "Schema Object Names" in the MySQL manual
// says.
func QuoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
