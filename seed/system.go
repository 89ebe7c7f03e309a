package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mysqld"
)

// systemTables are those of the schema mysql that dumps and scripts may have
// filled: accounts and what they may do, time zones, functions and plugins. The
// rest is the server's own, such as statistics, or holds values of other tables.
var systemTables = map[mysqld.Flavour][]string{
	mysqld.MySQL: {
		"user", "db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv", "global_grants", "role_edges",
		"default_roles", "password_history", "func", "servers", "plugin", "component",
		"time_zone", "time_zone_leap_second", "time_zone_name", "time_zone_transition", "time_zone_transition_type",
	},
	mysqld.MariaDB: {
		"global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv", "roles_mapping",
		"func", "servers", "plugin", "gtid_slave_pos",
		"time_zone", "time_zone_leap_second", "time_zone_name", "time_zone_transition", "time_zone_transition_type",
	},
}

// systemRows are the rows of systemTables, as literals.
type systemRows map[string][]string

// readSystem reads a server's own tables.
func readSystem(ctx context.Context, flavour mysqld.Flavour, from *sql.Conn) (systemRows, error) {
	all := systemRows{}
	for _, table := range systemTables[flavour] {
		columns, err := columnsOf(ctx, from, table)
		if err == nil && len(columns) > 0 { // older servers lack some
			all[table], err = rowsOf(ctx, from, table, columns)
		}
		if err != nil {
			return nil, fmt.Errorf("read mysql.%s: %w", table, withoutValues(err))
		}
	}
	return all, nil
}

// writeSystem makes the server's own tables of a new server those of another one
// of the same version.
func writeSystem(ctx context.Context, flavour mysqld.Flavour, all systemRows, to *sql.Conn) error {
	if err := executeAll(ctx, to, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"); err != nil {
		return err
	}
	for _, table := range systemTables[flavour] {
		if err := writeRows(ctx, to, table, all[table]); err != nil {
			return fmt.Errorf("copy mysql.%s: %w", table, withoutValues(err))
		}
	}
	return executeAll(ctx, to, "FLUSH PRIVILEGES")
}

// copyGTIDs copies what a dump has said with GTID_PURGED.
func copyGTIDs(ctx context.Context, from, to *sql.Conn) error {
	const query = "SELECT @@GLOBAL.gtid_executed"
	var has, want string
	err := errors.Join(from.QueryRowContext(ctx, query).Scan(&want), to.QueryRowContext(ctx, query).Scan(&has))
	if err == nil && has != want {
		err = executeAll(ctx, to, "SET GLOBAL gtid_purged = "+load.QuoteText(want))
	}
	if err != nil {
		return fmt.Errorf("copy the identifiers of transactions: %w", err)
	}
	return nil
}

// writeRows replaces the rows of a table of the schema mysql, unless they are the
// same.
func writeRows(ctx context.Context, to *sql.Conn, table string, want []string) error {
	columns, err := columnsOf(ctx, to, table)
	if err != nil || len(columns) == 0 {
		return err
	}
	has, err := rowsOf(ctx, to, table, columns)
	if err != nil || slices.Equal(has, want) {
		return err
	}
	if err := executeAll(ctx, to, "DELETE FROM mysql."+load.QuoteName(table)); err != nil {
		return err
	}
	head := "INSERT INTO mysql." + load.QuoteName(table) + " (" + strings.Join(columns, ", ") + ") VALUES "
	for rows := range slices.Chunk(want, 500) {
		if err := executeAll(ctx, to, head+strings.Join(rows, ",")); err != nil {
			return err
		}
	}
	return nil
}

// letDefiners gives the definers of all views, which need not exist, accounts that
// may do what views do: the server describes a view only as its definer sees it.
// writeSystem takes back what is done to a server here.
func letDefiners(ctx context.Context, from *sql.Conn, servers ...*sql.Conn) error {
	definers, err := texts(ctx, from, `SELECT DISTINCT DEFINER FROM information_schema.VIEWS
		WHERE LOWER(TABLE_SCHEMA) NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')`)
	if err != nil {
		return fmt.Errorf("list the definers of views: %w", err)
	}
	for _, definer := range definers {
		i := strings.LastIndexByte(definer, '@')
		if i < 0 {
			continue // a role
		}
		account := load.QuoteText(definer[:i]) + "@" + load.QuoteText(definer[i+1:])
		for _, server := range servers {
			err := executeAll(
				ctx, server, "SET SESSION sql_mode = ''", "CREATE USER IF NOT EXISTS "+account,
				"GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE, SHOW VIEW ON *.* TO "+account,
			)
			if err != nil {
				return fmt.Errorf("let %s define views: %w", account, withoutValues(err))
			}
		}
	}
	return nil
}

