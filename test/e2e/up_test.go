package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/goccy/go-yaml"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/dbake/dbake/baker/notify"
	"github.com/dbake/dbake/test/parts"
)

// local is a developer's machine beside a registry that the team bakes to.
type local struct {
	*program

	front *front
	ref   string
	hook  *hook
}

// hook is a webhook that keeps what it is told.
type hook struct {
	*httptest.Server

	mu     sync.Mutex
	events []notify.Event
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e notify.Event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		h.events = append(h.events, e)
		h.mu.Unlock()
	}))
	t.Cleanup(h.Close)
	return h
}

// last is the newest event.
func (h *hook) last() notify.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.events) == 0 {
		return notify.Event{}
	}
	return h.events[len(h.events)-1]
}

func newLocal(t *testing.T, flavour parts.Flavour) *local {
	t.Helper()
	base, err := all.BaseImage(t.Context(), flavour)
	if err != nil {
		t.Fatal(err)
	}
	l := &local{program: newProgram(t), front: newFront(t), hook: newHook(t)}
	l.ref = l.front.host() + "/team/" + strings.ToLower(t.Name()) + ":latest"
	l.write("dbake.yaml", "version: 1\nbase: "+base+"\nrestore: {database: shop}\ndump: app.sql\nverify: [SELECT COUNT(*) > 2 FROM item]\n")
	l.write("password", "it's root\n")
	l.write("hook", l.hook.URL)
	return l
}

// bake bakes items into the team's tag, as Docker Engine 20.10 can read it.
func (l *local) bake(items ...string) {
	l.t.Helper()
	l.write("app.sql", header+"CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(99));\n"+
		"INSERT INTO item (name) VALUES ('"+strings.Join(items, "'),('")+"');\n"+trailer)
	l.run("bake", "-t", l.ref, "--compression", "gzip", "--progress", "plain",
		"--secret", "id=hook,src=hook", "--notify", "webhook=hook")
}

// up runs dbake up and gives the address of the database.
func (l *local) up(args ...string) string {
	l.t.Helper()
	return l.run(append([]string{"up", l.ref, "--name", l.name(), "--progress", "plain"}, args...)...)
}

func (l *local) name() string { return "dbake-test-" + strings.ToLower(l.t.Name()) }

