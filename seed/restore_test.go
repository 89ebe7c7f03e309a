package seed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbake/dbake/internal/inroot"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

func TestInRoot(t *testing.T) { inroot.Run(t, "TestRestore") }

// kitchen is one restore being prepared.
type kitchen struct {
	t      *testing.T
	dirs   Dirs
	order  plan.Restore
	events []event.Event
}

func newKitchen(t *testing.T) *kitchen {
	t.Helper()
	inroot.Skip(t)
	t.Cleanup(func() { goleak.VerifyNone(t) })
	dir, err := os.MkdirTemp("/var/tmp", "kitchen") //nolint:usetesting // the server's account must get in
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	base, err := mysqld.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k := &kitchen{t: t, order: plan.Restore{Base: base, DataDir: spec.DefaultDataDir}}
	k.dirs = Dirs{
		Context: filepath.Join(dir, "context"), Secrets: filepath.Join(dir, "secrets"),
		Out: filepath.Join(dir, "out"), Work: filepath.Join(dir, "work"),
	}
	for _, d := range []string{k.dirs.Context, k.dirs.Secrets, k.dirs.Out} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// file puts a file into the build context.
func (k *kitchen) file(name, text string) {
	k.t.Helper()
	if err := os.WriteFile(filepath.Join(k.dirs.Context, name), []byte(text), 0o644); err != nil {
		k.t.Fatal(err)
	}
}

// dump puts a dump into the build context and orders it.
func (k *kitchen) dump(name, text string) {
	k.t.Helper()
	k.file(name, text)
	k.order.Objects = append(k.order.Objects, plan.Object{
		Location: spec.Location{Kind: spec.KindContext, Path: name}, Size: -1,
	})
}

func (k *kitchen) secret(id, value string) {
	k.t.Helper()
	if err := os.WriteFile(filepath.Join(k.dirs.Secrets, id), []byte(value), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kitchen) bake() (*manifest.Manifest, error) {
	k.t.Helper()
	return Restore(k.t.Context(), k.order, k.dirs, Tuning{}, func(e event.Event) { k.events = append(k.events, e) })
}

func (k *kitchen) mustBake() *manifest.Manifest {
	k.t.Helper()
	m, err := k.bake()
	if err != nil {
		k.t.Fatal(err)
	}
	return m
}

// mustFail bakes, and wants an error with all the words and no process left.
func (k *kitchen) mustFail(words ...string) error {
	k.t.Helper()
	_, err := k.bake()
	if err == nil {
		k.t.Fatal("the bake went well")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			k.t.Errorf("the error lacks %q: %v", w, err)
		}
	}
	if _, err := os.Stat(k.dirs.Work); err == nil {
		k.t.Error("the work directory is left behind")
	}
	return err
}

// ask starts a server on the baked data and gives one value.
func (k *kitchen) ask(query string) string {
	k.t.Helper()
	s, err := mysqld.Start(k.t.Context(), mysqld.Config{
		Base: k.order.Base, DataDir: filepath.Join(k.dirs.Out, k.order.DataDir),
		WorkDir: k.workDir(), Memory: 128 << 20,
	})
	if err != nil {
		k.t.Fatal(err)
	}
	defer s.Kill()
	db, err := s.Open("")
	if err != nil {
		k.t.Fatal(err)
	}
	defer db.Close()
	var value string
	if err := db.QueryRow(query).Scan(&value); err != nil {
		k.t.Fatalf("%s: %v", query, err)
	}
	return value
}

func (k *kitchen) workDir() string {
	k.t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "ask")
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Mkdir(filepath.Join(dir, "files"), 0o755); err != nil {
		k.t.Fatal(err)
	}
	if err := os.Chown(dir, k.order.Base.UID, k.order.Base.GID); err != nil {
		k.t.Fatal(err)
	}
	return dir
}

