package repair_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/internal/inroot"
	inrootserver "github.com/dbake/dbake/internal/inroot/server"
	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/repair"
)

func TestInRoot(t *testing.T) { inroot.Run(t, "TestServer") }

// TestServer loads every case into the real server: as it is, which has to fail
// with the error number the case names, and repaired, which has to give the
// tables, rows and programs in flavour-version.result. A result that is not
// there is written.
func TestServer(t *testing.T) {
	inroot.Skip(t)
	server := startServer(t)
	target := fmt.Sprintf("%s-%d.%d", server.to.Flavour, server.to.Major, server.to.Minor)
	for _, c := range readCases(t) {
		if _, err := os.Stat(filepath.Join(c.dir, target+".want")); err != nil {
			t.Fatalf("%s says nothing about %s", c.name, target)
		}
		t.Run(c.name, func(t *testing.T) {
			want := c.errors[target]
			plain := server.load(t, c, false)
			if got := codeOf(plain); got != want.code && c.name != "xml" {
				t.Errorf("unrepaired, the dump fails with error %d, want %d: %v", got, want.code, plain)
			}
			err := server.load(t, c, true)
			refused := want.still || strings.Contains(readFile(t, filepath.Join(c.dir, target+".want")), "-- refused") || c.name == "xml"
			if (err != nil) != refused {
				t.Fatalf("repaired, the dump gives %v", err)
			}
			outcome := server.describe(t)
			if err != nil {
				outcome += fmt.Sprintf("-- fails: %v\n", err)
			}
			compare(t, filepath.Join(c.dir, target+".result"), outcome)
		})
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s was not there; it is now", file)
	}
	if want := readFile(t, file); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// codeOf gives the server's error number in a load's error.
func codeOf(err error) int {
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return int(refused.Number)
	}
	return 0
}

type realServer struct {
	*mysqld.Server
	db *sql.DB
	to repair.Server
}

func startServer(t *testing.T) *realServer {
	t.Helper()
	server, db := inrootserver.Start(t)
	v := server.Version()
	return &realServer{server, db, repair.Server{Flavour: string(server.Flavour()), Major: v.Major, Minor: v.Minor, Patch: v.Patch}}
}

// load loads a case into the schema app, which is new: repaired and over a lane, or as it is.
func (s *realServer) load(t *testing.T, c testCase, repaired bool) error {
	t.Helper()
	ctx := t.Context()
	s.clear(t)
	var sessions []*sql.Conn
	defer func() { closeSessions(sessions) }()
	options := load.Options{Object: c.name, Database: "app", Warn: func(string) {}}
	scanner := dump.NewScanner(strings.NewReader(c.dump))
	if !repaired {
		return load.New(s.session(t, &sessions), scanner, options).Run(ctx)
	}
	options.ChunkBytes = 1 // the keys of every table are built last
	options.Repair = func(from dump.Header) *repair.Repairer {
		return repair.New(repair.Options{From: from, To: s.to, Definer: c.definer})
	}
	lanes := load.Lanes{Look: s.session(t, &sessions), Rows: []*sql.Conn{s.session(t, &sessions)}, Keys: []*sql.Conn{s.session(t, &sessions)}}
	if err := lanes.PrepareKeySessions(ctx); err != nil {
		t.Fatal(err)
	}
	return load.NewParallel(s.session(t, &sessions), lanes, scanner, options).Run(ctx)
}

// session gives a new connection; it is closed for good when the load is over,
// so that no state and no lock of it reaches another case.
func (s *realServer) session(t *testing.T, sessions *[]*sql.Conn) *sql.Conn {
	t.Helper()
	conn, err := s.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	*sessions = append(*sessions, conn)
	return conn
}

func closeSessions(sessions []*sql.Conn) {
	for _, conn := range sessions {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		conn.Close()
	}
}

// clear removes what a case has made.
func (s *realServer) clear(t *testing.T) {
	t.Helper()
	for _, schema := range s.schemas(t) {
		s.exec(t, "DROP DATABASE "+load.QuoteName(schema))
	}
	s.exec(t, "DROP USER IF EXISTS repair@'%'")
}

func (s *realServer) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (s *realServer) schemas(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, row := range s.query(t, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1") {
		if !load.IsSystemSchema(row[0]) {
			out = append(out, row[0])
		}
	}
	return out
}

func (s *realServer) query(t *testing.T, query string) [][]string {
	t.Helper()
	rows, err := s.db.QueryContext(context.WithoutCancel(t.Context()), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(values))
		for i, v := range values {
			if row[i] = v.String; !v.Valid {
				row[i] = "NULL"
			}
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// describe writes all that is in the server: definitions, rows, definers.
func (s *realServer) describe(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, schema := range s.schemas(t) {
		quoted := "'" + schema + "'"
		tables := s.query(t, "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+quoted+" ORDER BY 1")
		for _, table := range tables {
			name := load.QuoteName(schema) + "." + load.QuoteName(table[0])
			if table[1] != "VIEW" {
				fmt.Fprintf(&out, "%s\n", s.query(t, "SHOW CREATE TABLE "+name)[0][1])
				for _, row := range s.query(t, "SELECT * FROM "+name+" ORDER BY 1") {
					fmt.Fprintf(&out, "-- row: %s\n", strings.Join(row, " | "))
				}
			}
		}
		for _, query := range []string{
			"SELECT 'view', TABLE_NAME, DEFINER, SECURITY_TYPE FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ",
			"SELECT 'trigger', TRIGGER_NAME, DEFINER, SQL_MODE, COLLATION_CONNECTION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ",
			"SELECT 'routine', ROUTINE_NAME, DEFINER, SECURITY_TYPE, SQL_MODE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ",
			"SELECT 'event', EVENT_NAME, DEFINER, SQL_MODE FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ",
		} {
			for _, row := range s.query(t, query+quoted+" ORDER BY 1, 2") {
				fmt.Fprintf(&out, "-- %s\n", strings.Join(row, " | "))
			}
		}
	}
	return out.String()
}
