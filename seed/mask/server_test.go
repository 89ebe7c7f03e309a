package mask_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dbake/dbake/internal/inroot"
	inrootserver "github.com/dbake/dbake/internal/inroot/server"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

func TestInRoot(t *testing.T) { inroot.Run(t, "TestServer") }

// TestServer holds what this package believes of servers against real ones.
func TestServer(t *testing.T) {
	inroot.Skip(t)
	db := inrootserver.Session(t)
	for _, statement := range []string{
		"SET NAMES utf8mb4", "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'", "SET SESSION time_zone = '+00:00'",
		"CREATE DATABASE app", "USE app",
	} {
		execute(t, db, statement)
	}
	t.Run("collations", func(t *testing.T) { testCollations(t, db) })
	t.Run("unique", func(t *testing.T) { testUnique(t, db) })
	t.Run("fit", func(t *testing.T) { testFit(t, db) })
}

func execute(t *testing.T, db *sql.Conn, statement string, args ...any) int64 {
	t.Helper()
	result, err := db.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// testCollations: where masks of a shape are taken for unique the collation keeps
// all digits and letters of ASCII apart, also side by side; and every collation
// does so for what codes are made of.
func testCollations(t *testing.T, db *sql.Conn) {
	t.Helper()
	const every, codes = "0123456789abcdefghijklmnopqrstuvwxyz", "0123456789abcdefghiklmopqrstuwxz"
	for collation, charset := range collationsOf(t, db) {
		if charset == "binary" {
			continue
		}
		table := tableOf(schema.Column{Name: "c", Type: "varchar", Length: 100, Charset: charset, Collation: collation})
		table.Keys = []schema.Key{{Name: "k", Unique: true, Columns: []string{"c"}}}
		for transform, characters := range map[string]string{"{unique: {}}": every, "{unique: {as: code}}": codes} {
			if _, err := maskerOf(t, "app.t.c", transform).For(table, []string{"c"}); err != nil {
				if transform != "{unique: {}}" {
					t.Errorf("%s: codes are refused: %v", collation, err)
				}
				continue
			}
			if got, want := distinctPairs(t, db, characters, charset, collation), len(characters)*len(characters); got != want {
				t.Errorf("%s tells only %d of %d pairs of characters of %q apart, and yet %s is allowed", collation, got, want, characters, transform)
			}
		}
	}
}

// collationsOf lists the collations with their character sets.
func collationsOf(t *testing.T, db *sql.Conn) map[string]string {
	t.Helper()
	found, err := db.QueryContext(t.Context(), "SELECT COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	list := map[string]string{}
	for found.Next() {
		var collation, charset string
		if err := found.Scan(&collation, &charset); err != nil {
			t.Fatal(err)
		}
		// MariaDB names some without their character set.
		if !strings.HasPrefix(collation, charset) {
			collation = charset + "_" + collation
		}
		list[collation] = charset
	}
	if err := found.Err(); err != nil || len(list) < 100 {
		t.Fatalf("%d collations, error %v", len(list), err)
	}
	return list
}

func distinctPairs(t *testing.T, db *sql.Conn, characters, charset, collation string) int {
	t.Helper()
	var list []string
	for _, c := range characters {
		list = append(list, fmt.Sprintf("SELECT '%c' AS x", c))
	}
	one := "(" + strings.Join(list, " UNION ALL ") + ")"
	var n int
	err := db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT COUNT(DISTINCT CONVERT(CONCAT(a.x, b.x) USING %s) COLLATE %s) FROM %s a, %s b",
		charset, collation, one, one)).Scan(&n)
	if err != nil {
		t.Fatalf("%s: %v", collation, err)
	}
	return n
}

