package target

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// firstPart is the size of the first parts: with it, twice the expected size
// fits without growing.
func firstPart(size, hint int64) int64 {
	if size <= 0 {
		size = defaultPart
	}
	const round = 1 << 20
	if need := hint / (steady / 2); need > size {
		size = (need + round - 1) / round * round
	}
	return size
}

// Parts keep their size up to number steady and double every growth parts from
// then on: 10,000 of them hold more than a million times the first one.
const (
	steady = 5000
	growth = 500
)

// sizeOf gives the size of the part with a number, which counts from 1.
func sizeOf(first int64, number int32) int64 {
	const maxPart = 5 << 30
	if number <= steady {
		return first
	}
	return min(first<<((number-steady-1)/growth+1), maxPart)
}

// send starts the upload of the part that is full.
func (u *upload) send() error {
	if u.id == "" {
		if err := u.begin(); err != nil {
			return err
		}
	}
	if u.parts == maxParts {
		return fmt.Errorf("s3://%s/%s: it does not fit into the %d parts that S3 takes", u.object.Bucket, u.object.Key, maxParts)
	}
	u.parts++
	body, number := u.part, u.parts
	if err := u.flying.acquire(u.ctx, int64(len(body))); err != nil {
		return err
	}
	u.workers.Go(func() {
		defer u.flying.release(int64(len(body)))
		if err := u.sendPart(number, body); err != nil {
			u.cancel(err)
		}
	})
	u.partSize = sizeOf(firstPart(u.s3.PartSize, u.object.SizeHint), u.parts+1)
	u.part = make([]byte, 0, u.partSize)
	return nil
}

// begin starts the multipart upload: with a checksum over the whole object,
// which S3 checks at the end and keeps, where the server knows it.
func (u *upload) begin() error {
	err := u.create(true)
	if refusesChecksums(err) {
		u.noWhole = true
		return u.create(false)
	}
	return err
}

func (u *upload) create(checksum bool) error {
	if err := context.Cause(u.ctx); err != nil {
		return err
	}
	in := &s3.CreateMultipartUploadInput{
		Bucket: &u.object.Bucket, Key: &u.object.Key, ContentType: optional(u.object.ContentType), Metadata: u.object.Metadata,
	}
	if checksum {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject
	}
	// An answer that nobody waits for would leave an upload that nobody knows.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortTime)
	defer cancel()
	return u.s3.Client.Call(ctx, u.object.location(), 0, func(ctx context.Context, c *s3.Client) error {
		out, err := c.CreateMultipartUpload(ctx, in)
		if err == nil {
			u.id = aws.ToString(out.UploadId)
		}
		return err
	})
}

// refusesChecksums says whether a server may do without what it refuses.
func refusesChecksums(err error) bool {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return false
	}
	return answer.HTTPStatusCode() == http.StatusBadRequest || answer.HTTPStatusCode() == http.StatusNotImplemented
}

// patience is how long a request with a body may take: a minute, and what a slow
// line needs.
func patience(bytes int) time.Duration {
	const slow = 100 << 10 // bytes a second
	return time.Minute + time.Duration(bytes/slow)*time.Second
}

func (u *upload) sendPart(number int32, body []byte) error {
	in := &s3.UploadPartInput{Bucket: &u.object.Bucket, Key: &u.object.Key, UploadId: &u.id, PartNumber: &number}
	if !u.noWhole {
		in.ChecksumCRC32 = aws.String(crcText(crc32.ChecksumIEEE(body)))
	}
	done := types.CompletedPart{PartNumber: &number, ChecksumCRC32: in.ChecksumCRC32}
	err := u.s3.Client.Call(u.ctx, u.object.location(), patience(len(body)), func(ctx context.Context, c *s3.Client) error {
		in.Body = bytes.NewReader(body)
		out, err := c.UploadPart(ctx, in)
		if err == nil {
			done.ETag = out.ETag
		}
		return err
	})
	if err != nil {
		u.interrupted.Store(true)
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.completed = append(u.completed, done)
	return nil
}

// crcText is a CRC-32 as S3 writes it: big-endian, in base64.
func crcText(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// complete puts the parts together.
func (u *upload) complete(ctx context.Context) error {
	slices.SortFunc(u.completed, func(a, b types.CompletedPart) int { return int(*a.PartNumber - *b.PartNumber) })
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &u.object.Bucket, Key: &u.object.Key, UploadId: &u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.completed},
	}
	if !u.noWhole {
		in.ChecksumType, in.ChecksumCRC32 = types.ChecksumTypeFullObject, aws.String(crcText(u.crc))
	}
	// Amazon copies nothing, but other servers do: leave them time.
	const wait = 10 * time.Minute
	again := false
	return u.s3.Client.Call(ctx, u.object.location(), wait, func(ctx context.Context, c *s3.Client) error {
		_, err := c.CompleteMultipartUpload(ctx, in)
		var gone *types.NoSuchUpload
		if again && errors.As(err, &gone) {
			return nil // the answer to the try before was lost, its work was not
		}
		again = true
		return err
	})
}
