package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

const signedQuery = "?X-Amz-Credential=" + testKeyID + "&X-Amz-Signature=abcdef"

// webFake is one file on a web server.
type webFake struct {
	mu     sync.Mutex
	data   []byte
	header map[string]string
	before func(w http.ResponseWriter, r *http.Request) bool
}

func (f *webFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	data, header, before := f.data, f.header, f.before
	f.mu.Unlock()
	for name, value := range header {
		w.Header().Set(name, value)
	}
	if before != nil && before(w, r) {
		return
	}
	http.ServeContent(w, r, "", time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), bytes.NewReader(data))
}

// newWebFake returns a server over TLS and a Source that trusts it.
func newWebFake(t testing.TB, data []byte) (*webFake, *Source, spec.Dump) {
	t.Helper()
	f := &webFake{data: data, header: map[string]string{"ETag": `"one"`}}
	server := httptest.NewTLSServer(f)
	t.Cleanup(server.Close)
	s := newTestSource(t)
	s.web.Transport.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	return f, s, webDump(server.URL + "/dumps/dump.sql.gz" + signedQuery)
}

func webDump(url string) spec.Dump {
	return spec.Dump{From: url, Location: spec.Location{Kind: spec.KindHTTPS, URL: url}}
}

func TestWebFileIsPinnedAndRead(t *testing.T) {
	for _, size := range []int{0, 1, 100000} {
		text := sqlText(size, 1)
		_, s, dump := newWebFake(t, text)
		obj := resolveOne(t, s, dump)
		want := plan.Object{Location: dump.Location, ETag: `"one"`, Size: int64(size), Modified: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)}
		if obj != want {
			t.Errorf("%+v", obj)
		}
		if got, err := readAll(t.Context(), s, obj); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes, err %v", len(got), err)
		}
		if got, err := readAll(t.Context(), s, plan.Object{Location: dump.Location}); err != nil || !bytes.Equal(got, text) {
			t.Errorf("not resolved: %d bytes, err %v", len(got), err)
		}
	}
}

// TestWebWithoutHead is how a signed URL behaves: it is good for GET only.
func TestWebWithoutHead(t *testing.T) {
	for _, status := range []int{403, 405, 501} {
		for _, size := range []int{0, 5000} {
			f, s, dump := newWebFake(t, sqlText(size, 1))
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodHead {
					w.WriteHeader(status)
					return true
				}
				return false
			}
			obj := resolveOne(t, s, dump)
			if obj.Size != int64(size) || obj.ETag != `"one"` {
				t.Errorf("%d: %+v", status, obj)
			}
			if got, err := readAll(t.Context(), s, obj); err != nil || len(got) != size {
				t.Errorf("%d: %d bytes, err %v", status, len(got), err)
			}
		}
	}
}

// TestWebBytesAreNotDecoded: gzip files are often sent as Content-Encoding.
func TestWebBytesAreNotDecoded(t *testing.T) {
	data := testdata(t, "large.sql.gz")
	f, s, dump := newWebFake(t, data)
	f.header["Content-Encoding"] = "gzip"
	if got, err := readAll(t.Context(), s, resolveOne(t, s, dump)); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, err %v; want %d", len(got), err, len(data))
	}
}

// breakUp makes every answer stop in the middle.
func breakUp(text []byte, ranges bool) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		first := 0
		if ranges {
			_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(text)-first))
		if first > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, len(text)-1, len(text)))
			w.WriteHeader(http.StatusPartialContent)
		}
		rest := text[first:]
		if len(rest) > 300<<10 {
			_, _ = w.Write(rest[:280<<10])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(rest)
		return true
	}
}

func TestWebBrokenTransferGoesOn(t *testing.T) {
	text := sqlText(4<<20, 1) // 15 pieces, which is more than there are tries
	f, s, dump := newWebFake(t, text)
	f.before = breakUp(text, true)
	got, err := readAll(t.Context(), s, resolveOne(t, s, dump))
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, err %v", len(got), err)
	}
}

func TestWebBrokenTransferThatCannotGoOn(t *testing.T) {
	text := sqlText(1<<20, 1)
	f, s, dump := newWebFake(t, text)
	f.before = breakUp(text, false)
	_, err := readAll(t.Context(), s, resolveOne(t, s, dump))
	if err == nil || !strings.Contains(err.Error(), "the connection broke after 286720 bytes, and the server cannot go on in the middle of a file") {
		t.Error(err)
	}
	noSecrets(t, err)
}

