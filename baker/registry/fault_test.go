package registry

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy stands in front of a registry, breaks what the test says, and keeps a
// record of all requests.
type proxy struct {
	// Host is the first part of references through the proxy.
	Host string

	forward http.Handler
	active  atomic.Int32
	mu      sync.Mutex
	faults  []*fault
	record  []exchange
}

// exchange is one request and what came of it.
type exchange struct {
	Method, Path string
	Query        url.Values
	Sent         int64 // bytes of the request's body
	Range        string
	Status       int // 0: none arrived
}

// fault breaks the first times requests that match, after skip of them.
type fault struct {
	method, path string // path is a part of the path
	skip, times  int
	do           func(http.ResponseWriter, *http.Request, http.Handler)
}

func (f *fault) matches(r *http.Request) bool {
	return r.Method == f.method && strings.Contains(r.URL.Path, f.path)
}

// newProxy stands in front of a handler or, when it is nil, of the registry at
// a host.
func newProxy(t *testing.T, handler http.Handler, host string, faults ...*fault) *proxy {
	t.Helper()
	p := &proxy{forward: handler, faults: faults}
	quiet := log.New(io.Discard, "", 0)
	if handler == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		p.forward = &httputil.ReverseProxy{
			Transport: transport, ErrorLog: quiet,
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: "http", Host: host})
				r.Out.Host = r.In.Host // uploads go on through the proxy
			},
		}
	}
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = quiet
	server.Start()
	t.Cleanup(server.Close)
	p.Host = strings.TrimPrefix(server.URL, "http://")
	return p
}

type counter struct {
	io.ReadCloser
	n *int64
}

func (c counter) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	*c.n += int64(n)
	return n, err
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := exchange{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Range: r.Header.Get("Content-Range")}
	r.Body = counter{r.Body, &e.Sent}
	sw := &statusWriter{ResponseWriter: w}
	p.active.Add(1)
	defer func() {
		defer p.active.Add(-1)
		e.Status = sw.status
		p.mu.Lock()
		p.record = append(p.record, e)
		p.mu.Unlock()
		if failure := recover(); failure != nil {
			panic(failure)
		}
	}()
	p.mu.Lock()
	var broken *fault
	for _, f := range p.faults {
		if !f.matches(r) {
			continue
		}
		if f.skip > 0 {
			f.skip--
		} else if f.times != 0 {
			f.times--
			broken = f
			break
		}
	}
	p.mu.Unlock()
	if broken != nil {
		broken.do(sw, r, p.forward)
		return
	}
	p.forward.ServeHTTP(sw, r)
}

// mend ends all faults.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// exchanges is the record when all requests so far are in it.
func (p *proxy) exchanges() []exchange {
	for p.active.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.record)
}

// count is how many requests of a method went to paths with a part in them.
func (p *proxy) count(method, part string) int {
	n := 0
	for _, e := range p.exchanges() {
		if e.Method == method && strings.Contains(e.Path, part) {
			n++
		}
	}
	return n
}

// sent is how many bytes of blobs came in for a repository.
func (p *proxy) sent(repo string) int64 {
	var n int64
	for _, e := range p.exchanges() {
		if strings.HasPrefix(e.Path, "/v2/"+repo+"/blobs/") {
			n += e.Sent
		}
	}
	return n
}

func (p *proxy) String() string {
	var b strings.Builder
	for _, e := range p.exchanges() {
		fmt.Fprintf(&b, "%s %s %s sent %d: %d\n", e.Method, e.Path, e.Range, e.Sent, e.Status)
	}
	return b.String()
}

// hangUp ends the client's connection without a word.
func hangUp(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func drop(w http.ResponseWriter, _ *http.Request, _ http.Handler) { hangUp(w) }

// answer gives a status and no more.
func answer(status int, headers ...string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	}
}

// cut breaks the connection when n bytes of the body came in; the registry gets
// these.
func cut(n int64) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r.Body, n), broken{}), r.Body}
		next.ServeHTTP(httptest.NewRecorder(), r)
		hangUp(w)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, net.ErrClosed }

// swallow lets the registry do its work and loses the answer.
func swallow(w http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(httptest.NewRecorder(), r)
	hangUp(w)
}

// truncate gives the first half of the answer's body.
func truncate(w http.ResponseWriter, r *http.Request, next http.Handler) {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	for key, values := range recorder.Header() {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(recorder.Body.Len()))
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes()[:recorder.Body.Len()/2])
	hangUp(w)
}

// forget makes the registry drop the upload and says so.
func forget(w http.ResponseWriter, r *http.Request, next http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	gone := r.Clone(r.Context())
	gone.Method, gone.Body, gone.ContentLength = http.MethodDelete, http.NoBody, 0
	next.ServeHTTP(httptest.NewRecorder(), gone)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.Copy(w, strings.NewReader(`{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown to registry"}]}`))
}

// crawl reads the body slowly, and answers.
func crawl(w http.ResponseWriter, r *http.Request, next http.Handler) {
	var all bytes.Buffer
	for {
		n, err := io.CopyN(&all, r.Body, 64<<10)
		if n == 0 || err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	r.Body = io.NopCloser(&all)
	next.ServeHTTP(w, r)
}
