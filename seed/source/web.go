package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

var errDowngrade = errors.New("the server redirects from https to http")

// newWebClient returns a client that hands bytes over as they are: the
// standard one would decompress some answers and change their length.
func newWebClient() *http.Client {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DisableCompression:  true,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     90 * time.Second,
	}
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= 10 {
				return fmt.Errorf("%w: more than 10 redirects", errPermanent)
			}
			if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return errDowngrade
			}
			return nil
		},
	}
}

// ask sends one request. The answer has one of the wanted statuses, or the
// error is a *statusError.
func (s *Source) ask(ctx context.Context, method, url string, header http.Header, wanted ...int) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: the address is not a URL", errPermanent)
	}
	req.Header = header
	resp, err := s.web.Do(req)
	if err != nil {
		return nil, err
	}
	for _, status := range wanted {
		if resp.StatusCode == status {
			return resp, nil
		}
	}
	_ = resp.Body.Close()
	return nil, &statusError{status: resp.StatusCode, header: resp.Header}
}

// statWeb pins what is at a URL. It asks with HEAD and then, because many
// servers refuse that and signed URLs are good for GET only, with a GET of one
// byte.
func (s *Source) statWeb(ctx context.Context, loc spec.Location) (plan.Object, error) {
	obj := plan.Object{Location: loc, Size: -1}
	op := http.MethodHead
	err := s.statRetry().do(ctx, func(ctx context.Context) error {
		op = http.MethodHead
		resp, err := s.ask(ctx, op, loc.URL, http.Header{}, http.StatusOK)
		if status := statusOf(err); status >= 400 && !retryable(err) {
			op = http.MethodGet
			resp, err = s.ask(ctx, op, loc.URL, http.Header{"Range": {"bytes=0-0"}}, http.StatusOK, http.StatusPartialContent)
			if statusOf(err) == http.StatusRequestedRangeNotSatisfiable { // an empty file
				resp, err = s.ask(ctx, op, loc.URL, http.Header{}, http.StatusOK)
			}
		}
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		id := identityOf(resp)
		obj.ETag, obj.Size, obj.Modified = id.etag, id.size, id.modified
		return nil
	})
	if err != nil {
		return obj, webError(op, loc, err)
	}
	return obj, nil
}

// webIdentity is what a web server says about a file.
type webIdentity struct {
	etag     string
	modified time.Time
	size     int64 // of the whole file; -1 when unknown
}

func identityOf(resp *http.Response) webIdentity {
	id := webIdentity{etag: resp.Header.Get("ETag"), size: resp.ContentLength}
	if t, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		id.modified = t.UTC()
	}
	if resp.StatusCode == http.StatusPartialContent {
		id.size = -1
		if r, err := parseContentRange(resp.Header.Get("Content-Range")); err == nil {
			id.size = r.total
		}
	}
	return id
}

// check says how now differs from id. What either side does not know is no
// difference; the date counts only without an ETag.
func (id webIdentity) check(now webIdentity) error {
	switch {
	case id.etag != "" && now.etag != "":
		if id.etag != now.etag {
			return changedError("its ETag was %s and is %s", id.etag, now.etag)
		}
	case !id.modified.IsZero() && !now.modified.IsZero() && !id.modified.Equal(now.modified):
		return changedError("it was last modified at %s and now at %s", id.modified.Format(time.RFC3339), now.modified.Format(time.RFC3339))
	}
	if id.size >= 0 && now.size >= 0 && id.size != now.size {
		return changedError("it had %d bytes and has %d", id.size, now.size)
	}
	return nil
}

// webStream is one GET whose connection is replaced when it breaks.
type webStream struct {
	source   *Source
	loc      spec.Location
	ctx      func() context.Context
	cancel   context.CancelCauseFunc
	position atomic.Int64
	size     atomic.Int64

	mu     sync.Mutex // held by Read
	id     webIdentity
	body   io.ReadCloser
	dog    *watchdog
	failed int   // broken connections in a row
	since  int64 // where the present connection began
	err    error
}

// openWeb starts to read a URL.
func (s *Source) openWeb(ctx context.Context, obj plan.Object) (Stream, error) {
	own, cancel := context.WithCancelCause(ctx)
	w := &webStream{
		source: s, loc: obj.Location, cancel: cancel,
		ctx: func() context.Context { return own },
		id:  webIdentity{etag: obj.ETag, modified: obj.Modified, size: obj.Size},
	}
	if obj.Size == 0 && obj.ETag == "" && obj.Modified.IsZero() {
		w.id.size = -1 // an Object that was never resolved
	}
	w.size.Store(w.id.size)
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		err := w.connect(own)
		if err == nil {
			return w, nil
		}
		if err := w.broken(own, err); err != nil {
			_ = w.end(err)
			return nil, w.err
		}
	}
}

// connect asks for the bytes from the present position on.
func (w *webStream) connect(ctx context.Context) error {
	watched, dog := watch(ctx, w.source.retry.stall)
	at := w.position.Load()
	header, wanted := http.Header{}, http.StatusOK
	if w.id.etag != "" && !strings.HasPrefix(w.id.etag, "W/") {
		header.Set("If-Match", w.id.etag)
	}
	if at > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", at))
		wanted = http.StatusPartialContent
	}
	resp, err := w.source.ask(watched, http.MethodGet, w.loc.URL, header, wanted)
	if err != nil {
		err = dog.explain(err)
		dog.stop()
		if at > 0 && statusOf(err) == http.StatusOK {
			err = fmt.Errorf("%w: the connection broke after %d bytes, and the server cannot go on in the middle of a file", errPermanent, at)
		}
		return err
	}
	now := identityOf(resp)
	err = w.id.check(now)
	if r, bad := parseContentRange(resp.Header.Get("Content-Range")); at > 0 && err == nil && (bad != nil || r.first != at) {
		err = fmt.Errorf("%w: the server sent another range than bytes %d and on", errPermanent, at)
	}
	if err != nil {
		_ = resp.Body.Close()
		dog.stop()
		return err
	}
	w.learn(now)
	w.body, w.dog, w.since = resp.Body, dog, at
	dog.rest()
	return nil
}

