package target

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/dbake/dbake/spec"
)

// Limits of S3's copies: one request copies 5 GiB, more is copied in parts of
// that size at most ("Copying, moving, and renaming objects").
const (
	maxCopy  = 5 << 30
	copyPart = 1 << 30
)

// Copy makes a copy of an object under another key of the same bucket, inside
// S3; it appears complete, as Create's objects do. Its metadata is to's.
func (s *S3) Copy(ctx context.Context, from, to Object) error {
	var head *s3.HeadObjectOutput
	err := s.Client.Call(ctx, from.location(), 0, func(ctx context.Context, c *s3.Client) (err error) {
		head, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &from.Bucket, Key: &from.Key})
		return err
	})
	if err != nil {
		return err
	}
	size := aws.ToInt64(head.ContentLength)
	if size > maxCopy {
		return s.copyParts(ctx, from, to, size)
	}
	return s.Client.Call(ctx, to.location(), patience(int(size/100)), func(ctx context.Context, c *s3.Client) error {
		_, err := c.CopyObject(ctx, &s3.CopyObjectInput{
			Bucket: &to.Bucket, Key: &to.Key, CopySource: copySource(from), CopySourceIfMatch: head.ETag,
			ContentType: optional(to.ContentType), Metadata: to.Metadata, MetadataDirective: types.MetadataDirectiveReplace,
		})
		return err
	})
}

// copySource names an object the way x-amz-copy-source wants it: URL-encoded,
// apart from slashes.
func copySource(o Object) *string {
	segments := strings.Split(o.Key, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return aws.String(o.Bucket + "/" + strings.Join(segments, "/"))
}

// copyParts copies an object that is too large for one request.
func (s *S3) copyParts(ctx context.Context, from, to Object, size int64) error {
	u, ok := s.Create(ctx, to).(*upload)
	if !ok {
		return fmt.Errorf("copy s3://%s/%s: no upload", from.Bucket, from.Key)
	}
	u.noWhole = true
	err := u.copyFrom(ctx, from, size)
	if err != nil {
		if aborted := u.Abort(); aborted != nil { //nolint:contextcheck // taken back even when ctx has ended
			s.warn("%v", aborted)
		}
	}
	return err
}

func (u *upload) copyFrom(ctx context.Context, from Object, size int64) error {
	if err := u.create(false); err != nil { //nolint:contextcheck // u has it
		return err
	}
	number := int32(0)
	for offset := int64(0); offset < size; offset += copyPart {
		number++
		n := number
		span := fmt.Sprintf("bytes=%d-%d", offset, min(offset+copyPart, size)-1)
		err := u.s3.Client.Call(ctx, u.object.location(), patience(copyPart/100), func(ctx context.Context, c *s3.Client) error {
			out, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: &u.object.Bucket, Key: &u.object.Key, UploadId: &u.id, PartNumber: &n, CopySource: copySource(from), CopySourceRange: &span,
			})
			if err == nil {
				u.completed = append(u.completed, types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag})
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := u.complete(ctx); err != nil {
		return err
	}
	u.finished = true
	u.cancel(nil)
	return nil
}

// Retention says which of the objects of one kind stay. The zero value keeps
// all.
type Retention struct {
	// Keep is how many of the newest stay; 0 means any number.
	Keep int
	// Age is how old an object may get; 0 means any age.
	Age time.Duration
}

// Old is an object that Retain removes.
type Old struct {
	Key      string
	Modified time.Time
}

// Retain removes the objects below a prefix whose keys match and that r does not
// keep, and gives their keys. Nothing whose key does not match is touched, and
// the newest object that matches always stays. In a bucket with versions, S3
// keeps what is removed as an old version.
func (s *S3) Retain(ctx context.Context, bucket, prefix string, match *regexp.Regexp, r Retention, now time.Time) ([]string, error) {
	found, err := s.list(ctx, bucket, prefix, match)
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, old := range r.expired(found, now) {
		loc := spec.Location{Kind: spec.KindS3Object, Bucket: bucket, Key: old.Key}
		err := s.Client.Call(ctx, loc, 0, func(ctx context.Context, c *s3.Client) error {
			_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &old.Key})
			return err
		})
		if err != nil {
			return removed, err
		}
		removed = append(removed, old.Key)
	}
	return removed, nil
}

func (s *S3) list(ctx context.Context, bucket, prefix string, match *regexp.Regexp) ([]Old, error) {
	var found []Old
	var token *string
	loc := spec.Location{Kind: spec.KindS3Prefix, Bucket: bucket, Key: prefix}
	for {
		var page *s3.ListObjectsV2Output
		err := s.Client.Call(ctx, loc, 0, func(ctx context.Context, c *s3.Client) (err error) {
			page, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: optional(prefix), ContinuationToken: token})
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			if key := aws.ToString(o.Key); match.MatchString(key) {
				found = append(found, Old{key, aws.ToTime(o.LastModified)})
			}
		}
		if token = page.NextContinuationToken; !aws.ToBool(page.IsTruncated) || aws.ToString(token) == "" {
			return found, nil
		}
	}
}

// expired gives those that go, oldest first.
func (r Retention) expired(found []Old, now time.Time) []Old {
	slices.SortFunc(found, func(a, b Old) int {
		if c := b.Modified.Compare(a.Modified); c != 0 {
			return c
		}
		return strings.Compare(b.Key, a.Key)
	})
	var gone []Old
	for i, old := range found {
		many := r.Keep > 0 && i >= r.Keep
		aged := r.Age > 0 && now.Sub(old.Modified) > r.Age
		if i > 0 && (many || aged) {
			gone = append(gone, old)
		}
	}
	slices.Reverse(gone)
	return gone
}
