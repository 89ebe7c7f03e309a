package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/spec"
	"github.com/dbake/dbake/test/compare"
	"github.com/dbake/dbake/test/parts"
)

// crossing holds what reaches from one database into another.
const crossing = `
CREATE DATABASE ` + "`other; db's`" + ` CHARACTER SET latin1 COLLATE latin1_german1_ci; CREATE DATABASE aaa_empty CHARACTER SET utf16; CREATE DATABASE Upper_DB; CREATE DATABASE upper_db;
SET FOREIGN_KEY_CHECKS = 0;
USE ` + "`other; db's`" + `;
CREATE TABLE child (id INT PRIMARY KEY, p INT, t VARCHAR(20) DEFAULT 'ß', CONSTRAINT far FOREIGN KEY (p) REFERENCES everything.fk_self (id) ON DELETE CASCADE);
INSERT INTO child VALUES (1, 1, 'größe'), (2, 99, NULL);
CREATE VIEW far_view AS SELECT c.*, b.name, everything.plus_tax(b.price) AS tax FROM child c JOIN everything.base_ b ON b.id = c.id;
CREATE TRIGGER far_trigger AFTER INSERT ON child FOR EACH ROW INSERT INTO everything.log_ (what) VALUES (NEW.t);
CREATE FUNCTION local_collation(a VARCHAR(10)) RETURNS VARCHAR(10) NO SQL RETURN CONCAT(a, 'ß');
USE Upper_DB; CREATE TABLE Mixed (a INT); CREATE TABLE mixed (a INT); INSERT INTO Mixed VALUES (1);
USE upper_db; CREATE VIEW Mixed_View AS SELECT * FROM Upper_DB.Mixed;
`

// everything is a server with all that the test data has, in several databases.
func everything(t *testing.T, flavour parts.Flavour) (source *parts.Server, databases []string) {
	t.Helper()
	source = server(t, flavour)
	createDatabase(t, source, "everything", "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", testdata(t, flavour)...)
	runSQL(t, source, strings.NewReader("SET NAMES utf8mb4;"+crossing), "crossing", "")
	randomRows(t, source, "everything", 3000)
	largeRow(t, source, "everything")
	return source, []string{"everything", "other; db's", "aaa_empty", "Upper_DB", "upper_db"}
}

// reference is a server that gets dumps from the command-line client.
func reference(t *testing.T, flavour parts.Flavour, files ...string) *parts.Server {
	t.Helper()
	s := server(t, flavour)
	for _, file := range files {
		runFile(t, s, file, "")
	}
	return s
}

// A bake of everything, through the engine and, for the whole way, through
// docker buildx build and docker run.
func TestFidelityOfEverything(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		source, databases := everything(t, flavour)
		file := filepath.Join(t.TempDir(), "everything.sql")
		dumpTo(t, source, file, append([]string{"--routines", "--events", "--triggers", "--databases"}, databases...)...)
		want := reference(t, flavour, file)
		// Rows of MEMORY tables live as long as their server.
		execute(t, want, "TRUNCATE TABLE everything.engine_memory")

		t.Run("dbake dump", func(t *testing.T) { dumpsTheSame(t, flavour, want) })
		t.Run("engine", func(t *testing.T) {
			baked := bake(t, flavour, parts.Order{Dumps: []string{file}})
			same(t, want.DB(), serve(t, baked, "").DB(), compare.Options{})
		})
		t.Run("engine, masked by statements", func(t *testing.T) {
			baked := bake(t, flavour, parts.Order{Dumps: []string{file}, Mask: asItIs("everything.log_.what")})
			same(t, want.DB(), serve(t, baked, "").DB(), compare.Options{})
		})
		t.Run("image", func(t *testing.T) {
			text, err := os.ReadFile(compress(t, file, "zst"))
			if err != nil {
				t.Fatal(err)
			}
			p := newProject(t, flavour, "dump: "+putDump(t, "everything.sql.zst", text)+"\n").withS3()
			ref, _ := p.push()
			same(t, want.DB(), containerDB(t, ref), compare.Options{})
		})
	})
}