const (
	head = "-- MySQL dump 10.13  Distrib 0.0.0, for Linux (x86_64)\n--\n-- Host: localhost    Database: app\n-- ------------------------------------------------------\n-- Server version\t0.0.0\n\n/*!40101 SET NAMES utf8mb4 */;\n"
	body = "DROP TABLE IF EXISTS `users`;\nCREATE TABLE `users` (`id` int NOT NULL AUTO_INCREMENT, `email` varchar(100) NOT NULL, PRIMARY KEY (`id`), UNIQUE KEY `email` (`email`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\nLOCK TABLES `users` WRITE;\nINSERT INTO `users` VALUES (1,'ann@example.com'),(2,'it''s \\\\ \\0 ü');\nUNLOCK TABLES;\n"
	foot = "-- Dump completed on 2026-01-01  0:00:00\n"
)

func TestRestoreDumpOfOneDatabase(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", head+body+foot)
	m := k.mustBake()
	if m.Rows != 2 || len(m.Tables) != 1 || m.Tables[0].Schema != "app" || m.Tables[0].Name != "users" || m.Tables[0].Rows != 2 {
		t.Errorf("the manifest counts %d rows in %+v", m.Rows, m.Tables)
	}
	rows := `(1,'ann@example.com'),(2,'it''s \\ \0 ü')`
	if d := sha256.Sum256([]byte(rows)); m.Tables[0].Digest != hex.EncodeToString(d[:]) || m.Tables[0].Bytes != int64(len(rows)) {
		t.Errorf("the digest is not that of the rows' text: %+v", m.Tables[0])
	}
	if len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0], "no password") {
		t.Errorf("warnings are %q, want one about root's missing password", m.Warnings)
	}
	if got := k.ask("SELECT HEX(email) FROM app.users WHERE id = 2"); got != "6974277320"+"5C2000"+"20C3BC" {
		t.Errorf("row 2 holds %s", got)
	}
}