// ask asks the database at the address that dbake printed.
func ask(t *testing.T, address, query string) string {
	t.Helper()
	db := open(t, address)
	defer db.Close()
	var answer string
	if err := db.QueryRowContext(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

// open opens the database at the address that dbake printed.
func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.DBName = "tcp", u.Host, u.User.Username(), strings.TrimPrefix(u.Path, "/")
	config.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	return sql.OpenDB(connector)
}

const names = "SELECT GROUP_CONCAT(name ORDER BY id) FROM item"

// A developer's database follows the tag, and nothing is done that need not be.
func TestUp(t *testing.T) {
	t.Parallel()
	l := newLocal(t, parts.MariaDB)
	t.Cleanup(func() { dockerContext(context.Background(), t, "rm", "--force", "--volumes", l.name()) })
	l.bake("apples", "pears", "plums")
	if e := l.hook.last(); e.Status != notify.Baked || e.Rows != 3 || e.Tables != 1 || e.Changes != nil || e.Bytes == 0 || e.Digest == "" {
		t.Errorf("the first bake is told as %+v", e)
	}
	const migrate = `echo "$DB_HOST:$DB_PORT $DB_USER $DB_PASSWORD $DB_NAME $DATABASE_URL" >>migrations`
	address := l.up("--password-file", "password", "--migrate", migrate)
	if got := ask(t, address, names); got != "apples,pears,plums" {
		t.Fatalf("items: %s", got)
	}
	u, _ := url.Parse(address)
	want := fmt.Sprintf("%s root it's root shop %s\n", u.Host, address)
	if got, err := os.ReadFile(filepath.Join(l.dir, "migrations")); err != nil || string(got) != want {
		t.Errorf("the migration got %q, %v; want %q", got, err, want)
	}

	l.nothingToDo(address)
	l.reset(address)
	old := strings.TrimSpace(docker(t, "inspect", "--format", "{{.Image}}", l.name()))
	l.bake("apples", "pears", "plums", "cherries", "dates")
	if e := l.hook.last(); e.Status != notify.Baked || e.Changes == nil || e.Changes.Rows != 2 || e.Changes.Changed != 1 {
		t.Errorf("the second bake is told as %+v, %+v", e, e.Changes)
	}
	if next := l.up(); next != address {
		t.Errorf("the new container is at %s, the old one was at %s", next, address)
	}
	if got := ask(t, address, names); got != "apples,pears,plums,cherries,dates" {
		t.Errorf("items of the new image: %s", got)
	}
	if out, err := all.Docker(t.Context(), "image", "inspect", old); err == nil {
		t.Errorf("the replaced image is still there: %s", out)
	}
	l.failingMigration(address)
	l.brokenImage(address)
	l.unreachable(address)
}

// nothingToDo is up while the tag stands still, also after a bake that found
// nothing new.
func (l *local) nothingToDo(address string) {
	l.t.Helper()
	l.bake("apples", "pears", "plums")
	if e := l.hook.last(); e.Status != notify.Unchanged || e.Changes == nil || e.Changes.Changed != 0 {
		l.t.Errorf("a bake without news is told as %+v, %+v", e, e.Changes)
	}
	id, pulls := docker(l.t, "inspect", "--format", "{{.Id}}", l.name()), l.front.pulls()
	docker(l.t, "stop", l.name()) // as after a reboot
	if again := l.up(); ask(l.t, again, names) != "apples,pears,plums" {
		l.t.Errorf("after a stop the address is %s, it was %s", again, address)
	}
	if now := docker(l.t, "inspect", "--format", "{{.Id}}", l.name()); now != id || l.front.pulls() != pulls {
		l.t.Errorf("nothing had changed, but the container is %s, was %s, and the engine pulled %d times more", now, id, l.front.pulls()-pulls)
	}
	if again := l.up("--port", port(l.t, address)); again != address {
		l.t.Errorf("with --port the address is %s, want %s", again, address)
	}
}

func port(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// reset undoes what was written.
func (l *local) reset(address string) {
	l.t.Helper()
	db := open(l.t, address)
	defer db.Close()
	if _, err := db.ExecContext(l.t.Context(), "DELETE FROM item"); err != nil {
		l.t.Fatal(err)
	}
	began := time.Now()
	again := l.run("reset", l.name(), "--progress", "plain", "--migrate", "echo reset >>migrations")
	l.t.Logf("dbake reset took %v", time.Since(began).Round(10*time.Millisecond))
	if again != address || ask(l.t, address, names) != "apples,pears,plums" {
		l.t.Errorf("after the reset the address is %s, want %s", again, address)
	}
	if got, _ := os.ReadFile(filepath.Join(l.dir, "migrations")); !strings.HasSuffix(string(got), "reset\n") {
		l.t.Error("the migration did not run after the reset")
	}
}

// failingMigration leaves the database running.
func (l *local) failingMigration(address string) {
	l.t.Helper()
	r := l.try("up", l.ref, "--name", l.name(), "--progress", "plain", "--migrate", "echo no such column >&2; exit 4")
	if r.status != 1 || !strings.Contains(r.stderr, "no such column") || !strings.Contains(r.stderr, "goes on running as "+l.name()) {
		l.t.Errorf("status %d\n%s", r.status, r.stderr)
	}
	if got := ask(l.t, address, "SELECT COUNT(*) FROM item"); got != "5" {
		l.t.Errorf("%s items after a failed migration", got)
	}
}

// brokenImage moves the tag to an image whose server does not start: the old
// container is put back.
func (l *local) brokenImage(address string) {
	l.t.Helper()
	ref := must(name.ParseReference(l.ref))(l.t)
	good := must(remote.Image(ref))(l.t)
	file := must(good.ConfigFile())(l.t).DeepCopy()
	file.Config.Entrypoint = []string{"sh", "-c", "echo the disk is on fire; exit 3"}
	if err := remote.Write(ref, must(mutate.ConfigFile(good, file))(l.t)); err != nil {
		l.t.Fatal(err)
	}
	r := l.try("up", l.ref, "--name", l.name(), "--progress", "plain")
	for _, want := range []string{"exit status 3 before it was ready", "the disk is on fire", "the old container is back"} {
		if r.status != 1 || !strings.Contains(r.stderr, want) {
			l.t.Errorf("status %d; %q is not in\n%s", r.status, want, r.stderr)
		}
	}
	if got := strings.TrimSpace(docker(l.t, "ps", "--all", "--format", "{{.Names}}", "--filter", "name="+l.name())); got != l.name() {
		l.t.Errorf("the containers are now %q", got)
	}
	if err := remote.Write(ref, good); err != nil {
		l.t.Fatal(err)
	}
	// The engine pulls the good image again; its layers are there.
	if again := l.up("--port", port(l.t, address)); ask(l.t, again, "SELECT COUNT(*) FROM item") != "5" {
		l.t.Errorf("the address is %s, it was %s", again, address)
	}
}

// unreachable goes on with the image that Docker has.
func (l *local) unreachable(address string) {
	l.t.Helper()
	l.front.Close()
	began := time.Now()
	r := l.try("up", l.ref, "--name", l.name(), "--progress", "plain", "--recreate")
	if r.status != 0 || !strings.Contains(r.stderr, "going on with the image that Docker has") || ask(l.t, r.stdout, "SELECT COUNT(*) FROM item") != "5" {
		l.t.Errorf("status %d, address %s, want %s\n%s", r.status, r.stdout, address, r.stderr)
	}
	l.t.Logf("dbake up without a network took %v", time.Since(began).Round(10*time.Millisecond))
	if r := l.try("up", l.ref+"-other", "--name", l.name()+"-other", "--progress", "plain"); r.status != 1 {
		l.t.Errorf("an image that is nowhere: status %d\n%s", r.status, r.stderr)
	}
}

// An image is what its manifest and its dbake.yaml say, or verify says what is not.
func TestRunAndVerify(t *testing.T) {
	t.Parallel()
	l := newLocal(t, parts.MySQL)
	l.write("after.sql", "INSERT INTO item (name) VALUES ('figs');\n")
	l.write("dbake.yaml", string(must(os.ReadFile(filepath.Join(l.dir, "dbake.yaml")))(t))+"after: [after.sql]\n")
	l.bake("apples", "pears", "plums")
	got := l.run("verify", l.ref, "--deep", "-f", "dbake.yaml", "--progress", "plain")
	if want := l.ref + ": ok: 1 tables, 4 rows, 1 queries"; got != want {
		t.Errorf("verify says %q, want %q", got, want)
	}
	other := l.name() + "-run"
	t.Cleanup(func() { dockerContext(context.Background(), t, "rm", "--force", "--volumes", other) })
	address := l.run("run", l.ref, "--name", other, "--password-file", "password", "--progress", "plain")
	if got := ask(t, address, names); got != "apples,pears,plums,figs" {
		t.Errorf("items: %s", got)
	}
	began := time.Now()
	l.run("reset", other, "--progress", "plain")
	t.Logf("dbake reset took %v", time.Since(began).Round(10*time.Millisecond))
	db := open(t, l.run("reset", other, "--progress", "plain"))
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "DELETE FROM item WHERE id > 2"); err != nil {
		t.Fatal(err)
	}
	docker(t, "stop", other)
	docker(t, "commit", other, "dbake-test/changed")
	t.Cleanup(func() { dockerContext(context.Background(), t, "rmi", "dbake-test/changed") })
	r := l.try("verify", "dbake-test/changed", "-f", "dbake.yaml", "--progress", "quiet")
	want := "table shop.item has 2 rows, the manifest says 4\nverify[0]: the query is not true"
	if r.status != 3 || r.stdout != want {
		t.Errorf("status %d, says %q, want 3 and %q\n%s", r.status, r.stdout, want, r.stderr)
	}
	if got := docker(t, "ps", "--all", "--quiet", "--filter", "label=io.dbake.run=dbake-test/changed"); got != "" {
		t.Errorf("verify left a container: %s", got)
	}
}

// An image that the engine cannot unpack is refused before it is pulled.
func TestOldEngineAndZstd(t *testing.T) {
	t.Parallel()
	if version := strings.TrimSpace(docker(t, "version", "--format", "{{.Server.Version}}")); !strings.HasPrefix(version, "20.") {
		t.Skipf("Docker Engine %s reads zstd", version)
	}
	front := newFront(t)
	ref := front.host() + "/team/zstd:latest"
	image := must(mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte("zstd"), types.OCILayerZStd)))(t)
	file := must(image.ConfigFile())(t).DeepCopy()
	file.OS, file.Architecture = "linux", architecture
	if err := remote.Write(must(name.ParseReference(ref))(t), must(mutate.ConfigFile(image, file))(t)); err != nil {
		t.Fatal(err)
	}
	r := newProgram(t).try("run", ref, "--progress", "plain")
	if r.status != 1 || !strings.Contains(r.stderr, "--compression gzip (image.compression: gzip in dbake.yaml)") || front.pulls() != 0 {
		t.Errorf("status %d, %d pulls\n%s", r.status, front.pulls(), r.stderr)
	}
}