// asItIs masks a column by its own name: nothing changes, but everything takes the
// way over a second server.
func asItIs(pattern string) *spec.Mask {
	column := pattern[strings.LastIndexByte(pattern, '.')+1:]
	return &spec.Mask{Columns: spec.MaskColumns{{Pattern: pattern, Transform: map[string]any{"sql": map[string]any{"expression": column}}}}}
}

// accountDump is a way to dump accounts.
type accountDump struct {
	name     string
	accounts string // the file that makes them
	password string // of root, when they are made
	args     []string
}

func accountDumps(flavour parts.Flavour) []accountDump {
	whole := accountDump{
		name: "all databases", accounts: "accounts-" + string(flavour) + ".sql", password: rootPassword,
		args: []string{"--all-databases", "--routines", "--events", "--triggers", "--flush-privileges"},
	}
	logical := accountDump{name: "statements", accounts: "accounts-simple.sql", args: []string{"--routines", "--events", "--databases", "app"}}
	if flavour == parts.MariaDB {
		logical.args = append(logical.args, "--system=users", "--insert-ignore")
	} else {
		logical.args = append(logical.args, "--users")
		for _, name := range []string{"'a_reader'@'%'", "'app'@'%'", "'ghost'@'localhost'"} {
			logical.args = append(logical.args, "--include-user="+name)
		}
	}
	return []accountDump{whole, logical}
}

// A dump of the accounts in the image of its own series: the image's accounts
// are the dump's, root's password included.
func TestFidelityOfAccounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		for _, d := range accountDumps(flavour) {
			t.Run(d.name, func(t *testing.T) {
				source := server(t, flavour)
				createDatabase(t, source, "app", "", filepath.Join("testdata", "fidelity", "common", "40-programs.sql"))
				runFile(t, source, filepath.Join("testdata", "fidelity", d.accounts), "")
				file := filepath.Join(t.TempDir(), "accounts.sql")
				dumpTo(t, source, file, append(d.args, "--password="+d.password)...)
				want := reference(t, flavour, file)
				execute(t, want, "FLUSH PRIVILEGES")
				wantDB, err := parts.OpenSocket(want.Socket, "root", d.password)
				if err != nil {
					t.Fatal(err)
				}
				defer wantDB.Close()
				baked := bake(t, flavour, parts.Order{Dumps: []string{file}})
				same(t, wantDB, serve(t, baked, d.password).DB(), compare.Options{Accounts: true})
				if d.name != "all databases" {
					return
				}
				baked = bake(t, flavour, parts.Order{Dumps: []string{file}, Mask: asItIs("app.*.nothing")})
				same(t, wantDB, serve(t, baked, d.password).DB(), compare.Options{Accounts: true})
			})
		}
	})
}

// rootPassword is the one that the test data gives to root.
const rootPassword = `root's "p\w; `

// A dump of one database without its name, into the database that its header
// names and into another one.
func TestFidelityOfADumpWithoutDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		source := server(t, flavour)
		createDatabase(t, source, "app", "", testdata(t, flavour)[0], testdata(t, flavour)[3])
		dir := t.TempDir()
		first, second := filepath.Join(dir, "app.sql"), filepath.Join(dir, "renamed.sql")
		dumpTo(t, source, first, "--routines", "--events", "app")
		dumpTo(t, source, second, "--skip-comments", "--routines", "app")
		t.Run("header", func(t *testing.T) {
			want := server(t, flavour)
			createDatabase(t, want, "app", "", first)
			baked := bake(t, flavour, parts.Order{Dumps: []string{compress(t, first, "gz")}})
			same(t, want.DB(), serve(t, baked, "").DB(), compare.Options{})
		})
		t.Run("option", func(t *testing.T) {
			want := server(t, flavour)
			createDatabase(t, want, "new-name", "", second)
			baked := bake(t, flavour, parts.Order{Dumps: []string{second}, Options: spec.Restore{Database: "new-name"}})
			same(t, want.DB(), serve(t, baked, "").DB(), compare.Options{})
		})
	})
}

// optionSet is a way to make a dump.
type optionSet struct {
	name string
	// args are the dump program's; DB stands for the database. Without
	// them all of the database is dumped by its name.
	args []string
	// packed is the compression of the baked dump.
	packed string
	// only is the flavour that knows the options.
	only parts.Flavour
}

