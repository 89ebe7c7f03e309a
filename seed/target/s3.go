package target

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

// Limits of S3 (Amazon S3 User Guide, "multipart upload limits").
const (
	minPart  = 5 << 20
	maxParts = 10000
)

// Defaults of S3.
const (
	defaultPart     = 8 << 20
	defaultParallel = 4
	// maxFlying bounds the bytes of the parts in flight once parts have grown.
	maxFlying = 256 << 20
)

// MetadataSHA256 is the name of the SHA-256 of an object's content, in hex: of a
// metadata entry (x-amz-meta-sha256) where S3 lets one be given after the
// content, and of a tag everywhere else.
const MetadataSHA256 = "sha256"

// S3 writes objects. It is safe for use by many goroutines.
type S3 struct {
	// Client is the way to S3.
	Client *source.S3
	// PartSize is the size in bytes of the first parts of a multipart upload,
	// Parallel the number of parts in flight; zero means the defaults. Parts
	// grow with their number, so that any object fits into the 10,000 that S3
	// takes.
	PartSize int64
	Parallel int
	// Warn is told of what could not be kept beside an object, such as its
	// tag; it may be nil.
	Warn func(text string)
}

// Object says what an object is.
type Object struct {
	Bucket, Key string
	// ContentType is such as "application/zstd".
	ContentType string
	// Metadata is known before the content is.
	Metadata map[string]string
	// SizeHint is about how many bytes will come; 0 when nobody knows.
	SizeHint int64
}

func (o Object) location() spec.Location {
	return spec.Location{Kind: spec.KindS3Object, Bucket: o.Bucket, Key: o.Key}
}

// upload is a Writer of one object. Write and Commit belong to one goroutine;
// parts fly on others.
type upload struct {
	s3     *S3
	object Object
	ctx    context.Context //nolint:containedctx // of all the parts: an io.Writer is given none
	cancel context.CancelCauseFunc

	part     []byte // what has not been sent yet
	partSize int64
	parts    int32
	flying   *weight
	workers  sync.WaitGroup

	sha hash.Hash
	crc uint32

	id       string // of the multipart upload; empty: none yet
	noWhole  bool   // the server knows no checksum of whole objects
	finished bool

	interrupted atomic.Bool // a part was on its way when the upload ended

	mu        sync.Mutex
	completed []types.CompletedPart
}

var _ Writer = (*upload)(nil)

// Create begins an object. Small ones are sent in one request at Commit, larger
// ones as a multipart upload, whose parts nobody sees before Commit. When ctx
// ends, the upload fails; Abort still has to be called and still works.
func (s *S3) Create(ctx context.Context, object Object) Writer {
	u := &upload{s3: s, object: object, sha: sha256.New(), partSize: firstPart(s.PartSize, object.SizeHint)}
	u.ctx, u.cancel = context.WithCancelCause(ctx)
	parallel := s.Parallel
	if parallel <= 0 {
		parallel = defaultParallel
	}
	u.flying = newWeight(max(min(int64(parallel)*u.partSize, maxFlying), u.partSize))
	return u
}

func (u *upload) Write(p []byte) (int, error) {
	written := len(p)
	u.sha.Write(p)
	u.crc = crc32.Update(u.crc, crc32.IEEETable, p)
	for len(p) > 0 {
		// A full part leaves only when more comes: what fits into one part is
		// no multipart upload.
		if int64(len(u.part)) >= u.partSize {
			if err := u.send(); err != nil {
				return 0, err
			}
		}
		n := min(int(u.partSize)-len(u.part), len(p))
		u.part = append(u.part, p[:n]...)
		p = p[n:]
	}
	return written, nil
}

// Commit makes the object appear. The SHA-256 of its content becomes metadata of
// an object that one request made, and a tag of a multipart upload, whose
// metadata had to be given first.
func (u *upload) Commit(ctx context.Context, metadata map[string]string) error {
	if u.finished {
		return errors.New("the upload has ended already")
	}
	all := map[string]string{}
	maps.Copy(all, u.object.Metadata)
	maps.Copy(all, metadata)
	all[MetadataSHA256] = hex.EncodeToString(u.sha.Sum(nil))
	if u.id == "" {
		return u.put(ctx, all)
	}
	if len(u.part) > 0 {
		if err := u.send(); err != nil { //nolint:contextcheck // all parts belong to Create's context
			return err
		}
	}
	u.workers.Wait()
	if err := context.Cause(u.ctx); err != nil { //nolint:contextcheck // tells how the parts went
		return err
	}
	if err := u.complete(ctx); err != nil {
		return err
	}
	u.finished = true
	u.cancel(nil)
	u.tag(ctx, all)
	return nil
}

// put sends a small object in one request.
func (u *upload) put(ctx context.Context, metadata map[string]string) error {
	err := u.s3.Client.Call(ctx, u.object.location(), patience(len(u.part)), func(ctx context.Context, c *s3.Client) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &u.object.Bucket, Key: &u.object.Key, ContentType: optional(u.object.ContentType), Metadata: metadata,
			Body: bytes.NewReader(u.part), ChecksumCRC32: aws.String(crcText(u.crc)),
		})
		return err
	})
	if err == nil {
		u.finished = true
		u.cancel(nil)
	}
	return err
}

// tag keeps the SHA-256 beside an object that is there already.
func (u *upload) tag(ctx context.Context, metadata map[string]string) {
	sum := metadata[MetadataSHA256]
	err := u.s3.Client.Call(ctx, u.object.location(), 0, func(ctx context.Context, c *s3.Client) error {
		_, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
			Bucket: &u.object.Bucket, Key: &u.object.Key,
			Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String(MetadataSHA256), Value: &sum}}},
		})
		return err
	})
	if err != nil {
		u.s3.warn("the object is complete, but its SHA-256 could not be kept as a tag: %v", err)
	}
}

func (s *S3) warn(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(fmt.Sprintf(format, args...))
	}
}

// abortTime is how long taking back parts may take after everything else has
// been cancelled.
const abortTime = 30 * time.Second

// lateParts are the waits before parts are taken back once more.
var lateParts = []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, 600 * time.Millisecond}

// takeBack asks the server to forget the upload; one that it does not know is fine.
func (u *upload) takeBack(ctx context.Context) error {
	return u.s3.Client.Call(ctx, u.object.location(), 0, func(ctx context.Context, c *s3.Client) error {
		_, err := c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.object.Bucket, Key: &u.object.Key, UploadId: &u.id})
		var gone *types.NoSuchUpload
		if errors.As(err, &gone) {
			return nil
		}
		return err
	})
}

// Abort takes back the parts that have been sent.
func (u *upload) Abort() error {
	if u.finished {
		return nil
	}
	u.finished = true
	u.cancel(errors.New("the upload was given up"))
	u.workers.Wait()
	if u.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortTime)
	defer cancel()
	err := u.takeBack(ctx)
	// A part that was still on its way may arrive behind the request that takes all
	// parts back, and stay ("AbortMultipartUpload", S3 API reference).
	for _, wait := range lateParts {
		if err != nil || !u.interrupted.Load() {
			break
		}
		time.Sleep(wait)
		err = u.takeBack(ctx)
	}
	if err != nil {
		return fmt.Errorf("take back an unfinished upload: %w; remove it with: aws s3api abort-multipart-upload --bucket %s --key %s --upload-id %s",
			err, u.object.Bucket, u.object.Key, u.id)
	}
	return nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
