package mysqld

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// spareUndo is the undo tablespace that takes over while the server's own two
// are emptied.
const spareUndo = "dbake_spare"

// undoPatience bounds the wait for purge to empty one undo tablespace; a bulk
// load leaves little to purge.
const undoPatience = 10 * time.Minute

// BeginBulk switches off InnoDB's redo log, where the server can ("Disabling Redo
// Logging", MySQL manual): a crash then costs the data directory, which a failed
// bake throws away anyway. Shrink switches it on again, and must.
func (s *Server) BeginBulk(ctx context.Context, admin *sql.Conn) error {
	if !s.canSwitchRedo() {
		return nil
	}
	return execute(ctx, admin, "ALTER INSTANCE DISABLE INNODB REDO_LOG")
}

func (s *Server) canSwitchRedo() bool { return s.Flavour() == MySQL && s.version.AtLeast(8, 0, 21) }

// Shrink makes the files that a load has blown up small again while the server
// still runs, undo tablespaces and the redo log, and makes a crash harmless again. admin must be an
// administrator's connection. Call it as the last thing before Stop.
//
// What it cannot shrink on an old server (MySQL before 8.0.14) stays as it is.
func (s *Server) Shrink(ctx context.Context, admin *sql.Conn) error {
	if s.Flavour() == MariaDB {
		return nil // ShrinkRedo does it
	}
	if s.version.AtLeast(8, 0, 14) {
		if err := truncateUndo(ctx, admin); err != nil {
			return err
		}
	}
	if s.canSwitchRedo() {
		return enableRedo(ctx, admin)
	}
	return nil
}

// accessDenied is ER_SPECIFIC_ACCESS_DENIED_ERROR.
const accessDenied = 1227

// enableRedo switches InnoDB's redo log on again. A dump may have dropped the
// administrator, or brought one that may do less. A session keeps the static
// privileges that it began with, but the dynamic one that this takes is looked up
// ("Static Versus Dynamic Privileges", MySQL manual): it gets that for the moment.
func enableRedo(ctx context.Context, admin *sql.Conn) error {
	const enable = "ALTER INSTANCE ENABLE INNODB REDO_LOG"
	err := execute(ctx, admin, enable)
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) || refused.Number != accessDenied {
		return err
	}
	for _, statement := range []string{
		"INSERT INTO mysql.global_grants (USER, HOST, PRIV, WITH_GRANT_OPTION) VALUES ('root', 'localhost', 'INNODB_REDO_LOG_ENABLE', 'N')",
		"FLUSH PRIVILEGES",
		enable,
		"DELETE FROM mysql.global_grants WHERE USER = 'root' AND HOST = 'localhost' AND PRIV = 'INNODB_REDO_LOG_ENABLE'",
		"FLUSH PRIVILEGES",
	} {
		if err := execute(ctx, admin, statement); err != nil {
			return err
		}
	}
	return nil
}

// smallRedo is the least redo log in bytes that holds the log buffer of a bake.
const smallRedo = 8 << 20

// ShrinkRedo makes a stopped MariaDB server's redo log small, by one more start
// and stop: a server resizes its log when it starts. (It can do so while it runs,
// too, but 10.11 has been seen to leave a log behind that the next start refuses.)
// It does nothing for MySQL, whose log stays small.
func ShrinkRedo(ctx context.Context, c Config) error {
	if Flavour(c.Base.Flavour) != MariaDB {
		return nil
	}
	// By now root may have a password.
	c.last = []string{fmt.Sprintf("--innodb-log-file-size=%d", smallRedo), "--skip-grant-tables"}
	s, err := Start(ctx, c)
	if err != nil {
		return fmt.Errorf("shrink the redo log: %w", err)
	}
	defer s.Kill()
	if err := s.Stop(ctx); err != nil {
		return fmt.Errorf("shrink the redo log: %w", err)
	}
	return nil
}

// truncateUndo follows "Truncating Undo Tablespaces Manually" in the MySQL
// manual: two tablespaces must stay active, so a spare one stands in.
func truncateUndo(ctx context.Context, admin *sql.Conn) error {
	err := execute(ctx, admin, "CREATE UNDO TABLESPACE "+spareUndo+" ADD DATAFILE '"+spareUndo+".ibu'")
	if err != nil {
		return err
	}
	for _, name := range []string{"innodb_undo_001", "innodb_undo_002"} {
		if err := emptyUndo(ctx, admin, name); err != nil {
			return err
		}
		if err := execute(ctx, admin, "ALTER UNDO TABLESPACE "+name+" SET ACTIVE"); err != nil {
			return err
		}
	}
	if err := emptyUndo(ctx, admin, spareUndo); err != nil {
		return err
	}
	return execute(ctx, admin, "DROP UNDO TABLESPACE "+spareUndo)
}

