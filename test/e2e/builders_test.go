package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/buildkit/client"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/buildkit"
	dockerbuilder "github.com/dbake/dbake/baker/docker"
	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/spec"
	"github.com/dbake/dbake/test/parts"
)

// agentDir is a directory in the layout of the frontend image.
func agentDir(t *testing.T) func(context.Context, string) (string, error) {
	t.Helper()
	if _, err := all.FrontendImage(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func(context.Context, string) (string, error) { return filepath.Join(all.Dir(), "dist", "out"), nil }
}

// inBuildKit is the builder for the parts' buildkitd.
func inBuildKit(t *testing.T) builder.Builder {
	t.Helper()
	address, err := all.BuildKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return connected(t, address, buildkit.Options{})
}

// connected is a builder that goes away with the test.
func connected(t *testing.T, where string, o buildkit.Options) builder.Builder {
	t.Helper()
	c, err := buildkit.Connect(t.Context(), where, buildkit.TLS{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Agent, o.SpillDir = agentDir(t), t.TempDir()
	return buildkit.New(c, o)
}

// inDocker is the builder for the BuildKit inside the parts' Docker Engine.
func inDocker(t *testing.T) builder.Builder {
	t.Helper()
	b, err := dockerbuilder.New(t.Context(), dockerEngine(t), buildkit.Options{Agent: agentDir(t), SpillDir: t.TempDir(), Network: "host"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func dockerEngine(t *testing.T) *engine.Client {
	t.Helper()
	host, err := all.DockerHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), engine.Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// eachBuilder runs a test with the builders that need a BuildKit.
func eachBuilder(t *testing.T, test func(t *testing.T, b builder.Builder)) {
	t.Helper()
	t.Run("buildkit", func(t *testing.T) { test(t, inBuildKit(t)) })
	t.Run("docker", func(t *testing.T) { test(t, inDocker(t)) })
}

// askedSecrets has secrets and knows which were asked for.
type askedSecrets struct {
	values map[string]string
	fail   error

	mu    sync.Mutex
	asked []string
}

func (s *askedSecrets) Secret(_ context.Context, id string) ([]byte, error) {
	s.mu.Lock()
	s.asked = append(s.asked, id)
	s.mu.Unlock()
	if value, ok := s.values[id]; ok {
		return []byte(value), nil
	}
	if s.fail != nil {
		return nil, s.fail
	}
	return nil, builder.ErrNoSecret
}

// order is an order for a dbake.yaml on MariaDB, in a folder with files.
func order(t *testing.T, yaml string, files map[string]string) builder.Order {
	t.Helper()
	base, err := all.BaseImage(t.Context(), parts.MariaDB)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(base)
	if err != nil {
		t.Fatal(err)
	}
	descriptor, err := remote.Get(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	image, err := descriptor.Image()
	if err != nil {
		t.Fatal(err)
	}
	o := builder.Order{
		Name: "team/dbake.yaml", Data: []byte("version: 1\nbase: " + base + "\n" + yaml),
		Args: map[string]string{}, Secrets: &askedSecrets{},
		Base: image, BaseRef: ref.Context().Digest(descriptor.Digest.String()).String(),
	}
	if o.File, err = spec.Parse(o.Name, o.Data, o.Args); err != nil {
		t.Fatal(err)
	}
	if files != nil {
		o.Context = t.TempDir()
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(o.Context, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return o
}

// recorder keeps the text of a build's progress.
type recorder struct {
	t    *testing.T
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) write(s *client.SolveStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range s.Vertexes {
		r.text.WriteString(v.Name + "\n")
	}
	for _, l := range s.Logs {
		r.text.Write(l.Data)
	}
	for _, w := range s.Warnings {
		r.text.Write(w.Short)
	}
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

var _ progress.Writer = (&recorder{}).write

// what of a restored data directory is the same whoever restores.
type outcome struct {
	Manifest manifest.Manifest
	Tables   []string
	Linked   int
}

func outcomeOf(t *testing.T, r *builder.Restored) outcome {
	t.Helper()
	var o outcome
	if err := json.Unmarshal(r.Manifest, &o.Manifest); err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Data.Entries {
		switch {
		case e.Header.Linkname != "":
			o.Linked++
		case strings.HasPrefix(e.Header.Name, "data/mysql/shop/"):
			o.Tables = append(o.Tables, e.Header.Name)
			if e.Header.Uid == 0 {
				t.Errorf("%s belongs to root", e.Header.Name)
			}
		}
	}
	return o
}

// The builders give the same data, and ask for secrets when they are needed.
func TestBuildersRestoreTheSame(t *testing.T) {
	t.Parallel()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bucket := bucket(t, true, map[string][]byte{"app.sql.gz": gzipped(t, appDump)})
	var outcomes []outcome
	eachBuilder(t, func(t *testing.T, b builder.Builder) {
		secrets := &askedSecrets{values: map[string]string{
			"AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": s3.SecretKey, "AWS_REGION": s3.Region, "app_pw": "app's own",
		}}
		o := order(t, "restore: {database: shop}\ndump: s3://"+bucket+"/app.sql.gz\n"+
			"accounts: {users: [{name: app, password: {secret: app_pw}, grants: [ALL ON shop.*]}]}\n", nil)
		o.Args["AWS_ENDPOINT_URL"], o.Args["AWS_PROFILE"], o.Secrets = s3.Endpoint, "team", secrets
		record := &recorder{t: t}
		resolved, err := b.Resolve(t.Context(), o, record.write)
		if err != nil {
			t.Fatalf("%v\n%s", err, record)
		}
		if len(resolved.Objects) != 1 || resolved.Objects[0].VersionID == "" || resolved.Base.Flavour != "mariadb" {
			t.Errorf("resolved is %+v", resolved)
		}
		if slices.Contains(secrets.asked, "app_pw") {
			t.Error("a resolve asks for the password of an account")
		}
		restored, err := b.Restore(t.Context(), o, record.write)
		if err != nil {
			t.Fatalf("%v\n%s", err, record)
		}
		defer restored.Close()
		if diff := cmp.Diff(resolved, restored.Resolved); diff != "" {
			t.Error(diff)
		}
		if !slices.Contains(secrets.asked, "app_pw") {
			t.Error("nobody asked for the password of the account")
		}
		holds(t, record.String(), "[resolve]", "[restore]")
		if text := record.String() + string(restored.Manifest); strings.Contains(text, s3.SecretKey) || strings.Contains(text, "app's own") {
			t.Error("progress or manifest show a secret")
		}
		outcomes = append(outcomes, outcomeOf(t, restored))
	})
	if len(outcomes) != 2 {
		t.FailNow()
	}
	if len(outcomes[0].Tables) == 0 || len(outcomes[0].Manifest.Tables) != 3 || outcomes[0].Linked == 0 {
		t.Errorf("the outcome is %+v", outcomes[0])
	}
	if diff := cmp.Diff(outcomes[0], outcomes[1]); diff != "" {
		t.Errorf("buildkit and docker differ: %s", diff)
	}
}

// Failures come back as *spec.Error, with the caller's name of the file.
func TestBuildersFailures(t *testing.T) {
	t.Parallel()
	const account = "accounts: {root: {password: {secret: root_pw}}}\n"
	broken := errors.New("the vault is sealed")
	tests := map[string]struct {
		yaml    string
		secrets *askedSecrets
		want    []string
		cause   error
	}{
		"verify":         {yaml: "dump: app.sql\nverify:\n  - SELECT COUNT(*) > 5 FROM shop.item\n", want: []string{"team/dbake.yaml:6:5: ", "not true"}},
		"missing secret": {yaml: "dump: app.sql\n" + account, want: []string{"team/dbake.yaml:5:", "secret root_pw was not given"}},
		"missing file":   {yaml: "dump: other.sql\n", want: []string{"team/dbake.yaml:4:7: ", "no file other.sql"}},
		"broken secrets": {yaml: "dump: app.sql\n" + account, secrets: &askedSecrets{fail: broken}, cause: broken},
	}
	eachBuilder(t, func(t *testing.T, b builder.Builder) {
		for what, test := range tests {
			t.Run(what, func(t *testing.T) {
				o := order(t, "restore: {database: shop}\n"+test.yaml, map[string]string{"app.sql": appDump})
				if test.secrets != nil {
					o.Secrets = test.secrets
				}
				record := &recorder{t: t}
				restored, err := b.Restore(t.Context(), o, record.write)
				if err == nil {
					restored.Close()
					t.Fatalf("the restore succeeds\n%s", record)
				}
				var at *spec.Error
				if test.cause != nil {
					if !errors.Is(err, test.cause) {
						t.Errorf("the error is %v", err)
					}
				} else if !errors.As(err, &at) {
					t.Errorf("the error has no place in the file: %v", err)
				}
				holds(t, err.Error(), test.want...)
				if strings.Count(err.Error(), "dbake.yaml") > 1 || strings.Contains(err.Error(), "failed to") {
					t.Errorf("the error has words of BuildKit in it: %v", err)
				}
			})
		}
	})
}

func TestBuildersStop(t *testing.T) {
	eachBuilder(t, func(t *testing.T, b builder.Builder) {
		o := order(t, "restore: {database: shop}\ndump: app.sql\nafter: [wait.sql]\n",
			map[string]string{"app.sql": appDump, "wait.sql": "DO SLEEP(300);\n"})
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		why := errors.New("the user has changed their mind")
		record := &recorder{t: t}
		w := func(s *client.SolveStatus) {
			record.write(s)
			if strings.Contains(record.String(), "run: wait.sql") {
				cancel(why)
			}
		}
		restored, err := b.Restore(ctx, o, w)
		stopped := time.Now()
		if err == nil {
			restored.Close()
		}
		if !errors.Is(err, why) {
			t.Errorf("the error is %v\n%s", err, record)
		}
		nothingBakes(t)
		t.Logf("the last process ended %v later", time.Since(stopped))
	})
}

// A builder of buildx is reached by its name.
func TestBuildxBuilderByName(t *testing.T) {
	cmd, err := all.BuildxCommand(t.Context(), "version")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range cmd.Env[len(os.Environ()):] {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	o := order(t, "dump: app.sql\n", map[string]string{"app.sql": appDump})
	t.Run("resolve", func(t *testing.T) {
		resolved, err := connected(t, "dbake", buildkit.Options{}).Resolve(t.Context(), o, progress.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if resolved.Base.Flavour != "mariadb" {
			t.Errorf("resolved is %+v", resolved)
		}
	})
	waitFor(t, 5*time.Second, func() bool { return len(children("dial-stdio")) == 0 }, func() string {
		return "the connection's process still runs: " + strings.Join(children("dial-stdio"), "; ")
	})
	_, err = buildkit.Connect(t.Context(), "no-such-builder", buildkit.TLS{})
	if err == nil || !strings.Contains(err.Error(), "no-such-builder") {
		t.Errorf("the error for a builder that is not there is %v", err)
	}
}

// children lists the command lines of this process's children that hold text.
func children(text string) []string {
	self := "\nPPid:\t" + strconv.Itoa(os.Getpid()) + "\n"
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var found []string
	for _, dir := range dirs {
		status, _ := os.ReadFile(filepath.Join(dir, "status"))
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if strings.Contains(string(status), self) && strings.Contains(string(command), text) {
			found = append(found, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}

// What was restored goes into an external cache, and the next bake looks there.
func TestBuildKitCaches(t *testing.T) {
	t.Parallel()
	address, err := all.BuildKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(t.TempDir(), "cache")
	o := order(t, "restore: {database: shop}\ndump: app.sql\n", map[string]string{"app.sql": appDump})
	record := &recorder{t: t}
	for _, options := range []buildkit.Options{
		{CacheTo: []client.CacheOptionsEntry{{Type: "local", Attrs: map[string]string{"dest": cache, "mode": "max"}}}},
		{CacheFrom: []client.CacheOptionsEntry{{Type: "local", Attrs: map[string]string{"src": cache}}}},
	} {
		restored, err := connected(t, address, options).Restore(t.Context(), o, record.write)
		if err != nil {
			t.Fatal(err)
		}
		if err := restored.Close(); err != nil {
			t.Error(err)
		}
	}
	holds(t, record.String(), "exporting cache", "importing cache manifest from local")
	if _, err := os.Stat(filepath.Join(cache, "index.json")); err != nil {
		t.Error(err)
	}
}
