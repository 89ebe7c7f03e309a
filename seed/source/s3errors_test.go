package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbake/dbake/internal/s3test"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// s3Answer is an error as S3 sends it: no body to HEAD, XML to the rest.
type s3Answer struct {
	status  int
	code    string
	message string
	header  map[string]string
}

func (a s3Answer) write(w http.ResponseWriter, r *http.Request) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("X-Amz-Request-Id", "4442587FB7D0A2F9")
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead && a.code != "" {
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
			`<Error><Code>%s</Code><Message>%s</Message><AWSAccessKeyId>%s</AWSAccessKeyId><RequestId>4442587FB7D0A2F9</RequestId><HostId>x</HostId></Error>`,
			a.code, a.message, testKeyID)
	}
}

// s3Fake is one object on a server that speaks S3's protocol closely, and
// misbehaves as a test likes: before may answer a request itself.
type s3Fake struct {
	mu     sync.Mutex
	data   []byte
	etag   string
	before func(w http.ResponseWriter, r *http.Request) bool
	gets   atomic.Int64
}

func (f *s3Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	data, etag, before := f.data, f.etag, f.before
	f.mu.Unlock()
	if r.Method == http.MethodGet {
		f.gets.Add(1)
	}
	if before != nil && before(w, r) {
		return
	}
	w.Header().Set("ETag", etag)
	if match := r.Header.Get("If-Match"); match != "" && match != etag {
		s3Answer{status: 412, code: "PreconditionFailed", message: "At least one of the pre-conditions you specified did not hold"}.write(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), bytes.NewReader(data))
}