func emptyUndo(ctx context.Context, admin *sql.Conn, name string) error {
	if err := execute(ctx, admin, "ALTER UNDO TABLESPACE "+name+" SET INACTIVE"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, undoPatience,
		fmt.Errorf("undo tablespace %s was not empty after %s", name, undoPatience))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var state string
		err := admin.QueryRowContext(ctx,
			"SELECT STATE FROM information_schema.INNODB_TABLESPACES WHERE NAME = ?", name).Scan(&state)
		if err != nil {
			return fmt.Errorf("ask for the state of undo tablespace %s: %w", name, err)
		}
		if state == "empty" {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func execute(ctx context.Context, conn *sql.Conn, statement string) error {
	if _, err := conn.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// leftovers are what a server leaves in its data directory at a clean stop and
// makes anew when it starts. Private keys and the server's identity are among
// them on purpose: no two containers may share them.
var leftovers = []string{
	"auto.cnf",                                // the server's UUID
	"ca-key.pem", "ca.pem", "client-cert.pem", // TLS, made at start when missing
	"client-key.pem", "server-cert.pem", "server-key.pem", // "
	"private_key.pem", "public_key.pem", // RSA pair for password exchange
	"ib_buffer_pool.incomplete",
	"ibtmp1",                                 // temporary tablespace
	"#innodb_temp/*",                         // the same for sessions
	"#ib_*.dblwr",                            // doublewrite buffer
	"#ib_*.bdblwr",                           // "
	"ib_doublewrite",                         // "
	"#innodb_redo/*_tmp",                     // spare redo files
	"binlog.*", "mysql-bin.*", "*-bin.index", // logs of what the bake did
	"*.err", "*.pid", "*.sock", "*.sock.lock", // this process
	"tc.log", "ddl_recovery.log", "ddl_recovery-backup.log",
	"multi-master.info", "relay-log*", "*-relay-bin*",
	"mysqld_safe.pid", "undo_*_trunc.log", "lost+found",
}

// Trim removes from a stopped server's data directory what a fresh server does
// not need, and gives the bytes it freed. The server must have been stopped
// cleanly.
func Trim(dataDir string) (freed int64, err error) {
	for _, pattern := range leftovers {
		names, err := filepath.Glob(filepath.Join(dataDir, pattern))
		if err != nil {
			return freed, fmt.Errorf("trim the data directory: %w", err)
		}
		for _, name := range names {
			if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
				freed += info.Size()
			}
			if err := os.RemoveAll(name); err != nil {
				return freed, fmt.Errorf("trim the data directory: %w", err)
			}
		}
	}
	// The list of pages to warm up with would make the server open tables
	// nobody asked for; without one it logs an error at its first start.
	err = os.Truncate(filepath.Join(dataDir, "ib_buffer_pool"), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return freed, fmt.Errorf("trim the data directory: %w", err)
	}
	return freed, nil
}

// Part is a share of a data directory's size.
type Part struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"` // allocated on disk, holes left out
}

// Sizes gives the size of a data directory by part: tables, system, undo, redo.
func Sizes(dataDir string) ([]Part, error) {
	parts := []Part{{Name: "tables"}, {Name: "system"}, {Name: "undo"}, {Name: "redo"}}
	err := filepath.WalkDir(dataDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dataDir, name)
		if err != nil {
			return err
		}
		parts[partOf(rel)].Bytes += allocated(info)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("measure the data directory: %w", err)
	}
	return parts, nil
}

func partOf(rel string) int {
	dir, _, nested := strings.Cut(rel, string(filepath.Separator))
	switch {
	case strings.HasPrefix(rel, "undo") || strings.HasSuffix(rel, ".ibu"):
		return 2
	case dir == "#innodb_redo" || strings.HasPrefix(rel, "ib_logfile") || strings.HasPrefix(rel, "aria_log"):
		return 3
	case !nested || dir == "mysql" || dir == "sys" || dir == "performance_schema":
		return 1
	}
	return 0
}
