// Package verify checks a running baked image against its manifest and against the
// verify: queries of a dbake.yaml.
package verify

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/query"
)

// Options say what is checked besides the tables' rows.
type Options struct {
	// Queries must each give one row whose first column is true: neither NULL, 0
	// nor empty.
	Queries []string
	// Database is the one that they work in; empty: the only one that was baked,
	// as in a bake.
	Database string
	// Deep has the server check every page and every key of every table.
	Deep bool
	// Progress is told how many of the checks are done; it may be nil.
	Progress func(done, total int)
}

// Report is what was found.
type Report struct {
	// Tables and Rows were counted, Queries were true.
	Tables  int
	Rows    int64
	Queries int
	// Problems are what is not as it should be, one line each, without values.
	Problems []string
}

// OK says that nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Server is a server that speaks the MySQL protocol.
type Server struct{ Address, User, Password string }

// Check checks. The error says that it could not be done; what was found is in
// the Report.
func Check(ctx context.Context, s Server, m *manifest.Manifest, o Options) (*Report, error) {
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Passwd = "tcp", s.Address, s.User, s.Password
	config.AllowNativePasswords = true
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("connect to the server at %s: %w", s.Address, err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("connect to the server at %s: %w", s.Address, err)
	}
	c := &check{db: db, options: o, report: &Report{}, total: len(m.Tables) + len(o.Queries) + 1}
	return c.report, c.run(ctx, m)
}

type check struct {
	db          *sql.DB
	options     Options
	report      *Report
	done, total int
}

func (c *check) run(ctx context.Context, m *manifest.Manifest) error {
	if err := c.version(ctx, m); err != nil {
		return err
	}
	for _, t := range m.Tables {
		if err := c.table(ctx, t); err != nil {
			return err
		}
	}
	return c.queries(ctx, m)
}

// queries runs the queries of verify: as a bake does.
func (c *check) queries(ctx context.Context, m *manifest.Manifest) error {
	if len(c.options.Queries) == 0 {
		return nil
	}
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	defer conn.Close()
	if name := cmp.Or(c.options.Database, query.Database(m.Tables)); name != "" {
		_, err := conn.ExecContext(ctx, "USE "+load.QuoteName(name))
		if refused := (*mysql.MySQLError)(nil); errors.As(err, &refused) {
			c.problem("database %s cannot be used: error %d", name, refused.Number)
			return nil
		} else if err != nil {
			return fmt.Errorf("use the database %s: %w", name, err)
		}
	}
	for i, text := range c.options.Queries {
		err := query.Holds(ctx, conn, text)
		var refused *mysql.MySQLError
		switch {
		case err == nil:
			c.report.Queries++
		case wrong(err) != "":
			c.problem("verify[%d]: %s", i, wrong(err))
		case errors.As(err, &refused): // the server's text can hold values of rows
			c.problem("verify[%d]: the server refuses the query: error %d", i, refused.Number)
		default:
			return fmt.Errorf("verify[%d]: %w", i, err)
		}
		c.step()
	}
	return nil
}

func (c *check) problem(format string, args ...any) {
	c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
}

func (c *check) step() {
	c.done++
	if c.options.Progress != nil {
		c.options.Progress(c.done, c.total)
	}
}

func (c *check) version(ctx context.Context, m *manifest.Manifest) error {
	defer c.step()
	var version string
	if err := c.db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	if !strings.HasPrefix(version, m.Server.Version) {
		c.problem("the server is %s, the manifest says %s", version, m.Server.Version)
	}
	return nil
}

// table counts a table's rows and, when deep, has the server check it.
func (c *check) table(ctx context.Context, t manifest.Table) error {
	defer c.step()
	if load.IsSystemSchema(t.Schema) {
		return nil // accounts are added at the start
	}
	name := load.QuoteName(t.Schema) + "." + load.QuoteName(t.Name)
	var rows int64
	err := c.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+name).Scan(&rows)
	var refused *mysql.MySQLError
	switch {
	case errors.As(err, &refused):
		c.problem("table %s.%s cannot be read: error %d", t.Schema, t.Name, refused.Number)
		return nil
	case err != nil:
		return fmt.Errorf("count the rows of %s.%s: %w", t.Schema, t.Name, err)
	}
	c.report.Tables++
	c.report.Rows += rows
	if rows != t.Rows {
		c.problem("table %s.%s has %d rows, the manifest says %d", t.Schema, t.Name, rows, t.Rows)
	}
	if c.options.Deep {
		return c.deep(ctx, t, name)
	}
	return nil
}

// deep is CHECK TABLE ("CHECK TABLE Statement", MySQL manual): it reads every page,
// checks its checksum, and counts the entries of every key.
func (c *check) deep(ctx context.Context, t manifest.Table, name string) error {
	rows, err := c.db.QueryContext(ctx, "CHECK TABLE "+name)
	if err != nil {
		return fmt.Errorf("check table %s.%s: %w", t.Schema, t.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, op, kind, text string
		if err := rows.Scan(&table, &op, &kind, &text); err != nil {
			return fmt.Errorf("check table %s.%s: %w", t.Schema, t.Name, err)
		}
		if kind == "error" || kind == "status" && text != "OK" {
			c.problem("table %s.%s: CHECK TABLE says %q", t.Schema, t.Name, text)
		}
	}
	return rows.Err()
}

// wrong says what is wrong with the answer to a query; empty: err is another error.
func wrong(err error) string {
	switch {
	case errors.Is(err, query.ErrNoRow):
		return "the query gives no row"
	case errors.Is(err, query.ErrNotTrue):
		return "the query is not true"
	case errors.Is(err, query.ErrManyRows):
		return "the query gives more than one row"
	}
	return ""
}
