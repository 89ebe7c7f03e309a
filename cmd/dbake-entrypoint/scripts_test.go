package main

import (
	"bytes"
	"compress/gzip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gzipped is s in two gzip members, as concatenated dumps are.
func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	for _, half := range []string{s[:len(s)/2], s[len(s)/2:]} {
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(half))
		must(t, err)
		must(t, w.Close())
	}
	return b.String()
}

const scriptDir = "/docker-entrypoint-initdb.d/"

func TestScripts(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.env = []string{"MYSQL_ROOT_PASSWORD=" + nasty, "MYSQL_DATABASE=app"}
			c.put(scriptDir+"10-table.sql", "CREATE TABLE seen (who VARCHAR(20), PRIMARY KEY (who));\nINSERT INTO seen VALUES ('sql');", 0o644)
			c.put(scriptDir+"20-zip.sql.gz", gzipped(t, "DELIMITER ;;\nCREATE PROCEDURE p() BEGIN SELECT 1; END;;\nINSERT INTO seen VALUES ('gz');;\n"), 0o644)
			c.put(scriptDir+"30-read.sh", `docker_process_sql <<<"INSERT INTO seen VALUES ('read')"; mysql_note "hello $MYSQL_DATABASE"`, 0o644)
			c.put(scriptDir+"40-run.sh", "#!/bin/sh\nexport MYSQL_PWD=\"$MYSQL_ROOT_PASSWORD\"\n"+
				img.client+" -u root -S /var/run/mysqld/mysqld.sock app -e \"INSERT INTO seen VALUES ('run')\"", 0o755)
			c.put(scriptDir+"README.txt", "", 0o644)
			c.start()
			c.until("healthy", func() bool {
				out, err := c.health()
				if err != nil && !strings.Contains(out, "starting") && !strings.Contains(out, "scripts") && !strings.Contains(out, "no server has been") && !strings.Contains(out, "nsenter") {
					t.Errorf("health check: %s", out)
				}
				return err == nil
			})
			c.want(nasty, "SELECT GROUP_CONCAT(who ORDER BY who) FROM app.seen", "gz,read,run,sql")
			c.want(nasty, "SELECT DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'app'", "root@localhost")
			c.want(nasty, "SELECT COUNT(*) FROM mysql.user WHERE User = 'dbake_init'", "0")
			for _, want := range []string{"dbake: hello app", "ignoring /docker-entrypoint-initdb.d/README.txt", "dbake: scripts done"} {
				if !strings.Contains(c.log.String(), want) {
					t.Errorf("the log lacks %q:\n%s", want, c.log)
				}
			}
			c.stop()
			c.up() // would fail with duplicate keys if it ran them again
			c.want(nasty, "SELECT COUNT(*) FROM app.seen", "4")
			c.stop()
		})
	}
}

func TestScriptsWithoutRootsPassword(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img) // root has no password: scripts come in as root
			c.put(scriptDir+"a.sql", "CREATE DATABASE d; CREATE VIEW d.v AS SELECT 1 AS x;", 0o644)
			c.up()
			c.want("", "SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'd'", "root@localhost")
			c.want("", "SELECT COUNT(*) FROM mysql.user WHERE User = 'dbake_init'", "0")
			c.want("", "ALTER USER root@localhost IDENTIFIED BY 'unknown'", "")
			c.stop()

			marker := c.root + "/data/mysql/.dbake-initdb-done"
			again := func(script string) {
				t.Helper()
				run(t, "rm", marker)
				c.put(scriptDir+"a.sql", script, 0o644)
				c.up()
			}
			again("CREATE TABLE d.t (a INT);")
			c.want("unknown", "SELECT COUNT(*) FROM mysql.user WHERE User = 'dbake_init'", "0")
			c.stop()
			again("CREATE VIEW d.w AS SELECT 2 AS x;")
			c.want("unknown", "SELECT x FROM d.w", "2")
			if out, err := c.query("dbake_init", "", "SELECT 1"); err == nil || !strings.Contains(out, "1045") && !strings.Contains(out, "locked") && !strings.Contains(out, "4151") {
				t.Errorf("the temporary account is open: %q", out)
			}
			if !strings.Contains(c.log.String(), "keeping that account, locked") {
				t.Errorf("nothing is said of the account that stays:\n%s", c.log)
			}
			c.stop()
		})
	}
}

func TestFailingScriptStopsTheContainer(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.put(scriptDir+"b.sql.gz", gzipped(t, strings.Repeat("SELECT 1;\n", 20000))[:60], 0o644)
			for _, broken := range []struct{ name, content string }{
				{"a.sql", "CREATE DATABASE IF NOT EXISTS d;\nNONSENSE;\nCREATE DATABASE e;"},
				{"a.sh", "true | false | true\necho not reached"},
				{"b.sql.gz", ""}, // ends in the middle
			} {
				if broken.content != "" {
					c.put(scriptDir+broken.name, broken.content, 0o644)
				}
				c.start()
				if status := c.wait(); status != 1 || !strings.Contains(c.log.String(), "dbake: script "+broken.name+" failed: ") ||
					strings.Contains(c.log.String(), "not reached") {
					t.Errorf("%s: exit status %d:\n%s", broken.name, status, c.log)
				}
				if broken.content != "" {
					run(t, "rm", c.root+scriptDir+broken.name)
				}
			}
			run(t, "rm", c.root+scriptDir+"b.sql.gz")
			c.up()
			c.want("", "SELECT COUNT(*) FROM mysql.user WHERE User = 'dbake_init'", "0")
			c.want("", "SHOW DATABASES LIKE 'e'", "")
			c.stop()
		})
	}
}

func TestStopWhileScriptsRun(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			img := flavourImage(t, flavour)
			c := newContainer(t, img)
			c.put(scriptDir+"a.sh", "echo asleep; sleep 100", 0o644)
			c.start()
			c.until("in the script", func() bool { return strings.Contains(c.log.String(), "asleep") })
			if out, err := c.health(); err == nil || !strings.Contains(out, "running the scripts") {
				t.Errorf("healthy while scripts run: %q", out)
			}
			begin := time.Now()
			c.signal(syscall.SIGTERM)
			if status := c.wait(); status != 0 || time.Since(begin) > 9*time.Second {
				t.Errorf("exit status %d after %v", status, time.Since(begin))
			}
			if !strings.Contains(c.log.String(), "script a.sh was stopped") {
				t.Errorf("nothing is said of the script:\n%s", c.log)
			}
			run(t, "rm", c.root+scriptDir+"a.sh")
			c.up()
			c.want("", "SELECT COUNT(*) FROM mysql.user WHERE User = 'dbake_init'", "0")
			c.stop()
		})
	}
}