// plain are tables that also load in strict mode, without a header's settings:
// no zero dates, no id 0, no numbers that round out of range.
const plain = " texts bytes_ documents no_key unique_only nothing_in_it sets_by_column"

func optionSets() []optionSet {
	var sets []optionSet
	add := func(args, packed string, only parts.Flavour) {
		sets = append(sets, optionSet{name: args, args: strings.Fields(args), packed: packed, only: only})
	}
	add("--databases DB --routines", "gz", "")
	add("--databases DB --routines --events --triggers --single-transaction --quick", "zst", "")
	add("--databases DB --single-transaction --set-gtid-purged=OFF --routines --column-statistics", "", parts.MySQL)
	add("--databases DB --routines --set-gtid-purged=COMMENTED --skip-generated-invisible-primary-key", "", parts.MySQL)
	add("--databases DB --no-tablespaces --skip-lock-tables --no-autocommit --routines", "bz2", "")
	add("--databases DB --skip-extended-insert --routines", "lz4", "")
	add("--databases DB --routines --complete-insert --events", "xz", "")
	add("--databases DB --routines --hex-blob", "", "")
	add("--databases DB --routines --replace", "", "")
	add("--databases DB --routines --insert-ignore --skip-add-locks --skip-disable-keys", "", "")
	add("--databases DB --default-character-set=latin1 --routines", "", "")
	add("--default-character-set=binary DB numbers moments texts bytes_ no_key unique_only zero_id shapes", "", "")
	add("--databases DB --routines --skip-tz-utc", "", "")
	add("--databases DB --routines --order-by-primary --net-buffer-length=1000000", "", "")
	add("--databases DB --routines --add-drop-database --flush-privileges", "", "")
	add("--databases DB --routines --skip-comments --skip-dump-date --lock-all-tables", "", "")
	add("--databases DB --routines --skip-triggers --allow-keywords --skip-add-drop-table --no-data", "", "")
	add("--databases DB --routines --skip-quick --delayed-insert", "", parts.MariaDB)
	add("--compact DB"+plain, "", "")
	add("--skip-opt DB"+plain, "", "")
	add("--compact --skip-extended-insert --complete-insert --hex-blob DB"+plain, "", "")
	add("--skip-quote-names DB"+plain, "", "")
	add("--compatible=ansi DB"+plain, "", parts.MySQL)
	return sets
}

// optionsDB is the database that is dumped; its name is replaced in each dump by
// one of the same length, so that one bake holds them all.
const optionsDB = "fidelity00"

// Dumps made with all kinds of options give what the client makes of them.
func TestFidelityOfDumpOptions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		source, dir := server(t, flavour), t.TempDir()
		files := testdata(t, flavour)
		createDatabase(t, source, optionsDB, "CHARACTER SET utf8mb4", files[0], files[1], files[3])
		randomRows(t, source, optionsDB, 200)
		want := server(t, flavour)
		var order parts.Order
		names := map[string]string{}
		for i, set := range optionSets() {
			if set.only != "" && set.only != flavour {
				continue
			}
			name := strings.Replace(optionsDB, "00", string([]byte{'a' + byte(i/10), '0' + byte(i%10)}), 1)
			file := filepath.Join(dir, name+".sql")
			dumpTo(t, source, file, strings.Fields(strings.ReplaceAll(strings.Join(set.args, " "), "DB", optionsDB))...)
			rename(t, file, optionsDB, name)
			t.Logf("%s: %s", name, set.name)
			names[name] = set.name
			if set.args[0] != "--databases" {
				file = withUse(t, file, name)
			}
			runFile(t, want, file, "")
			order.Dumps = append(order.Dumps, compress(t, file, set.packed))
		}
		got := serve(t, bake(t, flavour, order), "")
		for name, options := range names {
			t.Run(options, func(t *testing.T) {
				same(t, want.DB(), got.DB(), compare.Options{Databases: []string{name}})
			})
		}
	})
}

// rename replaces a word in a file.
func rename(t *testing.T, file, from, to string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(from), []byte(to)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// withUse gives a dump that names no database the lines people put before it.
func withUse(t *testing.T, file, database string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = append([]byte("CREATE DATABASE "+database+";\nUSE "+database+";\n"), text...)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