// The compose file works as it stands there: its two services, as docker compose
// would start them, on Docker's own health checks.
func TestComposeExample(t *testing.T) {
	t.Parallel()
	ref := baked(t, parts.MySQL)
	type service struct {
		Image       string
		Command     []string
		Environment map[string]string
		Ports       []string
		Volumes     []string
		Healthcheck struct{ Interval, Retries string }
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	}
	var file struct {
		Services map[string]service
		Volumes  map[string]any
	}
	repo := must(all.Repo(t.Context()))(t)
	if err := yaml.UnmarshalWithOptions(must(os.ReadFile(filepath.Join(repo, "examples/compose/compose.yaml")))(t), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	db, app := file.Services["db"], file.Services["app"]
	if app.DependsOn["db"].Condition != "service_healthy" || len(db.Ports) != 1 || !strings.HasPrefix(db.Ports[0], "127.0.0.1:") {
		t.Errorf("the app depends on %+v, the database is at %v", app.DependsOn, db.Ports)
	}
	project := fmt.Sprintf("dbake-compose-%d", time.Now().UnixNano())
	t.Cleanup(func() { dockerContext(context.Background(), t, "volume", "rm", project+"_socket") })
	args := func(s service) []string {
		var args []string
		for name, value := range s.Environment {
			args = append(args, "--env", name+"="+value)
		}
		for _, volume := range s.Volumes {
			if name, _, _ := strings.Cut(volume, ":"); file.Volumes[name] == nil {
				t.Errorf("the volume %s is not declared", name)
			}
			args = append(args, "--volume", project+"_"+volume)
		}
		return args
	}
	c := run(t, ref, append(args(db), "--health-interval", db.Healthcheck.Interval, "--health-retries", db.Healthcheck.Retries))
	began := time.Now()
	waitFor(t, 30*time.Second, func() bool { return c.inspect("{{.State.Health.Status}}") == "healthy" },
		func() string { return "Docker's health check fails: " + c.inspect("{{json .State.Health}}") })
	t.Logf("healthy for Docker after %v", time.Since(began).Round(10*time.Millisecond))
	out := docker(t, append(append(append([]string{"run", "--rm", "--network", "none"}, args(app)...), ref), app.Command...)...)
	if got := strings.TrimSpace(out); got != "3" {
		t.Errorf("the app reads %q", got)
	}
	// What examples/testcontainers says about the log.
	if log := c.logs(); strings.Count(log, ": ready for connections") != 1 {
		t.Errorf("the server says more or less than once that it is ready:\n%s", log)
	}
}
