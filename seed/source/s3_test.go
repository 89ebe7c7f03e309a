package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/dbake/dbake/internal/s3test"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// clock gives each object of the fake a time of the test's choosing.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// fakeS3 is a gofakes3 server with one bucket, "backup".
type fakeS3 struct {
	t       testing.TB
	backend *s3mem.Backend
	clock   *clock
	// versions is whether answers name versions. The fake gives every object
	// one, which S3 does in versioned buckets only.
	versions bool
}

type versionFilter struct {
	http.ResponseWriter
	keep bool
}

func (f *versionFilter) strip() {
	if !f.keep {
		f.Header().Del("X-Amz-Version-Id")
		delete(f.Header(), "x-amz-version-id") // as the fake spells it
	}
}

func (f *versionFilter) WriteHeader(status int) {
	f.strip()
	f.ResponseWriter.WriteHeader(status)
}

func (f *versionFilter) Write(p []byte) (int, error) {
	f.strip()
	return f.ResponseWriter.Write(p)
}

func newFakeS3(t testing.TB) *fakeS3 {
	t.Helper()
	c := &clock{now: time.Now()}
	f := &fakeS3{t: t, clock: c, backend: s3mem.New(s3mem.WithTimeSource(c))}
	handler := gofakes3.New(f.backend, gofakes3.WithTimeSkewLimit(0)).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		filter := &versionFilter{ResponseWriter: w, keep: f.versions}
		handler.ServeHTTP(filter, r)
		filter.strip()
	}))
	t.Cleanup(server.Close)
	if err := f.backend.CreateBucket("backup"); err != nil {
		t.Fatal(err)
	}
	s3test.Use(t, server.URL)
	return f
}

func (f *fakeS3) put(key string, data []byte) {
	f.t.Helper()
	if _, err := f.backend.PutObject("backup", key, map[string]string{}, bytes.NewReader(data), int64(len(data)), nil); err != nil {
		f.t.Fatal(err)
	}
}

func s3Object(bucket, key string) spec.Dump {
	return spec.Dump{Location: spec.Location{Kind: spec.KindS3Object, Bucket: bucket, Key: key}}
}

func s3Prefix(key string, pick spec.Pick) spec.Dump {
	return spec.Dump{Pick: pick, Location: spec.Location{Kind: spec.KindS3Prefix, Bucket: "backup", Key: key}}
}

// resolveOne resolves a dump that stands for one object.
func resolveOne(t testing.TB, s *Source, d spec.Dump) plan.Object {
	t.Helper()
	objects, err := s.Resolve(t.Context(), []spec.Dump{d})
	if err != nil || len(objects) != 1 {
		t.Fatalf("resolve: %d objects, err %v", len(objects), err)
	}
	return objects[0]
}

// readAll opens and reads an object.
func readAll(ctx context.Context, s *Source, obj plan.Object) ([]byte, error) {
	stream, err := s.Open(ctx, obj)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(stream)
	if err == nil && stream.Position() != int64(len(data)) {
		err = fmt.Errorf("position %d after %d bytes", stream.Position(), len(data))
	}
	return data, errors.Join(err, stream.Close())
}

func keysOf(objects []plan.Object) []string {
	var keys []string
	for _, o := range objects {
		keys = append(keys, o.Location.Key)
	}
	return keys
}

func TestS3ObjectIsPinnedAndRead(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	for _, size := range []int{0, 1, 999, 1000, 1001, 3999, 4000, 12345, 100000} {
		data := sqlText(size, uint64(size))
		fake.put("mysql/dump.sql", data)
		obj := resolveOne(t, s, s3Object("backup", "mysql/dump.sql"))
		if obj.Size != int64(size) || !strings.HasPrefix(obj.ETag, `"`) {
			t.Fatalf("not pinned: %+v", obj)
		}
		got, err := readAll(t.Context(), s, obj)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: got %d, err %v", size, len(got), err)
		}
	}
	fake.put("mysql/dump.sql", sqlText(12345, 1))
	stream, err := s.Open(t.Context(), resolveOne(t, s, s3Object("backup", "mysql/dump.sql")))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := iotest.TestReader(stream, sqlText(12345, 1)); err != nil {
		t.Error(err)
	}
}

