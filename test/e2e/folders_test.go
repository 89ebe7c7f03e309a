package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/test/compare"
	"github.com/dbake/dbake/test/parts"
)

// programs are what a folder has beside tables, simple enough for mydumper 0.10:
// it crashes on the names in the rest of the test data.
const programs = `
USE everything;
CREATE TABLE log_ (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(200));
CREATE TABLE base_ (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), price DECIMAL(8,2), pos POINT, flags BIT(9), doc JSON, KEY (name));
INSERT INTO base_ VALUES (1, 'one\'s', 1.5, POINT(1, 2), b'101011101', '{"a": "\\"ü\\n"}'), (2, 'two;\n', NULL, NULL, NULL, NULL), (3, '', 0, NULL, 0, '[]');
CREATE TABLE empty_ (id INT PRIMARY KEY, s VARCHAR(3));
CREATE FUNCTION tax(p DECIMAL(8,2)) RETURNS DECIMAL(10,3) DETERMINISTIC NO SQL BEGIN RETURN p * 1.19; END;
CREATE VIEW z_base AS SELECT b.*, tax(b.price) AS taxed FROM base_ b;
CREATE VIEW a_second AS SELECT id, name, taxed FROM z_base;
CREATE TRIGGER base_insert AFTER INSERT ON base_ FOR EACH ROW BEGIN INSERT INTO log_ (what) VALUES (NEW.name); SET @x = 'a;b'; END;
CREATE PROCEDURE count_(OUT n INT) BEGIN SELECT COUNT(*) INTO n FROM base_; SET n = n + 1; END;
CREATE EVENT every_day ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01 00:00:00' DO INSERT INTO log_ (what) VALUES ('day');
USE mysql;
`

// sound is a server with the test data that the tools which write folders can
// write.
func sound(t *testing.T, flavour parts.Flavour, options string, leaveOut ...string) *parts.Server {
	t.Helper()
	source := server(t, flavour)
	files, err := filepath.Glob("testdata/fidelity/common/[123]*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	createDatabase(t, source, "everything", options, files...)
	randomRows(t, source, "everything", 3000)
	largeRow(t, source, "everything")
	for _, table := range append(leaveOut, "a table; with. dots -- and /* comments */", "back`tick") {
		name := "everything.`" + strings.ReplaceAll(table, "`", "``") + "`"
		execute(t, source, "SET FOREIGN_KEY_CHECKS = 0; DROP TABLE IF EXISTS "+name)
	}
	execute(t, source, programs)
	return source
}

// mydumper makes a folder with the machine's program.
func mydumper(t *testing.T, source *parts.Server, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("mydumper")
	if err != nil {
		t.Skip("this machine has no mydumper: apt-get install mydumper")
	}
	folder := filepath.Join(t.TempDir(), "mydumper")
	args = append([]string{"--socket", source.Socket, "--user", "root", "--outputdir", folder}, args...)
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("mydumper: %v\n%s", err, out)
	}
	return folder
}

// myloader restores a folder with mydumper's own program.
func myloader(t *testing.T, into *parts.Server, folder string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "myloader", "--socket", into.Socket, "--user", "root", "--directory", folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("myloader: %v\n%s", err, out)
	}
}

// foreignDefaults are tables whose definitions mydumper 0.10 writes as UTF-8
// under SET NAMES binary, which no program can restore.
var foreignDefaults = []string{"gbk_table", "ucs2_table", "latin1_table"}

func TestMydumperFolder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		source := sound(t, flavour, "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", foreignDefaults...)
		args := []string{"--triggers", "--database", "everything"}
		if flavour == parts.MariaDB {
			args = append(args, "--routines", "--events")
		} else {
			// It writes no routines of MySQL 8 and later, and myloader takes no
			// zero dates in definitions.
			execute(t, source, "USE everything; DROP VIEW a_second, z_base; DROP FUNCTION tax; DROP PROCEDURE count_; DROP EVENT every_day; DROP TABLE moments, defaults_; "+
				"CREATE VIEW z_base AS SELECT id, name, price AS taxed FROM base_; CREATE VIEW a_second AS SELECT * FROM z_base; USE mysql")
		}
		for name, args := range map[string][]string{
			"plain":      args,
			"compressed": append([]string{"--compress", "--rows", "500"}, args...),
		} {
			t.Run(name, func(t *testing.T) {
				folder := mydumper(t, source, args...)
				want := server(t, flavour)
				myloader(t, want, folder)
				baked := bake(t, flavour, parts.Order{Dumps: []string{folder}})
				execute(t, want, "TRUNCATE TABLE everything.engine_memory") // they live as long as their server
				got := serve(t, baked, "")
				// myloader makes events in the time zone of whatever file came
				// before, and views in the order in which the folder lists them.
				for _, s := range []*parts.Server{want, got} {
					execute(t, s, "SELECT id, taxed FROM everything.a_second; DROP VIEW everything.a_second; DROP EVENT IF EXISTS everything.every_day")
				}
				same(t, want.DB(), got.DB(), compare.Options{Databases: []string{"everything"}, AnyOrder: true})
			})
		}
	})
}

