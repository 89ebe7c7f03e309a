package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// statAttempts is how often a question about an object is asked: less often
// than its bytes, because a user waits for the answer.
const statAttempts = 4

// statParallel is how many objects of a prefix are looked at at once.
const statParallel = 8

// statS3 pins the object at loc.
func (s *Source) statS3(ctx context.Context, loc spec.Location) (plan.Object, error) {
	return s.statS3If(ctx, loc, "")
}

// statS3If pins the object at loc, which must have the ETag match unless that
// is empty. An answer to HEAD has no body and so does not say why it is an
// error; then a GET of one byte does.
func (s *Source) statS3If(ctx context.Context, loc spec.Location, match string) (plan.Object, error) {
	obj := plan.Object{Location: loc, Size: -1}
	access, err := s.access(ctx)
	if err != nil {
		return obj, s.s3Error("HeadObject", loc, err)
	}
	var head *s3.HeadObjectOutput
	err = access.call(ctx, loc.Bucket, s.statRetry(), func(ctx context.Context, c *s3.Client) (err error) {
		head, err = c.HeadObject(ctx, &s3.HeadObjectInput{
			Bucket: &loc.Bucket, Key: &loc.Key, VersionId: optional(loc.VersionID), IfMatch: optional(match),
		})
		return err
	})
	if err != nil {
		return obj, s.s3Error("HeadObject", loc, s.askWhy(ctx, access, loc, err))
	}
	if got := aws.ToString(head.VersionId); loc.VersionID != "" && got != "" && got != loc.VersionID {
		return obj, s.s3Error("HeadObject", loc, fmt.Errorf("%w: the server was asked for version %s and answered about %s", errPermanent, loc.VersionID, got))
	}
	if archived(head) {
		return obj, s.s3Error("HeadObject", loc, archivedError(string(head.StorageClass)))
	}
	obj.VersionID = aws.ToString(head.VersionId)
	obj.ETag = aws.ToString(head.ETag)
	obj.Size = aws.ToInt64(head.ContentLength)
	obj.Modified = aws.ToTime(head.LastModified).UTC()
	if obj.VersionID == "null" { // the version of objects from before versioning
		obj.VersionID = ""
	}
	return obj, nil
}

func (s *Source) statRetry() backoff {
	b := s.retry
	b.attempts = min(b.attempts, statAttempts)
	return b
}

// askWhy replaces the bare status of a failed HEAD by the error that GET gives.
func (s *Source) askWhy(ctx context.Context, access *s3Access, loc spec.Location, headErr error) error {
	if status := statusOf(headErr); status < 300 || status >= 500 || status == 412 {
		return headErr
	}
	err := access.call(ctx, loc.Bucket, s.statRetry(), func(ctx context.Context, c *s3.Client) error {
		out, err := c.GetObject(ctx, &s3.GetObjectInput{
			Bucket: &loc.Bucket, Key: &loc.Key, VersionId: optional(loc.VersionID), Range: aws.String("bytes=0-0"),
		})
		if err == nil {
			_ = out.Body.Close()
		}
		return err
	})
	if err == nil || statusOf(err) == 0 || statusOf(err) == 416 {
		return headErr
	}
	return err
}

// archived says whether an object has to be restored before it can be read.
func archived(head *s3.HeadObjectOutput) bool {
	cold := head.StorageClass == types.StorageClassGlacier || head.StorageClass == types.StorageClassDeepArchive || head.ArchiveStatus != ""
	return cold && !strings.Contains(aws.ToString(head.Restore), `ongoing-request="false"`)
}

