package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPlainStart(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.env = []string{"TZ=UTC"}
			c.start()
			c.until("starting", func() bool {
				out, _ := c.health()
				return out == "dbake: not ready: starting the server"
			})
			c.until("healthy", func() bool { _, err := c.health(); return err == nil })
			c.want("", "SELECT 1", "1")
			c.want("", "SELECT @@datadir", "/data/mysql/")
			status, err := os.ReadFile("/proc/" + c.serverPID() + "/status")
			must(t, err)
			if !strings.Contains(string(status), "Uid:\t999\t999\t999\t999") {
				t.Errorf("the server does not run as uid 999:\n%s", status)
			}
			// An orphan becomes PID 1's child, and must not stay as a zombie.
			if _, err := c.exec("/bin/sh", "-c", "(sleep 0.2 &) ; true"); err != nil {
				t.Error(err)
			}
			time.Sleep(500 * time.Millisecond)
			c.serverPID()
			for range 5 {
				if out, err := c.health(); err != nil {
					t.Errorf("unhealthy: %s", out)
				}
			}
			c.signal(syscall.SIGHUP) // makes servers reopen logs, not end
			time.Sleep(300 * time.Millisecond)
			if log := c.log.String(); strings.Contains(log, "Aborted connection") || strings.Contains(log, "Got an error reading") {
				t.Errorf("the health check shows in the log:\n%s", log)
			}
			c.stop()
			if lines := c.log.own(); len(lines) != 0 {
				t.Errorf("chatter: %q", lines)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.up("mysqld", "--max-connections=17")
			c.want("", "SELECT @@max_connections", "17")
			c.signal(syscall.SIGINT)
			if status := c.wait(); status != 0 {
				t.Errorf("exit status %d after Ctrl-C", status)
			}
			c.up()
			must(t, syscall.Kill(atoi(t, c.serverPID()), syscall.SIGKILL))
			if status := c.wait(); status != 137 {
				t.Errorf("exit status %d after the server was killed, want 137", status)
			}
			// The killed server's socket and lock are still there.
			c.up()
			c.want("", "SELECT 1", "1")
			c.stop()
		})
	}
}

func TestStopWhileStarting(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.start()
			c.until("started", func() bool {
				out, _ := c.health()
				return strings.Contains(out, "starting the server")
			})
			c.signal(syscall.SIGTERM)
			if status := c.wait(); status != 0 && status != 143 {
				t.Errorf("exit status %d", status)
			}
		})
	}
}

const nasty = "it's a \"pass\\word\" `x` ; -- # é 🐬 \n% $HOME"

func TestAccounts(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.put("/mine.sql", "CREATE DATABASE mine;\nCREATE TABLE mine.mode AS SELECT @@SESSION.sql_mode = @@GLOBAL.sql_mode AS same;\n", 0o644)
			c.put("/etc/my.cnf.d/x.cnf", "[mysqld]\ninit_file=/mine.sql\nsql_mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES\n", 0o644)
			c.put("/secret", "u'ser\\pw\n", 0o600)
			c.env = []string{
				"MYSQL_ROOT_PASSWORD=" + nasty, "MYSQL_DATABASE=my_db", "MYSQL_USER=o'neil", "MYSQL_PASSWORD_FILE=/secret",
			}
			c.up()
			c.want(nasty, "SELECT CURRENT_USER()", "root@localhost")
			c.want(nasty, "SELECT COUNT(*) FROM mysql.user WHERE User = 'root' AND Host = '%'", "1")
			c.want(nasty, "SELECT same FROM mine.mode", "1")
			if _, err := c.query("root", "", "SELECT 1"); err == nil {
				t.Error("root still gets in without a password")
			}
			out, err := c.query("o'neil", `u'ser\pw`, "CREATE TABLE my_db.t (a INT); SHOW DATABASES LIKE 'm%'")
			if err != nil || out != "my_db" {
				t.Errorf("the user sees %q, %v", out, err)
			}
			if _, err := c.query("o'neil", `u'ser\pw`, "CREATE DATABASE myxdb"); err == nil {
				t.Error("the underscore of my_db was taken for a wildcard")
			}
			pid := c.serverPID()
			for _, file := range []string{"environ", "cmdline"} {
				data, err := os.ReadFile("/proc/" + pid + "/" + file)
				must(t, err)
				if strings.Contains(string(data), "pass") || strings.Contains(string(data), "MYSQL_USER") {
					t.Errorf("the server's %s has a password: %q", file, data)
				}
			}
			c.stop()
			if strings.Contains(c.log.String(), "word") && strings.Contains(c.log.String(), "pass\\") {
				t.Errorf("the log has a password:\n%s", c.log)
			}

			// The next start, with another password and one made up.
			must(t, os.Remove(filepath.Join(c.root, "etc/my.cnf.d/x.cnf")))
			c.env = []string{"MARIADB_ROOT_PASSWORD=second", "MYSQL_ROOT_HOST=10.0.0.%"}
			c.up("--loose-super-read-only=1", "--read-only=1")
			c.want("second", "SELECT COUNT(*) FROM mysql.user WHERE User = 'root' AND Host = '10.0.0.%'", "1")
			c.stop()
			c.env = []string{"MYSQL_RANDOM_ROOT_PASSWORD=yes"}
			c.up()
			_, password, found := strings.Cut(c.log.String(), "dbake: GENERATED ROOT PASSWORD: ")
			if !found {
				t.Fatalf("no password is shown:\n%s", c.log)
			}
			password, _, _ = strings.Cut(password, "\n")
			c.want(password, "SELECT 1", "1")
			c.stop()
			c.env = []string{"MYSQL_ALLOW_EMPTY_PASSWORD=1"}
			c.up()
			c.want("", "SELECT 1", "1")
			c.stop()
		})
	}
}

