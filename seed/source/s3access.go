package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
)

// defaultRegion is where a request goes when no region is configured; for a
// bucket elsewhere the answer says where.
const defaultRegion = "us-east-1"

// credentialsTimeout bounds the search for credentials, which ends with asking
// an address that does not answer outside of Amazon's network.
const credentialsTimeout = 30 * time.Second

// s3Access holds clients that share connections and credentials.
type s3Access struct {
	cfg        aws.Config
	endpoint   string
	pathStyle  bool
	guess      bool // no region is configured: follow the bucket
	httpClient *http.Client

	credentials *keeper

	mu      sync.Mutex
	regions map[string]string // bucket → region
	clients map[string]*s3.Client
}

// access sets S3 up at its first use, so that a bake without S3 needs no
// credentials. A failure is tried again at the next use.
func (s *Source) access(ctx context.Context) (*s3Access, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s3 != nil {
		return s.s3, nil
	}
	access, err := newS3Access(ctx, filepath.Join(s.cfg.SecretDir, "aws"), s.cfg.Parallel)
	if err != nil {
		return nil, err
	}
	s.s3 = access
	return access, nil
}

// newS3Access reads the SDK's usual configuration, with secretFile, when it
// exists, as the credentials file, and makes sure that there are credentials:
// asking here gives a clear error instead of one in the middle of a request.
func newS3Access(ctx context.Context, secretFile string, parallel int) (*s3Access, error) {
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = max(t.MaxIdleConnsPerHost, 2*parallel)
	})
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(transport),
		config.WithLogger(logging.Nop{}),
	}
	if _, err := os.Stat(secretFile); err == nil {
		options = append(options, config.WithSharedCredentialsFiles([]string{secretFile}))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, configError(err)
	}
	if cfg.Credentials == nil {
		return nil, credentialsError(errors.New("no provider"))
	}
	credentials := &keeper{CredentialsProvider: cfg.Credentials}
	cfg.Credentials = credentials
	limited, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(limited); err != nil {
		if reason := ended(ctx); reason != nil {
			return nil, reason
		}
		return nil, credentialsError(err)
	}
	a := &s3Access{
		cfg: cfg, credentials: credentials, endpoint: customEndpoint(),
		regions: map[string]string{}, clients: map[string]*s3.Client{},
	}
	a.pathStyle = usePathStyle(a.endpoint)
	if a.cfg.Region == "" {
		a.cfg.Region, a.guess = defaultRegion, true
	}
	// The SDK's own client, but one whose connections can be closed.
	if built, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		a.httpClient = &http.Client{
			Transport:     built.GetTransport(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		a.cfg.HTTPClient = a.httpClient
	}
	return a, nil
}

func (a *s3Access) closeIdle() {
	if a.httpClient != nil {
		a.httpClient.CloseIdleConnections()
	}
}

// client returns the client for the region a bucket is known to be in.
func (a *s3Access) client(bucket string) *s3.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	region := a.cfg.Region
	if known := a.regions[bucket]; known != "" {
		region = known
	}
	c := a.clients[region]
	if c == nil {
		c = s3.NewFromConfig(a.cfg, func(o *s3.Options) {
			o.Region = region
			o.UsePathStyle = a.pathStyle
			o.Retryer = aws.NopRetryer{} // backoff retries, and knows how far a part got
			// Ranges carry no checksum of their own; the dump's format does.
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
			o.DisableLogOutputChecksumValidationSkipped = true
		})
		a.clients[region] = c
	}
	return c
}

// once calls f, and once more when no region is configured and the answer says
// which one the bucket is in.
func (a *s3Access) once(ctx context.Context, bucket string, f func(context.Context, *s3.Client) error) error {
	err := f(ctx, a.client(bucket))
	if err == nil || !a.guess {
		return err
	}
	region := bucketRegion(err)
	a.mu.Lock()
	again := region != "" && region != a.regions[bucket] && region != a.cfg.Region
	if again {
		a.regions[bucket] = region
	}
	a.mu.Unlock()
	if !again {
		return err
	}
	return f(ctx, a.client(bucket))
}

// call is once with retries.
func (a *s3Access) call(ctx context.Context, bucket string, retry backoff, f func(context.Context, *s3.Client) error) error {
	return retry.do(ctx, func(ctx context.Context) error { return a.once(ctx, bucket, f) })
}

// secrets are the values that must not get into any text.
func (a *s3Access) secrets() []string {
	if a == nil {
		return nil
	}
	return a.credentials.secrets()
}

// keeper remembers the credentials in use, so that they can be taken out of
// texts.
type keeper struct {
	aws.CredentialsProvider
	last atomic.Pointer[aws.Credentials]
}

func (k *keeper) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := k.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		k.last.Store(&c)
	}
	return c, err
}

func (k *keeper) secrets() []string {
	c := k.last.Load()
	if c == nil {
		return nil
	}
	return []string{c.SecretAccessKey, c.SessionToken, c.AccessKeyID}
}

// where names the endpoint for hints.
func (a *s3Access) where() string {
	if a == nil || a.endpoint == "" {
		return "Amazon S3"
	}
	return redactURL(a.endpoint)
}

func sorted(keys []string) []string {
	slices.Sort(keys)
	return keys
}

// configError explains why the AWS configuration cannot be read. The SDK's
// text is left out: it can hold lines of the credentials file.
func configError(err error) error {
	var profile config.SharedConfigProfileNotExistError
	var file config.SharedConfigLoadError
	text := "the AWS configuration cannot be used"
	switch {
	case errors.As(err, &profile):
		text = fmt.Sprintf("the AWS profile %q does not exist", profile.Profile)
	case errors.As(err, &file):
		text = "an AWS configuration or credentials file cannot be parsed"
	case os.Getenv("AWS_CA_BUNDLE") != "":
		text = "the AWS configuration cannot be used; is AWS_CA_BUNDLE a file of PEM certificates?"
	}
	return &hinted{hint: credentialsHint, err: &cause{text: text, kind: ErrDenied, err: err}}
}
