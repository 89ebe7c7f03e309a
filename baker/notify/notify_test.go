package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/baker/notify"
	"github.com/dbake/dbake/seed/manifest"
)

// hook is a web server that keeps what it is told.
type hook struct {
	*httptest.Server

	posts     atomic.Int64
	body      []byte
	signature string
}

func newHook(t *testing.T, answer func(n int64) int) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := h.posts.Add(1)
		h.body, _ = io.ReadAll(r.Body)
		h.signature = r.Header.Get(notify.SignatureHeader)
		w.WriteHeader(answer(n))
	}))
	t.Cleanup(h.Close)
	return h
}

var (
	quick = notify.Sender{Timeout: time.Second, Wait: time.Millisecond}
	event = notify.Event{
		Status: notify.Baked, Refs: []string{"r.example.com/app:1"}, Digest: "sha256:abc", Bytes: 12_345_678, Rows: 1000, Tables: 2,
		Seconds: 61, Dumps: []string{"s3://bucket/<app>.sql"},
		Changes: &notify.Changes{Added: []string{"app.new"}, Rows: -5, Changed: 3},
	}
)

func TestWebhookGetsTheEventSigned(t *testing.T) {
	t.Parallel()
	h := newHook(t, func(int64) int { return http.StatusNoContent })
	if err := quick.Send(t.Context(), notify.Target{Kind: notify.Webhook, URL: h.URL, Key: []byte("key")}, event); err != nil {
		t.Fatal(err)
	}
	var got notify.Event
	if err := json.Unmarshal(h.body, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(event, got); diff != "" {
		t.Error(diff)
	}
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write(h.body)
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); h.signature != want {
		t.Errorf("signature %q, want %q", h.signature, want)
	}
}

func TestSlackMessage(t *testing.T) {
	t.Parallel()
	h := newHook(t, func(int64) int { return http.StatusOK })
	if err := quick.Send(t.Context(), notify.Target{Kind: notify.Slack, URL: h.URL}, event); err != nil {
		t.Fatal(err)
	}
	var message struct {
		Text   string
		Blocks []struct{ Text struct{ Text string } }
	}
	if err := json.Unmarshal(h.body, &message); err != nil {
		t.Fatal(err)
	}
	if message.Text != "dbake: r.example.com/app:1 is baked" || len(message.Blocks) != 2 {
		t.Fatalf("%s", h.body)
	}
	for _, want := range []string{"2 tables, 1000 rows, 12.3 MB, in 1m1s", "-5 rows, 3 tables changed, new: app.new", "s3://bucket/&lt;app&gt;.sql"} {
		if !strings.Contains(message.Blocks[1].Text.Text, want) {
			t.Errorf("%q is not in %q", want, message.Blocks[1].Text.Text)
		}
	}
}

func TestBusyServerIsAskedAgain(t *testing.T) {
	t.Parallel()
	h := newHook(t, func(n int64) int {
		if n < 3 {
			return http.StatusTooManyRequests
		}
		return http.StatusOK
	})
	if err := quick.Send(t.Context(), notify.Target{Kind: notify.Webhook, URL: h.URL}, event); err != nil || h.posts.Load() != 3 {
		t.Errorf("%d tries: %v", h.posts.Load(), err)
	}
}

func TestErrorsDoNotTellTheAddress(t *testing.T) {
	t.Parallel()
	h := newHook(t, func(int64) int { return http.StatusNotFound })
	for _, address := range []string{h.URL + "/services/T0/B0/geheim", "http://localhost:1/geheim", "geheim", "https://%zz/geheim"} {
		err := quick.Send(t.Context(), notify.Target{Kind: notify.Slack, URL: address}, event)
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v", err)
		}
	}
	if h.posts.Load() != 1 {
		t.Errorf("a server that knows no such hook was asked %d times", h.posts.Load())
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	before := &manifest.Manifest{Rows: 10, Tables: []manifest.Table{
		{Schema: "app", Name: "a", Rows: 5, Digest: "1"}, {Schema: "app", Name: "b", Rows: 3, Digest: "2"}, {Schema: "app", Name: "gone", Rows: 2},
	}}
	after := &manifest.Manifest{Rows: 13, Tables: []manifest.Table{
		{Schema: "app", Name: "a", Rows: 5, Digest: "9"}, {Schema: "app", Name: "b", Rows: 3, Digest: "2"}, {Schema: "app", Name: "new", Rows: 5},
	}}
	want := &notify.Changes{Added: []string{"app.new"}, Removed: []string{"app.gone"}, Rows: 3, Changed: 1}
	if diff := cmp.Diff(want, notify.Compare(before, after)); diff != "" {
		t.Error(diff)
	}
}