// learn fills in what Resolve could not find out, so that a second connection
// is held to what the first one said.
func (w *webStream) learn(now webIdentity) {
	if w.id.etag == "" {
		w.id.etag = now.etag
	}
	if w.id.modified.IsZero() {
		w.id.modified = now.modified
	}
	if w.id.size < 0 {
		w.id.size = now.size
		w.size.Store(now.size)
	}
}

// broken decides about a failure: nil means that connecting again makes sense,
// and that the pause before it is over.
func (w *webStream) broken(ctx context.Context, err error) error {
	if reason := ended(ctx); reason != nil {
		return reason
	}
	if w.position.Load()-w.since >= progress {
		w.failed = 0
	}
	w.failed++
	if !retryable(err) || w.failed >= w.source.retry.attempts {
		return tries(err, w.failed)
	}
	return w.source.retry.pause(ctx, w.failed)
}

func (w *webStream) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.err != nil {
			return 0, w.err
		}
		ctx := w.ctx()
		if reason := ended(ctx); reason != nil {
			return 0, w.end(reason)
		}
		n, done, err := w.readSome(ctx, p)
		w.position.Add(int64(n))
		if done {
			return 0, w.end(io.EOF)
		}
		if err == nil {
			return n, nil
		}
		w.hangUp()
		if err := w.broken(ctx, err); err != nil {
			return 0, w.end(err)
		}
	}
}

// readSome reads from the connection, making it first where there is none. The
// end of the file is told by done and not by io.EOF, because that is also what
// a connection that is closed too early may give.
func (w *webStream) readSome(ctx context.Context, p []byte) (n int, done bool, err error) {
	if w.body == nil {
		if err := w.connect(ctx); err != nil {
			return 0, false, err
		}
	}
	w.dog.kick()
	n, err = w.body.Read(p)
	w.dog.rest()
	if n > 0 || err == nil {
		return n, false, nil
	}
	if !errors.Is(err, io.EOF) {
		return 0, false, w.dog.explain(err)
	}
	if at := w.position.Load(); w.id.size >= 0 && at < w.id.size {
		return 0, false, errShort
	}
	return 0, true, nil
}

func (w *webStream) hangUp() {
	if w.body != nil {
		_ = w.body.Close()
		w.dog.stop()
		w.body = nil
	}
}

// end makes err what every later Read returns.
func (w *webStream) end(err error) error {
	w.hangUp()
	w.cancel(err)
	switch {
	case w.err != nil:
	case err == io.EOF: //nolint:errorlint // exactly the end; see readSome
		w.err = io.EOF
	default:
		w.err = webError(http.MethodGet, w.loc, err)
	}
	return w.err
}

// Close cancels first, which makes a Read that waits return and let go of mu.
func (w *webStream) Close() error {
	w.cancel(errClosed)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		_ = w.end(errClosed)
	}
	return nil
}

func (w *webStream) Position() int64 { return w.position.Load() }
func (w *webStream) Size() int64     { return w.size.Load() }

// webError makes the *Error for a failed request.
func webError(op string, loc spec.Location, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	v := explainWeb(loc, err)
	if t := (*triedError)(nil); errors.As(err, &t) {
		v.text += fmt.Sprintf(", %d times in a row", t.times)
	}
	if status := statusOf(err); status != 0 {
		op += fmt.Sprintf(": HTTP %d", status)
	}
	return &Error{Op: op, URL: displayLocation(loc), Hint: v.hint, Err: &cause{text: v.text, kind: v.kind, err: hideEOF(err)}}
}

func explainWeb(loc spec.Location, err error) verdict {
	var c *cause
	status := statusOf(err)
	switch {
	case errors.Is(err, ErrChanged) && errors.As(err, &c):
		return verdict{c.text, changedHint, ErrChanged}
	case errors.Is(err, errPermanent):
		return verdict{text: permanentText(err)}
	case status == http.StatusPreconditionFailed, status == http.StatusRequestedRangeNotSatisfiable:
		return verdict{"the object " + ErrChanged.Error(), changedHint, ErrChanged}
	case status == http.StatusNotFound, status == http.StatusGone:
		return verdict{"there is nothing at this address", "open it with: curl -I", ErrNotFound}
	case status == http.StatusUnauthorized:
		return verdict{"the server wants a login", "use an address that carries its own permission, such as a signed URL", ErrDenied}
	case status == http.StatusForbidden:
		return verdict{"the server denies access", "a signed URL may have expired: make a new one", ErrDenied}
	case status != 0:
		return verdict{text: fmt.Sprintf("the server answered %d %s", status, http.StatusText(status)), hint: "try again later"}
	case errors.Is(err, context.Canceled), errors.Is(err, errClosed):
		return verdict{text: root(err).Error()}
	case errors.Is(err, errDowngrade):
		return verdict{text: errDowngrade.Error(), hint: "use the address it redirects to, if that has https"}
	}
	return verdict{text: describeNetwork(err, redactHost(loc.URL)), hint: "check the address and the network of the builder"}
}

// redactHost is the scheme and host of a URL.
func redactHost(raw string) string {
	text := redactURL(raw)
	if scheme, rest, ok := strings.Cut(text, "//"); ok {
		host, _, _ := strings.Cut(rest, "/")
		return scheme + "//" + host
	}
	return text
}
