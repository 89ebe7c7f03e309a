package mysqld

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Initialize makes an empty data directory: system tables, an administrator
// root@localhost without a password, and nothing else. The directory must be
// missing or empty; it is made if need be and belongs to the base's server
// account afterwards. The error is an *ExitError when the server refused.
func Initialize(ctx context.Context, c Config) error {
	if err := c.prepareDirs(); err != nil {
		return err
	}
	if Flavour(c.Base.Flavour) == MariaDB {
		return c.initializeMariaDB(ctx)
	}
	return c.initializeMySQL(ctx)
}

func (c Config) prepareDirs() error {
	for _, dir := range []string{c.DataDir, c.WorkDir, filepath.Join(c.WorkDir, "files")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make a directory for the server: %w", err)
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(dir, c.Base.UID, c.Base.GID); err != nil {
				return fmt.Errorf("give a directory to the server: %w", err)
			}
		}
		if err := os.Chmod(dir, 0o750); err != nil {
			return fmt.Errorf("give a directory to the server: %w", err)
		}
	}
	entries, err := os.ReadDir(c.DataDir)
	if err != nil {
		return fmt.Errorf("look into the data directory: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("the data directory %s is not empty: it holds %s", c.DataDir, entries[0].Name())
	}
	return nil
}

// initializeMySQL follows "Initializing the Data Directory" in the MySQL
// manual. A small redo log here leaves little to shrink later.
func (c Config) initializeMySQL(ctx context.Context) error {
	version, err := ParseVersion(c.Base.Version)
	if err != nil {
		return err
	}
	args := append(
		settingArgs(c.Settings),
		"--initialize-insecure",
		"--loose-auto-generate-certs=OFF",
		"--loose-sha256-password-auto-generate-rsa-keys=OFF",
		"--loose-caching-sha2-password-auto-generate-rsa-keys=OFF",
		"--innodb-doublewrite=OFF",
		"--innodb-flush-log-at-trx-commit=0",
		"--innodb-flush-method=O_DIRECT_NO_FSYNC", // nobody waits for this disk
		"--secure-file-priv=NULL",
		"--log-error="+c.logPath(),
		"--datadir="+c.DataDir,
		"--user="+c.Base.User,
	)
	if version.AtLeast(8, 0, 30) {
		args = append(args, "--innodb-redo-log-capacity=64M")
	} else {
		args = append(args, "--innodb-log-file-size=32M")
	}
	return c.initializeWith(ctx, c.Base.Server, args)
}

// initializeMariaDB runs the script that MariaDB documents for it. It asks for
// an administrator with an empty password, as the official image does, rather
// than one bound to the operating system's root.
func (c Config) initializeMariaDB(ctx context.Context) error {
	script := findProgram("mariadb-install-db", "mysql_install_db")
	if script == "" {
		return errors.New("the base image has mariadbd but no mariadb-install-db: add the package that holds it (Debian: mariadb-server-core)")
	}
	args := append([]string{
		"--rpm", "--skip-test-db", "--skip-name-resolve",
		"--auth-root-authentication-method=normal",
		"--user=" + c.Base.User,
		"--datadir=" + c.DataDir,
		"--innodb-doublewrite=OFF",
		"--innodb-flush-log-at-trx-commit=0",
		"--innodb-flush-method=O_DIRECT_NO_FSYNC", // nobody waits for this disk
		"--innodb-buffer-pool-dump-at-shutdown=OFF",
		"--log-error=" + c.logPath(),
	}, settingArgs(c.Settings)...)
	return c.initializeWith(ctx, script, args)
}

// OneRoot leaves root@localhost as the only administrator of a new data
// directory. MariaDB's script also makes root@127.0.0.1, root@::1 and root at
// the build's host name, all without a password; the official image drops them,
// too. Call it before a dump brings its own accounts.
func (s *Server) OneRoot(ctx context.Context, admin *sql.Conn) error {
	if s.Flavour() != MariaDB {
		return nil
	}
	if err := execute(ctx, admin, "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'"); err != nil {
		return err
	}
	return execute(ctx, admin, "FLUSH PRIVILEGES")
}

func (c Config) initializeWith(ctx context.Context, program string, args []string) error {
	output := newLogTail()
	cmd := c.command(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("initialise the data directory: %w", context.Cause(ctx))
		}
		return &ExitError{Doing: "initialise", Err: err, Log: append(output.Lines(), readTail(c.logPath())...)}
	}
	// A log of the initialisation says nothing about the server that follows.
	if err := os.Remove(c.logPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, "mysql")); err != nil {
		return fmt.Errorf("%s ended well but made no system schema: %w", program, err)
	}
	return nil
}