// testUnique puts values and their masks into unique columns: whatever values the
// collation keeps apart have masks that it keeps apart.
func testUnique(t *testing.T, db *sql.Conn) {
	t.Helper()
	var values []string
	words("aAá", "B~ı", "1é@_", "@b", "a ")(func(v string) { values = append(values, v) })
	collations := []string{"utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"}
	if inroot.Flavour() == "mysql" {
		collations = append(collations, "utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_ja_0900_as_cs")
	}
	for _, transform := range []string{"{unique: {}}", "{email: {}}", "{email: {keep_domain: true}}", "{url: {}}", "{unique: {as: code}}"} {
		for _, collation := range collations {
			execute(t, db, "CREATE TABLE u (v VARCHAR(100) UNIQUE, m VARCHAR(200) UNIQUE) COLLATE "+collation)
			column := varchar("c", 200)
			column.Collation = collation
			mask := one(t, transform, column)
			execute(t, db, "BEGIN")
			for _, v := range values {
				m, err := mask(v)
				if err != nil {
					t.Fatal(err)
				}
				if execute(t, db, "INSERT IGNORE INTO u (v) VALUES (?)", v) == 0 {
					continue // the collation takes it for one that is there
				}
				if _, err := db.ExecContext(t.Context(), "UPDATE u SET m = ? WHERE v = ?", m, v); err != nil {
					t.Errorf("%s, %s: the mask %q of %q: %v", transform, collation, m, v, err)
				}
			}
			execute(t, db, "DROP TABLE u")
		}
	}
}

// testFit puts the masks of all transforms into columns of all types.
func testFit(t *testing.T, db *sql.Conn) {
	t.Helper()
	values := map[string][]string{
		"tinyint": {"0", "127", "5"}, "smallint": {"-1", "30000"}, "int": {"2147483647", "42"}, "bigint": {"9223372036854775807"},
		"year": {"1999"}, "decimal": {"1.00", "999.99"}, "double": {"1.5e10", "-2"}, "float": {"1.5"},
		"date": {"2020-02-29", "9999-12-31"}, "datetime": {"2020-02-29 01:02:03"}, "timestamp": {"2037-12-31 01:02:03", "1971-01-01 00:00:00"},
		"enum": {"a", "b"}, "set": {"a"}, "json": {`{"a":"x","b":[{"b":"y"}]}`, `[1]`}, "binary": {"\x00\x01"}, "varbinary": {"\xff\x00"}, "blob": {"\xff\x00x"},
	}
	accepted := 0
	for i, kind := range everyType {
		c := columnOf(kind)
		c.Name = "c"
		words := strings.Fields(kind)
		if c.Charset != "" {
			words = append(words[:1], "CHARACTER SET "+c.Charset)
		}
		if i := strings.IndexByte(words[0], '('); len(c.Members) > 0 && i > 0 {
			words[0] = words[0][:i] + "('" + strings.Join(c.Members, "','") + "')"
		}
		execute(t, db, fmt.Sprintf("CREATE TABLE f%d (c %s)", i, strings.Join(words, " ")))
		list := values[c.Type]
		if list == nil {
			list = samples()
		}
		execute(t, db, "BEGIN")
		for _, transform := range everyTransform {
			f, err := maskerOf(t, "app.t.c", transform).For(tableOf(c), []string{"c"})
			if err != nil {
				continue
			}
			for _, v := range list {
				cells := []rows.Cell{cellOf(&c, v)}
				if _, err := f.Row(cells); err != nil || !cells[0].Changed {
					continue
				}
				accepted++
				if _, err := db.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO f%d VALUES (?)", i), argumentOf(cells[0])); err != nil {
					t.Errorf("%s of %s: the mask %q of %q: %v", transform, kind, cells[0].Value, v, err)
				}
			}
		}
		execute(t, db, "COMMIT")
	}
	if accepted < 500 {
		t.Errorf("only %d masks of %v", accepted, slices.Sorted(maps.Keys(values)))
	}
}

func argumentOf(c rows.Cell) any {
	switch c.Kind {
	case rows.Null:
		return nil
	case rows.Bytes:
		return c.Value
	}
	return string(c.Value)
}
