package seed

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/spec"
)

// canaryDump is a dump with a value of its own in every kind of column; canary
// gives the value for column and row. All of them are to be masked.
func canaryDump() string {
	const rows = 300
	var people, audit strings.Builder
	for i := range rows {
		c := func(column string) string {
			return fmt.Sprintf("%s%s%05dq", common, column, i)
		}
		comma := ","
		if i == 0 {
			comma = ""
		}
		number, _ := salary(i)
		name := c("php")
		fmt.Fprintf(&people, "%s(%d,'%s@real.example','%s',0x%X,_binary '%s','%s','%s','%s',%s,'%s','a:1:{s:4:\\\"name\\\";s:%d:\\\"%s\\\";}','{\\\"a\\\": {\\\"b\\\": [{\\\"c\\\": \\\"%s\\\"}]}}','%s')",
			comma, i+1, c("email"), c("text"), c("hex"), c("blob"), c("latin")+"ü", c("wide"), c("char"), number,
			c("date"), len(name), name, c("json"), c("full"))
		fmt.Fprintf(&audit, "%s(%d,'%s')", comma, i+1, c("audit"))
	}
	return head + "CREATE DATABASE app; USE app;\n" +
		"CREATE TABLE `audit` (`id` int NOT NULL AUTO_INCREMENT, `what` varchar(200), PRIMARY KEY (`id`), KEY `w` (`what`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
		"INSERT INTO `audit` VALUES " + audit.String() + ";\n" +
		"CREATE TABLE `old` (`id` int, `what` varchar(200)) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4;\n" +
		"INSERT INTO `old` VALUES " + audit.String() + ";\n" +
		"CREATE TABLE `people` (`id` int NOT NULL AUTO_INCREMENT, `email` varchar(100) NOT NULL DEFAULT 'somebody' COMMENT 'as typed', `note` text, `hexed` varbinary(200), `photo` longblob, " +
		"`latin` varchar(100) CHARACTER SET latin1, `wide` varchar(100) CHARACTER SET utf16, `fixed` char(40), `salary` decimal(20,2), `born` varchar(60), " +
		"`php` text, `doc` json, `words` text, `upd` timestamp NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP, " +
		"`email_up` varchar(100) GENERATED ALWAYS AS (upper(`email`)) STORED, `email_lc` varchar(100) GENERATED ALWAYS AS (lower(`email`)) VIRTUAL, " +
		"PRIMARY KEY (`id`), UNIQUE KEY `e` (`email`), KEY `eu` (`email_up`), KEY `el` (`email_lc`), KEY `l` (`latin`), KEY `w` (`wide`), KEY `n` (`note`(30)), FULLTEXT KEY `f` (`words`)) " +
		"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
		"INSERT INTO `people` (`id`,`email`,`note`,`hexed`,`photo`,`latin`,`wide`,`fixed`,`salary`,`born`,`php`,`doc`,`words`) VALUES " + people.String() + ";\n" +
		"DELIMITER ;;\nCREATE TRIGGER `people_au` AFTER UPDATE ON `people` FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('was ', OLD.email)) ;;\nDELIMITER ;\n" +
		"CREATE DEFINER=`nobody`@`%` VIEW `v` AS SELECT `id`, `email` FROM `people`;\n" + foot
}

// canaryColumns are the columns of people that are masked.
var canaryColumns = map[string]map[string]any{
	"email": {"email": map[string]any{}}, "note": {"redact": map[string]any{}}, "hexed": {"null": map[string]any{}},
	"photo": {"constant": map[string]any{"value": "x"}}, "latin": {"name": map[string]any{}}, "wide": {"name": map[string]any{}},
	"fixed": {"hash": map[string]any{}}, "salary": {"constant": map[string]any{"value": 1.0}}, "born": {"null": map[string]any{}},
	"php":   {"php": map[string]any{"$.name": map[string]any{"redact": map[string]any{}}}},
	"doc":   {"json": map[string]any{"$.a.b[*].c": map[string]any{"redact": map[string]any{}}}},
	"words": {"template": map[string]any{"text": "masked"}},
}

// forms are the forms in which files may hold a text: as it is and in another case,
// as UTF-16 and UTF-32, as hexadecimal digits and as base64 at any offset.
func forms(text string) [][]byte {
	var wide, ediw, wider []byte
	for _, b := range []byte(text) {
		wide, ediw, wider = append(wide, 0, b), append(ediw, b, 0), append(wider, 0, 0, 0, b)
	}
	list := [][]byte{
		[]byte(text), []byte(strings.ToLower(text)), []byte(strings.ToUpper(text)), wide, ediw, wider,
		[]byte(hex.EncodeToString([]byte(text))), []byte(strings.ToUpper(hex.EncodeToString([]byte(text)))),
	}
	for shift := range 3 {
		code := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))
		list = append(list, []byte(code[4:len(code)-4]))
	}
	return list
}

