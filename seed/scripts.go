package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/query"
)

// runScripts runs the "after" scripts in order, each on a session of its own.
func (r *restore) runScripts(ctx context.Context, admin *sql.Conn) error {
	if len(r.order.After) == 0 {
		return nil
	}
	began, err := moment(ctx, admin)
	if err != nil {
		return err
	}
	for i, name := range r.order.After {
		r.emit(event.Phase{Name: "run", Detail: name})
		if err := r.runScript(ctx, name); err != nil {
			return at(fmt.Sprintf("after[%d]", i), err)
		}
	}
	return r.forgetDigests(ctx, admin, began)
}

// unknownDatabase is ER_BAD_DB_ERROR.
const unknownDatabase = 1049

func (r *restore) runScript(ctx context.Context, name string) error {
	f, err := os.Open(filepath.Join(r.dirs.Context, name))
	if err != nil {
		return fmt.Errorf("open the script: %w", err)
	}
	defer f.Close()
	session, err := r.session(ctx)
	if err != nil {
		return err
	}
	database := r.defaultDatabase()
	if database != "" {
		// It is missing when the dumps have filled others than restore.database.
		var refused *mysql.MySQLError
		_, err := session.ExecContext(ctx, "USE "+load.QuoteName(database))
		if err != nil && (!errors.As(err, &refused) || refused.Number != unknownDatabase) {
			return fmt.Errorf("%s: USE %s: %w", name, database, err)
		}
	}
	return load.New(session, dump.NewScanner(f), load.Options{
		Object:   name,
		Database: database,
		Warn:     func(text string) { r.warn("", text) },
	}).Run(ctx)
}

// defaultDatabase is where scripts work that select no database: the one the
// spec names, or the only one the dumps filled.
func (r *restore) defaultDatabase() string {
	if r.order.Options.Database != "" {
		return r.order.Options.Database
	}
	return query.Database(r.manifest.Tables)
}

// verify runs the spec's queries. Each must give one row whose first column is
// neither NULL, nor 0, nor empty.
func (r *restore) verify(ctx context.Context, admin *sql.Conn) error {
	if len(r.order.Verify) == 0 {
		return nil
	}
	r.emit(event.Phase{Name: "verify", Detail: fmt.Sprintf("%d queries", len(r.order.Verify))})
	if name := r.defaultDatabase(); name != "" {
		if _, err := admin.ExecContext(ctx, "USE "+load.QuoteName(name)); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	for i, text := range r.order.Verify {
		if err := query.Holds(ctx, admin, text); err != nil {
			return at(fmt.Sprintf("verify[%d]", i), fmt.Errorf("verify %q: %w", text, withoutValues(err)))
		}
	}
	return nil
}
