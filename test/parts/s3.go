package parts

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// S3 is an S3 server with one account that may do everything.
type S3 struct {
	// Endpoint is its URL, for AWS_ENDPOINT_URL. Buckets are in the path.
	Endpoint string
	// Region, AccessKey and SecretKey are what requests are signed with. The
	// keys are random, so that a test can search for them in what it made.
	Region, AccessKey, SecretKey string
	// Client is ready for use.
	Client *s3.Client
}

// S3 starts the S3 server. It keeps versions of objects in buckets that have
// versioning turned on.
func (p *Parts) S3(ctx context.Context) (*S3, error) { return p.s3.do(ctx, p.startS3) }

func (p *Parts) startS3(ctx context.Context) (*S3, error) {
	bin, err := p.installed(ctx, "versitygw")
	if err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := p.folder("s3")
	if err != nil {
		return nil, err
	}
	objects, versions := filepath.Join(dir, "objects"), filepath.Join(dir, "versions")
	for _, folder := range []string{objects, versions} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, fmt.Errorf("make the S3 server's folders: %w", err)
		}
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s := &S3{Endpoint: "http://" + address, Region: "us-east-1", AccessKey: "AK" + rand.Text()[:18], SecretKey: rand.Text() + rand.Text()}
	s.Client = s3.New(s3.Options{
		BaseEndpoint: &s.Endpoint, Region: s.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	})
	cmd := lasting(ctx, filepath.Join(bin, "versitygw"), "--port", address, "--region", s.Region, "--quiet",
		"posix", "--versioning-dir", versions, objects)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
	pr, err := p.spawn("versitygw", cmd, 10*time.Second)
	if err != nil {
		return nil, err
	}
	return s, pr.ready(ctx, func(ctx context.Context) error {
		_, err := s.Client.ListBuckets(ctx, nil)
		return err
	})
}

// Env is the environment that makes AWS SDKs and tools use the server.
func (s *S3) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.Endpoint, "AWS_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
	}
}

// CreateBucket makes a bucket, with versioning turned on when versioned.
func (s *S3) CreateBucket(ctx context.Context, bucket string, versioned bool) error {
	if _, err := s.Client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		return fmt.Errorf("make the bucket %s: %w", bucket, err)
	}
	if !versioned {
		return nil
	}
	_, err := s.Client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		return fmt.Errorf("turn on versioning of the bucket %s: %w", bucket, err)
	}
	return nil
}

// Put stores an object and returns its version id, which is empty in a bucket
// without versioning.
func (s *S3) Put(ctx context.Context, bucket, key string, body io.ReadSeeker) (string, error) {
	out, err := s.Client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: body})
	if err != nil {
		return "", fmt.Errorf("put s3://%s/%s: %w", bucket, key, err)
	}
	return aws.ToString(out.VersionId), nil
}