// reviveViews makes views anew that MySQL has put down as not valid: it does so when
// a table is altered while the definer of a view on it is missing. Those that are
// not valid in truth stay as they are.
func reviveViews(ctx context.Context, conn *sql.Conn) error {
	const names = "CONCAT('`', REPLACE(TABLE_SCHEMA, '`', '``'), '`.`', REPLACE(TABLE_NAME, '`', '``'), '`')"
	views, err := texts(ctx, conn, "SELECT "+names+` FROM information_schema.VIEWS
		WHERE LOWER(TABLE_SCHEMA) NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY 1`)
	if err != nil {
		return fmt.Errorf("list the views: %w", err)
	}
	for _, view := range views {
		if err := runQuery(ctx, conn, "SHOW FIELDS FROM "+view); err == nil {
			continue
		}
		var name, create, charset, collation string
		if err := conn.QueryRowContext(ctx, "SHOW CREATE VIEW "+view).Scan(&name, &create, &charset, &collation); err != nil {
			continue // what copies it says why
		}
		_ = executeAll(
			ctx, conn, "SET SESSION character_set_client = "+charset+", collation_connection = "+collation,
			"CREATE OR REPLACE "+strings.TrimPrefix(create, "CREATE "),
		)
		if err := executeAll(ctx, conn, "SET NAMES utf8mb4"); err != nil {
			return err
		}
	}
	return nil
}

// texts reads a result of one column.
func texts(ctx context.Context, conn *sql.Conn, query string) (list []string, err error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

// columnsOf gives the quoted names of a table's stored columns; none when there is
// no such table.
func columnsOf(ctx context.Context, conn *sql.Conn, table string) ([]string, error) {
	columns, err := texts(ctx, conn, `SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'mysql'
		AND TABLE_NAME = `+load.QuoteText(table)+` AND COALESCE(GENERATION_EXPRESSION, '') = '' ORDER BY ORDINAL_POSITION`)
	for i := range columns {
		columns[i] = load.QuoteName(columns[i])
	}
	return columns, err
}

// rowsOf reads a small table as lists of literals.
func rowsOf(ctx context.Context, conn *sql.Conn, table string, columns []string) (list []string, err error) {
	rows, err := conn.QueryContext(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM mysql."+load.QuoteName(table)+" ORDER BY 1")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	cells, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	texts := make([]string, len(columns))
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, c := range cells {
			switch name := types[i].DatabaseTypeName(); {
			case c == nil:
				texts[i] = "NULL"
			case strings.Contains(name, "BLOB") || strings.Contains(name, "BINARY"):
				texts[i] = fmt.Sprintf("X'%X'", []byte(c))
			default:
				texts[i] = load.QuoteText(string(c))
			}
		}
		list = append(list, "("+strings.Join(texts, ",")+")")
	}
	return list, rows.Err()
}

// copyHistograms makes the histograms of one server anew in another one: from the
// rows there, not from those that the first one had when it made them. MariaDB
// keeps none that a dump could have asked for.
func copyHistograms(ctx context.Context, from, to *sql.Conn) (err error) {
	var known int
	err = from.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'COLUMN_STATISTICS'").Scan(&known)
	if err != nil || known == 0 {
		return err
	}
	statements, err := texts(ctx, from, "SELECT CONCAT('ANALYZE TABLE `', REPLACE(SCHEMA_NAME, '`', '``'), '`.`', REPLACE(TABLE_NAME, '`', '``'), "+
		"'` UPDATE HISTOGRAM ON `', REPLACE(COLUMN_NAME, '`', '``'), '` WITH ', HISTOGRAM->>'$.\"number-of-buckets-specified\"', ' BUCKETS') "+
		"FROM information_schema.COLUMN_STATISTICS ORDER BY SCHEMA_NAME, TABLE_NAME, COLUMN_NAME")
	if err != nil {
		return fmt.Errorf("list the histograms: %w", err)
	}
	for _, statement := range statements {
		if err := runQuery(ctx, to, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, withoutValues(err))
		}
	}
	return nil
}

// runQuery runs a statement that answers with rows which nobody needs.
func runQuery(ctx context.Context, conn *sql.Conn, statement string) (err error) {
	rows, err := conn.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
	}
	return rows.Err()
}
