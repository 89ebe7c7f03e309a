package load

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbake/dbake/internal/inroot"
	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// DBAKE_DIFFERENTIAL_CASES says how many random schemas are compared on each
// server. Without it a hundred or so that are the same in every run: a test that
// guards every change must not fail by chance.
const (
	casesVariable = "DBAKE_DIFFERENTIAL_CASES"
	usualCases    = 120
	usualSeed     = "20261121"
)

// Whatever mysqldump says about a random schema, the lanes must leave behind
// what the client program leaves: each schema is dumped by the real program,
// loaded both ways, and both results are dumped again and compared as text.
func TestLanesAgreeWithTheClient(t *testing.T) {
	s := startServer(t)
	settings := map[string]string{"rapid.nofailfile": "true", "rapid.checks": strconv.Itoa(usualCases), "rapid.seed": usualSeed}
	if n, err := strconv.Atoi(os.Getenv(casesVariable)); err == nil {
		settings["rapid.checks"], settings["rapid.seed"] = strconv.Itoa(n), "0"
	}
	for name, value := range settings {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	db, err := s.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	socket := s.DriverConfig("").Addr
	rapid.Check(t, func(rt *rapid.T) { compareOnce(rt, db, socket) })
}

func compareOnce(t *rapid.T, db *sql.DB, socket string) {
	ctx := t.Context()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, name := range []string{"source", "plain", "baked"} {
		mustExec(t, conn, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name)
	}
	mustExec(t, conn, "USE source", "SET sql_mode='NO_AUTO_VALUE_ON_ZERO'", "SET foreign_key_checks=0", "SET NAMES utf8mb4")
	g := &generator{t: t, flavour: inroot.Flavour()}
	for _, statement := range g.schema() {
		// The server refuses what makes no sense; the rest is the schema.
		_, err := conn.ExecContext(ctx, statement)
		if err != nil && testing.Verbose() && os.Getenv("DBAKE_DIFFERENTIAL_SHOW") != "" {
			fmt.Printf("refused: %v: %.200s\n", err, statement)
		}
	}
	options := g.dumpOptions()
	text, err := program(t, "mysqldump", nil, append(append([]string{"-uroot", "-S", socket}, options...), "source")...)
	if err != nil {
		t.Fatal(err)
	}
	_, refused := program(t, "mysql", bytes.NewReader(text), "-uroot", "-S", socket, "--binary-mode", "--default-character-set=utf8mb4", "plain")
	err = loadBaked(t, db, text)
	switch {
	case refused != nil && err != nil:
		return // not every dump can be loaded, but both must say so
	case refused != nil && strings.Contains(refused.Error(), "ERROR 1906"):
		return // a value for a generated column: dbake leaves it out on purpose
	case refused != nil:
		t.Fatalf("dbake takes what the client refuses: %v\nmysqldump %q wrote\n%s", refused, options, text)
	case err != nil:
		t.Fatalf("dbake refuses what the client takes: %v\nmysqldump %q wrote\n%s", err, options, text)
	}
	plain, baked := redump(t, socket, "plain"), redump(t, socket, "baked")
	if !bytes.Equal(plain, baked) {
		t.Fatalf("mysqldump %q wrote\n%s\nthe client made of it\n%s\ndbake made of it\n%s", options, text, plain, baked)
	}
}

func mustExec(t *rapid.T, conn *sql.Conn, statements ...string) {
	for _, statement := range statements {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// program runs a client program and gives its output.
func program(t *rapid.T, name string, in *bytes.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(t.Context(), name, args...)
	if in != nil {
		cmd.Stdin = in
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %q: %w: %s", name, args, err, stderr.Bytes())
	}
	return out, err
}

// redump writes a schema down in a way that hides nothing.
func redump(t *rapid.T, socket, schema string) []byte {
	text, err := program(t, "mysqldump", nil, "-uroot", "-S", socket, "--compact", "--skip-extended-insert", "--hex-blob",
		"--complete-insert", "--routines", "--triggers", "--skip-tz-utc", schema)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func loadBaked(t *rapid.T, db *sql.DB, text []byte) error {
	var conns []*sql.Conn
	for range 8 {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// A connection that goes back to the pool keeps the dump's state.
		defer c.Raw(func(any) error { return driver.ErrBadConn }) //nolint:gocritic // eight connections, until the load is over
		conns = append(conns, c)
	}
	lanes := Lanes{Look: conns[1], Rows: conns[2:5], Keys: conns[5:8]}
	if err := lanes.PrepareKeySessions(t.Context()); err != nil {
		return err
	}
	var filters rows.Filters
	switch rapid.IntRange(0, 3).Draw(t, "filters") {
	case 0:
		filters = again{}
	case 1:
		filters = rows.Chain{&limit{n: 1 << 30}, again{}}
	}
	return NewParallel(conns[0], lanes, dump.NewScanner(bytes.NewReader(text)), Options{
		Object: "dump", Database: "baked", ChunkBytes: rapid.SampledFrom([]int{1, 200, 2000, 1 << 20}).Draw(t, "chunk"),
		Filters: filters, Warn: func(string) {},
	}).Run(t.Context())
}

// again has every value read, and written as if it were a new one.
type again struct{}

func (again) For(*schema.Table, []string) (rows.Filter, error) { return again{}, nil }

func (again) Row(cells []rows.Cell) (bool, error) {
	for i := range cells {
		cells[i].Set(cells[i].Kind, cells[i].Value)
	}
	return true, nil
}

// generator draws random schemas.
type generator struct {
	t       *rapid.T
	flavour string
	n       int // makes names unique
}

func (g *generator) bool(label string) bool { return rapid.Bool().Draw(g.t, label) }

// one draws a number from 0 to n-1 and reports whether it is 0.
func (g *generator) oneIn(n int, label string) bool {
	return rapid.IntRange(0, n-1).Draw(g.t, label) == 0
}

func (g *generator) pick(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(g.t, label)
}

func (g *generator) schema() []string {
	var out []string
	for i := range rapid.IntRange(1, 3).Draw(g.t, "tables") {
		out = append(out, g.table(fmt.Sprintf("t%d", i))...)
	}
	if g.bool("view") {
		out = append(out, "CREATE VIEW v AS SELECT * FROM t0")
	}
	return out
}

func (g *generator) dumpOptions() []string {
	var out []string
	for _, o := range []string{
		"--skip-extended-insert", "--complete-insert", "--hex-blob", "--compact", "--order-by-primary", "--skip-tz-utc",
		"--no-autocommit", "--skip-add-locks", "--skip-disable-keys", "--skip-quote-names", "--replace", "--insert-ignore",
	} {
		if g.oneIn(5, o) {
			out = append(out, o)
		}
	}
	if g.oneIn(4, "charset") {
		out = append(out, "--default-character-set="+g.pick("dump charset", "utf8mb3", "binary", "utf8mb4"))
	}
	return out
}

// column is a random column.
type column struct {
	name, def string
	kind      string
	generated bool
	autoInc   bool
	notNull   bool
}

func (g *generator) table(name string) []string {
	columns := make([]column, rapid.IntRange(1, 7).Draw(g.t, "columns"))
	for i := range columns {
		columns[i] = g.column(fmt.Sprintf("c%d", i), columns[:i])
	}
	var defs []string
	if g.oneIn(3, "auto increment") {
		columns = append([]column{{name: "id", def: "`id` " + g.pick("id", "INT", "BIGINT UNSIGNED", "SMALLINT") + " NOT NULL AUTO_INCREMENT", kind: "int", autoInc: true, notNull: true}}, columns...)
		defs = append(defs, g.pick("id key", "PRIMARY KEY (`id`)", "KEY `ai` (`id`)", "UNIQUE KEY `ai` (`id`)"))
	} else if !g.oneIn(4, "no primary key") {
		defs = append(defs, "PRIMARY KEY ("+g.part(columns[0])+")")
	}
	for range rapid.IntRange(0, 4).Draw(g.t, "keys") {
		defs = append(defs, g.key(columns))
	}
	if name != "t0" && g.oneIn(4, "foreign key") {
		defs = append(defs, fmt.Sprintf("CONSTRAINT fk%d FOREIGN KEY (%s) REFERENCES t0 (c0) ON DELETE CASCADE", g.next(), columns[0].name))
	}
	var list []string
	for _, c := range columns {
		list = append(list, c.def)
	}
	create := "CREATE TABLE `" + name + "` (" + strings.Join(append(list, defs...), ", ") + ") ENGINE=" +
		g.pick("engine", "InnoDB", "InnoDB", "InnoDB", "InnoDB", "InnoDB", "MyISAM", "MEMORY") +
		g.pick("options", "", "", " DEFAULT CHARSET=latin1", " COMMENT='it''s \\\\ `x`'", " ROW_FORMAT=COMPRESSED", " DEFAULT CHARSET=utf8mb3", " AUTO_INCREMENT=1000")
	return append([]string{create}, g.rows(name, columns)...)
}

func (g *generator) next() int { g.n++; return g.n }

// types are column types; the word before the first blank or parenthesis picks
// the values.
var types = []string{
	"TINYINT", "SMALLINT UNSIGNED", "INT", "INT ZEROFILL", "BIGINT", "BIGINT UNSIGNED", "DECIMAL(10,3)", "DECIMAL(65,30)", "FLOAT", "DOUBLE",
	"BIT(1)", "BIT(17)", "DATE", "TIME(3)", "DATETIME", "DATETIME(6)", "TIMESTAMP NULL", "YEAR",
	"CHAR(5)", "VARCHAR(40)", "VARCHAR(40) CHARACTER SET latin1", "VARCHAR(40) CHARACTER SET utf16", "VARCHAR(40) CHARACTER SET sjis",
	"VARCHAR(40) CHARACTER SET binary", "VARCHAR(40) COLLATE utf8mb4_bin", "TEXT", "TEXT CHARACTER SET latin1", "LONGTEXT",
	"BINARY(7)", "VARBINARY(40)", "BLOB", "ENUM('a','b''c','ü','')", "SET('x','y','z,')", "JSON", "POINT", "GEOMETRY",
}

func (g *generator) column(name string, before []column) column {
	typ := g.pick("type", types...)
	c := column{name: name, kind: strings.ToLower(strings.FieldsFunc(typ, func(r rune) bool { return r == ' ' || r == '(' })[0])}
	if len(before) > 0 && g.oneIn(8, "generated") {
		c.generated = true
		c.def = fmt.Sprintf("%s VARCHAR(100) GENERATED ALWAYS AS (CONCAT('g', %s)) %s", name, before[0].name, g.pick("storage", "VIRTUAL", "STORED"))
		c.kind = "varchar"
		return c
	}
	c.notNull = g.oneIn(3, "not null")
	c.def = "`" + name + "` " + typ
	if c.notNull && !strings.Contains(typ, "NULL") {
		c.def += " NOT NULL"
	}
	if g.oneIn(10, "invisible") && len(before) > 0 {
		c.def += " INVISIBLE"
	}
	if g.oneIn(8, "comment") {
		c.def += " COMMENT 'a, ) KEY `k` (`c0`) \\\\n'"
	}
	return c
}

// part is a column as a key names it.
func (g *generator) part(c column) string {
	switch c.kind {
	case "text", "longtext", "blob", "geometry":
		return "`" + c.name + "`(5)"
	case "varchar", "char", "varbinary":
		return "`" + c.name + "`" + g.pick("prefix", "", "", "(3)")
	}
	return "`" + c.name + "`" + g.pick("order", "", "", "", " DESC")
}

func (g *generator) key(columns []column) string {
	var parts []string
	for range rapid.IntRange(1, 3).Draw(g.t, "key parts") {
		parts = append(parts, g.part(rapid.SampledFrom(columns).Draw(g.t, "key column")))
	}
	name := fmt.Sprintf("`k``%d`", g.next())
	tail := g.pick("key tail", "", "", " USING BTREE", " COMMENT 'k''ey, `x` (`c0`)'", " INVISIBLE")
	kind := g.pick("key kind", "KEY ", "KEY ", "KEY ", "UNIQUE KEY ", "FULLTEXT KEY ", "SPATIAL KEY ")
	if g.flavour == "mysql" && g.oneIn(8, "functional") {
		return "KEY " + name + " ((CONCAT(`" + columns[0].name + "`, 'x'))) " + tail
	}
	return kind + name + " (" + strings.Join(parts, ", ") + ")" + tail
}

// rows gives INSERT IGNORE statements: what the table cannot take is left out.
func (g *generator) rows(table string, columns []column) []string {
	var out []string
	var names []string
	for _, c := range columns {
		if !c.generated {
			names = append(names, "`"+c.name+"`")
		}
	}
	for range rapid.IntRange(0, 25).Draw(g.t, "rows") {
		var values []string
		for _, c := range columns {
			if !c.generated {
				values = append(values, g.value(c))
			}
		}
		out = append(out, "INSERT IGNORE INTO `"+table+"` ("+strings.Join(names, ",")+") VALUES ("+strings.Join(values, ",")+")")
	}
	return out
}

// value writes a random value of a column as a literal.
func (g *generator) value(c column) string {
	if c.autoInc {
		return strconv.Itoa(rapid.IntRange(0, 300).Draw(g.t, "id"))
	}
	if !c.notNull && g.oneIn(6, "null") {
		return "NULL"
	}
	switch c.kind {
	case "tinyint", "smallint", "int", "bigint":
		return g.pick("integer", "0", "1", "-1", "127", "65535", "2147483647", "9223372036854775807", "18446744073709551615", strconv.Itoa(rapid.Int().Draw(g.t, "n")))
	case "decimal":
		return g.pick("decimal", "0", "-0.001", "9999999.999", "12345678901234567890.123456789012345678901234567890", "1e10", "'3.14'")
	case "float", "double":
		return g.pick("float", "0", "-0.0", "1e-300", "1.7976931348623157e308", "3.4e38", "0.1", fmt.Sprint(rapid.Float64Range(-1e30, 1e30).Draw(g.t, "f")))
	case "bit":
		return g.pick("bit", "b'0'", "b'1'", "b'10101010101010101'", "0")
	case "date", "datetime", "timestamp":
		return g.pick("date", "'0000-00-00'", "'2024-02-29 23:59:59.999999'", "'1970-01-02 00:00:01'", "'2038-01-19 03:14:07'", "'9999-12-31'", "'2024-00-10'", "'2024-03-31 02:30:00'")
	case "time":
		return g.pick("time", "'-838:59:59'", "'00:00:00.001'", "'838:59:59'", "'12:34'")
	case "year":
		return g.pick("year", "0", "'0000'", "1901", "2155", "70")
	case "enum":
		return g.pick("enum", "'a'", "'b''c'", "'ü'", "''", "0", "2")
	case "set":
		return g.pick("set", "''", "'x,y'", "7", "'z,'")
	case "json":
		return g.pick("json", `'{"a": [1, 2.50, "\\u00e9\\n\\"", null]}'`, "'[]'", "'\"\"'", `'{"n": 12345678901234567890}'`, `'{"k\\\\": "tab\\t"}'`)
	case "point", "geometry":
		return "ST_GeomFromText('" + g.pick("point", "POINT(0 0)", "POINT(1.5 -2.25)", "POINT(9 39)", "POINT(10 92)") + "')"
	case "binary", "varbinary", "blob":
		return fmt.Sprintf("X'%x'", rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(g.t, "bytes"))
	}
	return QuoteText(g.text())
}

// text draws a string of the characters that are hard.
func (g *generator) text() string {
	hard := []string{"a", "Z", " ", "\\", "'", "\"", "`", "%", "_", "\x00", "\n", "\r", "\t", "\b", "\x1a", "ü", "日", "表", "😀", "0", "N", "\\N", ",", ")", ";", "--", "/*", "\u00a0"}
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(hard), 0, 10).Draw(g.t, "text"), "")
}
