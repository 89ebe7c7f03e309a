package schema

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/dump"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The .sql files hold what real servers say with SHOW CREATE TABLE, and by-hand.sql
// what people write. Statements end with ";" at the end of a line.
func TestParseGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for create := range strings.SplitSeq(string(text), ";\n") {
				if strings.TrimSpace(create) == "" {
					continue
				}
				table, err := Parse([]byte(create), dump.Mode{})
				if err != nil {
					t.Fatalf("%v\n%s", err, create)
				}
				got.WriteString(table.describe(t))
			}
			golden := strings.TrimSuffix(file, ".sql") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("tables (-want +got):\n%s", diff)
			}
		})
	}
}

// describe writes a table with one line for each of its parts.
func (t *Table) describe(tb testing.TB) string {
	tb.Helper()
	var b strings.Builder
	line := func(name string, v any) {
		data, err := json.Marshal(v)
		if err != nil {
			tb.Fatal(err)
		}
		b.WriteString("  " + name + " " + string(data) + "\n")
	}
	b.WriteString("table " + t.Schema + "." + t.Name + " " + t.Engine + " " + t.Charset + " " + t.Collation + "\n")
	for _, c := range t.Columns {
		line("column", c)
	}
	for _, k := range t.Keys {
		line("key", k)
	}
	for _, f := range t.ForeignKeys {
		line("foreign key", f)
	}
	return b.String()
}

