package mysqld

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbake/dbake/internal/inroot"
	"github.com/dbake/dbake/spec"
)

func TestInRoot(t *testing.T) { inroot.Run(t, "TestServer") }

// newConfig gives a config for the server of the root filesystem we are in.
func newConfig(t *testing.T) Config {
	t.Helper()
	inroot.Skip(t)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	base, err := Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/var/tmp", "bake") //nolint:usetesting // the server's account must get in
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return Config{Base: base, DataDir: filepath.Join(dir, "data"), WorkDir: filepath.Join(dir, "work"), Memory: 256 << 20}
}

func TestServerProbe(t *testing.T) {
	c := newConfig(t)
	if c.Base.Flavour != inroot.Flavour() {
		t.Errorf("flavour %q in a root with %s", c.Base.Flavour, inroot.Flavour())
	}
	if c.Base.UID != 999 || c.Base.User != "mysql" {
		t.Errorf("owner is %s (%d), want mysql (999)", c.Base.User, c.Base.UID)
	}
	if c.Base.Client == "" || !strings.HasSuffix(c.Base.Socket, "/run/mysqld/mysqld.sock") {
		t.Errorf("client %q, socket %q", c.Base.Client, c.Base.Socket)
	}
	if !strings.HasSuffix(c.Base.OptionFile, "/"+fragmentName) || c.Base.OptionPrefix != "" {
		t.Errorf("the fragment goes to %q behind %q, want a new file in an included directory", c.Base.OptionFile, c.Base.OptionPrefix)
	}
}

func TestServerBakesAndServesAgain(t *testing.T) {
	c := newConfig(t)
	ctx := t.Context()
	if err := Initialize(ctx, c); err != nil {
		t.Fatal(err)
	}
	s, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	fill(t, s)
	stop(t, s)
	if err := ShrinkRedo(ctx, c); err != nil {
		t.Fatal(err)
	}
	if _, err := Trim(c.DataDir); err != nil {
		t.Fatal(err)
	}
	for _, leftover := range []string{"auto.cnf", "server-key.pem", "private_key.pem", "ibtmp1", spareUndo + ".ibu"} {
		if _, err := os.Stat(filepath.Join(c.DataDir, leftover)); err == nil {
			t.Errorf("%s is left in the data directory", leftover)
		}
	}
	if info, err := os.Stat(filepath.Join(c.DataDir, "ib_buffer_pool")); err == nil && info.Size() > 0 {
		t.Error("the data directory lists pages to warm up with")
	}
	sizes, err := Sizes(c.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range sizes {
		limit := map[string]int64{"undo": 33 << 20, "redo": 9 << 20, "system": 60 << 20, "tables": 70 << 20}[part.Name]
		if part.Name == "system" && s.Flavour() == MariaDB {
			// Before 11.0 undo lies in the system tablespace, which never
			// shrinks. Updates fill it; loading rows does not.
			limit = 120 << 20
		}
		if part.Bytes > limit {
			t.Errorf("%s takes %d bytes, want at most %d", part.Name, part.Bytes, limit)
		}
	}

	s, err = Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	db, err := s.Open("app")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var rows int
	if err := db.QueryRow("SELECT COUNT(*) FROM t").Scan(&rows); err != nil || rows != 1<<16 {
		t.Errorf("the second server sees %d rows (%v), want %d", rows, err, 1<<16)
	}
	db.Close()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// fill writes and rewrites enough rows to blow up undo and redo.
func fill(t *testing.T, s *Server) {
	t.Helper()
	db, err := s.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := s.BeginBulk(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	statements := []string{
		"CREATE DATABASE app", "USE app",
		"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(200), KEY (v)) ENGINE=InnoDB",
		"INSERT INTO t (v) VALUES (REPEAT('x', 150))",
	}
	for range 16 {
		statements = append(statements, "INSERT INTO t (v) SELECT v FROM t")
	}
	statements = append(statements, "UPDATE t SET v = CONCAT(id, v)", "UPDATE t SET v = CONCAT('y', v)")
	for _, statement := range statements {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	// A dump may have taken the administrator's account.
	execute := func(statement string) {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	execute("DROP USER root@localhost")
	if err := s.Shrink(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if s.Flavour() == MySQL {
		var left int
		if err := conn.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM mysql.global_grants WHERE USER = 'root'").Scan(&left); err != nil || left > 0 {
			t.Errorf("%d privileges of root are left (%v)", left, err)
		}
	}
	execute("CREATE USER root@localhost")
	execute("GRANT SELECT ON app.* TO root@localhost")
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestServerThatDiesIsAnError(t *testing.T) {
	c := newConfig(t)
	if err := Initialize(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Exited()
	var exit *ExitError
	if err := s.Stop(t.Context()); !errors.As(err, &exit) || !strings.Contains(err.Error(), "killed") {
		t.Errorf("stopping a killed server gave %v, want an ExitError that says it was killed", err)
	}
}

func TestServerRefusingASettingSaysSo(t *testing.T) {
	c := newConfig(t)
	c.Settings = spec.Settings{{Name: "no_such_setting", Value: "1"}}
	err := Initialize(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") && !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("got %v, want an error that names the setting", err)
	}
}

func TestServerEndsWithItsContext(t *testing.T) {
	c := newConfig(t)
	if err := Initialize(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-s.Exited():
	case <-time.After(20 * time.Second):
		t.Error("the server outlives its context")
		s.Kill()
	}
}

func TestServerKeepsOutOfAFullDirectory(t *testing.T) {
	c := newConfig(t)
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.DataDir, "precious"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Initialize(t.Context(), c); err == nil || !strings.Contains(err.Error(), "precious") {
		t.Errorf("got %v, want an error that names what is in the way", err)
	}
}
