package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "0123456789abcdef0123456789abcdef"

// texts is a Source of texts, by their paths.
type texts map[string]string

type text struct{ *strings.Reader }

func (t text) Close() error    { return nil }
func (t text) Position() int64 { return 0 }

func (s texts) Open(_ context.Context, o plan.Object) (source.Stream, error) {
	return text{strings.NewReader(s[o.Location.Path])}, nil
}

// order orders masks for dumps, named 0, 1, …
func order(m *spec.Mask, dumps ...string) Options {
	o := Options{Source: texts{}, Mask: m, Key: []byte(testKey), Restore: spec.Restore{System: spec.SystemAuto}, Workers: 3}
	for i, d := range dumps {
		name := fmt.Sprint(i)
		o.Source.(texts)[name] = d
		o.Objects = append(o.Objects, plan.Object{Dump: i, Location: spec.Location{Kind: spec.KindContext, Path: name}, Size: -1})
	}
	return o
}

// warnings collects warnings.
type warnings struct {
	mu   sync.Mutex
	list []string
}

func (w *warnings) sink(e event.Event) {
	if e, ok := e.(event.Warning); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.list = append(w.list, e.Text)
	}
}

func mustRun(t *testing.T, o Options) (string, *Result, []string) {
	t.Helper()
	var out bytes.Buffer
	var w warnings
	r, err := Run(t.Context(), o, &out, w.sink)
	if err != nil {
		t.Fatal(err)
	}
	if r.Bytes != int64(out.Len()) {
		t.Errorf("%d bytes are said to be written, %d are", r.Bytes, out.Len())
	}
	return out.String(), r, w.list
}

// masks makes a mask section of patterns and names of transforms.
func masks(rules ...string) *spec.Mask {
	m := &spec.Mask{Key: &spec.Secret{Secret: "k"}}
	for i := 0; i < len(rules); i += 2 {
		m.Columns = append(m.Columns, spec.MaskColumn{Pattern: rules[i], Transform: map[string]any{rules[i+1]: map[string]any{}}})
	}
	return m
}

const head = "-- MySQL dump 10.13  Distrib 8.4.6, for Linux (x86_64)\n--\n-- Host: localhost    Database: app\n-- ------------------------------------------------------\n-- Server version\t8.4.6\n\n" +
	"/*!40101 SET NAMES utf8mb4 */;\n/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;\n\n"

const users = "DROP TABLE IF EXISTS `users`;\nCREATE TABLE `users` (\n  `id` int NOT NULL,\n  `email` varchar(100) DEFAULT NULL,\n  `n` int,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `e` (`email`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
	"LOCK TABLES `users` WRITE;\n/*!40000 ALTER TABLE `users` DISABLE KEYS */;\nINSERT INTO `users` VALUES (1,'canary-1@real.org',5),\n(2,NULL,6),(3,'it''s;\\'me@real.org',7);\n/*!40000 ALTER TABLE `users` ENABLE KEYS */;\nUNLOCK TABLES;\n"

const other = "CREATE TABLE `plain` (`id` int, `t` text) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\nINSERT  INTO `plain` VALUES (1,'a;b'),(2,0x00FF);\nREPLACE INTO plain (id) VALUES (3) ;\n"

const program = "DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER `x` BEFORE INSERT ON `users` FOR EACH ROW BEGIN\n  -- a comment; with a semicolon\n  SET NEW.n = 1; SET @a = 'b;;c';\nEND */;;\nDELIMITER ;\n"

const foot = "\n/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;\n\n-- Dump completed on 2026-11-21 17:00:00\n"

const whole = head + users + other + program + foot

