package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/baker/notify"
)

// A bake that fails tells so, and its own error stays what it was although one of
// the hooks is broken.
func TestNotificationOfAFailure(t *testing.T) {
	var event notify.Event
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/geheim" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &event); err != nil || !strings.HasPrefix(r.Header.Get(notify.SignatureHeader), "sha256=") {
			t.Errorf("%v: %s", err, body)
		}
	}))
	defer hook.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"dbake.yaml": "version: 1\nbase: localhost:1/mysql\ndump: https://example.com/app.sql?token=planted\n",
		"hook":       hook.URL + "/geheim\n", "broken": hook.URL + "/planted", "key": "planted-key",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"GITHUB_RUN_ID", "CODEBUILD_BUILD_URL", "CI_JOB_URL"} {
		t.Setenv(name, "")
	}
	t.Setenv("CIRCLE_BUILD_URL", "https://ci.example.com/7")
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	status := Main([]string{
		"bake", "-t", "localhost:1/app:planted-key", "--builder", "none", "--progress", "plain",
		"--secret", "id=hook,src=hook", "--secret", "id=broken,src=broken", "--secret", "id=key,src=key",
		"--notify", "slack=broken", "--notify", "webhook=hook,key=key",
	}, strings.NewReader(""), &stdout, &stderr)
	if status != exitUsage || !strings.Contains(stderr.String(), `--builder "none" is not known`) {
		t.Errorf("status %d\n%s", status, &stderr)
	}
	if !strings.Contains(stderr.String(), "warning: notify slack at ") || strings.Contains(stderr.String(), "/planted") || strings.Contains(stderr.String(), "geheim") {
		t.Errorf("standard error:\n%s", &stderr)
	}
	if event.Status != notify.Failed || event.Link != "https://ci.example.com/7" || !strings.Contains(event.Error, "--builder") {
		t.Errorf("event %+v", event)
	}
	if len(event.Dumps) != 1 || event.Dumps[0] != "https://example.com/app.sql" {
		t.Errorf("dumps %q", event.Dumps)
	}
}

func TestValuesOfSecretsAreTakenOut(t *testing.T) {
	t.Parallel()
	n := &notifier{hide: []string{"planted-key"}}
	if e := n.event(nil, errors.New("the server says: planted-key")); e.Error != "the server says: ***" {
		t.Errorf("error %q", e.Error)
	}
}

func TestNotifyFlag(t *testing.T) {
	t.Parallel()
	secret := func(id string) (string, error) { return "value of " + id, nil }
	for text, want := range map[string]notify.Target{
		"slack=a":         {Kind: notify.Slack, URL: "value of a"},
		"webhook=a":       {Kind: notify.Webhook, URL: "value of a"},
		"webhook=a,key=b": {Kind: notify.Webhook, URL: "value of a", Key: []byte("value of b")},
	} {
		got, err := parseTarget(text, secret)
		if err != nil || got.Kind != want.Kind || got.URL != want.URL || !bytes.Equal(got.Key, want.Key) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "slack", "slack=", "mail=a", "slack=a,key=b", "webhook=a,key=", "slack=https://hooks.example.com/geheim"} {
		if _, err := parseTarget(text, secret); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", text, err)
		}
	}
	env := map[string]string{"GITHUB_RUN_ID": "5", "GITHUB_REPOSITORY": "acme/app", "GITHUB_SERVER_URL": "https://github.com", "CI_JOB_URL": "x"}
	if got := buildLink(func(name string) string { return env[name] }); got != "https://github.com/acme/app/actions/runs/5" {
		t.Errorf("link %q", got)
	}
}