func (f *s3Fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func newS3Fake(t testing.TB, data []byte) *s3Fake {
	t.Helper()
	f := &s3Fake{data: data, etag: `"one"`}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	s3test.Use(t, server.URL)
	return f
}

func TestS3ErrorsSayWhatToDo(t *testing.T) {
	object, prefix := s3Object("backup", "mysql/dump.sql.gz"), s3Prefix("mysql/", spec.PickNewest)
	version := object
	version.Location.VersionID = "v1"
	const at = "s3://backup/mysql/dump.sql.gz: "
	tests := []struct {
		name   string
		answer s3Answer
		dump   spec.Dump
		kind   error
		want   string
	}{
		{
			"no such key",
			s3Answer{404, "NoSuchKey", "The specified key does not exist.", nil},
			object, ErrNotFound,
			at + `the bucket "backup" has no object "mysql/dump.sql.gz" (GetObject: NoSuchKey); list what is there with: aws s3 ls s3://backup/mysql/`,
		},
		{
			"deleted",
			s3Answer{404, "NoSuchKey", "The specified key does not exist.", map[string]string{"X-Amz-Delete-Marker": "true"}},
			object, ErrNotFound,
			at + `the object "mysql/dump.sql.gz" of the bucket "backup" has been deleted (GetObject: NoSuchKey); list what is there with: aws s3 ls s3://backup/mysql/`,
		},
		{
			"no such bucket",
			s3Answer{404, "NoSuchBucket", "The specified bucket does not exist", nil},
			object, ErrNotFound,
			at + `there is no bucket "backup" at http://ENDPOINT (GetObject: NoSuchBucket); check the bucket's name, the account and AWS_ENDPOINT_URL; list buckets with: aws s3 ls`,
		},
		{
			"no such bucket to list",
			s3Answer{404, "NoSuchBucket", "The specified bucket does not exist", nil},
			prefix, ErrNotFound,
			`s3://backup/mysql/: there is no bucket "backup" at http://ENDPOINT (ListObjectsV2: NoSuchBucket); check the bucket's name, the account and AWS_ENDPOINT_URL; list buckets with: aws s3 ls`,
		},
		{
			"no such version",
			s3Answer{404, "NoSuchVersion", "The specified version does not exist.", nil},
			version, ErrNotFound,
			"s3://backup/mysql/dump.sql.gz?versionId=v1: the object has no version \"v1\" (GetObject: NoSuchVersion); list versions with: aws s3api list-object-versions --bucket backup --prefix mysql/dump.sql.gz",
		},
		{
			"denied",
			s3Answer{403, "AccessDenied", "Access Denied", nil},
			object, ErrDenied,
			at + `access denied: the credentials lack s3:GetObject for the bucket "backup" (GetObject: AccessDenied); allow s3:GetObject in the role's and the bucket's policies; without s3:ListBucket, S3 says the same about an object that does not exist`,
		},
		{
			"denied to list",
			s3Answer{403, "AccessDenied", "Access Denied", nil},
			prefix, ErrDenied,
			`s3://backup/mysql/: access denied: the credentials lack s3:ListBucket for the bucket "backup" (ListObjectsV2: AccessDenied); allow s3:ListBucket in the role's and the bucket's policies`,
		},
		{"denied version", s3Answer{403, "AccessDenied", "Access Denied", nil}, version, ErrDenied, "the credentials lack s3:GetObjectVersion"},
		{"denied by kms", s3Answer{403, "AccessDenied", "not authorized to perform: kms:Decrypt on the resource", nil}, object, ErrDenied, "; allow kms:Decrypt for the key the object is encrypted with"},
		{
			"expired",
			s3Answer{400, "ExpiredToken", "The provided token has expired.", nil},
			object, ErrDenied,
			at + "the AWS credentials have expired (GetObject: ExpiredToken); get new ones, for example with: aws sso login",
		},
		{
			"wrong key",
			s3Answer{403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", nil},
			object, ErrDenied,
			at + "the AWS access key does not exist at http://ENDPOINT (GetObject: InvalidAccessKeyId); check AWS_ACCESS_KEY_ID; temporary credentials need AWS_SESSION_TOKEN too",
		},
		{"wrong token", s3Answer{400, "InvalidToken", "The provided token is malformed or otherwise invalid.", nil}, object, ErrDenied, "the AWS session token is not valid (GetObject: InvalidToken)"},
		{
			"wrong secret",
			s3Answer{403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.", nil},
			object, ErrDenied,
			at + "the request's signature is wrong (GetObject: SignatureDoesNotMatch); check AWS_SECRET_ACCESS_KEY, and that no proxy changes requests on the way",
		},
		{
			"clock",
			s3Answer{403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", nil},
			prefix, ErrDenied,
			"this machine's clock is too far from the server's, 4 times in a row (ListObjectsV2: RequestTimeTooSkewed); set the clock right",
		},
		{
			"wrong region",
			s3Answer{301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.", map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}},
			object, nil,
			at + `the bucket "backup" is in the region eu-west-1, but the request went to another (GetObject: PermanentRedirect); set AWS_REGION=eu-west-1`,
		},
		{
			"wrong region, signed",
			s3Answer{400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'ap-northeast-1'", nil},
			prefix, nil,
			`s3://backup/mysql/: the bucket "backup" is in the region ap-northeast-1, but the request went to another (ListObjectsV2: AuthorizationHeaderMalformed); set AWS_REGION=ap-northeast-1`,
		},
		{"wrong region, HEAD only", s3Answer{400, "", "", map[string]string{"X-Amz-Bucket-Region": "eu-central-1"}}, object, nil, "; set AWS_REGION=eu-central-1"},
		{
			"archived",
			s3Answer{403, "InvalidObjectState", "The operation is not valid for the object's storage class", nil},
			object, ErrDenied,
			at + "the object is archived and has to be restored before it can be read (GetObject: InvalidObjectState); restore it with: aws s3api restore-object, then wait until head-object shows ongoing-request=\"false\"",
		},
		{"slow down", s3Answer{503, "SlowDown", "Please reduce your request rate.", nil}, prefix, nil, "s3://backup/mysql/: S3 says to slow down, 4 times in a row (ListObjectsV2: SlowDown); try again later"},
		{"an answer nobody knows", s3Answer{400, "KeyTooLongError", "Your key is too long", nil}, object, nil, "http://ENDPOINT answered KeyTooLongError: Your key is too long"},
		{"an echo of the secret", s3Answer{400, "Odd", "You sent " + testSecret + " and " + testKeyID, nil}, object, nil, "You sent [redacted] and [redacted]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newS3Fake(t, nil)
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				test.answer.write(w, r)
				return true
			}
			_, err := newTestSource(t).Resolve(t.Context(), []spec.Dump{test.dump})
			if err == nil {
				t.Fatal("no error")
			}
			noSecrets(t, err)
			got := strings.ReplaceAll(err.Error(), customEndpoint(), "http://ENDPOINT")
			if !strings.HasPrefix(got, "dump[0]: ") || !strings.Contains(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("it is not %q", test.kind)
			}
		})
	}
}

func TestS3ArchivedObjectIsKnownByItsHead(t *testing.T) {
	f, s := newS3Fake(t, sqlText(100, 1)), newTestSource(t)
	restore := ""
	f.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-Amz-Storage-Class", "DEEP_ARCHIVE")
		if restore != "" {
			w.Header().Set("X-Amz-Restore", restore)
		}
		return false
	}
	dump := []spec.Dump{s3Object("backup", "dump.sql")}
	for _, restore = range []string{"", `ongoing-request="true"`} {
		if _, err := s.Resolve(t.Context(), dump); err == nil || !strings.Contains(err.Error(), "is archived (storage class DEEP_ARCHIVE) and has to be restored") {
			t.Errorf("%q: %v", restore, err)
		}
	}
	restore = `ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"`
	if _, err := s.Resolve(t.Context(), dump); err != nil {
		t.Error(err)
	}
}

func TestS3EndpointErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<html><body>Welcome to nginx!")
	}))
	defer page.Close()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	tls.Config.ErrorLog = nil
	defer tls.Close()
	for endpoint, want := range map[string]string{
		closed:                         "s3://backup/mysql/: nothing listens at " + closed + " (connection refused), 4 times in a row (ListObjectsV2); check AWS_ENDPOINT_URL, AWS_REGION and the network of the builder",
		page.URL:                       page.URL + " does not answer like an S3 server",
		tls.URL:                        "the certificate of " + tls.URL + " is not trusted: ",
		"http://no-such-host.invalid:": `there is no host "no-such-host.invalid"`,
	} {
		s3test.Use(t, endpoint)
		_, err := newTestSource(t).Resolve(t.Context(), []spec.Dump{s3Prefix("mysql/", spec.PickNewest)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got  %v\nwant %s", endpoint, err, want)
		}
		noSecrets(t, err)
	}
}

