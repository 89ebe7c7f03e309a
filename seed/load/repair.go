package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/repair"
)

// repaired gives the statement in the form that fits the server, or says that
// it is left out.
func (l *Loader) repaired(st dump.Statement) (fit dump.Statement, skip bool, err error) {
	if l.repair == nil {
		return st, false, nil
	}
	result, err := l.repair.Statement(l.named(st))
	if err != nil {
		return st, true, l.goOn(l.statementError(st, err), err)
	}
	st.Text = result.Text
	return st, result.Skip != "", nil
}

// header gives what the dump says about itself so far.
func (l *Loader) header() dump.Header {
	if h := l.scanner.Headers(); len(h) > 0 {
		return h[len(h)-1]
	}
	return l.folder
}

// named gives a statement with the schema it works in, for messages.
func (l *Loader) named(st dump.Statement) dump.Statement {
	if st.Table != "" || st.Name != "" {
		st.Schema = l.schemaOf(st)
	}
	return st
}

// remedy tries a refused statement once more when something helps against the
// error. helped means that the statement is done with.
func (l *Loader) remedy(ctx context.Context, conn *sql.Conn, st dump.Statement, cause error) (helped bool, err error) {
	var refused *mysql.MySQLError
	if l.repair == nil || !errors.As(cause, &refused) {
		return false, nil
	}
	r, ok := l.repair.Remedy(int(refused.Number), st)
	if !ok {
		return false, nil
	}
	if r.Skip {
		l.repair.Warn(r.Warning, l.named(st))
		return true, nil
	}
	if _, err := conn.ExecContext(ctx, r.Before); err != nil {
		return false, fmt.Errorf("%s: %s: %w", l.options.Object, r.Before, err)
	}
	_, again := conn.ExecContext(ctx, string(st.Text))
	if r.After != "" {
		if _, err := conn.ExecContext(ctx, r.After); err != nil {
			return false, fmt.Errorf("%s: %s: %w", l.options.Object, r.After, err)
		}
	}
	helped = again == nil // otherwise the first error says it best
	if helped {
		l.counts.statements.Add(1)
		l.repair.Warn(r.Warning, l.named(st))
	}
	if helped && r.Rows {
		l.rows.Follow(dump.Statement{Kind: dump.SetStatement, Text: []byte(r.Before)})
	}
	return helped, nil
}

// reportRepairs warns of what was changed.
func (l *Loader) reportRepairs() {
	if l.repair == nil {
		return
	}
	for _, w := range l.repair.Warnings() {
		l.options.Warn(l.options.Object + ": " + w.String())
	}
}

// withDefaults gives an INSERT or REPLACE without values for generated columns.
func (info *tableInfo) withDefaults(st dump.Statement) dump.Statement {
	if !slices.ContainsFunc(info.columns, func(c columnInfo) bool { return c.generated }) {
		return st
	}
	values, ok := dump.ParseInsert(st.Text, st.Mode)
	if !ok {
		return st
	}
	columns, _ := info.pick(values.Columns)
	var positions []int
	for i, c := range columns {
		if c.generated {
			positions = append(positions, i)
		}
	}
	if positions != nil {
		st.Text = repair.WithDefaults(values, positions)
	}
	return st
}
