package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/schema"
)

// masksByExpression reports whether a rule of mask.columns is a transform "sql".
func (r *restore) masksByExpression() bool {
	return slices.ContainsFunc(r.order.Mask.Columns, isExpression)
}

// scriptsOfMasks is how many sessions mask.sql needs.
func (r *restore) scriptsOfMasks() int {
	if r.order.Mask == nil {
		return 0
	}
	return len(r.order.Mask.SQL)
}

// maskInServer runs the transforms "sql", and then the scripts of mask.sql.
func (r *restore) maskInServer(ctx context.Context, admin *sql.Conn) error {
	if r.masksByExpression() {
		r.emit(event.Phase{Name: "mask", Detail: "by expressions"})
		if err := r.maskByExpressions(ctx, admin); err != nil {
			return err
		}
	}
	for i, name := range r.order.Mask.SQL {
		r.emit(event.Phase{Name: "mask", Detail: name})
		if err := r.runScript(ctx, name); err != nil {
			return at(fmt.Sprintf("mask.sql[%d]", i), err)
		}
	}
	return nil
}

// readScripts gives the texts of mask.sql, which the manifest's digest covers.
func (r *restore) readScripts() ([]byte, error) {
	var all []byte
	for i, name := range r.order.Mask.SQL {
		text, err := os.ReadFile(filepath.Join(r.dirs.Context, name))
		if err != nil {
			return nil, at(fmt.Sprintf("mask.sql[%d]", i), fmt.Errorf("open the script: %w", err))
		}
		all = fmt.Appendf(all, "%d\n%s", len(text), text)
	}
	return all, nil
}

func (r *restore) maskByExpressions(ctx context.Context, admin *sql.Conn) error {
	tables, err := listTables(ctx, admin)
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	used := map[string]bool{}
	for _, name := range tables {
		expressions, err := r.expressionsOf(ctx, admin, name)
		if err != nil {
			return err
		}
		if len(expressions) == 0 {
			continue
		}
		if err := r.maskTable(ctx, admin, expressions); err != nil {
			return at(expressions[0].Path, fmt.Errorf("mask %s: %w", name, withoutValues(err)))
		}
		for _, e := range expressions {
			used[e.Path] = true
		}
	}
	for _, c := range r.order.Mask.Columns {
		if path := "mask.columns." + c.Pattern; isExpression(c) && !used[path] {
			r.warn(path, fmt.Sprintf("no column matches %q", c.Pattern))
		}
	}
	return nil
}

// tableName is a table of a server.
type tableName struct{ schema, name string }

func (n tableName) String() string { return n.schema + "." + n.name }
func (n tableName) quoted() string { return load.QuoteName(n.schema) + "." + load.QuoteName(n.name) }