func TestRestoreKeepsATwinOfEachFile(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", head+body+foot)
	k.mustBake()
	for _, name := range []string{"app/users.ibd", "ibdata1"} {
		a, err := os.Stat(filepath.Join(k.dirs.Out, k.order.DataDir, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.Stat(filepath.Join(k.dirs.Out, plan.PristineDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !os.SameFile(a, b) {
			t.Errorf("%s and its twin are two files: the image would be twice as large", name)
		}
	}
	text, err := os.ReadFile(filepath.Join(k.dirs.Out, plan.ManifestPath))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.Parse(text); err != nil {
		t.Error(err)
	}
}

func TestRestoreNeedsADatabase(t *testing.T) {
	k := newKitchen(t)
	k.dump("bare.sql", body)
	k.mustFail("bare.sql: statement 1", "restore.database")
	k = newKitchen(t)
	k.dump("bare.sql", body)
	k.order.Options.Database = "odd`name"
	k.mustBake()
	if got := k.ask("SELECT COUNT(*) FROM `odd``name`.users"); got != "2" {
		t.Errorf("found %s rows in the database of restore.database", got)
	}
}

func TestRestoreStopsAtAnError(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", head+body+"INSERT INTO `users` VALUES (3,'ann@example.com');\n"+foot)
	err := k.mustFail("app.sql: statement", "line 13", "insert app.users", "1062", "for key", "INSERT INTO `users` VALUES (?,?)")
	if strings.Contains(err.Error(), "ann@") {
		t.Errorf("the error shows a value: %v", err)
	}
	var st *load.StatementError
	if !errors.As(err, &st) || st.Code != 1062 || st.Offset != int64(strings.Index(head+body+"INSERT INTO `users` VALUES (3", "INSERT INTO `users` VALUES (3")) {
		t.Errorf("the error is at %+v", st)
	}
}

func TestRestoreGoesOnWhenAsked(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", head+body+"INSERT INTO `users` VALUES (3,'ann@example.com');\nINSERT INTO `users` VALUES (4,'d');\n"+foot)
	k.order.Options.OnError = spec.OnErrorContinue
	m := k.mustBake()
	if m.Skipped != 1 || m.Rows != 3 {
		t.Errorf("skipped %d statements and counted %d rows, want 1 and 3", m.Skipped, m.Rows)
	}
	if !strings.Contains(strings.Join(m.Warnings, "\n"), "left out: app.sql: statement") {
		t.Errorf("no warning about the statement left out: %q", m.Warnings)
	}
}

func TestRestoreRefusesIncompleteDumps(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no completion line": {head + body, "Dump completed"},
		"inside a string":    {(head + body)[:len(head)+300], "line"},
		"client command":     {head + "source /etc/passwd\n" + body + foot, "command of the mysql client"},
		"reads a file":       {head + body + "LOAD DATA INFILE '/etc/passwd' INTO TABLE users;\n" + foot, "reads a file"},
		"not SQL":            {"<html><body>404</body></html>", "app.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKitchen(t)
			k.dump("app.sql", c.text)
			k.mustFail(c.want)
		})
	}
}

func TestRestoreWarnsOfRowsInMemory(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", head+"CREATE TABLE m (i INT) ENGINE=MEMORY;\nINSERT INTO m VALUES (1);\n"+foot)
	if m := k.mustBake(); !strings.Contains(strings.Join(m.Warnings, "\n"), "ENGINE=MEMORY and are empty in the image, as they are after every start of a server: app.m") {
		t.Errorf("warnings are %q", m.Warnings)
	}
}

func TestRestoreAccountsScriptsAndQueries(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", head+body+foot)
	k.secret("root_password", "r'o\\ot\n")
	k.secret("app_password", "app\"pw")
	k.order.Accounts = spec.Accounts{
		Root:  &spec.Root{Password: &spec.Secret{Secret: "root_password"}},
		Users: []spec.User{{Name: "app", Password: &spec.Secret{Secret: "app_password"}, Grants: []string{"ALL ON app.*"}}},
	}
	k.file("after.sql", "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\nDELIMITER ;\nINSERT INTO users VALUES (9,'z');")
	k.order.After = []string{"after.sql"}
	k.order.Verify = []string{"SELECT COUNT(*) = 3 FROM app.users", "SELECT COUNT(*) FROM users"}
	m := k.mustBake()
	if len(m.Warnings) != 0 {
		t.Errorf("warnings: %q", m.Warnings)
	}
	if i := slices.IndexFunc(m.Tables, func(t manifest.Table) bool { return t.Name == "users" }); i < 0 || m.Tables[i].Rows != 3 {
		t.Errorf("the script's row is not counted: %+v", m.Tables)
	}
	for _, file := range []string{"mysql.ibd", "mysql/global_priv.MAD"} {
		text, err := os.ReadFile(filepath.Join(k.dirs.Out, k.order.DataDir, file))
		if err == nil && (strings.Contains(string(text), `r'o\ot`) || strings.Contains(string(text), `app"pw`)) {
			t.Errorf("%s holds a password in clear", file)
		}
	}
}

func TestRestoreNamesTheKeyAtFault(t *testing.T) {
	for path, change := range map[string]func(*kitchen){
		"verify[1]":              func(k *kitchen) { k.order.Verify = []string{"SELECT 1", "SELECT COUNT(*) > 5 FROM app.users"} },
		"accounts.root.password": func(k *kitchen) { k.order.Accounts.Root = &spec.Root{Password: &spec.Secret{Secret: "missing"}} },
		"after[0]":               func(k *kitchen) { k.file("a.sql", "SELECT 1 FROM nowhere"); k.order.After = []string{"a.sql"} },
	} {
		t.Run(path, func(t *testing.T) {
			k := newKitchen(t)
			k.dump("app.sql", head+body+foot)
			change(k)
			if f := FailureOf(k.mustFail()); f.Path != path || f.Message == "" {
				t.Errorf("the failure is %+v, want path %s", f, path)
			}
		})
	}
}

func TestRestoreEndsWithItsContext(t *testing.T) {
	k := newKitchen(t)
	k.dump("app.sql", head+body+"DO SLEEP(600);\n"+foot)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	_, err := Restore(ctx, k.order, k.dirs, Tuning{}, event.Discard)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}