// TestWebConnectionThatAlwaysBreaks must not look like the end of the file.
func TestWebConnectionThatAlwaysBreaks(t *testing.T) {
	text := sqlText(100000, 1)
	f, s, dump := newWebFake(t, text)
	obj := resolveOne(t, s, dump)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			_, _ = w.Write(text[:1000])
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}
	stream, err := s.Open(t.Context(), obj)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	n, err := io.Copy(io.Discard, stream)
	if n != 1000 || err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "8 times in a row (GET)") {
		t.Errorf("after %d bytes: %v", n, err)
	}
	noSecrets(t, err)
}

func TestWebFileThatChanges(t *testing.T) {
	text := sqlText(1<<20, 1)
	for name, etag := range map[string]string{"strong": `"two"`, "weak": `W/"two"`, "none": ""} {
		t.Run(name, func(t *testing.T) {
			f, s, dump := newWebFake(t, text)
			if name != "strong" {
				f.header["ETag"] = strings.Replace(etag, "two", "one", 1)
			}
			obj := resolveOne(t, s, dump)
			f.header = map[string]string{"ETag": etag}
			f.data = text[:len(text)-1]
			if _, err := s.Open(t.Context(), obj); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "/dumps/dump.sql.gz?…: the object changed while being read") {
				t.Errorf("before it is opened: %v", err)
			}
		})
	}
	f, s, dump := newWebFake(t, text)
	var pieces atomic.Int64
	broken := breakUp(text, true)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && pieces.Add(1) > 1 {
			w.Header().Set("ETag", `"two"`)
		}
		return broken(w, r)
	}
	if _, err := readAll(t.Context(), s, resolveOne(t, s, dump)); !errors.Is(err, ErrChanged) {
		t.Errorf("in the middle: %v", err)
	}
}

func TestWebErrors(t *testing.T) {
	for status, want := range map[int]string{
		404: "?…: there is nothing at this address (GET: HTTP 404); open it with: curl -I",
		403: "the server denies access (GET: HTTP 403); a signed URL may have expired",
		401: "the server wants a login (GET: HTTP 401)",
		503: "the server answered 503 Service Unavailable, 4 times in a row (HEAD: HTTP 503); try again later",
	} {
		f, s, dump := newWebFake(t, nil)
		f.before = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			return true
		}
		_, err := s.Resolve(t.Context(), []spec.Dump{dump})
		if err == nil || !strings.HasPrefix(err.Error(), "dump[0]: https://127.0.0.1:") || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		noSecrets(t, err)
		_, err = s.Open(t.Context(), plan.Object{Location: dump.Location, Size: -1})
		if err == nil {
			t.Errorf("%d can be opened", status)
		}
		noSecrets(t, err)
	}
	_, s, dump := newWebFake(t, nil)
	s.web = newWebClient() // does not know the certificate
	_, err := s.Resolve(t.Context(), []spec.Dump{dump})
	if err == nil || !strings.Contains(err.Error(), "is not trusted: ") {
		t.Error(err)
	}
	noSecrets(t, err)
	_, err = s.Resolve(t.Context(), []spec.Dump{webDump("https://user:hunter2@no-such-host.invalid/x" + signedQuery)})
	if err == nil || !strings.Contains(err.Error(), `there is no host "no-such-host.invalid"`) {
		t.Error(err)
	}
	noSecrets(t, err)
}

func TestWebRedirects(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	f, s, dump := newWebFake(t, sqlText(5000, 1))
	target := ""
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/dumps/dump.sql.gz" {
			return false
		}
		http.Redirect(w, r, target, http.StatusFound)
		return true
	}
	target = "/elsewhere" + signedQuery
	if got, err := readAll(t.Context(), s, resolveOne(t, s, dump)); err != nil || len(got) != 5000 {
		t.Errorf("%d bytes, err %v", len(got), err)
	}
	target = plain.URL + signedQuery
	_, err := s.Resolve(t.Context(), []spec.Dump{dump})
	if err == nil || !strings.Contains(err.Error(), "the server redirects from https to http") {
		t.Error(err)
	}
	noSecrets(t, err)
}

func TestWebStreamCanBeClosedWhileItIsRead(t *testing.T) {
	f, s, dump := newWebFake(t, sqlText(5000, 1))
	obj := resolveOne(t, s, dump)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", "5000")
		_, _ = w.Write(sqlText(1000, 1))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	}
	stream, err := s.Open(t.Context(), obj)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stream, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := stream.Read(make([]byte, 1))
		done <- err
	}()
	_ = stream.Close()
	if err := <-done; err == nil || errors.Is(err, io.EOF) {
		t.Error(err)
	}
	_ = stream.Close()
}