// Everything but rows of masked tables passes byte for byte.
func TestRunKeepsEverythingElse(t *testing.T) {
	t.Parallel()
	got, r, warned := mustRun(t, order(masks("app.users.email", "email"), whole))
	from, to := strings.Index(got, "(1,"), strings.Index(got, "(2,NULL")
	at := strings.Index(whole, "(1,")
	if from != at || !strings.HasSuffix(got[from:to], "@example.com',5),\n") || strings.Contains(got, "real.org") {
		t.Fatalf("got\n%s", got)
	}
	clean := func(s string) string {
		var lines []string
		for _, l := range strings.SplitAfter(s, "\n") {
			if !strings.Contains(l, "(1,'") && !strings.Contains(l, "(2,NULL") || strings.Contains(l, "plain") {
				lines = append(lines, l)
			}
		}
		return strings.Join(lines, "")
	}
	if diff := cmp.Diff(clean(whole), clean(got)); diff != "" {
		t.Errorf("the rest (-want +got):\n%s", diff)
	}
	want := []Table{{Schema: "app", Name: "plain"}, {Schema: "app", Name: "users", Rows: 3, Masked: 2, Cells: map[string]int64{"email": 2}}}
	if diff := cmp.Diff(want, r.Tables); diff != "" || r.Rows != 3 || r.Masked != 2 {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if len(warned) > 0 {
		t.Errorf("warned: %q", warned)
	}
	again, _, _ := mustRun(t, order(masks("app.users.email", "email"), whole))
	if again != got {
		t.Error("the same dump gives other bytes")
	}
}

// Without masks and rules the dump comes out as it goes in, however its statements
// and reads are cut.
func TestRunWithoutRulesKeepsTheDump(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../dump/testdata/*/in.sql")
	if err != nil {
		t.Fatal(err)
	}
	inputs := []string{whole, "", "SELECT 1", strings.TrimSpace(whole), strings.ReplaceAll(whole, "\n", "\r\n"), "\xEF\xBB\xBF" + whole}
	inputs = append(inputs, whole+strings.Repeat("INSERT INTO plain VALUES (9,'"+strings.Repeat("x", 1000)+"');\n", 5000)+foot)
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, string(content), "USE app\n"+string(content))
	}
	failed := 0
	for i, in := range inputs {
		o := order(nil, in)
		o.Restore.System = spec.SystemKeep
		var out bytes.Buffer
		if _, err := Run(t.Context(), o, &out, event.Discard); err != nil {
			failed++ // those that are no whole dumps
			continue
		}
		if out.String() != in && !strings.Contains(in, "CHANGE MASTER") { // which goes
			t.Errorf("input %d: %d bytes go in, %d come out", i, len(in), out.Len())
		}
	}
	if failed > len(inputs)/2 {
		t.Errorf("%d of %d inputs fail", failed, len(inputs))
	}
}

func TestRunPicks(t *testing.T) {
	t.Parallel()
	dump := head + "CREATE DATABASE `app`;\nUSE `app`;\n" + users + "CREATE DATABASE `log`;\nUSE `log`;\n" + other +
		"USE mysql;\nINSERT INTO user VALUES ('root','hash');\nUSE `app`;\n" + other + program + foot
	o := order(masks("app.users.email", "null"), dump)
	o.Restore.Databases = &spec.Selection{Include: []string{"app"}}
	o.Restore.Tables = []spec.TableRule{{Match: "app.plain", Rows: spec.RowsNone}, {Match: "app.users", Where: "n > 5 AND email IS NOT NULL"}}
	got, r, warned := mustRun(t, o)
	want := head + "CREATE DATABASE `app`;\nUSE `app`;\n" + strings.Replace(strings.Replace(users, "(1,'canary-1@real.org',5),\n(2,NULL,6),", "", 1), "'it''s;\\'me@real.org'", "NULL", 1) +
		"USE mysql;\nUSE `app`;\n" + strings.Split(other, "\n")[0] + "\n\n\n" + program + foot
	if diff := cmp.Diff(strings.ReplaceAll(want, "\n", ""), strings.ReplaceAll(got, "\n", "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Rows != 3 || r.Dropped != 2 || r.Masked != 1 || len(warned) != 1 || !strings.Contains(warned[0], "system tables") {
		t.Errorf("got %+v, warned %q", r, warned)
	}
	// A statement without rows is none.
	o.Restore.Tables = []spec.TableRule{{Match: "app.users", Where: "n > 100"}}
	if got, _, _ := mustRun(t, o); strings.Contains(got, "INTO `users`") || !strings.Contains(got, "ENABLE KEYS") {
		t.Errorf("got\n%s", got)
	}
}

func TestRunJoinsDumps(t *testing.T) {
	t.Parallel()
	definitions := strings.Replace(users, "INSERT INTO `users` VALUES (1,'canary-1@real.org',5),\n(2,NULL,6),(3,'it''s;\\'me@real.org',7);\n", "", 1)
	o := order(masks("app.users.email", "email"), "SET NAMES utf8mb4;\n"+definitions+"DELIMITER //\nSELECT 1// SELECT 2", "INSERT INTO users VALUES (4,'canary-4@real.org',1)", other)
	o.Restore.Database = "app"
	got, r, _ := mustRun(t, o)
	if r.Rows != 1 || r.Masked != 1 || strings.Contains(got, "real.org") {
		t.Errorf("got %+v\n%s", r, got)
	}
	for _, want := range []string{"SELECT 2\n//\nDELIMITER ;\n", "CREATE DATABASE IF NOT EXISTS `app`;\nUSE `app`;\nINSERT INTO users", "@example.com',1)\n;\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestRunKeepsASubset(t *testing.T) {
	t.Parallel()
	dump := head + "CREATE TABLE orders (id int PRIMARY KEY, u int, KEY (u), CONSTRAINT c FOREIGN KEY (u) REFERENCES users (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\nINSERT INTO orders VALUES (1,1),(2,3),(3,3);\n" + users + foot
	o := order(masks("app.users.email", "email"), dump)
	o.Restore.Subset = &spec.Subset{Roots: []spec.TableRule{{Match: "app.users", Where: "n = 7"}}, Follow: spec.FollowChildren, Others: spec.OthersAll}
	o.TempDir = t.TempDir()
	got, r, _ := mustRun(t, o)
	if !strings.Contains(got, "orders VALUES (2,3),(3,3);") || strings.Contains(got, "canary") || r.Dropped != 3 || r.Rows != 6 {
		t.Errorf("got %+v\n%s", r, got)
	}
	if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

// fill is a function that puts a value where nobody looks.
const fill = "DELIMITER //\nCREATE FUNCTION `fill`(i int) RETURNS int BEGIN UPDATE users SET email='canary@real.org'; RETURN i; END//\nDELIMITER ;\nSELECT COUNT(*), fill FROM plain;\n"

// Rows without a list of columns belong to those that the table has by then.
func TestRunFollowsAlteredTables(t *testing.T) {
	t.Parallel()
	empty := strings.Split(users, "LOCK")[0]
	for alter, row := range map[string]string{
		"ADD COLUMN x int AFTER id":             "(1,2,'canary@real.org',3)",
		"ADD COLUMN x int FIRST, DROP COLUMN n": "(1,2,'canary@real.org')",
		"MODIFY email varchar(100) AFTER n":     "(1,2,'canary@real.org')",
		"RENAME COLUMN email TO e, RENAME COLUMN n TO email, RENAME COLUMN e TO n, MODIFY email varchar(99)": "(1,2,'canary@real.org')",
	} {
		got, r, _ := mustRun(t, order(masks("app.users.email", "email"), head+empty+"ALTER TABLE users "+alter+";\nINSERT INTO users VALUES "+row+";\n"+foot))
		if strings.Contains(got, "canary") || r.Masked != 1 {
			t.Errorf("%s:\n%s", alter, got)
		}
	}
}

func TestRunFollowsDeclaredForeignKeys(t *testing.T) {
	t.Parallel()
	dump := strings.Replace(strings.Replace(whole, "`t` text", "`t` varchar(100)", 1), "REPLACE INTO plain (id) VALUES (3) ;", "", 1)
	o := order(masks("app.users.email", "email"), strings.Replace(dump, "'a;b'", "'canary-1@real.org'", 1))
	o.Restore.Subset = &spec.Subset{
		Roots: []spec.TableRule{{Match: "app.users", Rows: spec.RowsAll}}, Follow: spec.FollowChildren, Others: spec.OthersAll,
		ForeignKeys: []spec.ForeignKey{{From: spec.Columns{"app.plain.t"}, To: spec.Columns{"app.users.email"}}},
	}
	o.TempDir = t.TempDir()
	got, _, _ := mustRun(t, o)
	mask := regexp.MustCompile(`\(1,'([^']*@example\.com)',5\)`).FindStringSubmatch(got)
	if len(mask) < 2 || !strings.Contains(got, "(1,'"+mask[1]+"')") || strings.Contains(got, "canary") {
		t.Errorf("got\n%s", got)
	}
}

// Foreign keys that come behind the rows come too late, unless there is a rule.
func TestRunRefusesForeignKeysThatComeLate(t *testing.T) {
	t.Parallel()
	dump := head + strings.Replace(other, "`t` text", "`t` varchar(100)", 1) + users +
		"ALTER TABLE users ADD CONSTRAINT x FOREIGN KEY (n) REFERENCES plain (id);\n" +
		"ALTER TABLE plain ADD CONSTRAINT y FOREIGN KEY (t) REFERENCES users (email);\n" + foot
	_, err := Run(t.Context(), order(masks("app.users.email", "email"), dump), io.Discard, event.Discard)
	if err == nil || !strings.Contains(err.Error(), "mask app.plain.t: the dump says only behind its rows") {
		t.Errorf("got %v", err)
	}
	mustRun(t, order(masks("app.users.email", "email", "app.plain.t", "email"), dump))
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	email := masks("app.users.email", "email")
	for name, c := range map[string]struct {
		options Options
		path    string
		want    string
	}{
		"unknown table": {order(email, head+"INSERT INTO `users` VALUES (1,'canary@real.org',5);\n"+foot), "dump[0]", "line 10, byte 278, insert app.users): the dump has no CREATE TABLE"},
		"no values":     {order(email, head+users+"INSERT INTO users SELECT 9,'canary@real.org',1;\n"+foot), "dump[0]", "not plain lists of values"},
		"an expression": {order(email, head+users+"INSERT INTO users VALUES (9,CONCAT('canary','@real.org'),1);\n"+foot), "dump[0]", "not a literal"},
		"behind rows":   {order(email, head+users+"INSERT INTO users VALUES (9,'x@real.org',1) ON DUPLICATE KEY UPDATE email='canary@real.org';\n"+foot), "dump[0]", "something stands behind the rows"},
		"update":        {order(email, head+users+"UPDATE users SET email='canary@real.org';\n"+foot), "dump[0]", "past the mask"},
		"create select": {order(email, head+users+"CREATE TABLE users2 (email varchar(50)) SELECT 'canary@real.org' AS email;\n"+foot), "dump[0]", "past the mask"},
		"create values": {order(email, head+users+"CREATE TABLE users2 (`row` int, email varchar(50)) VALUES ROW(1,'canary@real.org');\n"+foot), "dump[0]", "past the mask"},
		"create table":  {order(email, head+users+other+"CREATE TABLE users2 TABLE plain;\n"+foot), "dump[0]", "past the mask"},
		"create rows":   {order(email, head+users+"CREATE TABLE users2 AS VALUES ('canary@real.org');\n"+foot), "dump[0]", "past the mask"},
		"block":         {order(email, head+users+"DELIMITER //\nBEGIN UPDATE users SET email='canary@real.org'; END//\nDELIMITER ;\n"+foot), "dump[0]", "past the mask"},
		"function":      {order(email, head+users+fill+"SELECT 1, `Fill` (2);\n"+foot), "dump[0]", "past the mask"},
		"set function":  {order(email, head+users+fill+"SET @a = app.fill(1);\n"+foot), "dump[0]", "past the mask"},
		"two tables":    {order(email, head+users+"CREATE TABLE IF NOT EXISTS users (email varchar(100), id int, n int);\nINSERT INTO users VALUES ('canary@real.org',1,2);\n"+foot), "dump[0]", "no CREATE TABLE"},
		"renamed":       {order(email, head+strings.Split(users, "LOCK")[0]+"ALTER TABLE users RENAME people;\nINSERT INTO people VALUES (1,'canary@real.org',2);\n"+foot), "dump[0]", "no CREATE TABLE"},
		"call":          {order(email, head+users+"CALL fill('canary@real.org');\n"+foot), "dump[0]", "past the mask"},
		"load data":     {order(email, head+users+"LOAD DATA INFILE 'canary@real.org' INTO TABLE users;\n"+foot), "dump[0]", "not part of the dump"},
		"cut":           {order(email, head+users), "dump[0]", "not complete"},
		"no such rule":  {order(masks("app.users.email", "email", "app.users.mail", "email"), whole), "mask.columns.app.users.mail", "no column"},
		"sql":           {order(&spec.Mask{Columns: spec.MaskColumns{{Pattern: "app.users.email", Transform: map[string]any{"sql": "UPPER(email)"}}}}, whole), "mask.columns.app.users.email.sql", "server"},
		"scripts":       {order(&spec.Mask{SQL: []string{"m.sql"}}, whole), "mask.sql", "server"},
		"no fit":        {order(masks("app.users.n", "email"), whole), "dump[0]", "app.users.n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Run(t.Context(), c.options, io.Discard, event.Discard)
			var e *Error
			if !errors.As(err, &e) || e.Path != c.path || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %s: … %s", err, c.path, c.want)
			}
		})
	}
	o := order(email, whole)
	o.Objects[0].File = "app@users.sql"
	if _, err := Run(t.Context(), o, io.Discard, event.Discard); err == nil || !strings.Contains(err.Error(), "dump folder") {
		t.Errorf("a folder: %v", err)
	}
}

func TestRunRequiresDecisions(t *testing.T) {
	t.Parallel()
	m := masks("app.plain.t", "keep")
	m.Policy = &spec.MaskPolicy{RequireDecision: true}
	_, err := Run(t.Context(), order(m, whole), io.Discard, event.Discard)
	var e *Error
	if !errors.As(err, &e) || e.Path != "mask.policy" || !strings.Contains(err.Error(), "app.users.email (by its name: email addresses)") {
		t.Errorf("got %v", err)
	}
	m.Columns[0].Pattern = "app.users.email"
	dump := strings.Replace(whole, "'a;b'", "'jo@canary.org'", 1)
	var out bytes.Buffer
	_, err = Run(t.Context(), order(m, dump+strings.Repeat("SELECT 1;\n", 1000)+foot), &out, event.Discard)
	if err == nil || !strings.Contains(err.Error(), "app.plain.t (1 of 2 values look like email addresses)") {
		t.Errorf("got %v", err)
	}
	if out.Len() == 0 || strings.Count(out.String(), "-- Dump completed") > 1 {
		t.Errorf("what nobody should use looks complete:\n%s", out.String())
	}
	if _, err = Run(t.Context(), order(m, whole), io.Discard, event.Discard); err != nil {
		t.Error(err)
	}
}

// What passes and may hold values is said or left out.
func TestRunReportsDefinitions(t *testing.T) {
	t.Parallel()
	dump := strings.Replace(whole, "`email` varchar(100) DEFAULT NULL", "`email` varchar(100) DEFAULT NULL COMMENT 'such as canary@real.org'", 1)
	dump = strings.Replace(dump, foot, "-- INSERT INTO `users` VALUES (9,'canary-9@real.org',1);\nDELIMITER ;\n"+foot, 1)
	got, _, warned := mustRun(t, order(masks("app.users.email", "email"), dump))
	if len(warned) != 2 || !strings.Contains(warned[0], "1 comments") || !strings.Contains(warned[1], "create table users: email addresses") || strings.Contains(fmt.Sprint(warned), "canary") {
		t.Errorf("warned %q", warned)
	}
	if strings.Contains(got, "canary-9") || !strings.Contains(got, "canary@") {
		t.Errorf("got\n%s", got)
	}
}

// failing fails after some bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("the disk is full")
	}
	return len(p), nil
}

func TestRunEndsWhenItCannotWrite(t *testing.T) {
	t.Parallel()
	dump := whole + strings.Repeat("INSERT INTO users VALUES (9,'"+strings.Repeat("x", 5)+"@real.org',1);\n", 20000) + foot
	if _, err := Run(t.Context(), order(masks("app.users.email", "email"), dump), &failing{1 << 20}, event.Discard); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped"))
	if _, err := Run(ctx, order(masks("app.users.email", "email"), dump), io.Discard, event.Discard); err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("got %v", err)
	}
}

// The result depends neither on how many goroutines work nor on how the rows are
// spread over statements.
func TestRunGivesTheSameWhateverTheSpread(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		definition := "CREATE TABLE users (id int, email varchar(80)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n"
		count := rapid.IntRange(1, 400).Draw(t, "rows")
		var dumps [2]strings.Builder
		for i := range dumps {
			dumps[i].WriteString(head + definition)
			for row := 0; row < count; {
				n := rapid.IntRange(1, 50).Draw(t, "in a statement")
				var list []string
				for ; n > 0 && row < count; n, row = n-1, row+1 {
					list = append(list, fmt.Sprintf("(%d,'user%d@real.org')", row, row%7))
				}
				dumps[i].WriteString("INSERT INTO users VALUES " + strings.Join(list, ",") + ";\n")
			}
			dumps[i].WriteString(foot)
		}
		var got [3]string
		for i := range got {
			o := order(masks("app.users.email", "email"), dumps[i/2].String())
			o.Workers = 1 + 3*(i%2)
			o.Restore.Tables = []spec.TableRule{{Match: "app.users", Where: "id % 3 <> 1"}}
			var out bytes.Buffer
			r, err := Run(context.Background(), o, &out, event.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if want := int64(count); r.Rows != want || r.Masked != want-r.Dropped {
				t.Fatalf("%d rows: %+v", count, r)
			}
			got[i] = out.String()
		}
		rows := func(s string) []string { return regexp.MustCompile(`\(\d+,'[^']*'\)`).FindAllString(s, -1) }
		if got[0] != got[1] || !slices.Equal(rows(got[0]), rows(got[2])) || strings.Contains(got[0], "real") {
			t.Fatal("the results differ")
		}
	})
}
