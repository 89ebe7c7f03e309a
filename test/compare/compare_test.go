package compare_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dbake/dbake/test/compare"
	"github.com/dbake/dbake/test/parts"
)

const original = `
CREATE DATABASE shop; USE shop;
CREATE TABLE keyed (id INT PRIMARY KEY, a VARCHAR(20), f FLOAT, secret INT INVISIBLE DEFAULT 1);
INSERT INTO keyed (id, a, f) VALUES (1, 'one', 0.1), (2, '', 16777217), (3, NULL, NULL);
CREATE TABLE free (a INT, b VARCHAR(20));
INSERT INTO free VALUES (1, 'x'), (2, 'y'), (2, 'y');
CREATE TABLE counted (id INT AUTO_INCREMENT PRIMARY KEY);
CREATE TABLE same_ (id INT PRIMARY KEY, b BLOB);
INSERT INTO same_ VALUES (1, 0x00FF);
CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1;
CREATE VIEW v AS SELECT id FROM keyed;
CREATE USER app@localhost IDENTIFIED BY 'x'; GRANT SELECT ON shop.* TO app@localhost;
`

// changes are statements that each make one object differ.
var changes = []struct{ statement, object, what string }{
	{"UPDATE shop.keyed SET a = NULL WHERE id = 2", "table shop.keyed", "rows"},
	{"UPDATE shop.keyed SET a = 'One' WHERE id = 1", "table shop.keyed", "rows"},
	{"UPDATE shop.keyed SET secret = 2 WHERE id = 1", "table shop.keyed", "rows"},
	{"UPDATE shop.keyed SET f = f + 0.0000001 WHERE id = 1", "table shop.keyed", "rows"},
	{"ALTER TABLE shop.keyed MODIFY a VARCHAR(21)", "table shop.keyed", "SHOW CREATE"},
	{"DELETE FROM shop.free WHERE a = 1; INSERT INTO shop.free VALUES (1, 'x')", "table shop.free", "order of rows"},
	{"DELETE FROM shop.free WHERE a = 2 LIMIT 1", "table shop.free", "row count"},
	{"ALTER TABLE shop.counted AUTO_INCREMENT = 5", "table shop.counted", "TABLES"},
	{"SET sql_mode = 'ANSI'; DROP FUNCTION shop.one; CREATE FUNCTION shop.one() RETURNS INT DETERMINISTIC RETURN 1", "function shop.one", "SHOW CREATE"},
	{"CREATE OR REPLACE DEFINER = app@localhost VIEW shop.v AS SELECT id FROM shop.keyed", "view shop.v", "SHOW CREATE"},
	{"CREATE TABLE shop.more (a INT)", "table shop.more", "SHOW CREATE"},
	{"GRANT INSERT ON shop.* TO app@localhost", "account `app`@`localhost`", "SHOW GRANTS"},
	{"ALTER USER app@localhost IDENTIFIED BY 'y'", "account `app`@`localhost`", "SHOW CREATE"},
	{"ALTER DATABASE shop CHARACTER SET ucs2", "database shop", "SHOW CREATE"},
}

// Each change of one server is found, and only the changed object is named.
func TestServersFindsWhatDiffers(t *testing.T) {
	ctx := t.Context()
	p, err := parts.Start(ctx, parts.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	// MariaDB checks fewer passwords and starts sooner; the code is the same.
	var servers [2]*parts.Server
	for i := range servers {
		if servers[i], err = p.StartServer(ctx, parts.MariaDB); err != nil {
			t.Fatal(err)
		}
		if _, err := servers[i].Client(ctx, strings.NewReader(original)); err != nil {
			t.Fatal(err)
		}
	}
	options := compare.Options{Accounts: true}
	found, err := compare.Servers(ctx, servers[0].DB(), servers[1].DB(), options)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Fatalf("equal servers differ:\n%s", compare.Join(found))
	}
	for _, change := range changes {
		t.Run(change.statement, func(t *testing.T) {
			before, err := compare.Take(ctx, servers[1].DB(), options)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := servers[1].Client(ctx, strings.NewReader(change.statement)); err != nil {
				t.Fatal(err)
			}
			after, err := compare.Take(ctx, servers[1].DB(), options)
			if err != nil {
				t.Fatal(err)
			}
			found := compare.Diff(before, after)
			if !slices.ContainsFunc(found, func(d compare.Difference) bool { return d.Object == change.object && d.What == change.what }) {
				t.Errorf("%s of %s is not among the differences:\n%s", change.what, change.object, compare.Join(found))
			}
			for _, d := range found {
				if strings.HasSuffix(d.Object, "same_") {
					t.Errorf("an untouched table differs: %s", d)
				}
			}
		})
	}
}
