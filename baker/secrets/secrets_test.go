package secrets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/baker/builder"
)

// clean takes away what the machine's own AWS configuration would add. Tests
// that use it cannot run in parallel.
func clean(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return home
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

func store(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// all asks for every AWS secret; those there are none of are left out.
func all(t *testing.T, s *Store) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, id := range append([]string{Region, CredentialsFile}, credentials...) {
		value, err := s.Secret(t.Context(), id)
		if errors.Is(err, builder.ErrNoSecret) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got[id] = string(value)
	}
	return got
}

func TestParse(t *testing.T) {
	t.Setenv("THERE", "1")
	for text, want := range map[string]Source{
		"id=pw,src=/run/pw":           {ID: "pw", File: "/run/pw"},
		"id=pw,source=pw.txt":         {ID: "pw", File: "pw.txt"},
		"type=file,id=pw,src=pw.txt":  {ID: "pw", File: "pw.txt"},
		"id=pw,env=PW":                {ID: "pw", Env: "PW"},
		"id=pw,type=env,src=PW":       {ID: "pw", Env: "PW"},
		"id=THERE":                    {ID: "THERE", Env: "THERE"},
		"id=NOT_THERE":                {ID: "NOT_THERE", File: "NOT_THERE"},
		`id=pw,"src=a,b"`:             {ID: "pw", File: "a,b"},
		"id=NOT_THERE,type=env":       {ID: "NOT_THERE", Env: "NOT_THERE"},
		"ID=pw,SRC=has=equals/in.txt": {ID: "pw", File: "has=equals/in.txt"},
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "form",
		"src=hunter2":              "no id",
		"id=pw,hunter2":            "part 2 has no value",
		"id=pw,value=hunter2":      `unknown key "value"`,
		"id=pw,src=a,env=B":        "do not go together",
		"id=pw,type=hunter2,src=a": "neither file nor env",
		"id=pw,type=file,env=B":    "do not go together",
		`id=pw,"src=hunter2`:       "form",
		"id=,src=hunter2":          "part 1 has no value",
		"id=pw,src=,env=B":         "part 2 has no value",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q in it", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats a value: %v", text, err)
		}
	}
}

func TestSourcesAreReadWhenAskedFor(t *testing.T) {
	clean(t)
	file := write(t, filepath.Join(t.TempDir(), "pw"), "one")
	t.Setenv("PW", "from env")
	s := store(t, Options{Sources: []Source{{ID: "file", File: file}, {ID: "env", Env: "PW"}}})
	for _, want := range []string{"one", "two"} {
		write(t, file, want)
		if got, err := s.Secret(t.Context(), "file"); err != nil || string(got) != want {
			t.Errorf("file is %q, %v, want %q", got, err, want)
		}
	}
	if got, err := s.Secret(t.Context(), "env"); err != nil || string(got) != "from env" {
		t.Errorf("env is %q, %v", got, err)
	}
	if _, err := s.Secret(t.Context(), "other"); !errors.Is(err, builder.ErrNoSecret) {
		t.Errorf("the error for a secret nobody gave is %v", err)
	}
}