func TestS3ObjectThatWasNotResolvedIsPinnedByOpen(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	fake.put("dump.sql", sqlText(5000, 1))
	got, err := readAll(t.Context(), s, plan.Object{Location: s3Object("backup", "dump.sql").Location, Size: -1})
	if err != nil || !bytes.Equal(got, sqlText(5000, 1)) {
		t.Error(len(got), err)
	}
}

func TestS3PrefixNewest(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	day := func(n int) time.Time { return time.Date(2025, 3, n, 4, 5, 6, 0, time.UTC) }
	for _, o := range []struct {
		key  string
		when time.Time
		size int
	}{
		{"nightly/zzz.sql.gz", day(1), 10},
		{"nightly/b.sql.gz", day(3), 10},
		{"nightly/c.sql.gz", day(3), 10},
		{"nightly/a.sql.gz", day(3), 10},
		{"nightly/", day(5), 0},
		{"nightly/sub/", day(5), 0},
		{"nightly/sub_$folder$", day(5), 0},
		{"other/new.sql", day(6), 10},
		{"nightly-too.sql", day(6), 10},
	} {
		fake.clock.set(o.when)
		fake.put(o.key, sqlText(o.size, 1))
	}
	obj := resolveOne(t, s, s3Prefix("nightly/", spec.PickNewest))
	if obj.Location.Key != "nightly/c.sql.gz" || obj.Location.Kind != spec.KindS3Object || obj.ETag == "" {
		t.Errorf("newest: %+v; want the greatest key of the latest second", obj)
	}
	if obj := resolveOne(t, s, s3Prefix("", spec.PickNewest)); obj.Location.Key != "other/new.sql" {
		t.Errorf("newest of the bucket: %s", obj.Location.Key)
	}
	objects, err := s.Resolve(t.Context(), []spec.Dump{s3Object("backup", "other/new.sql"), s3Prefix("nightly/", spec.PickAll)})
	want := []string{"other/new.sql", "nightly/a.sql.gz", "nightly/b.sql.gz", "nightly/c.sql.gz", "nightly/zzz.sql.gz"}
	if err != nil || !slices.Equal(keysOf(objects), want) {
		t.Errorf("all: %q, err %v; want %q", keysOf(objects), err, want)
	}
}

func TestS3PrefixOfManyPages(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	var want []string
	for i := range 1100 { // a page has 1000 at most
		key := fmt.Sprintf("parts/%04d.sql", i)
		fake.put(key, []byte("x"))
		want = append(want, key)
	}
	objects, err := s.Resolve(t.Context(), []spec.Dump{s3Prefix("parts/", spec.PickAll)})
	if err != nil || !slices.Equal(keysOf(objects), want) {
		t.Errorf("%d objects, err %v", len(objects), err)
	}
}

func TestS3PrefixWithNothingBelow(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	fake.put("nightly/", nil)
	fake.put("x.sql", []byte("x"))
	_, err := s.Resolve(t.Context(), []spec.Dump{s3Object("backup", "x.sql"), s3Prefix("nightly/", spec.PickNewest)})
	want := "dump[1]: s3://backup/nightly/: there is no object below this prefix (ListObjectsV2); list what is there with: aws s3 ls s3://backup/"
	if !errors.Is(err, ErrNotFound) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestS3ObjectThatChangesWhileBeingRead(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	for name, change := range map[string]func(){
		"same size": func() { fake.put("dump.sql", sqlText(50000, 2)) },
		"shorter":   func() { fake.put("dump.sql", sqlText(3000, 2)) },
		"longer":    func() { fake.put("dump.sql", sqlText(60000, 2)) },
	} {
		fake.put("dump.sql", sqlText(50000, 1))
		stream, err := s.Open(t.Context(), resolveOne(t, s, s3Object("backup", "dump.sql")))
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1500)
		_, err = io.ReadFull(stream, first)
		if err != nil || !bytes.Equal(first, sqlText(50000, 1)[:1500]) {
			t.Fatal(name, err)
		}
		change()
		_, err = io.Copy(io.Discard, stream)
		if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "s3://backup/dump.sql: the object changed while being read: ") {
			t.Errorf("%s: %v", name, err)
		}
		if _, again := stream.Read(first); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: the next read says %v", name, again)
		}
		_ = stream.Close()
	}
	fake.put("dump.sql", nil)
	obj := resolveOne(t, s, s3Object("backup", "dump.sql"))
	fake.put("dump.sql", sqlText(10, 1))
	if _, err := s.Open(t.Context(), obj); !errors.Is(err, ErrChanged) {
		t.Errorf("an empty object that grew: %v", err)
	}
}

