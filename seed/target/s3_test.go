package target

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/dbake/dbake/internal/s3test"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

const bucket = "backup"

// world is an S3 server as the tests see it.
type world struct {
	t *testing.T
	*S3
	warnings []string
}

// eachServer runs a test on an S3 server in this process and, where
// DBAKE_TEST_VERSITYGW names its program, on a real one.
func eachServer(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Run("fake", func(t *testing.T) {
		fake := gofakes3.New(s3mem.New()).Server()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("tagging") { // which the fake takes for an object
				w.WriteHeader(http.StatusNotImplemented)
				return
			}
			fake.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		test(newWorld(t, server.URL))
	})
	t.Run("versitygw", func(t *testing.T) { test(newWorld(t, s3test.Versitygw(t))) })
}

func newWorld(t *testing.T, endpoint string) *world {
	t.Helper()
	t.Setenv("AWS_ENDPOINT_URL_S3", endpoint)
	w := &world{t: t}
	w.S3 = &S3{Client: source.NewS3(4), PartSize: minPart, Parallel: 3, Warn: func(text string) { w.warnings = append(w.warnings, text) }}
	t.Cleanup(func() { _ = w.Client.Close() })
	w.call(func(ctx context.Context, c *s3.Client) error {
		_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
		return err
	})
	return w
}

func (w *world) call(f func(context.Context, *s3.Client) error) {
	w.t.Helper()
	err := w.Client.Call(context.WithoutCancel(w.t.Context()), spec.Location{Kind: spec.KindS3Prefix, Bucket: bucket}, 0, f)
	if err != nil {
		w.t.Fatal(err)
	}
}

// keys lists the objects, uploads those that are not complete.
func (w *world) keys() (keys []string) {
	w.t.Helper()
	w.call(func(ctx context.Context, c *s3.Client) error {
		out, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
		if err == nil {
			for _, o := range out.Contents {
				keys = append(keys, *o.Key)
			}
		}
		return err
	})
	return keys
}

func (w *world) uploads() (count int) {
	w.t.Helper()
	w.call(func(ctx context.Context, c *s3.Client) error {
		out, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
		var answer smithy.APIError
		if errors.As(err, &answer) && answer.ErrorCode() == "NoSuchUpload" {
			return nil // what the fake says of a bucket without any
		}
		if err == nil {
			count = len(out.Uploads)
		}
		return err
	})
	return count
}

func (w *world) get(key string) (content []byte, metadata map[string]string) {
	w.t.Helper()
	w.call(func(ctx context.Context, c *s3.Client) error {
		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
		if err == nil {
			metadata = out.Metadata
			content, err = io.ReadAll(out.Body)
		}
		return err
	})
	return content, metadata
}

func noise(size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// Objects of all sizes are there after Commit, and not before.
func TestS3Writes(t *testing.T) {
	eachServer(t, func(w *world) {
		t := w.t
		for _, size := range []int{0, 1, minPart - 1, minPart, minPart + 1, 4*minPart + 12345} {
			content := noise(size)
			key := "dumps/größe 1+1.sql"
			out := w.Create(t.Context(), Object{Bucket: bucket, Key: key, Metadata: map[string]string{"first": "x"}})
			for rest := content; len(rest) > 0; {
				n := min(len(rest), 777_777)
				if _, err := out.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if keys := w.keys(); len(keys) != 0 {
				t.Errorf("%d bytes: visible before Commit: %v", size, keys)
			}
			if err := out.Commit(t.Context(), map[string]string{"later": "y"}); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			if err := out.Abort(); err != nil {
				t.Error(err)
			}
			got, metadata := w.get(key)
			if !bytes.Equal(got, content) {
				t.Errorf("%d bytes: got %d others", size, len(got))
			}
			if metadata["first"] != "x" || len(w.warnings) == 0 && w.sumOf(key, metadata) != sum(content) {
				t.Errorf("%d bytes: metadata %v, warnings %v", size, metadata, w.warnings)
			}
			w.call(func(ctx context.Context, c *s3.Client) error {
				_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key})
				return err
			})
		}
		if n := w.uploads(); n != 0 {
			t.Errorf("%d uploads are left", n)
		}
	})
}

// sumOf finds the SHA-256 that is kept beside an object.
func (w *world) sumOf(key string, metadata map[string]string) (found string) {
	w.t.Helper()
	if s := metadata[MetadataSHA256]; s != "" {
		return s
	}
	w.call(func(ctx context.Context, c *s3.Client) error {
		out, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: aws.String(bucket), Key: &key})
		if err == nil {
			for _, tag := range out.TagSet {
				if *tag.Key == MetadataSHA256 {
					found = *tag.Value
				}
			}
		}
		return err
	})
	return found
}