// listTables lists all tables but the server's own and views.
func listTables(ctx context.Context, conn *sql.Conn) (list []tableName, err error) {
	rows, err := conn.QueryContext(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
		WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND
		LOWER(TABLE_SCHEMA) NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema', 'ndbinfo') ORDER BY 1, 2`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t tableName
		if err := rows.Scan(&t.schema, &t.name); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// expressionsOf lists the expressions for columns of a table.
func (r *restore) expressionsOf(ctx context.Context, admin *sql.Conn, t tableName) ([]mask.Expression, error) {
	var name, text string
	if err := admin.QueryRowContext(ctx, "SHOW CREATE TABLE "+t.quoted()).Scan(&name, &text); err != nil {
		return nil, fmt.Errorf("look at table %s: %w", t, err)
	}
	table, err := schema.Parse([]byte(text), dump.Mode{})
	if err != nil {
		return nil, fmt.Errorf("look at table %s: %w", t, err)
	}
	table.Schema, table.Name = t.schema, t.name
	list, err := r.filter.masker.SQL(table)
	if err != nil {
		return nil, atMask(err)
	}
	return list, nil
}

// maskTable updates all rows of one table. Triggers do not see it: they would
// write the old values somewhere else. Columns that note when a row was changed
// stay as they are.
func (r *restore) maskTable(ctx context.Context, admin *sql.Conn, list []mask.Expression) error {
	t := tableName{list[0].Schema, list[0].Table}
	sets := make([]string, 0, len(list))
	for _, e := range list {
		sets = append(sets, load.QuoteName(e.Column)+" = ("+e.SQL+")")
	}
	stamps, err := stampsOf(ctx, admin, t)
	if err != nil {
		return err
	}
	for _, column := range stamps {
		if !slices.ContainsFunc(list, func(e mask.Expression) bool { return strings.EqualFold(e.Column, column) }) {
			sets = append(sets, load.QuoteName(column)+" = "+load.QuoteName(column))
		}
	}
	triggers, err := takeTriggers(ctx, admin, t)
	if err != nil {
		return err
	}
	if err := executeAll(
		ctx, admin, "USE "+load.QuoteName(t.schema), "SET NAMES utf8mb4",
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, time_zone = '+00:00'",
	); err != nil {
		return err
	}
	result, err := admin.ExecContext(ctx, "UPDATE "+t.quoted()+" SET "+strings.Join(sets, ", "))
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	r.countExpressions(list, n)
	return executeAll(ctx, admin, triggers...)
}

// countExpressions notes what expressions have changed in a table.
func (r *restore) countExpressions(list []mask.Expression, rows int64) {
	for i := range r.manifest.Tables {
		if t := &r.manifest.Tables[i]; t.Schema == list[0].Schema && t.Name == list[0].Table {
			t.Masked = max(t.Masked, rows)
		}
	}
	if rows == 0 {
		return
	}
	m := r.manifest.Mask
	for _, e := range list {
		m.Columns = append(m.Columns, strings.Join([]string{e.Schema, e.Table, e.Column}, "."))
	}
	slices.Sort(m.Columns)
	m.Columns = slices.Compact(m.Columns)
}

// stampsOf lists the columns that an UPDATE sets to the current time.
func stampsOf(ctx context.Context, conn *sql.Conn, t tableName) ([]string, error) {
	return texts(ctx, conn, "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+load.QuoteText(t.schema)+
		" AND TABLE_NAME = "+load.QuoteText(t.name)+" AND LOWER(EXTRA) LIKE '%on update%'")
}

// takeTriggers drops the triggers of a table and gives the statements that make
// them again, in the order they run in.
func takeTriggers(ctx context.Context, conn *sql.Conn, t tableName) ([]string, error) {
	names, err := texts(ctx, conn, `SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = `+
		load.QuoteText(t.schema)+" AND EVENT_OBJECT_TABLE = "+load.QuoteText(t.name)+" ORDER BY EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER")
	if err != nil {
		return nil, err
	}
	var again []string
	for _, name := range names {
		name := load.QuoteName(t.schema) + "." + load.QuoteName(name)
		statements, err := triggerAgain(ctx, conn, name)
		if err != nil {
			return nil, err
		}
		again = append(again, statements...)
		if err := executeAll(ctx, conn, "DROP TRIGGER "+name); err != nil {
			return nil, err
		}
	}
	return again, nil
}

// triggerAgain gives what makes a trigger as it is: its text in the character set
// and sql_mode that it was made with.
func triggerAgain(ctx context.Context, conn *sql.Conn, name string) ([]string, error) {
	// The server sends the text as it was written.
	if err := executeAll(ctx, conn, "SET SESSION character_set_results = NULL"); err != nil {
		return nil, err
	}
	rows, err := conn.QueryContext(ctx, "SHOW CREATE TRIGGER "+name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	if !rows.Next() {
		return nil, errors.Join(errors.New("the server shows no trigger "+name), rows.Err())
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	is := map[string]string{}
	for i, c := range columns {
		is[strings.ToLower(c)] = cells[i].String
	}
	return []string{
		"SET SESSION character_set_client = " + is["character_set_client"] + ", collation_connection = " + is["collation_connection"] +
			", sql_mode = " + load.QuoteText(is["sql_mode"]),
		is["sql original statement"],
		"SET NAMES utf8mb4",
	}, errors.Join(rows.Err(), rows.Close())
}

func executeAll(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
