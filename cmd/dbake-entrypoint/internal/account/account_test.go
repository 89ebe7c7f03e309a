package account

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadTakesWhatTheOfficialImagesTake(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := file("secret", "from file\n")
	nul := file("nul", "a\x00b")
	empty := file("empty", "\n")
	for _, c := range []struct {
		name    string
		env     []string
		mariadb bool
		want    func(Wish) bool
		err     string
	}{
		{"nothing", []string{"PATH=/bin"}, false, Wish.Empty, ""},
		{"empty is nothing", []string{"MYSQL_ROOT_PASSWORD=", "MYSQL_DATABASE="}, false, Wish.Empty, ""},
		{"root", []string{"MYSQL_ROOT_PASSWORD=a=b"}, false, func(w Wish) bool { return w.Root.Text == "a=b" && w.RootHost == "%" }, ""},
		{"root host", []string{"MYSQL_ROOT_PASSWORD=x", "MYSQL_ROOT_HOST=10.%"}, false, func(w Wish) bool { return w.RootHost == "10.%" }, ""},
		{"file", []string{"MYSQL_ROOT_PASSWORD_FILE=" + secret}, false, func(w Wish) bool { return w.Root.Text == "from file" }, ""},
		{"own prefix wins", []string{"MYSQL_DATABASE=a", "MARIADB_DATABASE=b"}, true, func(w Wish) bool { return w.Database == "b" }, ""},
		{"own prefix wins on mysql", []string{"MYSQL_DATABASE=a", "MARIADB_DATABASE=b"}, false, func(w Wish) bool { return w.Database == "a" }, ""},
		{"twin", []string{"MARIADB_ROOT_PASSWORD=a"}, false, func(w Wish) bool { return w.Root.Text == "a" }, ""},
		{"hash", []string{"MARIADB_ROOT_PASSWORD_HASH=*AB"}, true, func(w Wish) bool { return w.Root.Hash && w.Root.Text == "*AB" }, ""},
		{"user", []string{"MYSQL_USER=u", "MYSQL_PASSWORD=p"}, false, func(w Wish) bool { return w.User == "u" && w.UserPassword.Text == "p" }, ""},
		{"user without password", []string{"MYSQL_USER=u"}, false, func(w Wish) bool { return w.Empty() && len(w.Warnings) == 1 }, ""},
		{"password without user", []string{"MYSQL_PASSWORD=u"}, false, func(w Wish) bool { return w.Empty() && len(w.Warnings) == 1 }, ""},
		{"empty password", []string{"MYSQL_ALLOW_EMPTY_PASSWORD=1"}, false, func(w Wish) bool { return w.Root != nil && w.Root.Text == "" }, ""},
		{"empty password on mariadb", []string{"MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1"}, true, func(w Wish) bool { return w.Root != nil && w.Root.Text == "" }, ""},
		{"a password beats allowing none", []string{"MYSQL_ALLOW_EMPTY_PASSWORD=1", "MYSQL_ROOT_PASSWORD=x"}, false, func(w Wish) bool { return w.Root.Text == "x" }, ""},
		{"random", []string{"MYSQL_RANDOM_ROOT_PASSWORD=1"}, false, func(w Wish) bool { return len(w.Generated) == 30 && w.Root.Text == w.Generated }, ""},
		{"root host alone", []string{"MYSQL_ROOT_HOST=%"}, false, func(w Wish) bool { return w.Empty() && len(w.Warnings) == 1 }, ""},

		{"both", []string{"MYSQL_PASSWORD=x", "MYSQL_PASSWORD_FILE=" + secret}, false, nil, "both MYSQL_PASSWORD and MYSQL_PASSWORD_FILE"},
		{"missing file", []string{"MYSQL_PASSWORD_FILE=" + dir + "/none"}, false, nil, "MYSQL_PASSWORD_FILE: open"},
		{"empty file", []string{"MYSQL_PASSWORD_FILE=" + empty}, false, nil, "is empty"},
		{"NUL", []string{"MYSQL_ROOT_PASSWORD_FILE=" + nul}, false, nil, "NUL byte"},
		{"not UTF-8", []string{"MYSQL_ROOT_PASSWORD=\xff"}, false, nil, "UTF-8"},
		{"user root", []string{"MYSQL_USER=root", "MYSQL_PASSWORD=x"}, false, nil, "MYSQL_ROOT_PASSWORD"},
		{"hash on mysql", []string{"MARIADB_ROOT_PASSWORD_HASH=*A"}, false, nil, "MariaDB only"},
		{"hash and password", []string{"MARIADB_PASSWORD_HASH=*A", "MARIADB_PASSWORD=x"}, true, nil, "both"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := Read(c.env, c.mariadb)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %v, want an error with %q", err, c.err)
				}
				return
			}
			if err != nil || !c.want(w) {
				t.Fatalf("got %+v, %v", w, err)
			}
		})
	}
}

