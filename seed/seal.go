package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/plan"
)

// shapingVariables are server variables that decide what the same SQL means or
// how the same rows are stored.
var shapingVariables = []string{
	"character_set_server", "collation_server", "sql_mode", "lower_case_table_names",
	"time_zone", "system_time_zone", "innodb_page_size", "innodb_default_row_format",
	"default_storage_engine", "explicit_defaults_for_timestamp",
}

// inspect records what the server knows about itself and its accounts.
func (r *restore) inspect(ctx context.Context, admin *sql.Conn) error {
	r.manifest.Variables = map[string]string{}
	rows, err := admin.QueryContext(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('"+strings.Join(shapingVariables, "','")+"')")
	if err != nil {
		return fmt.Errorf("ask for the server's variables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return fmt.Errorf("ask for the server's variables: %w", err)
		}
		r.manifest.Variables[name] = value
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("ask for the server's variables: %w", err)
	}
	if err := r.lookForMemoryTables(ctx, admin); err != nil {
		return err
	}
	return r.lookForOpenRoot(ctx, admin)
}

// lookForMemoryTables warns about rows that end with the server.
func (r *restore) lookForMemoryTables(ctx context.Context, admin *sql.Conn) error {
	var names sql.NullString
	err := admin.QueryRowContext(ctx, `SELECT GROUP_CONCAT(CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) ORDER BY 1 SEPARATOR ', ')
		FROM information_schema.TABLES WHERE ENGINE = 'MEMORY' AND TABLE_TYPE = 'BASE TABLE' AND TABLE_ROWS > 0`).Scan(&names)
	if err != nil {
		return fmt.Errorf("look for tables in memory: %w", err)
	}
	if names.Valid {
		r.warn("", "these tables have ENGINE=MEMORY and are empty in the image, as they are after every start of a server: "+names.String)
	}
	return nil
}

// lookForOpenRoot warns about administrators that need no password.
func (r *restore) lookForOpenRoot(ctx context.Context, admin *sql.Conn) error {
	var hosts sql.NullString
	err := admin.QueryRowContext(ctx, `SELECT GROUP_CONCAT(Host ORDER BY Host SEPARATOR ', ') FROM mysql.user
		WHERE User = 'root' AND COALESCE(authentication_string, '') = ''
		AND plugin NOT IN ('auth_socket', 'unix_socket')`).Scan(&hosts)
	if err != nil {
		return fmt.Errorf("look for accounts without a password: %w", err)
	}
	if hosts.Valid {
		r.warn("accounts", fmt.Sprintf("the image's root account (%s) has no password: set accounts.root.password in dbake.yaml, or MYSQL_ROOT_PASSWORD when the image runs", hosts.String))
	}
	return nil
}

// seal makes the stopped server's data directory into what goes into the image.
func (r *restore) seal() error {
	freed, err := mysqld.Trim(r.dataDir())
	if err != nil {
		return err
	}
	sizes, err := mysqld.Sizes(r.dataDir())
	if err != nil {
		return err
	}
	var parts []string
	for _, p := range sizes {
		parts = append(parts, fmt.Sprintf("%s %.1f MB", p.Name, float64(p.Bytes)/1e6))
	}
	r.emit(event.Phase{Name: "seal", Detail: fmt.Sprintf("%s; %.1f MB of leftovers removed", strings.Join(parts, ", "), float64(freed)/1e6)})
	if err := linkTree(r.dataDir(), filepath.Join(r.dirs.Out, plan.PristineDir)); err != nil {
		return fmt.Errorf("keep a second name for each file of the data directory: %w", err)
	}
	return r.manifest.Write(filepath.Join(r.dirs.Out, plan.ManifestPath))
}

// linkTree makes to a copy of the directory tree from, in which every file is a
// hard link. Owners and modes of directories are kept.
//
// Files of MyISAM tables are copied. An overlay filesystem gives a file with
// several names another inode when it is first written to, and MySQL, which
// compares the inode before and after opening such a file, would refuse the
// first queries with error 1031.
func linkTree(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch filepath.Ext(name) {
		case ".MYI", ".MYD":
			return copyFile(name, target, info)
		}
		if !d.IsDir() {
			return os.Link(name, target)
		}
		if err := os.Mkdir(target, info.Mode().Perm()); err != nil {
			return err
		}
		if os.Geteuid() == 0 {
			return chownLike(target, info)
		}
		return nil
	})
}

// copyFile makes a copy with the same owner, mode and time.
func copyFile(from, to string, info fs.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		if err := chownLike(to, info); err != nil {
			return err
		}
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
