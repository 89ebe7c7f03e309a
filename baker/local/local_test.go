package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"

	"github.com/dbake/dbake/baker/base/filelock"
	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// secretMap holds secrets by id.
type secretMap map[string]string

func (m secretMap) Secret(_ context.Context, id string) ([]byte, error) {
	value, ok := m[id]
	if !ok {
		return nil, builder.ErrNoSecret
	}
	return []byte(value), nil
}

func parse(t *testing.T, text string) builder.Order {
	t.Helper()
	file, err := spec.Parse("dbake.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return builder.Order{File: file, Name: "dbake.yaml", Data: []byte(text), Context: t.TempDir(), Secrets: secretMap{}}
}

func TestContextFiles(t *testing.T) {
	t.Parallel()
	o := parse(t, "version: 1\nbase: mysql\ndump:\n  - dumps/a.sql.gz\n  - folder/\nafter: [after.sql]\n")
	outside := t.TempDir()
	touch := func(names ...string) {
		for _, name := range names {
			file := filepath.Join(o.Context, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("x"), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(want string) {
		t.Helper()
		_, err := contextFiles(o)
		if err == nil || err.Error() != want {
			t.Errorf("error %v\nwant  %s", err, want)
		}
	}
	touch("after.sql", "folder/a.sql")
	check("dbake.yaml:4:5: dump[0]: there is no file dumps/a.sql.gz in the build context")
	touch("dumps/a.sql.gz/x")
	check("dbake.yaml:4:5: dump[0]: dumps/a.sql.gz is a directory of the build context; name a file, or write dumps/a.sql.gz/ for a dump folder")
	// A link is followed like in a build: inside the context.
	if err := errors.Join(
		os.RemoveAll(filepath.Join(o.Context, "dumps")), os.Mkdir(filepath.Join(o.Context, "dumps"), 0o755),
		os.Symlink(filepath.Join(outside, "secret"), filepath.Join(o.Context, "dumps/a.sql.gz")),
		os.WriteFile(filepath.Join(outside, "secret"), nil, 0o644),
	); err != nil {
		t.Fatal(err)
	}
	check("dbake.yaml:4:5: dump[0]: there is no file dumps/a.sql.gz in the build context")
	if err := errors.Join(os.Remove(filepath.Join(o.Context, "dumps/a.sql.gz")), os.Symlink("../real.gz", filepath.Join(o.Context, "dumps/a.sql.gz"))); err != nil {
		t.Fatal(err)
	}
	touch("real.gz")
	files, err := contextFiles(o)
	if err != nil || len(files) != 3 || files[1].From != filepath.Join(o.Context, "real.gz") || files[1].To != "/run/dbake/context/dumps/a.sql.gz" {
		t.Errorf("files %v, %v", files, err)
	}
	if err := os.WriteFile(filepath.Join(o.Context, ".dockerignore"), []byte("*.sql\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	check(`dbake.yaml:6:9: after[0]: after.sql is kept out of the build context by .dockerignore; add the line "!after.sql" to it`)
	if err := errors.Join(os.Remove(filepath.Join(o.Context, ".dockerignore")), os.RemoveAll(filepath.Join(o.Context, "folder"))); err != nil {
		t.Fatal(err)
	}
	check("dbake.yaml:5:5: dump[1]: there is no directory folder in the build context")
	touch("folder")
	check("dbake.yaml:5:5: dump[1]: folder is no directory of the build context; name it without the slash at the end")
}

func TestMissingSecretIsAnErrorAtItsKey(t *testing.T) {
	t.Parallel()
	s := &session{order: parse(t, "version: 1\nbase: mysql\ndump: a.sql\naccounts:\n  root: {password: {secret: root_pw}}\n")}
	_, err := s.secrets(t.Context(), s.order.File.Secrets())
	if want := "dbake.yaml:5:20: accounts.root.password: secret root_pw was not given to the build; pass --secret id=root_pw,src=FILE"; err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
	s.order.Secrets = secretMap{"root_pw": "x"}
	if files, err := s.secrets(t.Context(), s.order.File.Secrets()); err != nil || string(files["/run/secrets/root_pw"]) != "x" {
		t.Errorf("files %q, %v", files, err)
	}
}

// The AWS SDK gets the credentials that the machine has at that moment.
func TestCredentialsAreServed(t *testing.T) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", t.TempDir())
	if server, err := serveCredentials(t.Context(), secretMap{}); server != nil || err != nil {
		t.Errorf("without credentials: %v, %v", server, err)
	}
	secrets := secretMap{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "token"}
	server, err := serveCredentials(t.Context(), secrets)
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	for name, value := range server.env() {
		t.Setenv(name, value)
		for _, secret := range secrets {
			if value == secret {
				t.Errorf("%s holds a credential", name)
			}
		}
	}
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != "id" || got.SecretAccessKey != "key" || got.SessionToken != "token" || !got.CanExpire {
		t.Errorf("credentials %v, %v", got.Source, err)
	}
	if left := time.Until(got.Expires); left > goodFor || left < time.Minute {
		t.Errorf("they are kept for %v", left)
	}
	for _, token := range []string{"", "wrong"} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.url, nil)
		request.Header.Set("Authorization", token)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("with the token %q the answer is %s", token, answer.Status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestEnvironmentOfTheAgent(t *testing.T) {
	t.Parallel()
	s := &session{order: parse(t, "version: 1\nbase: mysql\ndump: s3://bucket/a.sql\n"), baseEnv: []string{"MYSQL_VERSION=1=2", "PATH=/opt/bin"}}
	s.order.Args = map[string]string{"AWS_REGION": "eu-west-1", "http_proxy": "http://proxy", "OTHER": "x"}
	s.order.Secrets = secretMap{"aws": "[default]"}
	want := []string{
		"AWS_REGION=eu-west-1", "HOME=/root", "HTTP_PROXY=http://proxy", "MYSQL_VERSION=1=2", "PATH=/opt/bin",
		"SSL_CERT_FILE=/run/dbake/agent/etc/ssl/certs/ca-certificates.crt", "http_proxy=http://proxy",
	}
	env, secrets, stop, err := s.environment(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if diff := cmp.Diff(want, env); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]byte{"/run/secrets/aws": []byte("[default]")}, secrets); diff != "" {
		t.Error(diff)
	}
	// Who reads no S3 gets nothing of it.
	s.order.File.Dump[0].Location = spec.Location{Kind: spec.KindContext, Path: "a.sql"}
	if env, secrets, _, err := s.environment(t.Context(), nil); err != nil || len(env) != 4 || len(secrets) > 0 {
		t.Errorf("%q, %q, %v", env, secrets, err)
	}
}

func TestCredentialsThatChange(t *testing.T) {
	t.Parallel()
	calls := 0
	c := &credentialServer{secrets: secretFunc(func(id string) string {
		calls++
		if calls < 4 {
			return "old " + id
		}
		return "new " + id
	})}
	got, err := c.read(t.Context())
	if err != nil || got["AccessKeyId"] != "new AWS_ACCESS_KEY_ID" || got["SecretAccessKey"] != "new AWS_SECRET_ACCESS_KEY" {
		t.Errorf("mixed credentials: %v, %v", got, err)
	}
}

type secretFunc func(id string) string

func (f secretFunc) Secret(_ context.Context, id string) ([]byte, error) { return []byte(f(id)), nil }

func TestOutputBecomesLogsAndWarnings(t *testing.T) {
	t.Parallel()
	var logs, warnings []string
	var w progress.Writer = func(s *client.SolveStatus) {
		for _, l := range s.Logs {
			logs = append(logs, string(l.Data))
		}
		for _, w := range s.Warnings {
			warnings = append(warnings, string(w.Short))
		}
	}
	l := &lines{step: w.Start("step")}
	for _, text := range []string{"restore: du", "mp.sql\nwarn", "ing: root has no password\n", "end"} {
		if _, err := l.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	l.end()
	if got, want := fmt.Sprintf("%q %q", logs, warnings), `["restore: dump.sql\n" "warning: root has no password\n" "end\n"] ["root has no password"]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWorkDirOfAKilledBakeIsRemoved(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "work")
	first, err := newWorkDir(Options{Work: parent})
	if err != nil {
		t.Fatal(err)
	}
	killed, err := newWorkDir(Options{Work: parent})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(killed.jail(), "closed"), 0), killed.lock.Unlock()); err != nil {
		t.Fatal(err)
	}
	second, err := newWorkDir(Options{Work: parent})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(killed.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what the killed bake left is still there: %v", err)
	}
	if _, err := os.Stat(first.jail()); err != nil {
		t.Errorf("the directory of a bake that runs is gone: %v", err)
	}
	if err := errors.Join(first.remove(), second.remove()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := filelock.Try(first.dir+lockEnd, filelock.Exclusive); err != nil {
		t.Error(err)
	}
}

// Processes of a killed bake are found by their root directory, which has no links.
func TestWorkDirHasNoLinks(t *testing.T) {
	t.Parallel()
	target, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	w, err := newWorkDir(Options{Work: link})
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(w.dir) != target {
		t.Errorf("the directory is %s, want one in %s", w.dir, target)
	}
	if err := w.remove(); err != nil {
		t.Error(err)
	}
}

func TestDiskThatIsTooSmall(t *testing.T) {
	t.Parallel()
	w := &workDir{dir: t.TempDir()}
	if err := w.checkSpace([]plan.Object{{Size: 1000}, {Size: -1}}); err != nil {
		t.Error(err)
	}
	err := w.checkSpace([]plan.Object{{Size: 1 << 60}})
	if err == nil || !strings.Contains(err.Error(), "too little free space in "+filepath.Dir(w.dir)) || !strings.Contains(err.Error(), EnvWork) {
		t.Errorf("error %v", err)
	}
}
