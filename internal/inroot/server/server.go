// Package server gives tests that run inside a base's root file system (see package
// inroot) that base's database server, empty and for themselves.
package server

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/dbake/dbake/seed/mysqld"
)

// memory is what a test's server may take, in bytes.
const memory = 256 << 20

// Start initialises and starts a server, and connects to it as root. Both are gone
// when the test ends.
func Start(t testing.TB) (*mysqld.Server, *sql.DB) {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "server") //nolint:usetesting // the server's account must get in
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755)) //nolint:gosec // it must get in
	base, err := mysqld.Probe(t.Context())
	check(t, err)
	config := mysqld.Config{Base: base, DataDir: filepath.Join(dir, "data"), WorkDir: filepath.Join(dir, "work"), Memory: memory}
	check(t, mysqld.Initialize(t.Context(), config))
	s, err := mysqld.Start(t.Context(), config)
	check(t, err)
	t.Cleanup(s.Kill)
	db, err := s.Open("")
	check(t, err)
	t.Cleanup(func() { db.Close() })
	return s, db
}

// Session is Start for tests that need one session and nothing else.
func Session(t testing.TB) *sql.Conn {
	t.Helper()
	_, db := Start(t)
	conn, err := db.Conn(t.Context())
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