func TestS3VersionIsRead(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	fake.versions = true
	if err := fake.backend.SetVersioningConfiguration("backup", gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}); err != nil {
		t.Fatal(err)
	}
	fake.put("dump.sql", sqlText(5000, 1))
	old := resolveOne(t, s, s3Object("backup", "dump.sql"))
	fake.put("dump.sql", sqlText(7000, 2))
	if old.VersionID == "" || Display(old) != "s3://backup/dump.sql?versionId="+old.VersionID {
		t.Errorf("no version: %+v", old)
	}
	if got, err := readAll(t.Context(), s, old); err != nil || !bytes.Equal(got, sqlText(5000, 1)) {
		t.Errorf("a version that is not the latest any more: %d bytes, err %v", len(got), err)
	}
	// This fake's HEAD does not know versions, which must not go unnoticed.
	asked := s3Object("backup", "dump.sql")
	asked.Location.VersionID = old.VersionID
	if _, err := s.Resolve(t.Context(), []spec.Dump{asked}); err == nil || !strings.Contains(err.Error(), "the server was asked for version") {
		t.Errorf("the wrong version: %v", err)
	}
}

func TestS3CredentialsFromSecretFile(t *testing.T) {
	fake := newFakeS3(t)
	fake.put("dump.sql", sqlText(5000, 1))
	// What an optional secret that was not given looks like.
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_SESSION_TOKEN", "")
	CleanEnv()
	s := newTestSource(t)
	_, err := s.Resolve(t.Context(), []spec.Dump{s3Object("backup", "dump.sql")})
	if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "dump[0]: s3://backup/dump.sql: no AWS credentials found (HeadObject); give credentials as build secrets (--secret id=AWS_ACCESS_KEY_ID,env=AWS_ACCESS_KEY_ID") {
		t.Errorf("without credentials: %v", err)
	}
	write := func(text string) {
		if err := os.WriteFile(s.cfg.SecretDir+"/aws", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[default]\naws_access_key_id = " + testKeyID + "\naws_secret_access_key = " + testSecret + "\n")
	resolveOne(t, s, s3Object("backup", "dump.sql"))

	t.Setenv("AWS_PROFILE", "backup-reader")
	broken := newTestSource(t)
	broken.cfg.SecretDir = s.cfg.SecretDir
	_, err = broken.Resolve(t.Context(), []spec.Dump{s3Object("backup", "dump.sql")})
	if err == nil || !strings.Contains(err.Error(), `the AWS profile "backup-reader" does not exist`) {
		t.Errorf("missing profile: %v", err)
	}
	noSecrets(t, err)
	write(testSecret + "\n[default\n")
	_, err = broken.Resolve(t.Context(), []spec.Dump{s3Object("backup", "dump.sql")})
	if err == nil {
		t.Error("a credentials file that is none is accepted")
	}
	noSecrets(t, err)
}

func TestS3StreamEndsWithItsContext(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	fake.put("dump.sql", sqlText(50000, 1))
	obj := resolveOne(t, s, s3Object("backup", "dump.sql"))
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := s.Open(ctx, obj)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stream, make([]byte, 1500)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, stream); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	stream, err = s.Open(t.Context(), obj)
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.Close()
	_ = stream.Close()
	if _, err := stream.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("after close: %v", err)
	}
}

// TestS3DumpFromBucketToText is the whole way, as the restore step goes it.
func TestS3DumpFromBucketToText(t *testing.T) {
	fake, s := newFakeS3(t), newTestSource(t)
	fake.put("dump.sql.gz", testdata(t, "large.sql.members.gz"))
	open := func() io.ReadCloser {
		stream, err := s.Open(t.Context(), resolveOne(t, s, s3Object("backup", "dump.sql.gz")))
		if err != nil {
			t.Fatal(err)
		}
		z, format, err := Decompress(stream)
		if err != nil || format != FormatGzip {
			t.Fatal(format, err)
		}
		return z
	}
	z := open()
	out, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(out, sqlText(150000, 1)) {
		t.Fatal(len(out), err)
	}
	if err := z.Close(); err != nil {
		t.Error(err)
	}
	z = open() // and not read to its end
	if err := z.Close(); err != nil {
		t.Error(err)
	}
	z = open()
	fake.put("dump.sql.gz", []byte("-- another dump"))
	if _, err := io.Copy(io.Discard, z); err != nil && !errors.Is(err, ErrChanged) {
		t.Errorf("a change below the decoder: %v", err)
	}
	_ = z.Close()
}