func TestSourcesThatDoNotExist(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, sources := range map[string][]Source{
		"no file":     {{ID: "a", File: filepath.Join(dir, "nothing")}},
		"not set":     {{ID: "a", Env: "DBAKE_TEST_NOT_SET"}},
		"a directory": {{ID: "a", File: dir}},
		"more than":   {{ID: "a", File: big}},
		"given twice": {{ID: "a", Env: "PATH"}, {ID: "a", Env: "PATH"}},
	} {
		if _, err := New(Options{Sources: sources}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
}

func TestCredentialsOfTheEnvironment(t *testing.T) {
	clean(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
	t.Setenv("AWS_SESSION_TOKEN", "env-token")
	t.Setenv("AWS_REGION", "eu-west-3")
	want := map[string]string{AccessKeyID: "AKIDENV", SecretAccessKey: "env-secret", SessionToken: "env-token", Region: "eu-west-3"}
	if diff := cmp.Diff(want, all(t, store(t, Options{}))); diff != "" {
		t.Error(diff)
	}
}

func TestCredentialsOfAProfile(t *testing.T) {
	home := clean(t)
	write(t, filepath.Join(home, "config"), "[default]\nregion = us-east-1\n[profile team]\nregion = eu-north-1\n")
	write(t, filepath.Join(home, "credentials"), "[team]\naws_access_key_id = AKIDTEAM\naws_secret_access_key = team-secret\n")
	want := map[string]string{AccessKeyID: "AKIDTEAM", SecretAccessKey: "team-secret", Region: "eu-north-1"}
	if diff := cmp.Diff(want, all(t, store(t, Options{Profile: "team"}))); diff != "" {
		t.Error(diff)
	}
	t.Setenv("AWS_PROFILE", "team")
	if diff := cmp.Diff(want, all(t, store(t, Options{}))); diff != "" {
		t.Error(diff)
	}
	_, err := store(t, Options{Profile: "nobody"}).Secret(t.Context(), AccessKeyID)
	if err == nil || !strings.Contains(err.Error(), `profile "nobody" does not exist`) {
		t.Errorf("the error is %v", err)
	}
}

func TestCredentialsOfAProcess(t *testing.T) {
	home := clean(t)
	script := write(t, filepath.Join(home, "process"), "#!/bin/sh\n"+
		`echo '{"Version":1,"AccessKeyId":"AKIDPROC","SecretAccessKey":"proc-secret","SessionToken":"proc-token"}'`+"\n")
	write(t, filepath.Join(home, "config"), "[default]\ncredential_process = "+script+"\n")
	want := map[string]string{AccessKeyID: "AKIDPROC", SecretAccessKey: "proc-secret", SessionToken: "proc-token"}
	if diff := cmp.Diff(want, all(t, store(t, Options{}))); diff != "" {
		t.Error(diff)
	}
	// What it prints is not to be seen, also when it makes no sense.
	for _, body := range []string{"echo '{\"SecretAccessKey\":\"planted-7f3c\",'", "echo planted-7f3c >&2; exit 1", "echo '{\"Version\":2,\"SecretAccessKey\":\"planted-7f3c\"}'"} {
		write(t, script, "#!/bin/sh\n"+body+"\n")
		_, err := store(t, Options{}).Secret(t.Context(), SecretAccessKey)
		if err == nil || errors.Is(err, builder.ErrNoSecret) || !strings.Contains(err.Error(), "credential_process") {
			t.Errorf("%s: the error is %v", body, err)
		}
		if strings.Contains(fmt.Sprintf("%+v", err), "planted") {
			t.Errorf("the error repeats what the process printed: %+v", err)
		}
	}
}

// In ECS, CodeBuild and EKS credentials come from an endpoint.
func TestCredentialsOfAContainer(t *testing.T) {
	clean(t)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "pod-token" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"code":"AccessDenied","message":"the role cannot be assumed"}`)
			return
		}
		n := asked.Add(1)
		fmt.Fprintf(w, `{"AccessKeyId":"AKIDECS%d","SecretAccessKey":"ecs-secret","Token":"ecs-token","Expiration":%q}`,
			n, time.Now().Add(6*time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL+"/creds")
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token")
	s := store(t, Options{})
	if asked.Load() != 0 {
		t.Error("credentials are asked for before anyone wants them")
	}
	if _, err := s.Secret(t.Context(), "app_password"); !errors.Is(err, builder.ErrNoSecret) || asked.Load() != 0 {
		t.Errorf("another secret: %v, and %d questions for credentials", err, asked.Load())
	}
	want := map[string]string{AccessKeyID: "AKIDECS1", SecretAccessKey: "ecs-secret", SessionToken: "ecs-token"}
	if diff := cmp.Diff(want, all(t, s)); diff != "" {
		t.Error(diff)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the endpoint is asked %d times for one set of credentials", n)
	}
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong")
	_, err := store(t, Options{}).Secret(t.Context(), AccessKeyID)
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("the error for a role that cannot be had is %v", err)
	}
}

// Credentials of the command line must not be mixed with others.
func TestGivenCredentialsReplaceTheMachines(t *testing.T) {
	clean(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
	t.Setenv("AWS_SESSION_TOKEN", "env-token")
	t.Setenv("MINE", "AKIDMINE")
	s := store(t, Options{Sources: []Source{{ID: AccessKeyID, Env: "MINE"}}})
	if diff := cmp.Diff(map[string]string{AccessKeyID: "AKIDMINE"}, all(t, s)); diff != "" {
		t.Error(diff)
	}
	s = store(t, Options{Sources: []Source{{ID: CredentialsFile, Env: "MINE"}}})
	if diff := cmp.Diff(map[string]string{CredentialsFile: "AKIDMINE"}, all(t, s)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{}, all(t, store(t, Options{NoAWS: true}))); diff != "" {
		t.Error(diff)
	}
}

// A machine without credentials can bake from a public bucket.
func TestNoCredentials(t *testing.T) {
	clean(t)
	if diff := cmp.Diff(map[string]string{}, all(t, store(t, Options{}))); diff != "" {
		t.Error(diff)
	}
}

func TestInstanceThatDoesNotAnswer(t *testing.T) {
	clean(t)
	os.Unsetenv("AWS_EC2_METADATA_DISABLED")
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", silent.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := store(t, Options{}).Secret(ctx, AccessKeyID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v, want the context's", err)
	}
}

// A shell's <(command) gives its output only once, and a bake asks more often.
func TestPipeIsReadOnce(t *testing.T) {
	clean(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("from a pipe"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	s := store(t, Options{Sources: []Source{{ID: "pw", File: fmt.Sprintf("/dev/fd/%d", r.Fd())}}})
	for range 2 {
		if value, err := s.Secret(t.Context(), "pw"); err != nil || string(value) != "from a pipe" {
			t.Errorf("the secret is %q, %v", value, err)
		}
	}
}