// An upload that is given up, at whatever moment and for whatever reason, leaves
// nothing.
func TestS3LeavesNothing(t *testing.T) {
	eachServer(t, func(w *world) {
		t := w.t
		content := noise(5 * minPart)
		for i := range 8 {
			ctx, cancel := context.WithCancelCause(t.Context())
			stopped := errors.New("stopped")
			time.AfterFunc(time.Duration(i*7)*time.Millisecond, func() { cancel(stopped) })
			out := w.Create(ctx, Object{Bucket: bucket, Key: "x"})
			var err error
			for chunk := range slices.Chunk(content, 1<<20) {
				if _, err = out.Write(chunk); err != nil {
					break
				}
			}
			if err == nil {
				<-ctx.Done()
				err = out.Commit(ctx, nil)
			}
			if err == nil {
				t.Error("a cancelled upload was committed")
			}
			if err := out.Abort(); err != nil {
				t.Error(err)
			}
			cancel(nil)
		}
		if keys, uploads := w.keys(), w.uploads(); len(keys) != 0 || uploads != 0 {
			t.Errorf("left: objects %v, %d uploads", keys, uploads)
		}
	})
}

func TestS3KeepsTheNewest(t *testing.T) {
	eachServer(t, func(w *world) {
		t := w.t
		name := Name("n/{{.Database}}-{{.Time}}.sql.zst")
		start := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
		put := func(key string) {
			out := w.Create(t.Context(), Object{Bucket: bucket, Key: key})
			_, _ = out.Write([]byte(key))
			if err := out.Commit(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		for day := range 4 {
			put(name.Expand("app", start.AddDate(0, 0, day)))
		}
		others := []string{"n/app-2026-11-21T030000Z.sql.zst.sha256", "n/app2-2026-11-21T030000Z.sql.zst", "n/keep/app-2026-11-21T030000Z.sql.zst", "n/latest.sql.zst"}
		for _, key := range others {
			put(key)
		}
		removed, err := w.Retain(t.Context(), bucket, name.Prefix("app"), name.Pattern("app"), Retention{Keep: 2}, start)
		want := []string{"n/app-2026-11-21T030000Z.sql.zst", "n/app-2026-11-22T030000Z.sql.zst"}
		if diff := cmp.Diff(want, removed); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if left := w.keys(); len(left) != 6 {
			t.Error(left)
		}
		from := Object{Bucket: bucket, Key: "n/app-2026-11-24T030000Z.sql.zst"}
		to := Object{Bucket: bucket, Key: "n/ä latest.sql.zst", Metadata: map[string]string{MetadataSHA256: "abc"}}
		if err := w.Copy(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
		if got, metadata := w.get(to.Key); string(got) != from.Key || metadata[MetadataSHA256] != "abc" {
			t.Errorf("%q %v", got, metadata)
		}
	})
}

func TestRetention(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	var found []Old
	for _, d := range []int{5, 1, 9, 3} {
		found = append(found, Old{Key: strings.Repeat("x", d), Modified: now.Add(-time.Duration(d) * day)})
	}
	for _, test := range []struct {
		r    Retention
		want []int
	}{
		{Retention{}, nil},
		{Retention{Keep: 1}, []int{9, 5, 3}},
		{Retention{Keep: 9}, nil},
		{Retention{Age: 4 * day}, []int{9, 5}},
		{Retention{Age: time.Hour}, []int{9, 5, 3}}, // the newest stays, however old
		{Retention{Keep: 3, Age: 4 * day}, []int{9, 5}},
	} {
		var got []int
		for _, old := range test.r.expired(slices.Clone(found), now) {
			got = append(got, len(old.Key))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v: %s", test.r, diff)
		}
	}
}

// 10,000 parts hold more than the largest object of S3, and no part is too large
// or, but for the last, too small.
func TestPartSizes(t *testing.T) {
	t.Parallel()
	const largest = 5 << 40
	for _, hint := range []int64{0, 100 << 20, 1 << 40, 4 << 40} {
		first := firstPart(0, hint)
		var total int64
		for n := int32(1); n <= maxParts; n++ {
			size := sizeOf(first, n)
			if size < minPart || size > 5<<30 {
				t.Fatalf("part %d has %d bytes", n, size)
			}
			total += size
		}
		if total < largest || first*steady < hint {
			t.Errorf("hint %d: %d bytes fit, %d before parts grow", hint, total, first*steady)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 4, 5, 6, time.FixedZone("", 3600))
	n := Name("p/{{ .Database }}.{{.Date}}/{{.Time}}.sql")
	if got := n.Expand("my/db", now); got != "p/my_db.2026-11-21/2026-11-21T020405Z.sql" {
		t.Error(got)
	}
	if p := n.Pattern("my/db"); !p.MatchString(n.Expand("my/db", now)) || p.MatchString("p/my_dbX2026-11-21/2026-11-21T020405Z.sql") {
		t.Error(p)
	}
	if got := n.Prefix("a"); got != "p/a." {
		t.Error(got)
	}
	if n.Timed() != true || Name("x.sql").Timed() {
		t.Error("Timed")
	}
	if err := Name("{{.Date}}{{.Nope}}").Check(); err == nil || !regexp.MustCompile(`\{\{\.Nope\}\}`).MatchString(err.Error()) {
		t.Error(err)
	}
}
