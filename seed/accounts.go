package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/spec"
)

// applyAccounts creates and changes the accounts that the spec declares. The
// passwords come from secret files and are in no error text.
func (r *restore) applyAccounts(ctx context.Context, admin *sql.Conn) error {
	accounts := r.order.Accounts
	if accounts.Root == nil && len(accounts.Users) == 0 {
		return nil
	}
	r.emit(event.Phase{Name: "accounts"})
	// The dump may have written to the grant tables directly; and its last
	// sql_mode must not decide how our strings are read.
	for _, statement := range []string{"FLUSH PRIVILEGES", "SET SESSION sql_mode = ''"} {
		if _, err := admin.ExecContext(ctx, statement); err != nil {
			return at("accounts", fmt.Errorf("%s: %w", statement, err))
		}
	}
	// Users first: once root has changed, a refused session could not go on.
	for i, u := range accounts.Users {
		path := fmt.Sprintf("accounts.users[%d]", i)
		if err := r.applyUser(ctx, admin, path, u); err != nil {
			return err
		}
	}
	if accounts.Root == nil {
		return nil
	}
	host := accounts.Root.Host
	if host == "" {
		host = "localhost"
	}
	return r.applyUser(ctx, admin, "accounts.root", spec.User{
		Name: "root", Host: host, Password: accounts.Root.Password,
		Grants: []string{"ALL ON *.* WITH GRANT OPTION"},
	})
}

func (r *restore) applyUser(ctx context.Context, admin *sql.Conn, path string, u spec.User) error {
	if u.Host == "" {
		u.Host = "%"
	}
	account := load.QuoteText(u.Name) + "@" + load.QuoteText(u.Host)
	statements := []string{"CREATE USER IF NOT EXISTS " + account}
	if u.Password != nil {
		password, err := r.secret(u.Password.Secret)
		if err != nil {
			return at(path+".password", err)
		}
		// ALTER also covers an account that the dump brought along.
		statements = append(statements, "ALTER USER "+account+" IDENTIFIED BY "+load.QuoteText(password))
	}
	for _, g := range u.Grants {
		privileges, option, _ := strings.Cut(g, " WITH ")
		statement := "GRANT " + privileges + " TO " + account
		if option != "" {
			statement += " WITH " + option
		}
		statements = append(statements, statement)
	}
	for _, statement := range statements {
		if _, err := admin.ExecContext(ctx, statement); err != nil {
			return at(path, fmt.Errorf("account %s@%s: %w", u.Name, u.Host, withoutValues(err)))
		}
	}
	return nil
}

// secret reads a secret's file. The final newline that editors add is no part
// of a password.
func (r *restore) secret(id string) (string, error) {
	return r.dirs.secret(id)
}

// secret gives the value of a secret, without the line end behind it.
func (d Dirs) secret(id string) (string, error) {
	text, err := os.ReadFile(filepath.Join(d.Secrets, id))
	if err != nil {
		return "", fmt.Errorf("secret %q is not there: give it with --secret id=%s,src=FILE or --secret id=%s,env=NAME", id, id, id)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("secret %q is empty", id)
	}
	return value, nil
}

// withoutValues drops from a server's error what may quote a value.
func withoutValues(err error) error {
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) {
		return err
	}
	return fmt.Errorf("server error %d: %s", refused.Number, load.SafeMessage(refused, true))
}
