package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/test/parts"
)

// crossings are what a user of one flavour may have, and what the other flavour
// makes of it once repaired.
var crossings = []struct {
	from, to parts.Flavour
	schema   string
	warnings []string
}{
	{
		from: parts.MySQL, to: parts.MariaDB,
		schema: `CREATE DATABASE shop; USE shop;
CREATE TABLE customers (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL, born DATE DEFAULT (CURRENT_DATE), doc JSON,
  shout VARCHAR(40) GENERATED ALWAYS AS (UPPER(name)) STORED NOT NULL, note VARCHAR(20) INVISIBLE DEFAULT 'n',
  raw VARBINARY(10), at TIMESTAMP(3) NULL, UNIQUE KEY (name), KEY k (born) INVISIBLE, CHECK (born > '3000-01-01') NOT ENFORCED
) COMPRESSION='NONE';
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer INT, total DECIMAL(9,2), FOREIGN KEY (customer) REFERENCES customers (id))
  COLLATE utf8mb4_0900_as_cs;`,
		warnings: []string{"utf8mb4_0900_ai_ci", "NOT ENFORCED", "accounts and system tables"},
	},
	{
		from: parts.MariaDB, to: parts.MySQL,
		schema: `CREATE DATABASE shop COLLATE utf8mb4_uca1400_ai_ci; USE shop;
CREATE TABLE customers (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL, born DATE DEFAULT curdate(), doc JSON DEFAULT json_object(),
  shout VARCHAR(40) GENERATED ALWAYS AS (UPPER(name)) STORED, note VARCHAR(20) INVISIBLE DEFAULT 'n',
  raw VARBINARY(10), at TIMESTAMP(3) NULL, UNIQUE KEY (name), KEY k (born) IGNORED, CHECK (name <> '!')
) PAGE_COMPRESSED=1;
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer INT, total DECIMAL(9,2), memo TEXT DEFAULT 'none',
  FOREIGN KEY (customer) REFERENCES customers (id), CHECK (total >= 0)) COLLATE utf8mb4_uca1400_as_cs;
CREATE TABLE log (id INT PRIMARY KEY, line TEXT) ENGINE=Aria;
INSERT INTO log VALUES (1, 'Aria');`,
		warnings: []string{"utf8mb4_uca1400_ai_ci", "storage engine Aria", "page_compressed", "accounts and system tables"},
	},
}

// crossingRows and programs are understood by both flavours.
const crossingRows = `
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+05:00';
INSERT INTO customers (id, name, born, doc, raw, at) VALUES
  (0, 'zero', '2000-01-01', '{"a": [1, null]}', 0x00FF275C0A, '2026-03-29 02:30:00.123'), (1, 'Ann  ', NULL, NULL, '', NULL), (2, 'ünï😀', '0000-00-00', '[]', NULL, '2001-01-01');
INSERT INTO customers (id, name) SELECT id + 10, CONCAT('x', id) FROM customers;
INSERT INTO orders (id, customer, total) VALUES (1, 1, 9.90), (2, 2, 0), (9223372036854775807, NULL, 1234567.89);
SET sql_mode = 'STRICT_TRANS_TABLES';
CREATE VIEW totals AS SELECT c.name, SUM(o.total) AS total FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.name;
CREATE TRIGGER orders_bi BEFORE INSERT ON orders FOR EACH ROW SET NEW.total = NEW.total + 1;
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2;
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM orders WHERE id < 0;
`

// crossingQueries give the same on either side.
var crossingQueries = []string{
	"SELECT GROUP_CONCAT(CONCAT_WS('|', id, HEX(name), COALESCE(born, 'NULL'), shout, note, COALESCE(HEX(raw), 'NULL'), COALESCE(UNIX_TIMESTAMP(at), 'NULL')) ORDER BY id) FROM shop.customers",
	"SELECT GROUP_CONCAT(CONCAT_WS('|', id, COALESCE(JSON_LENGTH(doc), 'NULL'), COALESCE(JSON_EXTRACT(doc, '$.a[0]'), 'NULL')) ORDER BY id) FROM shop.customers WHERE id < 10",
	"SELECT GROUP_CONCAT(CONCAT_WS('|', id, COALESCE(customer, 'NULL'), total) ORDER BY id) FROM shop.orders",
	"SELECT GROUP_CONCAT(CONCAT_WS('|', name, total) ORDER BY total) FROM shop.totals",
	"SELECT GROUP_CONCAT(CONCAT_WS('|', TABLE_NAME, COLUMN_NAME) ORDER BY 1, ORDINAL_POSITION) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME <> 'totals' AND COLUMN_NAME <> 'line'",
	"SELECT CONCAT_WS('|', TRIGGER_NAME, DEFINER, SQL_MODE) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop'",
	"SELECT CONCAT_WS('|', EVENT_NAME, STATUS, INTERVAL_VALUE, INTERVAL_FIELD) FROM information_schema.EVENTS",
	"SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'shop'",
	"SELECT shop.twice(21)",
}

// A dump of all databases of one flavour, as its own program makes it, becomes a
// server of the other with the same rows and programs; what had to change is
// among the warnings.
func TestDumpsCrossFlavours(t *testing.T) {
	t.Parallel()
	for _, c := range crossings {
		t.Run(fmt.Sprintf("%s to %s", c.from, c.to), func(t *testing.T) {
			source, err := all.StartServer(t.Context(), c.from)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { source.Close() })
			runSQL(t, source, strings.NewReader(c.schema+crossingRows), "schema", "")
			file := filepath.Join(t.TempDir(), "all.sql")
			dumpTo(t, source, file, "--all-databases", "--routines", "--events", "--single-transaction")
			baked := bake(t, c.to, parts.Order{Dumps: []string{file}})
			warnings := strings.Join(baked.Manifest.Warnings, "\n")
			t.Log(warnings)
			for _, w := range c.warnings {
				if !strings.Contains(warnings, w) {
					t.Errorf("no warning about %q", w)
				}
			}
			got := serve(t, baked, "")
			for _, query := range crossingQueries {
				var values [2]string
				for i, s := range []*parts.Server{source, got} {
					if err := s.DB().QueryRowContext(t.Context(), query).Scan(&values[i]); err != nil {
						t.Fatalf("%s: %v", query, err)
					}
				}
				if values[0] != values[1] {
					t.Errorf("%s\n%s gave  %s\n%s gives %s", query, c.from, values[0], c.to, values[1])
				}
			}
		})
	}
}
