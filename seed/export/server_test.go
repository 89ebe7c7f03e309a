package export

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/internal/inroot"
	inrootserver "github.com/dbake/dbake/internal/inroot/server"
	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

func TestInRoot(t *testing.T) { inroot.Run(t, "TestServer") }

// server is a real one, in this process's root file system.
type server struct {
	t      *testing.T
	db     *sql.DB
	socket string
}

func (s *server) exec(statements ...string) {
	s.t.Helper()
	for _, statement := range statements {
		if _, err := s.db.ExecContext(s.t.Context(), statement); err != nil {
			s.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// as connects as an account; hook, if set, is called after each connection.
func (s *server) as(user string) driver.Connector {
	s.t.Helper()
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.Logger = user, "unix", s.socket, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return connector
}

// dump gives the text, with the warnings.
func (s *server) dump(user string, o Options) (text string, r *Result, warnings []string, err error) {
	s.t.Helper()
	var out bytes.Buffer
	var mu sync.Mutex
	r, err = Run(s.t.Context(), s.as(user), o, &out, func(e event.Event) {
		if w, ok := e.(event.Warning); ok {
			mu.Lock()
			defer mu.Unlock()
			warnings = append(warnings, w.Text)
		}
	})
	return out.String(), r, warnings, err
}

func startServer(t *testing.T) *server {
	t.Helper()
	_, db := inrootserver.Start(t)
	s := &server{t: t, db: db}
	if err := db.QueryRowContext(t.Context(), "SELECT @@socket").Scan(&s.socket); err != nil {
		t.Fatal(err)
	}
	s.exec("CREATE USER boss IDENTIFIED BY ''", "GRANT ALL ON *.* TO boss WITH GRANT OPTION",
		"CREATE USER managed IDENTIFIED BY ''", "GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON *.* TO managed",
		"CREATE USER reader IDENTIFIED BY ''", "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO reader")
	return s
}

// TestServer runs all that needs a real server on one.
func TestServer(t *testing.T) {
	inroot.Skip(t)
	s := startServer(t)
	for name, test := range map[string]func(*server){
		"one moment": oneMoment, "order": order, "filters": filters, "altered": altered, "choice": choice, "stopped": stopped, "again": again, "accounts": accounts,
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.exec("DROP DATABASE IF EXISTS app", "CREATE DATABASE app CHARACTER SET utf8mb4")
			test(s)
		})
	}
}

// Money moves between two tables all the time; every dump has all of it, by each
// way to make several connections see one moment.
func oneMoment(s *server) {
	t := s.t
	s.exec("CREATE TABLE app.a (id INT PRIMARY KEY, n BIGINT, pad VARCHAR(500))", "CREATE TABLE app.b LIKE app.a")
	const accounts, each = 400, 1000
	for id := range accounts {
		s.exec(fmt.Sprintf("INSERT INTO app.a VALUES (%d, %d, REPEAT('x', 500))", id, each), fmt.Sprintf("INSERT INTO app.b VALUES (%d, 0, '')", id))
	}
	s.exec("ANALYZE TABLE app.a, app.b")
	ctx, stop := context.WithCancel(t.Context())
	var movers sync.WaitGroup
	for mover := range 3 {
		movers.Go(func() { s.move(ctx, mover, accounts) })
	}
	defer movers.Wait()
	defer stop()
	for _, user := range []string{"boss", "managed", "reader"} {
		for range 4 {
			text, _, warnings, err := s.dump(user, Options{Connections: 4, chunkBytes: 16 << 10, statementBytes: 4 << 10})
			if err != nil {
				t.Fatalf("%s: %v", user, err)
			}
			if got := money(t, text); got != accounts*each {
				t.Errorf("%s: a dump has %d, want %d", user, got, accounts*each)
			}
			if alone := len(warnings) > 0; alone != (user == "reader") {
				t.Errorf("%s: warnings %v", user, warnings)
			}
		}
	}
}

// move moves money until ctx ends.
func (s *server) move(ctx context.Context, seed, accounts int) {
	for i := seed; ctx.Err() == nil; i += 7 {
		tx, err := s.db.BeginTx(context.WithoutCancel(ctx), nil)
		if err != nil {
			return
		}
		_, err1 := tx.Exec(fmt.Sprintf("UPDATE app.a SET n = n - 1 WHERE id = %d", i%accounts))
		_, err2 := tx.Exec(fmt.Sprintf("UPDATE app.b SET n = n + 1 WHERE id = %d", (i*31+3)%accounts))
		if err1 != nil || err2 != nil {
			_ = tx.Rollback()
			continue
		}
		_ = tx.Commit()
	}
}

// money adds up the second column of all rows.
func money(t *testing.T, text string) (sum int64) {
	t.Helper()
	for _, row := range rowsOf(t, text, "") {
		var id, n int64
		if _, err := fmt.Sscanf(row, "(%d,%d,", &id, &n); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		sum += n
	}
	return sum
}

// rowsOf gives the rows of a table, or of all, in the dump's order. Values hold
// no "),(".
func rowsOf(t *testing.T, text, name string) (list []string) {
	t.Helper()
	if !strings.Contains(text, "\n-- Dump completed on ") {
		t.Error("the dump has no last line")
	}
	scanner := dump.NewScanner(strings.NewReader(text))
	for {
		st, err := scanner.Next()
		if err != nil {
			return list
		}
		if _, values, ok := strings.Cut(string(st.Text), " VALUES "); ok && st.Kind == dump.Insert && (name == "" || st.Table == name) {
			list = append(list, strings.Split(strings.ReplaceAll(values, "),(", ")\n("), "\n")...)
		}
	}
}

// Rows come in the order of their primary key, whatever the ranges, negative and
// huge keys too, and floats come exactly.
func order(s *server) {
	t := s.t
	s.exec("CREATE TABLE app.t (id BIGINT PRIMARY KEY, f FLOAT, pad VARCHAR(200) DEFAULT (REPEAT('x', 200)))",
		"CREATE TABLE app.u (id BIGINT UNSIGNED, k INT, pad VARCHAR(200) DEFAULT (REPEAT('x', 200)), PRIMARY KEY (id, k))")
	for i := range 300 {
		id := int64(i-150) * 61_489_146_912_365_17
		s.exec(fmt.Sprintf("INSERT INTO app.t (id, f) VALUES (%d, %d / 3e0)", id, i), fmt.Sprintf("INSERT INTO app.u (id, k) VALUES (%d, %d)", uint64(i/2)*122_978_293_824_730_344, i))
	}
	s.exec("ANALYZE TABLE app.t, app.u")
	var texts []string
	for _, o := range []Options{
		{Connections: 1, chunkBytes: 1 << 30}, {Connections: 4, chunkBytes: 2 << 10, statementBytes: 700}, {Connections: 2, chunkBytes: 7 << 10},
	} {
		text, r, _, err := s.dump("boss", o)
		if err != nil || r.Rows != 600 {
			t.Fatal(r, err)
		}
		all := append(rowsOf(t, text, "t"), rowsOf(t, text, "u")...)
		texts = append(texts, strings.Join(all, "\n"))
	}
	if texts[0] != texts[1] || texts[0] != texts[2] {
		t.Error("the rows' order depends on the number of connections")
	}
	first, second := strings.Split(texts[0], "\n"), ""
	if err := s.db.QueryRowContext(t.Context(), "SELECT CONCAT('(', id, ',', f * 1e0, ',') FROM app.t ORDER BY id LIMIT 1 OFFSET 10").Scan(&second); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(first[10], second) {
		t.Errorf("row 10 is %.50s, want %s", first[10], second)
	}
}

// secret is a filter that replaces names, and leaves out odd rows.
type secret struct{ column int }

func (f secret) Row(cells []rows.Cell) (bool, error) {
	if len(cells[0].Value)%2 == 1 {
		return false, nil
	}
	cells[f.column].Set(rows.Text, []byte("it's"))
	return true, nil
}

// maker makes the filter of the tables that have a column "name".
type maker struct{}

func (maker) For(t *schema.Table, columns []string) (rows.Filter, error) {
	if i := slices.Index(columns, "name"); i >= 0 && t.Column("name").Type == "varchar" && t.Schema == "app" {
		return secret{i}, nil
	}
	return nil, nil //nolint:nilnil // no filter is an answer
}

// Filters see the rows before anything is written, in parallel.
func filters(s *server) {
	t := s.t
	s.exec("CREATE TABLE app.p (id INT PRIMARY KEY, name VARCHAR(20), g INT AS (id + 1), pad VARCHAR(100) DEFAULT 'x')", "CREATE TABLE app.q (id INT)", "INSERT INTO app.q VALUES (1)")
	for i := range 120 {
		s.exec(fmt.Sprintf("INSERT INTO app.p (id, name) VALUES (%d, 'canary-%d')", i, i))
	}
	var known []string
	text, r, _, err := s.dump("boss", Options{Filters: maker{}, chunkBytes: 1 << 10, Known: func(tables []*schema.Table) error {
		for _, table := range tables {
			known = append(known, table.Schema+"."+table.Name)
		}
		return nil
	}})
	if err != nil || r.Rows != 90+1 { // of ids with two digits
		t.Fatal(r, err)
	}
	if strings.Contains(text, "canary") || !strings.Contains(text, "(`id`, `name`, `pad`) VALUES (10,'it\\'s','x')") {
		t.Error("a name got through, or its mask did not")
	}
	if strings.Join(known, " ") != "app.p app.q" {
		t.Error(known)
	}
	refusal := errors.New("a rule that nothing matches")
	if _, _, _, err := s.dump("boss", Options{Filters: maker{}, Known: func([]*schema.Table) error { return refusal }}); !errors.Is(err, refusal) {
		t.Error(err)
	}
}

// A table that is altered while it is dumped ends the dump.
func altered(s *server) {
	t := s.t
	s.exec("CREATE TABLE app.first (id INT PRIMARY KEY)", "CREATE TABLE app.second (id INT PRIMARY KEY)", "INSERT INTO app.first VALUES (1)", "INSERT INTO app.second VALUES (1)")
	once := sync.OnceFunc(func() {
		s.exec("ALTER TABLE app.second ADD COLUMN b INT NOT NULL DEFAULT 1, DROP PRIMARY KEY, ADD PRIMARY KEY (id, b)")
	})
	_, err := Run(t.Context(), s.as("boss"), Options{Connections: 1, BytesPerSecond: 10 << 20}, writerFunc(func(p []byte) (int, error) {
		once()
		return len(p), nil
	}), func(e event.Event) {
		if p, ok := e.(event.Phase); ok && p.Name == "dump" {
			once() // after the snapshot
		}
	})
	if !errors.Is(err, ErrDefinitionChanged) {
		t.Errorf("%v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// What is asked for is in the dump, and nothing else.
func choice(s *server) {
	t := s.t
	s.exec("CREATE TABLE app.keep (id INT PRIMARY KEY)", "CREATE TABLE app.log_1 (id INT PRIMARY KEY)", "CREATE TABLE app.gone (id INT)",
		"INSERT INTO app.keep VALUES (1), (2), (3)", "INSERT INTO app.log_1 VALUES (7)", "CREATE TRIGGER app.trig BEFORE INSERT ON app.keep FOR EACH ROW SET NEW.id = NEW.id",
		"CREATE PROCEDURE app.proc() SELECT 1", "CREATE EVENT app.ev ON SCHEDULE EVERY 1 YEAR DO SELECT 1", "CREATE VIEW app.vw AS SELECT * FROM app.keep", "CREATE DATABASE other")
	defer s.exec("DROP DATABASE other")
	text, r, _, err := s.dump("boss", Options{
		Databases: Picks{Include: []string{"app"}}, Tables: Picks{Exclude: []string{"*.gone"}}, NoRows: []string{"app.log_*"},
		Where: []Where{{"app.keep", "id > 1 -- a comment"}}, Bare: true,
	})
	if err != nil || r.Rows != 2 || r.Tables != 3 {
		t.Fatal(r, err)
	}
	for _, want := range []string{"CREATE TABLE `log_1`", "VALUES (2),(3);", "TRIGGER", "PROCEDURE `proc`", "EVENT `ev`", " VIEW `vw` AS "} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, not := range []string{"gone", "(7)", "CREATE DATABASE", "\nUSE "} {
		if strings.Contains(text, not) {
			t.Errorf("%s is there", not)
		}
	}
	text, r, _, err = s.dump("boss", Options{NoData: true, NoTriggers: true, NoRoutines: true, NoEvents: true})
	if err != nil || r.Rows != 0 || strings.Join(r.Databases, " ") != "app other" || strings.Contains(text, "INSERT") ||
		strings.Contains(text, "trig") || strings.Contains(text, "proc") || strings.Contains(text, "EVENT") {
		t.Error(r, err)
	}
	if _, _, _, err := s.dump("boss", Options{Databases: Picks{Include: []string{"ap"}}}); err == nil {
		t.Error("a database that is not there was dumped")
	}
	if _, _, _, err := s.dump("boss", Options{Where: []Where{{"app.keep", "nope = 1"}}}); err == nil || errors.Is(err, ErrDefinitionChanged) || !strings.Contains(err.Error(), "app.keep") {
		t.Errorf("%v", err)
	}
	s.exec("CREATE TABLE app.base (id INT)", "CREATE VIEW app.broken AS SELECT id FROM app.base", "DROP TABLE app.base")
	if _, _, _, err := s.dump("boss", Options{}); err == nil || !strings.Contains(err.Error(), "view app.broken") || !strings.Contains(err.Error(), "--exclude-table") {
		t.Errorf("%v", err)
	}
	s.exec("DROP VIEW app.broken")
	list, err := List(t.Context(), s.as("boss"), Options{Databases: Picks{Include: []string{"app"}}, NoRows: []string{"app.log_1"}})
	if err != nil || len(list) != 4 || list[0].Name != "gone" || !list[0].Data || list[2].Data || list[3].Kind != "view" {
		t.Error(list, err)
	}
}

// A dump that is stopped, at whatever moment, ends at once and leaves no session,
// no lock and no goroutine.
func stopped(s *server) {
	t := s.t
	s.exec("CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, pad VARCHAR(1000))", "INSERT INTO app.t (pad) VALUES (REPEAT('x', 1000))")
	for range 11 {
		s.exec("INSERT INTO app.t (pad) SELECT pad FROM app.t")
	}
	s.exec("ANALYZE TABLE app.t")
	for i := range 12 {
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("stopped")
		time.AfterFunc(time.Duration(i*5)*time.Millisecond, func() { cancel(reason) })
		_, err := Run(ctx, s.as("boss"), Options{BytesPerSecond: 1 << 20, chunkBytes: 64 << 10}, writerFunc(func(p []byte) (int, error) { return len(p), nil }), event.Discard)
		if err == nil {
			t.Error("a dump that was stopped ended well")
		}
		cancel(nil)
	}
	s.exec("SET SESSION lock_wait_timeout = 5", "ALTER TABLE app.t ADD COLUMN b INT", "SET SESSION lock_wait_timeout = DEFAULT")
}

// What was dumped and loaded dumps the same.
func again(s *server) {
	t := s.t
	s.exec("CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, b VARBINARY(9), t TEXT CHARACTER SET latin1, bit_ BIT(9), d DECIMAL(9,3), y YEAR, v DECIMAL(9,3) AS (d * 2), g GEOMETRY) AUTO_INCREMENT=50",
		"INSERT INTO app.t (id, b, t, bit_, d, y, g) VALUES (1, 0x00FF5C27, 'größe \\'\\\\', b'101', -0.5, 2024, POINT(1, 2)), (-3, '', '', NULL, 1e3, 0, NULL)",
		"CREATE VIEW app.a AS SELECT id FROM app.t")
	first, _, _, err := s.dump("boss", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.exec("DROP DATABASE app")
	s.load(first)
	second, _, _, err := s.dump("boss", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := statements(first), statements(second); a != b || !strings.Contains(a, "0x00FF5C27") {
		t.Errorf("dumped again:\n%s\nafter\n%s", b, a)
	}
}

// statements leaves out comments.
func statements(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "-- ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// Accounts come back with their passwords, roles and grants, whatever the order
// they are in.
func accounts(s *server) {
	t := s.t
	mariadb := inroot.Flavour() == "mariadb"
	s.exec("CREATE TABLE app.t (id INT, secret INT)", "CREATE PROCEDURE app.p() SELECT 1",
		"CREATE ROLE zz_role", "GRANT SELECT ON app.* TO zz_role",
		"CREATE USER 'a b'@'10.%' IDENTIFIED BY 'it''s' PASSWORD EXPIRE INTERVAL 90 DAY ACCOUNT LOCK", "GRANT zz_role TO 'a b'@'10.%'",
		"GRANT SELECT (id) ON app.t TO 'a b'@'10.%'", "GRANT EXECUTE ON PROCEDURE app.p TO 'a b'@'10.%' WITH GRANT OPTION")
	if mariadb {
		s.exec("SET DEFAULT ROLE zz_role FOR 'a b'@'10.%'")
	} else {
		s.exec("ALTER USER 'a b'@'10.%' DEFAULT ROLE zz_role")
	}
	remove := func() { s.exec("DROP ROLE zz_role", "DROP USER 'a b'@'10.%'", "DROP DATABASE app") }
	first, _, _, err := s.dump("boss", Options{Accounts: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"`root`", "mysql.sys", "mariadb.sys"} {
		if strings.Contains(first, "USER IF NOT EXISTS "+name) {
			t.Errorf("%s is in the dump", name)
		}
	}
	remove()
	s.load(first)
	second, _, _, err := s.dump("boss", Options{Accounts: true})
	remove()
	s.exec("CREATE DATABASE app")
	if a, b := statements(first), statements(second); err != nil || a != b || !strings.Contains(a, "EXECUTE ON PROCEDURE") {
		t.Errorf("%v: dumped again:\n%s\nafter\n%s", err, b, a)
	}
}

// load runs a dump the way mysql does: statement by statement.
func (s *server) load(text string) {
	s.t.Helper()
	conn, err := s.db.Conn(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	scanner := dump.NewScanner(strings.NewReader(text))
	for {
		st, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			_, err = conn.ExecContext(s.t.Context(), string(st.Text))
		}
		if err != nil {
			s.t.Fatalf("line %d: %.200s: %v", st.Line, st.Text, err)
		}
	}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