// TestS3RegionIsFoundWhenNoneIsSet: with AWS_REGION a wrong region is an error
// (see the table above), without it dbake goes where the bucket is.
func TestS3RegionIsFoundWhenNoneIsSet(t *testing.T) {
	f := newS3Fake(t, sqlText(5000, 1))
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
			return false
		}
		s3Answer{400, "AuthorizationHeaderMalformed", "wrong", map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}}.write(w, r)
		return true
	}
	t.Setenv("AWS_REGION", "")
	s := newTestSource(t)
	got, err := readAll(t.Context(), s, resolveOne(t, s, s3Object("backup", "dump.sql")))
	if err != nil || !bytes.Equal(got, sqlText(5000, 1)) {
		t.Error(len(got), err)
	}
}

// cut is a ResponseWriter whose connection breaks after n bytes of body.
func cut(w http.ResponseWriter, n int, body []byte, header func(http.Header)) {
	header(w.Header())
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(body[:n])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestS3BrokenTransfersAreTakenUpAgain(t *testing.T) {
	text := sqlText(20000, 1)
	var resumed atomic.Int64
	var seen sync.Map // a part is answered badly once
	f, s := newS3Fake(t, text), newTestSource(t)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		var first, last int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); err != nil {
			return false
		}
		if first%1000 != 0 {
			resumed.Add(1)
		}
		if _, again := seen.LoadOrStore(first/1000, true); again {
			return false
		}
		switch first / 1000 % 4 {
		case 0:
			s3Answer{503, "SlowDown", "Please reduce your request rate.", nil}.write(w, r)
		case 1:
			cut(w, (last-first)/3, text[first:last+1], func(h http.Header) {
				h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(text)))
				h.Set("Content-Length", strconv.Itoa(last-first+1))
				h.Set("ETag", `"one"`)
			})
		case 2:
			s3Answer{500, "InternalError", "We encountered an internal error. Please try again.", nil}.write(w, r)
		default:
			return false
		}
		return true
	}
	got, err := readAll(t.Context(), s, resolveOne(t, s, s3Object("backup", "dump.sql")))
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%d bytes, err %v", len(got), err)
	}
	if resumed.Load() == 0 {
		t.Error("no transfer went on where it broke")
	}
}

