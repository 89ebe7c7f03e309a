package load

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/dbake/dbake/internal/inroot"
	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/mysqld"
)

func TestInRoot(t *testing.T) { inroot.Run(t, "TestLanes") }

// bench is a running server for the tests of one process.
var bench struct {
	once sync.Once
	s    *mysqld.Server
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if bench.s != nil {
		bench.s.Kill()
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// startServer starts the server of the root filesystem we are in, once.
func startServer(t *testing.T) *mysqld.Server {
	t.Helper()
	inroot.Skip(t)
	bench.once.Do(func() {
		ctx := context.Background()
		dir, err := os.MkdirTemp("/var/tmp", "load") //nolint:usetesting // the server's account must get in
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err != nil {
			bench.err = err
			return
		}
		c := mysqld.Config{DataDir: filepath.Join(dir, "data"), WorkDir: filepath.Join(dir, "work"), Memory: 256 << 20}
		if c.Base, bench.err = mysqld.Probe(ctx); bench.err != nil {
			return
		}
		if bench.err = mysqld.Initialize(ctx, c); bench.err == nil {
			bench.s, bench.err = mysqld.Start(ctx, c)
		}
	})
	if bench.err != nil {
		t.Fatal(bench.err)
	}
	return bench.s
}

// shop is one schema that a script is loaded into.
type shop struct {
	t        *testing.T
	db       *sql.DB
	name     string
	warnings []string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	db, err := startServer(t).Open("")
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, db: db, name: strings.ToLower(t.Name())}
	t.Cleanup(func() {
		s.exec("DROP DATABASE IF EXISTS " + s.name)
		db.Close()
	})
	return s
}

func (s *shop) exec(statement string) {
	s.t.Helper()
	if _, err := s.db.Exec(statement); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

// load loads a script into the schema, with tiny chunks, so that every table is
// a large one.
func (s *shop) load(script string) (*Loader, error) {
	s.t.Helper()
	return s.loadWith(script, false)
}

func (s *shop) loadWith(script string, goOn bool) (*Loader, error) {
	s.t.Helper()
	return s.loadOptions(script, Options{Continue: goOn})
}

func (s *shop) loadOptions(script string, o Options) (*Loader, error) {
	s.t.Helper()
	var mu sync.Mutex
	o.Object, o.Database, o.ChunkBytes = "script", s.name, 256
	o.Warn = func(text string) {
		mu.Lock()
		defer mu.Unlock()
		s.warnings = append(s.warnings, text)
	}
	var l *Loader
	err := s.withLanes(func(ctx context.Context, session *sql.Conn, lanes Lanes) error {
		l = NewParallel(session, lanes, dump.NewScanner(strings.NewReader(script)), o)
		return l.Run(ctx)
	})
	return l, err
}

// withLanes gives a load a session and three lanes.
func (s *shop) withLanes(do func(ctx context.Context, session *sql.Conn, lanes Lanes) error) error {
	s.t.Helper()
	ctx := s.t.Context()
	var conns []*sql.Conn
	for range 8 {
		c, err := s.db.Conn(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		// A connection that goes back to the pool keeps the dump's state.
		defer c.Raw(func(any) error { return driver.ErrBadConn }) //nolint:gocritic // eight connections, until the load is over
		conns = append(conns, c)
	}
	lanes := Lanes{Look: conns[1], Rows: conns[2:5], Keys: conns[5:8]}
	if err := lanes.PrepareKeySessions(ctx); err != nil {
		s.t.Fatal(err)
	}
	return do(ctx, conns[0], lanes)
}

func (s *shop) mustLoad(script string) *Loader {
	s.t.Helper()
	l, err := s.load(script)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// ask gives one value of the schema.
func (s *shop) ask(query string) string {
	s.t.Helper()
	conn, err := s.db.Conn(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(s.t.Context(), "USE "+s.name); err != nil {
		s.t.Fatal(err)
	}
	var value sql.NullString
	if err := conn.QueryRowContext(s.t.Context(), query).Scan(&value); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return value.String
}

// showCreate gives a table's definition.
func (s *shop) showCreate(schema, table string) string {
	s.t.Helper()
	var name, create string
	if err := s.db.QueryRow("SHOW CREATE TABLE "+schema+"."+table).Scan(&name, &create); err != nil {
		s.t.Fatal(err)
	}
	return create
}

const orders = "CREATE TABLE orders (id INT NOT NULL AUTO_INCREMENT, customer INT, ref VARCHAR(20), note TEXT, PRIMARY KEY (id), " +
	"KEY by_note (note(5)), UNIQUE KEY by_ref (ref) COMMENT 'it''s', KEY by_customer (customer, ref), FULLTEXT KEY words (note)) ENGINE=InnoDB;\n"

// inserts gives statements of n rows, ten in each.
func inserts(table string, from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		switch {
		case (i-from)%10 == 0 && i > from:
			fmt.Fprintf(&b, ";\nINSERT INTO %s VALUES ", table)
		case i == from:
			fmt.Fprintf(&b, "INSERT INTO %s VALUES ", table)
		default:
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(%d,%d,'ref-%d','note \\n %d')", i, i%7, i, i)
	}
	return b.String() + ";\n"
}

func TestLanesLeaveTablesAsTheyWereDeclared(t *testing.T) {
	s := newShop(t)
	l := s.mustLoad("SET sql_mode='NO_AUTO_VALUE_ON_ZERO', foreign_key_checks=0;\n" + orders + inserts("orders", 1, 500) +
		"CREATE TABLE other LIKE orders;\n" + inserts("other", 1, 100))
	s.exec("CREATE TABLE " + s.name + ".plain LIKE " + s.name + ".orders")
	want := strings.Replace(s.showCreate(s.name, "plain"), "`plain`", "`orders`", 1)
	if got := autoIncrementOption.ReplaceAllString(s.showCreate(s.name, "orders"), "$1"); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	if got := s.ask("SELECT CONCAT(COUNT(*), ' ', SUM(id), ' ', MAX(ref)) FROM orders"); got != "500 125250 ref-99" {
		t.Errorf("the table holds %s", got)
	}
	if c := l.Counts(); c.Rows != 600 || c.Tables != 2 {
		t.Errorf("counted %+v", c)
	}
	if tables := l.Tables(); len(tables) != 2 || tables[0].Rows != 500 || tables[0].Digest == "" || tables[0].Digest == tables[1].Digest {
		t.Errorf("tables are %+v", tables)
	}
}

func TestLanesDigestsDoNotDependOnStatements(t *testing.T) {
	s := newShop(t)
	one := s.mustLoad("CREATE TABLE a (i INT PRIMARY KEY);\nINSERT INTO a VALUES (1),(2),(3);").Tables()[0].Digest
	s.exec("DROP TABLE " + s.name + ".a")
	three := s.mustLoad("CREATE TABLE a (i INT PRIMARY KEY);\nINSERT INTO a VALUES (1);INSERT INTO a VALUES (2);INSERT INTO a VALUES (3);").Tables()[0].Digest
	if one != three {
		t.Errorf("the digest is %s in one statement, %s in three", one, three)
	}
}

func TestLanesFindHiddenDuplicates(t *testing.T) {
	s := newShop(t)
	_, err := s.load("SET sql_mode='NO_AUTO_VALUE_ON_ZERO';\n" + orders + inserts("orders", 1, 200) + "INSERT INTO orders VALUES (900,1,'ref-17','x');\n")
	var key *KeyError
	if !errors.As(err, &key) || key.Code != 1062 || key.Table != "orders" {
		t.Fatalf("got %v, want a KeyError about orders", err)
	}
	if strings.Contains(err.Error(), "ref-17") || !strings.Contains(err.Error(), "rows 17 and 201") {
		t.Errorf("the error is %v, want the rows and no value", err)
	}
}

func TestLanesThatGoOnLeaveOutWhatTheClientWould(t *testing.T) {
	s := newShop(t)
	l, err := s.loadWith("SET sql_mode='NO_AUTO_VALUE_ON_ZERO';\n"+orders+inserts("orders", 1, 200)+
		"INSERT INTO orders VALUES (900,1,'ref-17','x');\nINSERT INTO orders VALUES (901,1,'new','x');\n", true)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.ask("SELECT CONCAT(COUNT(*), ' ', MAX(id)) FROM orders"); got != "201 901" || l.Counts().Skipped != 1 {
		t.Errorf("the table holds %s, and %d statements were left out", got, l.Counts().Skipped)
	}
}

func TestLanesKeepTheOrderOfWhatDependsOnIt(t *testing.T) {
	s := newShop(t)
	var log strings.Builder
	for i := range 300 {
		fmt.Fprintf(&log, "INSERT INTO nokey VALUES (%d);\nINSERT INTO numbered (v) VALUES (%d);\n", i, i)
	}
	s.mustLoad("CREATE TABLE nokey (v INT);\nCREATE TABLE numbered (id INT AUTO_INCREMENT PRIMARY KEY, v INT);\n" + log.String())
	if got := s.ask("SELECT COUNT(*) FROM numbered WHERE id = v + 1"); got != "300" {
		t.Errorf("%s of 300 rows got the number that the order gives them", got)
	}
	if got := s.ask("SELECT GROUP_CONCAT(v SEPARATOR ',') FROM (SELECT v FROM nokey LIMIT 5) x"); got != "0,1,2,3,4" {
		t.Errorf("the table without a key begins with %s", got)
	}
}

func TestLanesLeaveReplaceAndIgnoreTheirMeaning(t *testing.T) {
	s := newShop(t)
	s.mustLoad("SET sql_mode='NO_AUTO_VALUE_ON_ZERO';\n" + orders + inserts("orders", 1, 100) +
		"REPLACE INTO orders VALUES (500,1,'ref-5','new');\nINSERT IGNORE INTO orders VALUES (501,1,'ref-6','dropped');\n" +
		inserts("orders", 600, 100) +
		"INSERT INTO orders VALUES (1,1,'ref-1','x') ON DUPLICATE KEY UPDATE note='updated';\n")
	for query, want := range map[string]string{
		"SELECT COUNT(*) FROM orders":                        "200",
		"SELECT id FROM orders WHERE ref = 'ref-5'":          "500",
		"SELECT COUNT(*) FROM orders WHERE note = 'dropped'": "0",
		"SELECT note FROM orders WHERE id = 1":               "updated",
	} {
		if got := s.ask(query); got != want {
			t.Errorf("%s gives %s, want %s", query, got, want)
		}
	}
}

func TestLanesFailWhereTheClientWould(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"strict mode":     {"CREATE TABLE t (id INT PRIMARY KEY, v TINYINT);\nINSERT INTO t VALUES (1,1),(2,300);", "1264"},
		"primary key":     {"CREATE TABLE t (id INT PRIMARY KEY);\nINSERT INTO t VALUES (1),(2);\nINSERT INTO t VALUES (2);", "1062"},
		"missing table":   {"INSERT INTO nowhere VALUES (1);", "1146"},
		"column count":    {"CREATE TABLE t (id INT PRIMARY KEY);\nINSERT INTO t VALUES (1,2);", "1136"},
		"missing parents": {"CREATE TABLE p (id INT PRIMARY KEY);\nCREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id));\nINSERT INTO c VALUES (1,1);", "1452"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.name = "failing"
			_, err := s.load(c.script)
			var st *StatementError
			if !errors.As(err, &st) || fmt.Sprint(st.Code) != c.want {
				t.Errorf("got %v, want server error %s", err, c.want)
			}
		})
	}
}

func TestLanesFindParentsThatCameBefore(t *testing.T) {
	s := newShop(t)
	var rows strings.Builder
	for i := range 400 {
		fmt.Fprintf(&rows, "INSERT INTO p VALUES (%d,'%s');\n", i, strings.Repeat("x", 50))
	}
	s.mustLoad("CREATE TABLE p (id INT PRIMARY KEY, v TEXT);\nCREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id));\n" +
		rows.String() + "INSERT INTO c VALUES (1,399),(2,0);\n")
	if got := s.ask("SELECT COUNT(*) FROM c"); got != "2" {
		t.Errorf("%s children", got)
	}
}

func TestLanesFollowTheSession(t *testing.T) {
	s := newShop(t)
	var rows strings.Builder
	for i := range 100 {
		fmt.Fprintf(&rows, "INSERT INTO t VALUES (%d,'2024-01-01 00:00:00','a\\\\b');\n", i)
	}
	s.mustLoad("SET time_zone='+00:00';\nSET sql_mode='NO_AUTO_VALUE_ON_ZERO';\nCREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, at TIMESTAMP, v VARCHAR(10));\n" +
		rows.String() + "SET sql_mode='NO_BACKSLASH_ESCAPES', time_zone='+09:00';\nINSERT INTO t VALUES (200,'2024-01-01 09:00:00','a\\b');\n")
	if got := s.ask("SELECT COUNT(DISTINCT UNIX_TIMESTAMP(at), v) FROM t"); got != "1" {
		t.Errorf("the rows have %s different values, want 1", got)
	}
	if got := s.ask("SELECT COUNT(*) FROM t WHERE id = 0"); got != "1" {
		t.Errorf("%s rows with number 0, want 1", got)
	}
}

// A blob beside JSON is loaded as hex digits, by a SET clause.
func TestLanesKeepZeroBesideHexDigits(t *testing.T) {
	s := newShop(t)
	s.mustLoad("SET sql_mode='NO_AUTO_VALUE_ON_ZERO';\nCREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, j VARCHAR(9) CHARACTER SET sjis, b BLOB);\n" +
		"INSERT INTO t VALUES (7,'x',0x00FF),(0,'y',0xFE);\n")
	if got := s.ask("SELECT CONCAT(j, HEX(b)) FROM t WHERE id = 0"); got != "yFE" {
		t.Errorf("row 0 holds %q", got)
	}
}

func TestLanesEndWithTheirContext(t *testing.T) {
	s := newShop(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	p := newPool(1)
	stop := p.start(ctx, nil)
	defer stop()
	if err := p.waitUntil(func() bool { return false }); !errors.Is(err, cause) {
		t.Errorf("got %v, want the context's cause", err)
	}
	_ = s
}