func TestParseByMode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		create string
		mode   dump.Mode
		want   Column
	}{
		"ANSI quotes": {
			`CREATE TABLE "t""x" ("a""b" varchar(9) DEFAULT 'it''s')`,
			dump.Mode{ANSIQuotes: true},
			Column{Name: `a"b`, Type: "varchar", FullType: "varchar(9)", Length: 9},
		},
		"no backslash escapes": {
			`CREATE TABLE t (a enum('x\','y''') COMMENT '\')`,
			dump.Mode{NoBackslashEscapes: true},
			Column{Name: "a", Type: "enum", FullType: `enum('x\','y''')`, Length: -1, Members: []string{`x\`, "y'"}, Comment: `\`},
		},
		"latin1": {
			"CREATE TABLE t (`n\xe9` enum('\xe4') COMMENT 'caf\xe9')",
			dump.Mode{Charset: "latin1"},
			Column{Name: "né", Type: "enum", FullType: "enum('\xe4')", Length: -1, Members: []string{"ä"}, Comment: "café"},
		},
		"sjis with a backslash in a character": {
			"CREATE TABLE t (a enum('\x95\x5c','b'))",
			dump.Mode{Charset: "sjis"},
			Column{Name: "a", Type: "enum", FullType: "enum('\x95\x5c','b')", Length: -1, Members: []string{"表", "b"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := Parse([]byte(c.create), c.mode)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, table.Columns[0]); diff != "" {
				t.Errorf("column (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, create := range []string{
		"", "CREATE", "CREATE VIEW v AS SELECT 1", "CREATE TABLE", "CREATE TABLE t", "CREATE TABLE t LIKE u", "CREATE TABLE t (LIKE u)",
		"CREATE TABLE t AS SELECT 1", "CREATE TABLE t (SELECT 1)", "CREATE TABLE t ()", "CREATE TABLE t (a", "CREATE TABLE t (a int", "CREATE TABLE t (PRIMARY KEY (a))",
		"CREATE TABLE t (a enum('x'", "CREATE TABLE t (a int, FOREIGN KEY (a))", "CREATE TABLE t (a int, KEY)",
	} {
		if table, err := Parse([]byte(create), dump.Mode{}); err == nil {
			t.Errorf("%q gives %+v, want an error", create, table)
		}
	}
}

func TestAlter(t *testing.T) {
	t.Parallel()
	table, err := Parse([]byte("CREATE TABLE `t` (`id` int(11) NOT NULL, `p` int, `u` varchar(9)) ENGINE=InnoDB DEFAULT CHARSET=latin1"), dump.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	for _, alter := range []string{
		"ALTER TABLE `t` ADD PRIMARY KEY (`id`), ADD UNIQUE KEY `u` (`u`), ADD KEY `p` (`p`)",
		"ALTER TABLE `t` MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7",
		"ALTER TABLE `t` ADD CONSTRAINT `fk` FOREIGN KEY (`p`) REFERENCES `o`.`parent` (`id`) ON DELETE SET NULL ON UPDATE NO ACTION",
		"ALTER TABLE `t` ADD COLUMN `n` text, CHANGE `u` `v` varchar(20), ENGINE=InnoDB",
	} {
		if err := Alter(table, []byte(alter), dump.Mode{}); err != nil {
			t.Fatal(err)
		}
	}
	want := `table .t innodb latin1 
  column {"Name":"id","Type":"int","FullType":"int(11)","Charset":"","Collation":"","Length":11,"Scale":0,"Unsigned":false,"NotNull":true,"AutoIncrement":true,"Generated":false,"Invisible":false,"Members":null,"Comment":""}
  column {"Name":"p","Type":"int","FullType":"int","Charset":"","Collation":"","Length":-1,"Scale":0,"Unsigned":false,"NotNull":false,"AutoIncrement":false,"Generated":false,"Invisible":false,"Members":null,"Comment":""}
  column {"Name":"v","Type":"varchar","FullType":"varchar(20)","Charset":"latin1","Collation":"","Length":20,"Scale":0,"Unsigned":false,"NotNull":false,"AutoIncrement":false,"Generated":false,"Invisible":false,"Members":null,"Comment":""}
  column {"Name":"n","Type":"text","FullType":"text","Charset":"latin1","Collation":"","Length":-1,"Scale":0,"Unsigned":false,"NotNull":false,"AutoIncrement":false,"Generated":false,"Invisible":false,"Members":null,"Comment":""}
  key {"Name":"PRIMARY","Primary":true,"Unique":true,"Columns":["id"],"Partial":false}
  key {"Name":"u","Primary":false,"Unique":true,"Columns":["v"],"Partial":false}
  key {"Name":"p","Primary":false,"Unique":false,"Columns":["p"],"Partial":false}
  foreign key {"Name":"fk","Columns":["p"],"RefSchema":"o","RefTable":"parent","RefColumns":["id"]}
`
	if diff := cmp.Diff(want, table.describe(t)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestAlterMovesColumns(t *testing.T) {
	t.Parallel()
	for alter, want := range map[string]string{
		"ADD COLUMN x int AFTER a":                                    "a x b c",
		"ADD x varchar(9) DEFAULT 'first' FIRST, DROP COLUMN b":       "x a c",
		"ADD x enum(0x61) AFTER `c`":                                  "a b c x",
		"ADD after int":                                               "a b c after",
		"MODIFY a int AFTER c, MODIFY c int FIRST":                    "c b a",
		"CHANGE b z enum(0x61,'b') COMMENT 'first' FIRST":             "z a c",
		"RENAME COLUMN a TO d, DROP INDEX i, DROP PRIMARY KEY":        "d b c",
		"DROP b, DROP IF EXISTS c, ADD (x int, y int)":                "a x y",
		"DROP FOREIGN KEY f, RENAME INDEX i TO j, ADD PARTITION (P)":  "a b c",
		"ALTER a SET DEFAULT 5, ALTER INDEX i INVISIBLE, COMMENT='x'": "a b c",
		"ALTER COLUMN a SET INVISIBLE":                                "",
		"RENAME TO u":                                                 "",
		"RENAME COLUMN nothing TO d":                                  "",
		"ADD x int AFTER nothing":                                     "",
	} {
		table, err := Parse([]byte("CREATE TABLE t (a int, b int, c int, KEY i (b), CONSTRAINT f FOREIGN KEY (b) REFERENCES o (id)) DEFAULT CHARSET=utf8mb4"), dump.Mode{})
		if err != nil {
			t.Fatal(err)
		}
		before := table.clone()
		err = Alter(table, []byte("ALTER TABLE t "+alter), dump.Mode{})
		var names []string
		for _, c := range table.Columns {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); want != "" && (got != want || err != nil) {
			t.Errorf("%s: columns %s (%v), want %s", alter, got, err, want)
		}
		if diff := cmp.Diff(before, table); want == "" && (err == nil || diff != "") {
			t.Errorf("%s: no error, or another table:\n%s", alter, diff)
		}
		if strings.HasPrefix(alter, "CHANGE") && (table.ForeignKeys[0].Columns[0] != "z" || before.ForeignKeys[0].Columns[0] != "b" || table.Columns[0].Members[0] != "a") {
			t.Errorf("%s: %+v", alter, table)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.sql")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for create := range strings.SplitSeq(string(text), ";\n") {
			f.Add([]byte(create), true)
		}
	}
	f.Fuzz(func(t *testing.T, create []byte, ansi bool) {
		table, err := Parse(create, dump.Mode{ANSIQuotes: ansi})
		if err != nil {
			return
		}
		if len(table.Columns) == 0 || table.Name == "" {
			t.Errorf("a table without a name or columns: %+v", table)
		}
		if err := Alter(table, create, dump.Mode{}); err == nil && len(table.Columns) == 0 {
			t.Error("no columns left")
		}
	})
}