func TestS3GivesUpAfterManyTries(t *testing.T) {
	f, s := newS3Fake(t, sqlText(20000, 1)), newTestSource(t)
	obj := resolveOne(t, s, s3Object("backup", "dump.sql"))
	f.set(func() {
		f.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "bytes=5000-5999" {
				s3Answer{503, "SlowDown", "Please reduce your request rate.", nil}.write(w, r)
				return true
			}
			return false
		}
	})
	got, err := readAll(t.Context(), s, obj)
	if err == nil || !strings.Contains(err.Error(), "S3 says to slow down, 8 times in a row (GetObject: SlowDown)") {
		t.Errorf("%v", err)
	}
	if !bytes.Equal(got, sqlText(20000, 1)[:5000]) {
		t.Errorf("%d bytes", len(got))
	}
	// No more parts than the ring has are asked for, whatever the size.
	if gets := f.gets.Load(); gets > 8+8 {
		t.Errorf("%d requests", gets)
	}
}

func TestS3StalledTransferIsTakenUpAgain(t *testing.T) {
	text := sqlText(3000, 1)
	f, s := newS3Fake(t, text), newTestSource(t)
	s.retry.stall = 100 * time.Millisecond
	var stalled atomic.Bool
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "bytes=1000-1999" || stalled.Swap(true) {
			return false
		}
		w.Header().Set("Content-Range", "bytes 1000-1999/3000")
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("ETag", `"one"`)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(text[1000:1300])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // until the reader has had enough
		return true
	}
	got, err := readAll(t.Context(), s, resolveOne(t, s, s3Object("backup", "dump.sql")))
	if err != nil || !bytes.Equal(got, text) || !stalled.Load() {
		t.Errorf("%d bytes, err %v", len(got), err)
	}
}

