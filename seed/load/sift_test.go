package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/folder"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// veil hides the columns email and name of all tables, and leaves out rows whose
// note is "out".
type veil struct{ broken bool }

func (v veil) For(_ *schema.Table, columns []string) (rows.Filter, error) {
	f := &veilRow{columns: columns, veil: v}
	for _, name := range columns {
		f.finds = f.finds || name == "email" || name == "name" || name == "note"
	}
	if !f.finds {
		return nil, nil //nolint:nilnil // no filter
	}
	return f, nil
}

type veilRow struct {
	veil
	columns []string
	finds   bool
}

func (f *veilRow) Row(cells []rows.Cell) (bool, error) {
	if f.broken {
		return false, errors.New("no mask fits the value")
	}
	for i := range cells {
		c := &cells[i]
		switch {
		case c.Kind == rows.Null:
		case f.columns[i] == "note" && string(c.Value) == "out":
			return false, nil
		case f.columns[i] == "email":
			c.Set(rows.Text, fmt.Appendf(nil, "m%x@example.com", sha256.Sum256(c.Value))[:20])
		case f.columns[i] == "name":
			c.Set(rows.Text, []byte("名'\\\nü"))
		}
	}
	return true, nil
}

// limit lets the first rows of each table pass, in order.
type limit struct {
	n    int
	mu   sync.Mutex
	left map[string]int
}

func (l *limit) Ordered(*schema.Table) bool { return true }

func (l *limit) For(t *schema.Table, _ []string) (rows.Filter, error) {
	return limitRow{l, t.Name}, nil
}

type limitRow struct {
	*limit
	table string
}

func (l limitRow) Row([]rows.Cell) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left == nil {
		l.left = map[string]int{}
	}
	l.left[l.table]++
	return l.left[l.table] <= l.n, nil
}

const people = "SET sql_mode='NO_AUTO_VALUE_ON_ZERO';\n" +
	"CREATE TABLE people (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, email VARCHAR(100) CHARACTER SET latin1, name VARCHAR(50) CHARACTER SET utf8mb4, note VARCHAR(20), bin BLOB, UNIQUE KEY (email)) ENGINE=InnoDB;\n" +
	"CREATE TABLE plain (id INT NOT NULL PRIMARY KEY, v VARCHAR(50)) ENGINE=InnoDB;\n"

// secrets are rows; every third is to be left out.
func secrets(head string, from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		note := "in"
		if i%3 == 0 {
			note = "out"
		}
		fmt.Fprintf(&b, "%s (%d,'secret%d@real.example','Secret Ü%d','%s',_binary '\\0\xff'),(%d,NULL,NULL,'it\\'s',0x00FF);\n", head, i, i, i, note, 100000+i)
	}
	return b.String()
}

// holds asserts what queries give.
func (s *shop) holds(want map[string]string) {
	s.t.Helper()
	for query, value := range want {
		if got := s.ask(query); got != value {
			s.t.Errorf("%s gives %q, want %q", query, got, value)
		}
	}
}

// sifted asserts that the table people of n secrets is as the veil leaves it.
func (s *shop) sifted(table *Table, n int) {
	s.t.Helper()
	left := n - n/3
	s.holds(map[string]string{
		"SELECT COUNT(*) FROM people WHERE email LIKE '%secret%' OR name LIKE '%Secret%' OR note = 'out'": "0",
		"SELECT COUNT(*) FROM people": fmt.Sprint(left + n),
		"SELECT COUNT(*) FROM people WHERE name = '名\\'\\\\\nü' AND email LIKE 'm%' AND LENGTH(email) = 20":                           fmt.Sprint(left),
		"SELECT COUNT(*) FROM people WHERE (email IS NULL AND name IS NULL AND note = 'it\\'s' AND HEX(bin) = '00FF' OR id < 100000)": fmt.Sprint(left + n),
		"SELECT COUNT(DISTINCT email) FROM people":            fmt.Sprint(left),
		"SELECT COUNT(*) FROM people WHERE HEX(bin) = '00FF'": fmt.Sprint(left + n),
	})
	if table == nil {
		return
	}
	if table.Rows != int64(left+n) || table.Dropped != int64(n/3) || table.Masked != int64(left) {
		s.t.Errorf("the table's record is %+v", *table)
	}
	if diff := cmp.Diff(map[string]int64{"email": int64(left), "name": int64(left)}, table.Cells); diff != "" {
		s.t.Errorf("changed cells (-want +got):\n%s", diff)
	}
}

func (s *shop) loadSifted(f rows.Filters, script string) (*Loader, error) {
	s.t.Helper()
	return s.loadOptions(script, Options{Filters: f})
}