// resolvePrefix lists a prefix and pins the objects that pick asks for.
func (s *Source) resolvePrefix(ctx context.Context, loc spec.Location, pick spec.Pick) ([]plan.Object, error) {
	access, err := s.access(ctx)
	if err != nil {
		return nil, s.s3Error("ListObjectsV2", loc, err)
	}
	keys, err := s.list(ctx, access, loc, pick)
	if err != nil {
		return nil, s.s3Error("ListObjectsV2", loc, err)
	}
	if len(keys) == 0 {
		return nil, emptyPrefix(loc)
	}
	objects := make([]plan.Object, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(statParallel)
	for i, key := range keys {
		group.Go(func() (err error) {
			objects[i], err = s.statS3(ctx, spec.Location{Kind: spec.KindS3Object, Bucket: loc.Bucket, Key: key})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return objects, nil
}

func emptyPrefix(loc spec.Location) error {
	return &Error{
		Op: "ListObjectsV2", URL: displayLocation(loc),
		Hint: fmt.Sprintf("list what is there with: aws s3 ls s3://%s/", loc.Bucket),
		Err:  &cause{kind: ErrNotFound, text: "there is no object below this prefix"},
	}
}

// list returns the keys below a prefix: all of them in byte order, which is
// the order S3 lists in, or the newest one. Of objects of the same second the
// one with the greatest key is the newest.
func (s *Source) list(ctx context.Context, access *s3Access, loc spec.Location, pick spec.Pick) ([]string, error) {
	var keys []string
	var newest time.Time
	err := s.eachObject(ctx, access, loc, func(o types.Object) {
		key, modified := aws.ToString(o.Key), aws.ToTime(o.LastModified)
		switch {
		case pick == spec.PickAll || len(keys) == 0:
			keys, newest = append(keys, key), modified
		case modified.After(newest) || modified.Equal(newest) && key > keys[0]:
			keys[0], newest = key, modified
		}
	})
	return sorted(keys), err
}

// eachObject calls do for all objects below a prefix that hold something.
func (s *Source) eachObject(ctx context.Context, access *s3Access, loc spec.Location, do func(types.Object)) error {
	var token *string
	for {
		var page *s3.ListObjectsV2Output
		err := access.call(ctx, loc.Bucket, s.statRetry(), func(ctx context.Context, c *s3.Client) (err error) {
			page, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &loc.Bucket, Prefix: optional(loc.Key), ContinuationToken: token})
			return err
		})
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			if !isFolder(aws.ToString(o.Key), aws.ToInt64(o.Size)) {
				do(o)
			}
		}
		if !aws.ToBool(page.IsTruncated) || aws.ToString(page.NextContinuationToken) == "" {
			return nil
		}
		token = page.NextContinuationToken
	}
}

// isFolder knows the objects that consoles and Hadoop make to stand for a
// folder.
func isFolder(key string, size int64) bool {
	return strings.HasSuffix(key, "/") || size == 0 && strings.HasSuffix(key, "_$folder$")
}

// openS3 streams an object by ranged requests.
func (s *Source) openS3(ctx context.Context, obj plan.Object) (Stream, error) {
	wrap := func(err error) error { return s.s3Error("GetObject", pinned(obj), err) }
	if obj.Size <= 0 {
		// Nothing to fetch, or nobody has looked yet: look now.
		now, err := s.statS3If(ctx, pinned(obj), obj.ETag)
		if err != nil {
			return nil, err
		}
		if obj.Size == 0 && now.Size != 0 {
			return nil, wrap(changedError("it was empty and has %d bytes", now.Size))
		}
		now.Location = obj.Location
		obj = now
	}
	access, err := s.access(ctx)
	if err != nil {
		return nil, wrap(err)
	}
	fetch := func(ctx context.Context, off, n int64) (io.ReadCloser, error) {
		return access.getRange(ctx, obj, off, n)
	}
	return newRanged(ctx, obj.Size, s.cfg, s.retry, fetch, wrap), nil
}

// pinned is obj's location with the version it was resolved to.
func pinned(obj plan.Object) spec.Location {
	loc := obj.Location
	if obj.VersionID != "" {
		loc.VersionID = obj.VersionID
	}
	return loc
}

// getRange asks for n bytes at off and makes sure that they are obj's: by
// If-Match, and by what the answer says about itself, because not every
// S3-compatible server knows If-Match.
func (a *s3Access) getRange(ctx context.Context, obj plan.Object, off, n int64) (io.ReadCloser, error) {
	loc := pinned(obj)
	in := &s3.GetObjectInput{
		Bucket: &loc.Bucket, Key: &loc.Key, VersionId: optional(loc.VersionID), IfMatch: optional(obj.ETag),
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1)),
	}
	var out *s3.GetObjectOutput
	err := a.once(ctx, loc.Bucket, func(ctx context.Context, c *s3.Client) (err error) {
		out, err = c.GetObject(ctx, in)
		return err
	})
	if err != nil {
		if statusOf(err) == 416 {
			return nil, changedError("it had %d bytes and is shorter now", obj.Size)
		}
		return nil, err
	}
	if err := checkRange(out, obj, off, n); err != nil {
		_ = out.Body.Close()
		return nil, err
	}
	return out.Body, nil
}

// checkRange compares an answer with what was asked for.
func checkRange(out *s3.GetObjectOutput, obj plan.Object, off, n int64) error {
	if etag := aws.ToString(out.ETag); obj.ETag != "" && etag != "" && etag != obj.ETag {
		return changedError("its ETag was %s and is %s", obj.ETag, etag)
	}
	length := int64(-1) // not said: then the body is counted
	if out.ContentLength != nil {
		length = *out.ContentLength
	}
	header := aws.ToString(out.ContentRange)
	if header == "" { // the whole object
		if length >= 0 && length != obj.Size {
			return changedError("it had %d bytes and has %d", obj.Size, length)
		}
		if off == 0 && n == obj.Size {
			return nil
		}
		return fmt.Errorf("%w: the server ignores the Range header, which dbake needs", errPermanent)
	}
	got, err := parseContentRange(header)
	if err != nil {
		return fmt.Errorf("%w: %w", errPermanent, err)
	}
	if got.total >= 0 && got.total != obj.Size {
		return changedError("it had %d bytes and has %d", obj.Size, got.total)
	}
	if got.first != off || got.last != off+n-1 || length >= 0 && length != n {
		return fmt.Errorf("%w: the server sent %q for bytes %d-%d", errPermanent, header, off, off+n-1)
	}
	return nil
}

// contentRange is a Content-Range header; total is -1 for "*".
type contentRange struct{ first, last, total int64 }

func parseContentRange(header string) (contentRange, error) {
	r := contentRange{total: -1}
	if _, err := fmt.Sscanf(header, "bytes %d-%d/%d", &r.first, &r.last, &r.total); err == nil {
		return r, nil
	}
	if _, err := fmt.Sscanf(header, "bytes %d-%d/*", &r.first, &r.last); err == nil {
		return r, nil
	}
	return r, errors.New("the server sent a Content-Range header that makes no sense")
}

// optional is nil for the empty string.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
