package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbake/dbake/test/parts"
)

// serverName is what users call the flavour's server on a command line.
func serverName(flavour parts.Flavour) string {
	if flavour == parts.MariaDB {
		return "mariadbd"
	}
	return "mysqld"
}

const items = "SELECT GROUP_CONCAT(name ORDER BY id) FROM shop.item"

// serves waits for the container and checks that the baked data is in it.
func (c *container) serves() {
	c.t.Helper()
	c.waitHealthy()
	if got := c.query(items); got != "apples,pears,plums" {
		c.t.Errorf("the container says %q\n%s", got, c.logs())
	}
}

func (c *container) variable(name string) string {
	c.t.Helper()
	return c.query("SELECT @@" + name)
}

// inspect gives what docker inspect says in a template's words.
func (c *container) inspect(template string) string {
	c.t.Helper()
	return strings.TrimSpace(docker(c.t, "inspect", "--format", template, c.id))
}

func TestImageServesWhateverTheCommand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		ref := baked(t, flavour)
		docker(t, "pull", "--quiet", ref)
		began := time.Now()
		plain := run(t, ref, []string{"--health-interval", "1s"}) // the image's own is 10 s
		plain.serves()
		t.Logf("docker run to first answer, through docker exec: %v", time.Since(began).Round(10*time.Millisecond))

		withServer := run(t, ref, nil, serverName(flavour), "--max-connections=77")
		withServer.serves()
		if got := withServer.variable("max_connections"); got != "77" {
			t.Errorf("max_connections is %s, want 77", got)
		}
		withOption := run(t, ref, nil, "--sort-buffer-size=524288")
		withOption.serves()
		if got := withOption.variable("sort_buffer_size"); got != "524288" {
			t.Errorf("sort_buffer_size is %s, want 524288", got)
		}
		if got := strings.TrimSpace(docker(t, "run", "--rm", ref, "sh", "-c", "echo a shell")); got != "a shell" {
			t.Errorf("another command says %q", got)
		}
		if got := plain.inspect("{{.Config.Volumes}} {{len .Mounts}}"); got != "map[] 0" {
			t.Errorf("volumes and mounts: %s", got)
		}
		waitFor(t, 30*time.Second, func() bool { return plain.inspect("{{.State.Health.Status}}") == "healthy" },
			func() string { return "Docker's health check fails: " + plain.inspect("{{json .State.Health}}") })
	})
}

// Nothing of the data directory is copied into a container that only starts,
// except what the server itself opens for writing.
func TestStartCopiesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		c := run(t, baked(t, flavour), nil)
		c.serves()
		changes := docker(t, "diff", c.id)
		if strings.Contains(changes, "untouched.ibd") {
			t.Errorf("the start changes a table that nobody touched:\n%s", changes)
		}
		if strings.Contains(changes, "/usr/share/dbake/datadir") {
			t.Errorf("the start touches the image's second copy of the data:\n%s", changes)
		}
		size := docker(t, "ps", "--size", "--no-trunc", "--filter", "id="+c.id, "--format", "{{.Size}}")
		t.Logf("the container's own layer after the start: %s", strings.TrimSpace(size))
	})
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		c := run(t, baked(t, flavour), nil)
		c.serves()
		began := time.Now()
		docker(t, "stop", "--time", "60", c.id)
		t.Logf("docker stop took %v", time.Since(began).Round(10*time.Millisecond))
		if got := c.inspect("{{.State.ExitCode}}"); got != "0" {
			t.Errorf("the container ends with exit status %s, want 0\n%s", got, c.logs())
		}
		docker(t, "start", c.id)
		c.serves()
		// After a crash, too, with the socket and its lock left behind.
		docker(t, "kill", c.id)
		docker(t, "start", c.id)
		c.serves()
	})
}

// tcp asks the server over the network, from outside of the container, and
// gives the last line of the answer.
func (c *container) tcp(flavour parts.Flavour, user, password, sql string) (string, error) {
	c.t.Helper()
	address := c.inspect("{{.NetworkSettings.IPAddress}}")
	args := []string{"--host=" + address, "--user=" + user, "--password=" + password, "-N", "-B", "-e", sql}
	if flavour == parts.MySQL {
		args = append(args, "--get-server-public-key")
	}
	cmd, err := all.ClientCommand(c.t.Context(), flavour, "mysql", args...)
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], err
}

// login checks that an account gets the answer it should.
func (c *container) login(flavour parts.Flavour, user, password, sql, want string) {
	c.t.Helper()
	got, err := c.tcp(flavour, user, password, sql)
	if err != nil || got != want {
		c.t.Errorf("%s asks %q over TCP and gets %q, %v; want %q\n%s", user, sql, got, err, want, c.logs())
	}
}

func TestAccountsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		ref := baked(t, flavour)
		prefix := strings.ToUpper(string(flavour)) + "_"
		c := run(t, ref, []string{
			"--env", "MYSQL_ROOT_PASSWORD=it's \"root\"", "--env", "MYSQL_DATABASE=extra",
			"--env", "MYSQL_USER=app", "--env", "MYSQL_PASSWORD=p\\w",
		})
		c.waitHealthy()
		c.login(flavour, "root", "it's \"root\"", items, "apples,pears,plums")
		c.login(flavour, "app", "p\\w", "CREATE TABLE extra.t (a INT); SELECT DATABASE() IS NULL", "1")
		if out, err := c.exec("mysql", "-uroot", "-e", "SELECT 1"); err == nil {
			t.Errorf("root still needs no password: %s", out)
		}
		if environment, err := c.exec("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"); err != nil || strings.Contains(environment, "it's") {
			t.Errorf("a command line shows the password: %s %v", environment, err)
		}

		secrets := t.TempDir()
		if err := os.WriteFile(filepath.Join(secrets, "root"), []byte("from a file\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		// The flavour's own names, a file, and a host that root may come from.
		c = run(t, ref, []string{
			"--env", prefix + "ROOT_PASSWORD_FILE=/secrets/root", "--env", prefix + "ROOT_HOST=10.%",
			"--volume", secrets + ":/secrets:ro",
		})
		c.waitHealthy()
		c.login(flavour, "root", "from a file", items, "apples,pears,plums")
		if got, err := c.tcp(flavour, "root", "wrong", "SELECT 1"); err == nil {
			t.Errorf("a wrong password is let in: %s", got)
		}
	})
}

// Scripts run once in a container's life, also when it starts again.
func TestScriptsRunOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"1.sql": "INSERT INTO shop.notes (text) VALUES ('from sql');\n",
			"2.sh":  "mysql -uroot -e \"INSERT INTO shop.notes (text) VALUES ('from sh')\"\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		c := run(t, baked(t, flavour), []string{"--volume", dir + ":/docker-entrypoint-initdb.d:ro"})
		c.serves()
		const notes = "SELECT GROUP_CONCAT(text ORDER BY id SEPARATOR '|') FROM shop.notes"
		if got := c.query(notes); got != "from sql|from sh" {
			t.Errorf("the scripts left %q\n%s", got, c.logs())
		}
		docker(t, "restart", c.id)
		c.serves()
		if got := c.query(notes); got != "from sql|from sh" {
			t.Errorf("after a restart the scripts left %q\n%s", got, c.logs())
		}
	})
}

// An empty volume over the data directory is filled from the image, whoever
// brings it, and keeps what is written from then on.
func TestVolumeOverTheDataDirectory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		ref := baked(t, flavour)
		name := fmt.Sprintf("dbake-%d", time.Now().UnixNano())
		for what, source := range map[string]string{"a bind mount": t.TempDir(), "a named volume": name} {
			c := run(t, ref, []string{"--volume", source + ":/data/mysql"})
			c.serves()
			c.query("INSERT INTO shop.notes (text) VALUES ('kept')")
			docker(t, "stop", c.id)
			c = run(t, ref, []string{"--volume", source + ":/data/mysql"})
			c.serves()
			if got := c.query("SELECT COUNT(*) FROM shop.notes"); got != "1" {
				t.Errorf("%s has %s rows that were written into it, want 1", what, got)
			}
			docker(t, "rm", "--force", c.id)
		}
		docker(t, "container", "prune", "--force")
		docker(t, "volume", "rm", name)
	})
}

// On AWS Fargate a volume for the socket arrives as root's, mode 0755; another
// container of the task connects through it.
func TestSocketOnAVolume(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		ref := baked(t, flavour)
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, ref, []string{"--volume", dir + ":/var/run/mysqld"}).serves()
		got := docker(t, "run", "--rm", "--network", "none", "--volume", dir+":/var/run/mysqld", ref,
			"mysql", "-uroot", "-N", "-B", "-e", items)
		if strings.TrimSpace(got) != "apples,pears,plums" {
			t.Errorf("the other container gets %q", got)
		}
	})
}

func TestContainersWithFewRights(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		ref := baked(t, flavour)
		for name, args := range map[string][]string{
			"a user":              {"--user", "999:999"},
			"no capabilities":     {"--user", "999:999", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"},
			"read-only root":      {"--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp", "--tmpfs", "/data/mysql"},
			"read-only as a user": {"--user", "999:999", "--read-only", "--tmpfs", "/run/mysqld:uid=999", "--tmpfs", "/tmp", "--tmpfs", "/data/mysql:uid=999"},
		} {
			t.Run(name, func(t *testing.T) { run(t, ref, args).serves() })
		}
	})
}

// Whoever mounts option files of their own hides the one that dbake made.
func TestOptionFilesOfTheUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "custom.cnf"), []byte("[mysqld]\nmax_connections=66\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c := run(t, baked(t, flavour), []string{"--volume", dir + ":/etc/mysql/conf.d:ro"})
		c.serves()
		if got := c.variable("max_connections"); got != "66" {
			t.Errorf("max_connections is %s, want 66", got)
		}
		if got := c.variable("datadir"); got != "/data/mysql/" {
			t.Errorf("datadir is %s", got)
		}
	})
}