func TestLanesSiftRows(t *testing.T) {
	s := newShop(t)
	l, err := s.loadSifted(veil{}, people+secrets("INSERT INTO people VALUES", 1, 300)+"INSERT INTO plain VALUES (1,'secret'),(2,'kept');\n")
	if err != nil {
		t.Fatal(err)
	}
	tables := l.Tables()
	s.sifted(&tables[0], 300)
	s.holds(map[string]string{"SELECT GROUP_CONCAT(v) FROM plain": "secret,kept"})
	first := tables[0]
	if first.Digest == "" || first.Bytes == 0 || tables[1].Masked != 0 || tables[1].Digest == "" {
		t.Errorf("the tables' records are %+v", tables)
	}
	// Whatever the lanes' order: the digest is that of what came out.
	s.exec("DROP TABLE " + s.name + ".people")
	s.exec("DROP TABLE " + s.name + ".plain")
	l, err = s.loadSifted(veil{}, people+secrets("INSERT INTO people VALUES", 1, 300))
	if err != nil {
		t.Fatal(err)
	}
	if again := l.Tables()[0]; again.Digest != first.Digest || again.Bytes != first.Bytes {
		t.Errorf("the digest of %d bytes differs: %+v", first.Bytes, again)
	}
	if number := fmt.Sprintf("%x", sha256.Sum256([]byte("secret1@real.example"))); s.ask("SELECT email FROM people WHERE id = 1") != "m"+number[:19] {
		t.Error("the value behind the mask is not the one of the dump")
	}
}

func TestLanesSiftWhatGoesInOrder(t *testing.T) {
	s := newShop(t)
	l, err := s.loadSifted(veil{}, people+secrets("REPLACE INTO people VALUES", 1, 60)+secrets("INSERT IGNORE INTO people VALUES", 61, 30))
	if err != nil {
		t.Fatal(err)
	}
	s.sifted(&l.Tables()[0], 90)
	// Numbers that the server makes, and rows that cannot be loaded as text.
	l, err = s.loadSifted(veil{}, "CREATE TABLE numbered (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(50), e ENUM('a','b'));\n"+
		"INSERT INTO numbered (email,e) VALUES ('secret1',1),('secret2',2);\n"+
		"CREATE TABLE asql (id INT PRIMARY KEY, e ENUM('a','b'), email VARCHAR(50));\nINSERT INTO asql VALUES (1,1,'secret'),(2,2,'secret');\n")
	if err != nil {
		t.Fatal(err)
	}
	s.holds(map[string]string{
		"SELECT CONCAT(COUNT(*), MAX(id)) FROM numbered WHERE email LIKE 'm%'": "22",
		"SELECT GROUP_CONCAT(e ORDER BY id) FROM asql":                         "a,b",
		"SELECT COUNT(*) FROM asql WHERE email LIKE 'secret%'":                 "0",
	})
	if l.Tables()[0].Masked != 2 {
		t.Errorf("the tables' records are %+v", l.Tables())
	}
}

func TestLanesSiftInEverySession(t *testing.T) {
	for name, session := range map[string]struct{ set, name string }{
		"latin1":     {"SET NAMES latin1", "Secret \xdc"},
		"binary":     {"SET NAMES binary", "Secret Ü"},
		"no escapes": {"SET sql_mode='NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO'", "Secret \\"},
		"sjis":       {"SET NAMES sjis", "Secret \x95\\"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.name = "sessions"
			_, err := s.loadSifted(veil{}, people+session.set+";\nINSERT INTO people VALUES (1,'secret@x','"+session.name+"','a',NULL),(2,NULL,NULL,'out',NULL),(3,NULL,'"+session.name+"','b',0xFF);\n")
			if err != nil {
				t.Fatal(err)
			}
			s.holds(map[string]string{
				"SELECT HEX(GROUP_CONCAT(CONVERT(name USING utf8mb4) ORDER BY id)) FROM people": fmt.Sprintf("%X", "名'\\\nü,名'\\\nü"),
				"SELECT COUNT(*) FROM people WHERE email LIKE 'm%'":                             "1",
			})
		})
	}
}

func TestLanesSiftInOrderForThoseWhoNeedIt(t *testing.T) {
	s := newShop(t)
	l, err := s.loadSifted(rows.Chain{&limit{n: 100}, veil{}}, people+secrets("INSERT INTO people VALUES", 1, 300))
	if err != nil {
		t.Fatal(err)
	}
	s.holds(map[string]string{
		"SELECT CONCAT(COUNT(*), ' ', MAX(id)) FROM people":                                        "84 100050",
		"SELECT COUNT(*) FROM people WHERE email LIKE '%secret%' OR name LIKE '%Secret%'":          "0",
		"SELECT COUNT(*) FROM people WHERE id > 50 AND id < 100000 OR id > 100050 OR note = 'out'": "0",
	})
	if got := l.Tables()[0]; got.Dropped != 516 || got.Masked != 34 || got.Digest == "" {
		t.Errorf("the table's record is %+v", got)
	}
}

func TestLanesOfScriptsSiftRows(t *testing.T) {
	s := newShop(t)
	conn, err := s.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	l := New(conn, dump.NewScanner(strings.NewReader(people+secrets("INSERT INTO people VALUES", 1, 30)+"INSERT INTO plain VALUES (1,'kept');")), Options{
		Object: "script", Database: s.name, Filters: veil{}, Warn: func(string) {},
	})
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.sifted(&l.Tables()[0], 30)
}