// TestS3AnswersThatAreNotWhatWasAsked come from servers without If-Match or
// Range, and from proxies.
func TestS3AnswersThatAreNotWhatWasAsked(t *testing.T) {
	text := sqlText(5000, 1)
	partial := func(w http.ResponseWriter, contentRange, etag string, body []byte) {
		w.Header().Set("Content-Range", contentRange)
		w.Header().Set("ETag", etag)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body)
	}
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter)
		kind   error
		want   string
	}{
		"another ETag": {func(w http.ResponseWriter) { partial(w, "bytes 1000-1999/5000", `"two"`, text[1000:2000]) }, ErrChanged, `its ETag was "one" and is "two"`},
		"longer now":   {func(w http.ResponseWriter) { partial(w, "bytes 1000-1999/6000", `"one"`, text[1000:2000]) }, ErrChanged, "it had 5000 bytes and has 6000"},
		"wrong range":  {func(w http.ResponseWriter) { partial(w, "bytes 0-999/5000", `"one"`, text[:1000]) }, nil, `the server sent "bytes 0-999/5000" for bytes 1000-1999`},
		"short range":  {func(w http.ResponseWriter) { partial(w, "bytes 1000-1499/5000", `"one"`, text[1000:1500]) }, nil, "the server sent "},
		"no range": {func(w http.ResponseWriter) {
			w.Header().Set("ETag", `"one"`)
			_, _ = w.Write(text)
		}, nil, "the server ignores the Range header, which dbake needs"},
		"another object": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "4000")
			_, _ = w.Write(text[:4000])
		}, ErrChanged, "it had 5000 bytes and has 4000"},
		"412": {func(w http.ResponseWriter) {
			s3Answer{412, "PreconditionFailed", "At least one", nil}.write(w, &http.Request{})
		}, ErrChanged, "the object changed while being read: it does not have the ETag it had when the build began (GetObject: PreconditionFailed); build again once"},
		"416": {func(w http.ResponseWriter) {
			s3Answer{416, "InvalidRange", "The requested range is not satisfiable", nil}.write(w, &http.Request{})
		}, ErrChanged, "it had 5000 bytes and is shorter now"},
		"gone": {func(w http.ResponseWriter) {
			s3Answer{404, "NoSuchKey", "The specified key does not exist.", nil}.write(w, &http.Request{})
		}, ErrNotFound, "has no object"},
	} {
		t.Run(name, func(t *testing.T) {
			f, s := newS3Fake(t, text), newTestSource(t)
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Range") != "bytes=1000-1999" {
					return false
				}
				test.answer(w)
				return true
			}
			_, err := readAll(t.Context(), s, resolveOne(t, s, s3Object("backup", "dump.sql")))
			if err == nil || !strings.Contains(err.Error(), test.want) || test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestRangedLongBody is about a body without a length that goes on and on.
func TestRangedLongBody(t *testing.T) {
	fetch := func(context.Context, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat("x", 2000))), nil
	}
	s := newTestSource(t)
	r := newRanged(t.Context(), 1500, s.cfg, s.retry, fetch, func(err error) error { return err })
	defer r.Close()
	if _, err := io.ReadAll(r); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
}

// TestRangedMemoryIsBounded reads 512 MiB that are made up as they are asked
// for, with the parts of production.
func TestRangedMemoryIsBounded(t *testing.T) {
	const size = 512 << 20
	var open, most atomic.Int64
	fetch := func(_ context.Context, _, n int64) (io.ReadCloser, error) {
		if now := open.Add(1); now > most.Load() {
			most.Store(now)
		}
		return &zeros{n: n, close: func() { open.Add(-1) }}, nil
	}
	cfg := New(Config{}).cfg
	peak := peakHeap(t, func() {
		r := newRanged(t.Context(), size, cfg, backoff{attempts: 1, stall: time.Minute}, fetch, func(err error) error { return err })
		defer r.Close()
		if n, err := io.Copy(io.Discard, struct{ io.Reader }{r}); n != size || err != nil {
			t.Fatal(n, err)
		}
	})
	t.Logf("%d MiB", peak>>20)
	if peak > 64<<20 || most.Load() > int64(cfg.Parallel) {
		t.Errorf("%d MiB with %d transfers at once", peak>>20, most.Load())
	}
}

// zeros is a body of n bytes.
type zeros struct {
	n     int64
	close func()
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	z.n -= n
	return int(n), nil
}

func (z *zeros) Close() error {
	z.close()
	return nil
}

func BenchmarkS3Read(b *testing.B) {
	const size = 256 << 20
	server := httptest.NewServer(&s3Fake{data: sqlText(size, 1), etag: `"one"`})
	defer server.Close()
	s3test.Use(b, server.URL)
	s := New(Config{SecretDir: b.TempDir()})
	defer s.Close()
	obj := plan.Object{Location: s3Object("backup", "dump.sql").Location, ETag: `"one"`, Size: size}
	b.SetBytes(size)
	for b.Loop() {
		stream, err := s.Open(b.Context(), obj)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, struct{ io.Reader }{stream}); n != size || err != nil {
			b.Fatal(n, err)
		}
		_ = stream.Close()
	}
}