func TestScript(t *testing.T) {
	w := Wish{
		Root: &Secret{Text: "a'b\\c\nd\"é"}, RootHost: "%", Database: "my_`db",
		User: "u'", UserPassword: Secret{Text: "*H", Hash: true},
	}
	s := w.Script("tmp", []byte("SELECT 'mine'"))
	text := string(s.Text)
	for _, want := range []string{
		"CREATE DATABASE IF NOT EXISTS `my_``db`;\n",
		`CREATE USER IF NOT EXISTS 'root'@'localhost' IDENTIFIED BY 'a\'b\\c\nd\"é';` + "\n",
		`ALTER USER 'root'@'%' IDENTIFIED BY 'a\'b\\c\nd\"é';` + "\n",
		"GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;\n",
		`ALTER USER 'u\''@'%' IDENTIFIED BY PASSWORD '*H';` + "\n",
		"GRANT ALL ON `my\\_``db`.* TO 'u\\''@'%';\n",
		"ALTER USER 'dbake_init'@'localhost' IDENTIFIED BY 'tmp';\n",
	} {
		if i := strings.Index(text, want); i < 0 || i > s.Needed {
			t.Errorf("needed statements lack %q", want)
		}
	}
	if !strings.HasSuffix(text, "SELECT 'mine'") {
		t.Error("the user's own script is not at the end")
	}
	if s.Ran(s.Needed) || s.Ran(s.Needed+4096) || !s.Ran(len(text)) {
		t.Error("Ran does not tell a script that stopped from one that ran")
	}
	only := Wish{Root: &Secret{}, RootHost: "localhost"}.Script("", nil)
	if n := strings.Count(string(only.Text), "ALTER USER"); n != 1 {
		t.Errorf("root's only host is localhost, but %d accounts are altered", n)
	}
}

func TestNoPasswordReachesTheServersEnvironment(t *testing.T) {
	env := []string{
		"PATH=/bin", "MYSQL_ROOT_PASSWORD=x", "MARIADB_PASSWORD_FILE=/y", "MYSQL_PASSWORD_HASH=z",
		"MYSQL_USER=u", "MYSQL_HOME=/etc",
	}
	if got := Without(env); !slices.Equal(got, []string{"PATH=/bin", "MYSQL_HOME=/etc"}) {
		t.Errorf("got %q", got)
	}
}

func TestScriptsSeeThePasswordThatCameFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	if err := os.WriteFile(path, []byte("x y"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"A=b", "MYSQL_ROOT_PASSWORD_FILE=" + path, "MYSQL_DATABASE=d"}
	w, err := Read(env, true)
	if err != nil {
		t.Fatal(err)
	}
	got := w.Environ(env, true)
	for _, want := range []string{"A=b", "MYSQL_ROOT_PASSWORD=x y", "MARIADB_ROOT_PASSWORD=x y", "MARIADB_DATABASE=d"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