func TestLanesLetNothingPastFilters(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"expression":       {"INSERT INTO people VALUES (1,UPPER('secret'),'x','y',NULL);", "not a literal"},
		"select":           {"INSERT INTO people SELECT 1,'secret','x','y',NULL;", "not plain lists"},
		"set":              {"INSERT INTO people SET id=1, email='secret';", "not plain lists"},
		"partition":        {"INSERT INTO people PARTITION (p0) VALUES (1,'secret','x','y',NULL);", "not plain lists"},
		"on duplicate key": {"INSERT INTO people VALUES (1,'a','x','y',NULL) ON DUPLICATE KEY UPDATE email='secret';", "not plain lists"},
		"version comment":  {"/*!40000 INSERT INTO people VALUES (1,'secret','x','y',NULL) */;", "not plain lists"},
		"update":           {"UPDATE people SET email='secret';", "past the mask"},
		"call":             {"CALL fill('secret');", "past the mask"},
		"prepared":         {"PREPARE s FROM 'INSERT INTO people VALUES (1,''secret'',1,1,1)';", "past the mask"},
		"rename":           {"INSERT INTO plain VALUES (1,'secret');\nRENAME TABLE plain TO people2;", "past the mask"},
		"alter":            {"INSERT INTO plain VALUES (1,'secret');\nALTER TABLE plain CHANGE v email VARCHAR(50);", "past the mask"},
		"view":             {"CREATE VIEW v AS SELECT * FROM people;\nINSERT INTO v VALUES (1,'secret','x','y',NULL);", "no table"},
		"histogram":        {"ANALYZE TABLE people UPDATE HISTOGRAM ON email USING DATA 'secret';", "histogram"},
		"set statement":    {"SET STATEMENT max_statement_time=1 FOR INSERT INTO people VALUES (1,'secret','x','y',NULL);", "past the mask"},
		"column":           {"INSERT INTO people (id,nothing) VALUES (1,'secret');", "not plain lists"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.name = "past"
			for _, goOn := range []bool{false, true} {
				_, err := s.loadOptions(people+c.script, Options{Filters: veil{}, Continue: goOn})
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
					t.Errorf("got %v, want an error with %q", err, c.want)
				}
				s.exec("DROP DATABASE past")
			}
		})
	}
	s := newShop(t)
	_, err := s.loadSifted(veil{broken: true}, people+"INSERT INTO people VALUES (1,'secret','x','y',NULL);\n")
	var st *StatementError
	if !errors.As(err, &st) || st.Table != "people" || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "no mask fits") {
		t.Errorf("got %v, want an error about people", err)
	}
}

func TestLanesSiftFiles(t *testing.T) {
	for name, f := range map[string]rows.Filters{"anyhow": veil{}, "in order": rows.Chain{&limit{n: 1000}, veil{}}} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.name = "files"
			var text strings.Builder
			for i := 1; i <= 300; i++ {
				note := "in"
				if i%3 == 0 {
					note = "out"
				}
				fmt.Fprintf(&text, "%d\tsecret%d@real.example\tSecret Ü%d\t%s\t\\0\xff\n%d\t\\N\t\\N\tit's\t\\0\xff\n", i, i, i, note, 100000+i)
			}
			l, err := s.loadFiles(f, people, folder.Rows{Table: folder.Table{Name: "people"}, Charset: "binary", Dialect: folder.DefaultDialect, Bytes: -1}, text.String())
			if err != nil {
				t.Fatal(err)
			}
			tables := l.Tables()
			s.sifted(&tables[0], 300)
			if tables[0].Digest == "" {
				t.Error("the table has no digest")
			}
			_, err = s.loadFiles(veil{broken: true}, "", folder.Rows{Table: folder.Table{Name: "people"}, Charset: "utf8mb4", Dialect: folder.DefaultDialect, Bytes: -1}, "900\tsecret\tx\ty\t\\N\n")
			var row *RowsError
			if !errors.As(err, &row) || row.Row != 1 || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want an error about row 1", err)
			}
		})
	}
}

// loadFiles loads a folder of one script and one file of rows.
func (s *shop) loadFiles(f rows.Filters, script string, format folder.Rows, text string) (*Loader, error) {
	s.t.Helper()
	files := []File{
		{Step: folder.Step{Schema: s.name, Create: true, Begin: []string{"SET NAMES utf8mb4"}}, Name: "t.sql", Text: strings.NewReader(script)},
		{Step: folder.Step{Begin: []string{"SET NAMES utf8mb4"}, Rows: &format}, Name: "t.txt", Text: bytes.NewReader([]byte(text))},
	}
	var out *Loader
	err := s.withLanes(func(ctx context.Context, session *sql.Conn, lanes Lanes) error {
		out = NewParallel(session, lanes, dump.NewScanner(strings.NewReader("")), Options{
			Object: "folder", Database: s.name, ChunkBytes: 256, Filters: f, Warn: func(string) {},
		})
		return out.RunFiles(ctx, dump.Header{}, iter.Seq2[File, error](func(yield func(File, error) bool) {
			for _, file := range files {
				if !yield(file, nil) {
					return
				}
			}
		}))
	})
	return out, err
}