func TestContextFiles(t *testing.T) {
	s := newTestSource(t)
	if err := os.MkdirAll(s.cfg.ContextDir+"/db/dir", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.cfg.ContextDir+"/db/dump.sql", sqlText(5000, 1), 0o644); err != nil {
		t.Fatal(err)
	}
	file := func(path string) spec.Dump {
		return spec.Dump{Location: spec.Location{Kind: spec.KindContext, Path: path}}
	}
	obj := resolveOne(t, s, file("db/dump.sql"))
	if obj.Size != -1 || obj.ETag != "" || Display(obj) != "db/dump.sql" {
		t.Errorf("%+v", obj)
	}
	stream, err := s.Open(t.Context(), obj)
	if err != nil || stream.Size() != 5000 {
		t.Fatal(stream, err)
	}
	_ = stream.Close()
	if got, err := readAll(t.Context(), s, obj); err != nil || !bytes.Equal(got, sqlText(5000, 1)) {
		t.Error(len(got), err)
	}
	for path, want := range map[string]string{
		"db/other.sql":     "db/other.sql: no such file in the build context (open); paths count from the context's root; look whether .dockerignore leaves the file out",
		"db/dir":           "db/dir: this is not a regular file (open); name the dump file itself",
		"../../etc/passwd": "../../etc/passwd: the file of the build context cannot be opened: path escapes from parent (open)",
	} {
		_, err := s.Open(t.Context(), resolveOne(t, s, file(path)))
		if err == nil || err.Error() != want {
			t.Errorf("%s: got  %v\nwant %s", path, err, want)
		}
	}
}

func TestDisplayHidesSignatures(t *testing.T) {
	for url, want := range map[string]string{
		"https://user:hunter2@example.com/a%20b/dump.sql?X-Amz-Signature=abc#x": "https://example.com/a%20b/dump.sql?…",
		"https://example.com/dump.sql":                                          "https://example.com/dump.sql",
		"https://exa mple.com/\x7f?X-Amz-Signature=hunter2":                     "https://…",
	} {
		got := Display(plan.Object{Location: spec.Location{Kind: spec.KindHTTPS, URL: url}})
		if got != want {
			t.Errorf("%s: %s; want %s", url, got, want)
		}
	}
}

func TestCleanEnv(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret+"\n")
	t.Setenv("AWS_SESSION_TOKEN", " \n")
	t.Setenv("OTHER", "")
	CleanEnv()
	if _, set := os.LookupEnv("AWS_ACCESS_KEY_ID"); set {
		t.Error("an empty variable is left")
	}
	if _, set := os.LookupEnv("AWS_SESSION_TOKEN"); set {
		t.Error("a blank variable is left")
	}
	if got := os.Getenv("AWS_SECRET_ACCESS_KEY"); got != testSecret {
		t.Errorf("%q", got)
	}
	if _, set := os.LookupEnv("OTHER"); !set {
		t.Error("a variable that is not ours is gone")
	}
}

func TestPathStyle(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"":                               false,
		"http://127.0.0.1:9000":          true,
		"http://[::1]:9000":              true,
		"http://localhost:9000":          true,
		"http://minio:9000":              true,
		"https://s3.example.com":         true,
		"https://s3.eu-1.amazonaws.com":  false,
		"https://s3.cn.amazonaws.com.cn": false,
	} {
		if got := usePathStyle(endpoint); got != want {
			t.Errorf("%s: %v", endpoint, got)
		}
	}
	t.Setenv(EnvPathStyle, "false")
	if usePathStyle("http://127.0.0.1:9000") {
		t.Error("forbidden and used")
	}
	t.Setenv(EnvPathStyle, "true")
	if !usePathStyle("") {
		t.Error("forced and not used")
	}
}