func TestMariaDBHashes(t *testing.T) {
	c := newContainer(t, flavourImage(t, "mariadb"))
	const hash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19" // PASSWORD('password')
	c.env = []string{"MARIADB_ROOT_PASSWORD_HASH=" + hash, "MARIADB_USER=u", "MARIADB_PASSWORD_HASH=" + hash}
	c.up()
	c.want("password", "SELECT 1", "1")
	if out, err := c.query("u", "password", "SELECT 1"); err != nil {
		t.Error(out)
	}
	c.stop()
}

func TestRefusedAccountsStopTheContainer(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.env = []string{"MYSQL_ROOT_PASSWORD=geheim", "MYSQL_DATABASE=" + strings.Repeat("x", 100)}
			c.start()
			if status := c.wait(); status != 1 || !strings.Contains(c.log.String(), "refused the accounts or the database") {
				t.Errorf("exit status %d:\n%s", status, c.log)
			}
			if strings.Contains(c.log.String(), "geheim") {
				t.Errorf("the log has the password:\n%s", c.log)
			}
			c.env = []string{"MYSQL_PASSWORD=a", "MYSQL_PASSWORD_FILE=/b"}
			c.start()
			if status := c.wait(); status != 1 || !strings.Contains(c.log.String(), "both MYSQL_PASSWORD and MYSQL_PASSWORD_FILE are set") {
				t.Errorf("exit status %d:\n%s", status, c.log)
			}
		})
	}
}

func TestSocketDirectory(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			rootOwned := "mkdir -p $R/vol && chown 0:0 $R/vol && chmod 755 $R/vol && mount --bind $R/vol $R/run/mysqld"
			t.Run("mount of root", func(t *testing.T) { // AWS Fargate
				c := newContainer(t, img)
				c.mounts = []string{rootOwned}
				c.up()
				c.want("", "SELECT 1", "1")
				info, err := os.Stat(filepath.Join(c.root, "vol"))
				must(t, err)
				if info.Mode().Perm() != 0o755 || info.Sys().(*syscall.Stat_t).Uid != 999 {
					t.Errorf("mode %v, owner %d", info.Mode(), info.Sys().(*syscall.Stat_t).Uid)
				}
				c.stop()
			})
			t.Run("missing", func(t *testing.T) {
				c := newContainer(t, img)
				must(t, os.RemoveAll(filepath.Join(c.root, "run/mysqld")))
				c.up()
				c.stop()
			})
			t.Run("another place", func(t *testing.T) {
				c := newContainer(t, img)
				c.put("/etc/my.cnf.d/x.cnf", "[mysqld]\nsocket=/run/a/b/my.sock\npid-file=/run/c/my.pid\n", 0o644)
				c.up()
				if _, err := os.Stat(filepath.Join(c.root, "run/a/b/my.sock")); err != nil {
					t.Error(err)
				}
				c.stop()
			})
			t.Run("mount of root without root", func(t *testing.T) {
				c := newContainer(t, img)
				c.user = "999:999"
				c.mounts = []string{rootOwned}
				c.start()
				if status := c.wait(); status != 1 || !strings.Contains(c.log.String(), "uid 999 may not write to /var/run/mysqld") {
					t.Errorf("exit status %d:\n%s", status, c.log)
				}
			})
		})
	}
}

