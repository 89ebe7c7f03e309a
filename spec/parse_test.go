package spec_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/dbake/dbake/spec"
)

// header is a file that is complete but for its dump.
const header = "version: 1\nbase: mysql:8.4\n"

func parse(t *testing.T, text string) *spec.File {
	t.Helper()
	f, err := spec.Parse("dbake.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParseFillsInDefaults(t *testing.T) {
	t.Parallel()
	got := parse(t, header+`dump: s3://acme-backup/nightly/
accounts:
  root: {password: {secret: root_password}}
  users: [{name: app}]
`)
	want := &spec.File{
		Version: 1,
		Base:    "mysql:8.4",
		Dump: spec.Dumps{{
			From: "s3://acme-backup/nightly/", Pick: spec.PickNewest,
			Location: spec.Location{Kind: spec.KindS3Prefix, Bucket: "acme-backup", Key: "nightly/"},
		}},
		DataDir: "/data/mysql",
		Restore: spec.Restore{System: spec.SystemAuto, Definer: spec.DefinerKeep, OnError: spec.OnErrorFail},
		Accounts: spec.Accounts{
			Root:  &spec.Root{Host: "localhost", Password: &spec.Secret{Secret: "root_password"}},
			Users: []spec.User{{Name: "app", Host: "%"}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(spec.File{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseReadsEveryKey(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/good/all-keys.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := parseWith(t, string(data), argsOf(data))
	want := &spec.File{
		Version: 1,
		Base:    "registry.example:5000/team/mysql:8.4",
		Dump: spec.Dumps{
			{From: "s3://acme-backup/mysql/mysql.sql.gz?versionId=3HL4kqtJ", Location: spec.Location{
				Kind: spec.KindS3Object, Bucket: "acme-backup", Key: "mysql/mysql.sql.gz", VersionID: "3HL4kqtJ",
			}},
			{From: "s3://acme-backup/nightly/", Pick: spec.PickAll, Location: spec.Location{
				Kind: spec.KindS3Prefix, Bucket: "acme-backup", Key: "nightly/",
			}},
			{From: "s3://acme-backup", Pick: spec.PickNewest, Location: spec.Location{
				Kind: spec.KindS3Prefix, Bucket: "acme-backup",
			}},
			{From: "s3://acme-backup/shell/", Pick: spec.PickFolder, Location: spec.Location{
				Kind: spec.KindS3Prefix, Bucket: "acme-backup", Key: "shell/",
			}},
			{From: "./mydumper/", Location: spec.Location{Kind: spec.KindContextFolder, Path: "mydumper"}},
			{From: "https://dumps.example/app.sql.zst", Location: spec.Location{
				Kind: spec.KindHTTPS, URL: "https://dumps.example/app.sql.zst",
			}},
			{From: "http://localhost:9000/app.sql", Location: spec.Location{
				Kind: spec.KindHTTPS, URL: "http://localhost:9000/app.sql",
			}},
			{From: "./dumps/extra.sql", Location: spec.Location{Kind: spec.KindContext, Path: "dumps/extra.sql"}},
		},
		DataDir: "/data/app",
		Restore: spec.Restore{
			Database: "app", System: spec.SystemKeep, Definer: spec.DefinerKeep, OnError: spec.OnErrorContinue,
		},
		Accounts: spec.Accounts{
			Root: &spec.Root{Host: "%", Password: &spec.Secret{Secret: "root_password"}},
			Users: []spec.User{
				{
					Name: "app", Host: "%", Password: &spec.Secret{Secret: "app_password"},
					Grants: []string{"ALL ON app.*", "SELECT ON stats.*"},
				},
				{Name: "app", Host: "10.0.0.%"},
			},
		},
		Server: spec.Settings{
			{Name: "max_allowed_packet", Value: "64M"},
			{Name: "skip-name-resolve", Value: "ON"},
			{Name: "innodb_buffer_pool_size", Value: "268435456"},
			{Name: "long_query_time", Value: "0.5"},
			{Name: "sql_mode", Value: ""},
			{Name: "event_scheduler", Value: "false"},
			{Name: "loose_validate_password.policy", Value: "LOW"},
		},
		After: []string{"post-restore.sql", "sql/b.sql"},
		Verify: []string{
			"SELECT COUNT(*) > 0 FROM app.users",
			"SELECT '${NOT_AN_ARG}' <> 'fallback'\n  AND 1\n",
		},
		Image: spec.Image{Labels: map[string]string{"team": "data", "empty": ""}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(spec.File{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"app_password", "root_password"}, got.Secrets()); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	files := []string{"dumps/extra.sql", "mydumper", "post-restore.sql", "sql/b.sql"}
	if diff := cmp.Diff(files, got.ContextFiles()); diff != "" {
		t.Errorf("context files (-want +got):\n%s", diff)
	}
}

func parseWith(t *testing.T, text string, args map[string]string) *spec.File {
	t.Helper()
	f, err := spec.Parse("dbake.yaml", []byte(text), args)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestMergeKeysAndAnchors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/good/anchors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	password := &spec.Secret{Secret: "app_password"}
	want := []spec.User{
		{Name: "app", Host: "%", Password: password, Grants: []string{"ALL ON app.*"}},
		{Name: "reporting", Host: "%", Password: password, Grants: []string{"SELECT ON app.*"}},
		{Name: "admin", Host: "%", Password: password},
	}
	if diff := cmp.Diff(want, parse(t, string(data)).Accounts.Users); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	f := parse(t, `version: 1
base: mysql:8.4
dump: {from: a.sql}
accounts:
  users:
    - name: app
    - name: reader
      password: {secret: reader}
verify:
  - SELECT 1
  - |
    SELECT COUNT(*)
      FROM app.users

after: [
  a.sql,
  b.sql,
]
`)
	at := func(line, column, endLine int) spec.Position {
		return spec.Position{Line: line, Column: column, EndLine: endLine}
	}
	for path, want := range map[string]spec.Position{
		"":                                  at(1, 1, 18),
		"base":                              at(2, 7, 2),
		"dump":                              at(3, 7, 3),
		"dump[0]":                           at(3, 7, 3),
		"dump[0].from":                      at(3, 14, 3),
		"dump[0].pick":                      at(3, 7, 3),
		"accounts":                          at(4, 1, 8),
		"accounts.users":                    at(5, 3, 8),
		"accounts.users[1]":                 at(7, 7, 8),
		"accounts.users[1].password":        at(8, 17, 8),
		"accounts.users[1].password.secret": at(8, 26, 8),
		"accounts.users[0].password":        at(6, 7, 6),
		"verify[0]":                         at(10, 5, 10),
		"verify[1]":                         at(11, 5, 13),
		"after":                             at(15, 8, 18),
		"after[1]":                          at(17, 3, 17),
		"image.labels":                      at(1, 1, 18),
	} {
		if got := f.Position(path); got != want {
			t.Errorf("Position(%q) = %v, want %v", path, got, want)
		}
	}
	list := parse(t, header+"dump:\n- a.sql\n- b.sql\n")
	if got := list.Position("dump[1]"); got != at(5, 3, 5) {
		t.Errorf("Position(dump[1]) of a list = %v", got)
	}
	if got := new(spec.File).Position("dump[0]"); got != at(1, 1, 1) {
		t.Errorf("Position of a File that was not parsed = %v", got)
	}
}

func TestParseRefusesWhatIsNoText(t *testing.T) {
	t.Parallel()
	good := header + "dump: a.sql\n"
	for _, c := range []struct {
		name, text string
		line, col  int
		msg        string
	}{
		{"nothing", "", 1, 1, "the file is empty"},
		{"null", "~\n", 1, 1, "the file is empty"},
		{"latin1", good + "# caf\xe9\n", 4, 6, "byte 0xe9 is not UTF-8 text"},
		{"UTF-16", "\xff\xfev\x00e\x00", 1, 1, "byte 0xff is not UTF-8 text"},
		{"gzip", "\x1f\x8b\x08", 1, 1, "control character 0x1f is not allowed"},
		{"NUL", good + "é: \x00\n", 4, 4, "control character 0x00 is not allowed"},
		{"old Mac", "version: 1\rbase: mysql\r", 1, 11, "carriage return"},
		{"size", good + strings.Repeat("#", 1<<20), 1, 1, "a dbake.yaml has at most 1048576"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := spec.Parse("f", []byte(c.text), nil)
			var e *spec.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Pos.Line != c.line || e.Pos.Column != c.col || !strings.Contains(e.Msg, c.msg) {
				t.Errorf("got %v; want %d:%d %s", e, c.line, c.col, c.msg)
			}
		})
	}
}

func TestParseTakesByteOrderMarkAndCRLF(t *testing.T) {
	t.Parallel()
	text := "\ufeff" + strings.ReplaceAll(header+"dump: a.sql\nverify:\n  - SELECT 1\n", "\n", "\r\n")
	f := parse(t, text)
	if got, want := f.Position("verify[0]").Line, 5; got != want || f.Verify[0] != "SELECT 1" {
		t.Errorf("verify[0] is %q on line %d, want line %d", f.Verify[0], got, want)
	}
}

// TestErrorsKeepSecrets makes sure that a password written where a secret's
// name belongs is not repeated in a log.
func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"accounts: {root: {password: hunter2}}",
		"accounts: {root: {password: {secret: 'hunter2!'}}}",
		"accounts: {root: {password: [hunter2]}}",
		"accounts: {root: hunter2}",
		"mask: {key: hunter2}",
	} {
		_, err := spec.Parse("f", []byte(header+"dump: a.sql\n"+text+"\n"), nil)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", text, err)
		}
	}
	_, err := spec.Parse("f", []byte(header+"dump: 'https://u:hunter2@h/ %zz'\n"), nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

// TestParseIsQuick runs files that are made to be slow.
func TestParseIsQuick(t *testing.T) {
	t.Parallel()
	const size = 1 << 19
	fill := func(prefix, unit string) string { return prefix + strings.Repeat(unit, size/len(unit)) }
	var keys strings.Builder
	for i := range 9_000 {
		fmt.Fprintf(&keys, "key%d: ${%d}\n", i, i)
	}
	for name, text := range map[string]string{
		"flow":       fill("dump: ", "["),
		"entries":    fill("", "- "),
		"keys":       keys.String(),
		"references": fill("dump: \"", "${A"),
		"escapes":    fill("dump: ", "$${"),
		"faults":     fill("dump: \"", "${1}"),
		"hidden":     fill("dump: \"", `\x24{1}`) + `"`,
		"anchors":    fill("dump: ", "&a "),
		"tags":       fill("dump:", "\n !a"),
		"list":       fill("verify: [", "${1},") + "]",
		"text":       fill(header+"dump: \"", "x") + "\"",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, err := spec.Parse("f", []byte(text), nil); err == nil {
				t.Log("taken")
			}
			// It takes well under a second; the limit is for loaded machines.
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestExpand checks references against a model that builds text and result
// side by side.
func TestExpand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		args := rapid.MapOf(rapid.StringMatching(`[A-C]`), rapid.StringMatching(`[a-z${}]{0,4}`)).Draw(rt, "args")
		var text, want strings.Builder
		missing := 0
		for range rapid.IntRange(0, 6).Draw(rt, "parts") {
			plain := rapid.StringMatching(`[a-z }é$]{0,3}[a-z]`).Draw(rt, "plain")
			text.WriteString(plain)
			want.WriteString(plain)
			name := rapid.StringMatching(`[A-D]`).Draw(rt, "name")
			value, ok := args[name]
			switch rapid.IntRange(0, 2).Draw(rt, "form") {
			case 0:
				text.WriteString("${" + name + "}")
				want.WriteString(value)
				if !ok {
					missing++
				}
			case 1:
				text.WriteString("${" + name + ":-dflt}")
				if value == "" {
					value = "dflt"
				}
				want.WriteString(value)
			case 2:
				text.WriteString("$${" + name + "}")
				want.WriteString("${" + name + "}")
			}
		}
		doc := header + "dump: a.sql\nverify:\n  - '1" + text.String() + "'\n"
		f, err := spec.Parse("f", []byte(doc), args)
		if missing > 0 {
			checkMissing(rt, err, missing, args, doc)
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		if got := f.Verify[0]; got != "1"+want.String() {
			rt.Fatalf("%q became %q, want %q", text.String(), got, "1"+want.String())
		}
	})
}

// checkMissing expects one error per unset reference, each pointing at it.
func checkMissing(rt *rapid.T, err error, count int, args map[string]string, doc string) {
	var list spec.ErrorList
	if !errors.As(err, &list) || len(list) != count {
		rt.Fatalf("%d references are unset; error %v", count, err)
	}
	lines := strings.Split(doc, "\n")
	for _, e := range list {
		line := []rune(lines[e.Pos.Line-1])
		ref := string(line[e.Pos.Column-1 : e.Pos.Column+3])
		if _, set := args[ref[2:3]]; ref[:2] != "${" || ref[3] != '}' || set {
			rt.Fatalf("%v points at %q", e, ref)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := spec.Parse("f", data, map[string]string{"A": "a", "TAG": "8.4"})
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v, error %v", file, err)
		}
		if err == nil {
			for _, path := range []string{"", "base", "dump[0]", "accounts.users[1].password", "a.b[3]."} {
				if p := file.Position(path); p.Line < 1 || p.Column < 1 || p.EndLine < p.Line {
					t.Errorf("Position(%q) = %+v", path, p)
				}
			}
			return
		}
		var list spec.ErrorList
		if !errors.As(err, &list) {
			t.Fatalf("error of type %T", err)
		}
		last := 1 + bytes.Count(data, []byte("\n"))
		for _, e := range list {
			if e.Pos.Line < 1 || e.Pos.Line > last || e.Pos.Column < 1 || e.Msg == "" {
				t.Errorf("error out of the file of %d lines: %v", last, e)
			}
		}
	})
}
