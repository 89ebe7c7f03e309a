package dump

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{
			"INSERT INTO `app`.`users` (`id`,name) VALUES (1,'bob',-2.5e-3,NULL,x'FF',0xFF,b'01',_binary'z',TRUE)",
			"INSERT INTO `app`.`users` (`id`,name) VALUES (?,?,-?,?,?,?,?,?,?)",
		},
		{"insert ignore into users(id)\nvalues\n(1)", "insert ignore into users(id) values (?)"},
		{"INSERT INTO t VALUES ('it''s',2)", "INSERT INTO t VALUES (?,?)"},
		{`INSERT INTO t VALUES ('it\'s',2)`, "INSERT INTO t VALUES (?…"},
		{"REPLACE INTO t SET a=1, b='x', c=secret", "REPLACE INTO t SET ?=?, ?=?, ?=?"},
		{"SET PASSWORD FOR 'bob'@'%' = 'hunter2'", "SET PASSWORD FOR ?@? = ?"},
		{"SET PASSWORD = hunter2", "SET PASSWORD = ?"},
		{"CREATE USER `bob`@`%` IDENTIFIED BY 'hunter2' REQUIRE NONE", "CREATE USER `bob`@`%` IDENTIFIED BY ? REQUIRE ?"},
		{"CREATE USER bob IDENTIFIED BY hunter2", "CREATE USER bob IDENTIFIED BY ?"},
		{"CREATE TABLE `t` (`a` varchar(20) /* secret */ DEFAULT 'x', -- secret\n `b` int)", "CREATE TABLE `t` (`a` varchar(?) DEFAULT ?, ? ?)"},
		{
			"/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER `t` BEFORE INSERT ON `x` FOR EACH ROW SET @a=5 */",
			"CREATE DEFINER=`a`@`b` TRIGGER `t` BEFORE INSERT ON `x` FOR EACH ROW SET @a=?",
		},
		{"ALTER TABLE `é` ADD `a\xff` int", "ALTER TABLE `é` ADD ?…"},
		{"secret, 'x')", "?…"},
		{"'secret'", "?"},
		{"SELECT `col'umn` FROM t", "SELECT ?…"},
		{"SELECT `not closed", "SELECT ?…"},
		{"", ""},
	} {
		if got := Redact([]byte(c.in), 200); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
	if got := Redact([]byte("ALTER TABLE `ééééé` x"), 20); got != "ALTER TABLE `éé…" {
		t.Errorf("cut to %q", got)
	}
}

// secretLiteral is a literal whose every letter is out of "QZX".
func secretLiteral(r *rand.Rand) string {
	body := ""
	for range 1 + r.IntN(6) {
		body += []string{"QZX", "ZQ ZQ", `\'`, `\\`, "''", `\"`, "`", "--", "/*", "*/", "#", ";", "VALUES (", "\n", "\xffQ", "9Q"}[r.IntN(16)]
	}
	switch r.IntN(6) {
	case 0:
		return fmt.Sprintf("_utf8mb4 '%sZ'", body)
	case 1:
		return "0xQZ"
	case 2:
		return "7.5e3QZ"
	case 3: // as broken as it gets: quotes are left out or doubled up
		return body + "'" + body + "'Z"
	}
	return "'" + body + "Z'"
}

func secretStatement(r *rand.Rand) string {
	list := make([]string, 1+r.IntN(5))
	for i := range list {
		list[i] = secretLiteral(r)
	}
	head := []string{
		"INSERT INTO `t` (`a`, b) VALUES (", "INSERT INTO t VALUES\n(", "REPLACE t VALUES (", "INSERT t SET a=",
		"SET PASSWORD = ", "CREATE USER a IDENTIFIED BY ", "UPDATE t SET a=0,b='',c=", "ALTER TABLE t COMMENT ''",
	}[r.IntN(8)]
	return head + strings.Join(list, ",") + ")"
}

func checkRedacted(t *testing.T, in, out string, limit int) {
	t.Helper()
	if len(out) > limit || !utf8.ValidString(out) || strings.ContainsAny(out, "\n\r\x00\x1b") {
		t.Fatalf("unsafe: %q of %q", out, in)
	}
}

func TestRedactNeverShowsAValue(t *testing.T) {
	for seed := range uint64(50000) {
		r := rand.New(rand.NewPCG(seed, 2))
		in := secretStatement(r)
		in = in[:len(in)-r.IntN(len(in))/(1+r.IntN(20))] // often cut short
		out := Redact([]byte(in), 400)
		checkRedacted(t, in, out, 400)
		if strings.ContainsAny(out, "QZX9") {
			t.Fatalf("seed %d: %q\nshows %q", seed, in, out)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(secretStatement(rand.New(rand.NewPCG(seed, 3))), 200)
	}
	f.Fuzz(func(t *testing.T, in string, limit int) {
		limit &= 1023
		checkRedacted(t, in, Redact([]byte(in), limit), limit)
		// Whatever a string holds, behind VALUES nothing of it is shown.
		body := strings.NewReplacer("'", "''", `\`, `\\`).Replace(in)
		out := Redact([]byte("INSERT INTO t VALUES (0,'"+body+"','zyzzyva')"), 1000)
		if strings.Trim(strings.TrimPrefix(out, "INSERT INTO t VALUES (?,"), "?,)…") != "" {
			t.Fatalf("%q shows %q", in, out)
		}
	})
}