func TestWithoutRoot(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.user = "999:999"
			c.env = []string{"MYSQL_ROOT_PASSWORD=x"}
			c.put("/docker-entrypoint-initdb.d/a.sql", "CREATE DATABASE scripted;", 0o644)
			c.up()
			c.want("x", "SHOW DATABASES LIKE 'scripted'", "scripted")
			c.stop()

			// A uid that nobody knows, as OpenShift gives one, with a volume.
			c = newContainer(t, img)
			c.user = "4321:0"
			c.mounts = []string{"chown 4321:0 $R/vol; mount --bind $R/vol $R/data/mysql"}
			run(t, "chmod", "-R", "a+rX", filepath.Join(c.root, "usr/share/dbake/datadir"))
			must(t, os.Chown(filepath.Join(c.root, "run/mysqld"), 0, 0))
			must(t, os.Chmod(filepath.Join(c.root, "run/mysqld"), 0o755))
			c.up()
			if out, err := c.exec(img.client, "--no-defaults", "-S", "/data/mysql/mysqld.sock", "-u", "root", "-e", "SELECT 1"); err != nil {
				t.Error(out)
			}
			c.stop()

			c = newContainer(t, img)
			c.user = "4321:4321"
			must(t, os.Chmod(filepath.Join(c.root, "data/mysql"), 0o755))
			c.start()
			if status := c.wait(); status != 1 || !strings.Contains(c.log.String(), "--user 999") {
				t.Errorf("exit status %d:\n%s", status, c.log)
			}
		})
	}
}

func TestVolume(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			// The volume is not on the overlay, and belongs to root.
			volume := t.TempDir()
			c.mounts = []string{"mount --bind " + volume + " $R/data/mysql"}
			c.up()
			c.want("", "CREATE DATABASE kept", "")
			c.stop()
			info, err := os.Stat(volume)
			must(t, err)
			if info.Sys().(*syscall.Stat_t).Uid != 999 {
				t.Error("the volume does not belong to the server's user")
			}

			other := newContainer(t, img)
			other.mounts = c.mounts
			other.up()
			other.want("", "SHOW DATABASES LIKE 'kept'", "kept")
			other.stop()

			// A filling that was interrupted is no data.
			must(t, os.WriteFile(filepath.Join(volume, ".dbake-filling"), nil, 0o600))
			must(t, os.Remove(filepath.Join(volume, "ibdata1")))
			again := newContainer(t, img)
			again.mounts = c.mounts
			again.up()
			again.want("", "SHOW DATABASES LIKE 'kept'", "")
			again.stop()

			small := newContainer(t, img)
			small.mounts = []string{"mount -t tmpfs -o size=1m tmpfs $R/data/mysql"}
			small.start()
			if status := small.wait(); status != 1 || !strings.Contains(small.log.String(), "too small") {
				t.Errorf("exit status %d:\n%s", status, small.log)
			}
		})
	}
}

func TestRestartStatement(t *testing.T) {
	c := newContainer(t, flavourImage(t, "mysql"))
	c.env = []string{"MYSQL_ROOT_PASSWORD=x"}
	c.up()
	c.want("x", "SET PERSIST_ONLY back_log = 123", "")
	before := c.serverPID()
	c.want("x", "ALTER USER root@localhost IDENTIFIED BY 'y'; RESTART", "")
	c.until("restarted", func() bool { return !exists("/proc/" + before) })
	c.until("healthy", func() bool { _, err := c.health(); return err == nil })
	c.want("y", "SELECT @@back_log", "123")
	c.want("y", "SHUTDOWN", "")
	if status := c.wait(); status != 0 {
		t.Errorf("exit status %d after SHUTDOWN", status)
	}
}

func TestOtherCommands(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			for _, test := range []struct {
				args   []string
				status int
				want   string
			}{
				{[]string{"/bin/sh", "-c", "echo uid $(id -u) pid $$; exit 3"}, 3, "uid 0 pid 1"},
				{[]string{"mysqld", "--version"}, 0, "Ver "},
				{[]string{"--verbose", "--help"}, 0, "--init-file"},
				{[]string{"no-such-program"}, 127, "dbake: no-such-program"},
				{[]string{"/etc/passwd"}, 126, "permission denied"},
				{[]string{"healthcheck"}, 1, "no server has been started"},
				{[]string{"mysqld", "--no-such-option"}, 0, "no-such-option"},
			} {
				c := newContainer(t, img)
				c.start(test.args...)
				status := c.wait()
				if test.args[len(test.args)-1] == "--no-such-option" {
					if status == 0 {
						t.Error("exit status 0 although the server did not start")
					}
					status = 0
				}
				if status != test.status || !strings.Contains(c.log.String(), test.want) {
					t.Errorf("%q: exit status %d:\n%.2000s", test.args, status, c.log)
				}
			}
			broken := newContainer(t, img)
			broken.put("/usr/share/dbake/entrypoint.json", "{", 0o644)
			broken.start()
			if status := broken.wait(); status != 1 || !strings.Contains(broken.log.String(), "bake the image again") {
				t.Errorf("exit status %d:\n%s", status, broken.log)
			}
			broken.start("/bin/echo", "works")
			if status := broken.wait(); status != 0 {
				t.Errorf("no shell in a broken image: %s", broken.log)
			}
		})
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
