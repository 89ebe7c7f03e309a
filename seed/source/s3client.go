package source

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/dbake/dbake/spec"
)

// S3 is the way to S3 that dumps are read by, for packages that write: the same
// configuration, credentials, regions, retries and errors. It is safe for use by
// many goroutines.
type S3 struct{ source *Source }

// NewS3 gives the way to S3 for programs that run outside of a build: the
// environment and the files of the AWS SDK's default chain decide. parallel is
// how many requests run at once. It touches neither network nor disk.
func NewS3(parallel int) *S3 {
	return &S3{New(Config{Parallel: parallel})}
}

// Close drops idle connections.
func (c *S3) Close() error { return c.source.Close() }

// Call calls f with a client for the bucket of loc until it succeeds, fails for
// good, or has failed too often. Every try has patience to come back; zero means
// a minute. Its error is of type *Error and names loc and what to do.
func (c *S3) Call(ctx context.Context, loc spec.Location, patience time.Duration, f func(context.Context, *s3.Client) error) error {
	access, err := c.source.access(ctx)
	if err != nil {
		return c.source.s3Error("", loc, err)
	}
	retry := c.source.retry
	retry.stall = max(retry.stall, patience)
	if err := access.call(ctx, loc.Bucket, retry, f); err != nil {
		return c.source.s3Error("", loc, err)
	}
	return nil
}