// found gives the names of files below dir that hold a canary in any form.
func found(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	seen := map[uint64]bool{} // files have two names
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		file := info.Sys().(*syscall.Stat_t).Ino
		if seen[file] {
			return nil
		}
		seen[file] = true
		content, err := os.ReadFile(name)
		for _, form := range traces() {
			if bytes.Contains(content, form) {
				names = append(names, fmt.Sprintf("%s holds %q", strings.TrimPrefix(name, dir), form))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// common begins all canaries of text.
const common = "KanarieVogel"

// salary is the DECIMAL(20,2) of row i: its text, and the bytes in which servers
// keep it, nine digits in four of them.
func salary(i int) (text string, stored []byte) {
	n := 104729 * (i + 1)
	stored = []byte{0x80, 0, 0, 73, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 40}
	return fmt.Sprintf("73%09d.40", n), stored
}

// traces are the bytes that canaries are found by.
func traces() [][]byte {
	list := forms(common)
	for _, i := range []int{0, 150, 299} {
		text, stored := salary(i)
		list = append(list, []byte(text), stored)
	}
	return list
}

const cleanScript = `UPDATE people SET email = CONCAT('m', id, '@masked.example'), note = 'n', hexed = NULL, photo = 'x', latin = 'l', wide = 'w',
 fixed = LEFT(SHA2(id, 256), 30), salary = 1, born = NULL, php = '', doc = '{}', words = 'masked';
DELETE FROM audit;
TRUNCATE TABLE old;
`

// mustHoldNo wants no canary in what goes into the image and in what was said.
func (k *kitchen) mustHoldNo() {
	k.t.Helper()
	for _, name := range found(k.t, k.dirs.Out) {
		k.t.Error(name)
	}
	if strings.Contains(fmt.Sprintf("%+v", k.events), common) {
		k.t.Error("an event holds a canary")
	}
}

// TestRestoreMasksCanaries masks everything while it passes.
func TestRestoreMasksCanaries(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", canaryDump())
	k.mask()
	k.order.Mask.Columns = spec.MaskColumns{{Pattern: "app.*.what", Transform: map[string]any{"null": map[string]any{}}}}
	for column, transform := range canaryColumns {
		k.order.Mask.Columns = append(k.order.Mask.Columns, spec.MaskColumn{Pattern: "app.people." + column, Transform: transform})
	}
	m := k.mustBake()
	k.mustHoldNo()
	warnings := strings.Join(m.Warnings, "\n")
	if !strings.Contains(warnings, "defaults or comments, which stay as they are: app.people.email") || strings.Contains(warnings, "somebody") {
		t.Errorf("warnings: %q", warnings)
	}
}

// TestRestoreMasksInTheServer masks columns by transforms "sql" and the rest by a
// script: nothing of the old values is left, and all else is as the dump and the
// script want it.
func TestRestoreMasksInTheServer(t *testing.T) {
	k := newKitchen(t)
	dump := strings.TrimSuffix(canaryDump(), foot) + `CREATE USER 'app'@'%' IDENTIFIED BY 'secret';
GRANT SELECT ON app.people TO 'app'@'%';
CREATE USER 'boss'@'localhost'; GRANT ALL ON *.* TO 'boss'@'localhost' WITH GRANT OPTION;
ALTER USER 'root'@'localhost' IDENTIFIED BY 'of the dump';
INSERT INTO mysql.time_zone_name VALUES ('Mars/Olympus', 77);
`
	if k.order.Base.Flavour == string(mysqld.MySQL) {
		dump += "ANALYZE TABLE app.people UPDATE HISTOGRAM ON latin WITH 8 BUCKETS;\n"
		k.order.Verify = append(k.order.Verify, `SELECT MAX(HISTOGRAM->'$."number-of-buckets-specified"') = 8 FROM information_schema.COLUMN_STATISTICS`)
	}
	k.dump("app.sql", dump+foot)
	k.file("mask.sql", `CREATE TABLE checked AS SELECT COUNT(*) AS audits FROM audit; -- by triggers
UPDATE people SET note = 'n', photo = 'x', php = '', doc = '{}', salary = 1;
DELETE FROM audit; TRUNCATE TABLE old; ALTER TABLE people DROP COLUMN fixed;
`)
	k.order.Mask = &spec.Mask{SQL: []string{"mask.sql"}}
	for column, expression := range map[string]string{
		"email": "CONCAT('m', id, '@masked.example')", "words": "'masked'", "hexed": "NULL", "latin": "id", "wide": "'ü'", "born": "NULL",
	} {
		k.order.Mask.Columns = append(k.order.Mask.Columns, spec.MaskColumn{
			Pattern: "app.people." + column, Transform: map[string]any{"sql": map[string]any{"expression": expression}},
		})
	}
	k.order.Options.System = spec.SystemKeep
	k.order.Verify = append(
		k.order.Verify,
		"SELECT COUNT(*) = 300 AND COUNT(DISTINCT email) = 300 FROM people WHERE email LIKE 'm%@masked.example'",
		"SELECT COUNT(upd) = 300 AND SUM(hexed IS NULL) = 300 AND MIN(wide) = 'ü' AND SUM(email_up = UPPER(email)) = 300 FROM people",
		"SELECT audits = 300 FROM checked", "SELECT COUNT(*) = 0 FROM audit",
		"SELECT COUNT(*) = 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'app'",
		"SELECT COUNT(*) = 0 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'app' AND COLUMN_NAME = 'fixed'",
		"SELECT GROUP_CONCAT(User ORDER BY User) = 'app,boss,root' FROM mysql.user WHERE User IN ('root', 'app', 'boss', 'nobody')",
		"SELECT DEFINER = 'nobody@%' FROM information_schema.VIEWS WHERE TABLE_NAME = 'v'",
		"SELECT COUNT(*) = 1 FROM mysql.tables_priv WHERE User = 'app'",
		"SELECT MIN(Time_zone_id) = 77 FROM mysql.time_zone_name",
	)
	m := k.mustBake()
	k.mustHoldNo()
	rows := map[string]int64{}
	for _, table := range m.Tables {
		rows[table.Name] = table.Rows
	}
	if diff := cmp.Diff(map[string]int64{"audit": 0, "checked": 1, "old": 0, "people": 300}, rows); diff != "" || m.Rows != 301 {
		t.Errorf("%d rows (-want +got):\n%s", m.Rows, diff)
	}
	if len(m.Mask.Columns) != 6 || m.Mask.Columns[1] != "app.people.email" {
		t.Errorf("masked columns: %v", m.Mask.Columns)
	}
}

// TestRestoreUpdatesLeaveTraces shows that the tests above see what they look for:
// rows that are restored as they are, and updated afterwards, leave old values in
// the data directory.
func TestRestoreUpdatesLeaveTraces(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", canaryDump())
	k.file("mask.sql", cleanScript)
	k.order.After = []string{"mask.sql"}
	m := k.mustBake()
	names := found(t, k.dirs.Out)
	if len(names) == 0 {
		t.Error("no file holds an old value")
	}
	t.Logf("%d traces, such as %s", len(names), strings.Join(names[:min(3, len(names))], ", "))
	for _, table := range m.Tables {
		want := int64(0)
		if table.Name == "people" {
			want = 300
		}
		if table.Rows != want || table.Digest != "" {
			t.Errorf("after the script, the manifest says %+v", table)
		}
	}
}

// TestRestoreMasksThatFail says where, and no value.
func TestRestoreMasksThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		mask *spec.Mask
		path string
		want []string
	}{
		"script": {&spec.Mask{SQL: []string{"mask.sql"}}, "mask.sql[0]", []string{"mask.sql: statement 2", "1062"}},
		"expression": {
			&spec.Mask{Columns: spec.MaskColumns{{Pattern: "app.people.email", Transform: map[string]any{"sql": map[string]any{"expression": "CONCAT('" + common + "', 1)"}}}}},
			"mask.columns.app.people.email",
			[]string{"app.people", "1062"},
		},
	} {
		k := newKitchen(t)
		k.dump("app.sql", canaryDump())
		k.file("mask.sql", "SELECT 1;\nUPDATE people SET email = CONCAT('"+common+"', 1);\n")
		k.order.Mask = c.mask
		err := k.mustFail(c.want...)
		if got := FailureOf(err).Path; !strings.HasPrefix(got, c.path) || strings.Contains(fmt.Sprint(err, k.events), common) {
			t.Errorf("%s: path %q: %v", name, got, err)
		}
	}
}
