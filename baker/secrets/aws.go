package secrets

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/dbake/dbake/baker/builder"
)

const (
	// keep is how long one answer is given again, so that the three values of
	// it, which are asked for one by one, belong together.
	keep = 30 * time.Second
	// fresh is how long temporary credentials that are given to a bake are
	// valid at least, if their source has some that are.
	fresh = 15 * time.Minute
	// instanceTime bounds the search for an instance's role, which only ends
	// by timeouts on machines that are no instances.
	instanceTime = 5 * time.Second
)

// chain is the AWS SDK's chain of credential sources, set up when first used.
type chain struct {
	profile string

	mu     sync.Mutex
	config *aws.Config
	last   answer
}

// answer is what the chain said at a moment.
type answer struct {
	at          time.Time
	credentials aws.Credentials
	err         error
}

func (c *chain) value(ctx context.Context, id string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.config == nil {
		if err := c.load(ctx); err != nil {
			return nil, err
		}
	}
	if id == Region {
		return text(c.config.Region)
	}
	if c.last.at.IsZero() || time.Since(c.last.at) > keep {
		found, err := c.retrieve(ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c.last = answer{time.Now(), found, err}
	}
	if c.last.err != nil {
		return nil, c.last.err
	}
	switch id {
	case AccessKeyID:
		return text(c.last.credentials.AccessKeyID)
	case SecretAccessKey:
		return text(c.last.credentials.SecretAccessKey)
	}
	return text(c.last.credentials.SessionToken)
}

func text(value string) ([]byte, error) {
	if value == "" {
		return nil, builder.ErrNoSecret
	}
	return []byte(value), nil
}

func (c *chain) load(ctx context.Context) error {
	loaded, err := config.LoadDefaultConfig(ctx,
		config.WithSharedConfigProfile(c.profile),
		config.WithLogger(logging.Nop{}),
		config.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = fresh }),
	)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return explain(err)
	}
	c.config = &loaded
	return nil
}

// retrieve asks the source of credentials that the configuration has chosen.
// That is the instance's role when there is no other, so that a failure of it
// means that there are none, which public objects do not need.
func (c *chain) retrieve(ctx context.Context) (aws.Credentials, error) {
	if c.config.Credentials == nil {
		return aws.Credentials{}, builder.ErrNoSecret
	}
	instance := aws.IsCredentialsProvider(c.config.Credentials, (*ec2rolecreds.Provider)(nil))
	if instance {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, instanceTime)
		defer cancel()
	}
	found, err := c.config.Credentials.Retrieve(ctx)
	switch {
	case err == nil:
		return found, nil
	case instance:
		return aws.Credentials{}, builder.ErrNoSecret
	}
	return aws.Credentials{}, explain(err)
}

// explain words an error of the SDK. It takes over only texts of which it is
// known that no credentials are in them: the SDK puts, for one, all that a
// credential_process has printed into its error.
func explain(err error) error {
	var (
		profile config.SharedConfigProfileNotExistError
		process *processcreds.ProviderError
		token   *ssocreds.InvalidTokenError
		api     smithy.APIError
	)
	const what = "the AWS credentials of this machine could not be had: "
	switch {
	case errors.As(err, &profile):
		return fmt.Errorf("the AWS profile %q does not exist", profile.Profile)
	case errors.As(err, &token):
		return errors.New(what + `the SSO session has expired; run "aws sso login"`)
	case errors.As(err, &process):
		return errors.New(what + "the profile's credential_process fails, or prints something else than credentials")
	case errors.As(err, &api):
		return fmt.Errorf(what+"%s: %s", api.ErrorCode(), api.ErrorMessage())
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New(what + "the service that has them does not answer")
	}
	return errors.New(what + `"aws sts get-caller-identity" says more`)
}