// tab makes a folder with mysqldump --tab.
func tab(t *testing.T, source *parts.Server, args ...string) string {
	t.Helper()
	run := filepath.Dir(source.Socket)
	if err := os.MkdirAll(filepath.Join(run, "tab"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(run, "tab"), 0o777); err != nil { //nolint:gosec // the server and the client both write into it
		t.Fatal(err)
	}
	program := "mysqldump"
	if source.Flavour == parts.MariaDB {
		program = "mariadb-dump"
	}
	cmd := source.Command(t.Context(), program, append([]string{"--tab=/run/mysqld/tab"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	rest, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, &stderr)
	}
	folder := filepath.Join(t.TempDir(), "tab")
	if err := os.Rename(filepath.Join(run, "tab"), folder); err != nil {
		t.Fatal(err)
	}
	// What belongs to no table goes to standard output: users keep it beside.
	if err := os.WriteFile(filepath.Join(folder, "routines.sql"), rest, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// manyChunks makes small tables large ones, whose keys come last.
var manyChunks = []string{"DBAKE_CHUNK_BYTES=5000", "DBAKE_LANES=4"}

func TestTabFolder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		leaveOut := []string{"sets_by_column", "sjis_table", "gbk_table", "ucs2_table", "numbers", `50%_$1{}[]\\`}
		if flavour == parts.MySQL {
			leaveOut = append(leaveOut, "latin1_table") // its SHOW CREATE TABLE changes with every dump
		}
		source := sound(t, flavour, "", leaveOut...)
		// Tables in memory are empty when a server starts; FLOAT comes with six
		// digits, as in every dump.
		execute(t, source, "TRUNCATE TABLE everything.engine_memory; ALTER TABLE everything.random_rows DROP COLUMN f4")
		folder := tab(t, source, "--routines", "--events", "everything")
		for name, env := range map[string][]string{"large chunks": nil, "many chunks": manyChunks} {
			t.Run(name, func(t *testing.T) {
				baked := bake(t, flavour, parts.Order{Dumps: []string{folder}, Env: env})
				same(t, source.DB(), serve(t, baked, "").DB(), compare.Options{Databases: []string{"everything"}, AnyOrder: true})
			})
		}
	})
}

// What cannot be read for sure is refused, and a file that was cut is noticed.
func TestTabFolderThatIsNotSound(t *testing.T) {
	t.Parallel()
	source := server(t, parts.MariaDB)
	execute(t, source, "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, s VARCHAR(20)) CHARACTER SET gbk; INSERT INTO d.t VALUES (1, 0xBF5C)")
	refused(t, tab(t, source, "d"), "column s", "make a dump without --tab")

	execute(t, source, "ALTER TABLE d.t CONVERT TO CHARACTER SET utf8mb4; INSERT INTO d.t VALUES (2, 'x\\ny'), (3, 'z')")
	folder := tab(t, source, "d")
	rows := filepath.Join(folder, "t.txt")
	text, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(rows, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(text[:len(text)-2]))
	refused(t, folder, "t.txt", "the file is not complete")
	write(string(text) + "4\ttoo long for the column it goes to\n")
	refused(t, folder, "t.txt, row 4 of d.t", "for column 's'")
	write(strings.Replace(string(text), "\tz", "\tz\tmore", 1))
	refused(t, folder, "t.txt, row 3 of d.t")
}

// refused makes sure that a folder is not restored, and why.
func refused(t *testing.T, folder string, reasons ...string) {
	t.Helper()
	seed, err := agent()
	if err != nil {
		t.Fatal(err)
	}
	_, err = seed.Restore(t.Context(), parts.MariaDB, parts.Order{Dumps: []string{folder}})
	if err == nil {
		t.Fatalf("%s was restored", folder)
	}
	holds(t, err.Error(), reasons...)
}
