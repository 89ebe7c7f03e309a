// Package ecs brings a new image into a service of Amazon ECS: a revision of its
// task definition that differs in the one image, an update of the service, a wait
// until it is stable, and the way back when it does not get there.
//
// Services whose deployments CodeDeploy or another controller makes are refused:
// there an update of the task definition is somebody else's to begin.
//
// Source: Amazon ECS API Reference, version 2014-11-13, and "Amazon ECS
// deployment circuit breaker" in the Developer Guide.
package ecs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// API is what of ECS is called. It is the list of what the one who deploys has to
// be allowed; see the deploy role in deploy/terraform/iam.tf.
type API interface {
	DescribeServices(context.Context, *awsecs.DescribeServicesInput, ...func(*awsecs.Options)) (*awsecs.DescribeServicesOutput, error)
	DescribeTaskDefinition(context.Context, *awsecs.DescribeTaskDefinitionInput, ...func(*awsecs.Options)) (*awsecs.DescribeTaskDefinitionOutput, error)
	RegisterTaskDefinition(context.Context, *awsecs.RegisterTaskDefinitionInput, ...func(*awsecs.Options)) (*awsecs.RegisterTaskDefinitionOutput, error)
	DeregisterTaskDefinition(context.Context, *awsecs.DeregisterTaskDefinitionInput, ...func(*awsecs.Options)) (*awsecs.DeregisterTaskDefinitionOutput, error)
	UpdateService(context.Context, *awsecs.UpdateServiceInput, ...func(*awsecs.Options)) (*awsecs.UpdateServiceOutput, error)
	ListTasks(context.Context, *awsecs.ListTasksInput, ...func(*awsecs.Options)) (*awsecs.ListTasksOutput, error)
	DescribeTasks(context.Context, *awsecs.DescribeTasksInput, ...func(*awsecs.Options)) (*awsecs.DescribeTasksOutput, error)
}

var _ API = (*awsecs.Client)(nil)

// Faults that callers may want to tell apart. Deploy's errors wrap them.
var (
	// ErrNotFound says that there is no such cluster, service or container.
	ErrNotFound = errors.New("it does not exist")
	// ErrAmbiguous says that it is not clear which container is meant.
	ErrAmbiguous = errors.New("it is not clear which container is meant")
	// ErrFailed says that ECS gave the rollout up.
	ErrFailed = errors.New("the rollout failed")
	// ErrTimeout says that the service was not stable in time.
	ErrTimeout = errors.New("the service is not stable in time")
	// ErrOvertaken says that somebody else has deployed meanwhile. The service
	// is left to them.
	ErrOvertaken = errors.New("somebody else has deployed meanwhile")
)

// Rollback says when a rollout is taken back.
type Rollback string

// The values of Rollback.
const (
	Always    Rollback = "always"  // on failure, timeout and when the context ends
	OnFailure Rollback = "failure" // on failure and timeout
	Never     Rollback = "never"
)

// Check says whether r is one of the values.
func (r Rollback) Check() error {
	switch r {
	case Always, OnFailure, Never:
		return nil
	}
	return fmt.Errorf("%q is not known; it is always, failure or never", string(r))
}

// Order says what to deploy where.
type Order struct {
	// Cluster and Service are names or ARNs; an empty cluster is the account's
	// "default".
	Cluster, Service string
	// Image is a repository and a digest: repo@sha256:….
	Image string
	// Container is the container that gets the image. Empty means the one whose
	// image is of the same repository, or the only one there is.
	Container string
	// Timeout is how long the service may take to be stable, and once more for
	// the way back; 15 minutes if zero.
	Timeout time.Duration
	// Rollback is Always if empty.
	Rollback Rollback
}

// Result is what came out of a deployment.
type Result struct {
	// TaskDefinition is the ARN of the revision that the service runs now,
	// Previous of the one it ran before.
	TaskDefinition, Previous string
	Container, Image         string
	// Unchanged says that the image was there already and nothing was done.
	Unchanged bool
	// RolledBack says that the service runs the previous revision again.
	RolledBack bool
	Took       time.Duration
}

// Client deploys. It may be used by many goroutines, for different services.
type Client struct {
	api API
	// interval is the wait between two looks at a service.
	interval time.Duration
}

// New makes a Client that looks at services every interval; 5 s if zero.
func New(api API, interval time.Duration) *Client {
	if interval <= 0 {
		interval = 5 * time.Second
	}
	return &Client{api: api, interval: interval}
}

// tries is how often a request is sent; ECS throttles by account and region, and
// describing services is what consoles and monitoring do as well.
const tries = 8

// Connect makes a Client with this machine's AWS configuration: environment,
// files, SSO, a container's or an instance's role. profile and region may be
// empty. Nothing is sent yet.
func Connect(ctx context.Context, profile, region string, interval time.Duration) (*Client, error) {
	options := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}),
		config.WithSharedConfigProfile(profile),
		config.WithRetryer(func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), tries) }),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		var missing config.SharedConfigProfileNotExistError
		if errors.As(err, &missing) {
			return nil, fmt.Errorf("the AWS profile %q does not exist", missing.Profile)
		}
		// The SDK's text is left out: it can hold lines of the credentials file.
		return nil, errors.New(`the AWS configuration cannot be read; "aws configure list" says more`)
	}
	if settings.Region == "" {
		return nil, errors.New("no AWS region is known: set AWS_REGION, or region in the profile")
	}
	return New(awsecs.NewFromConfig(settings), interval), nil
}

// passing says whether an error is one that goes by itself, such as throttling
// or a broken connection, after the SDK has given up retrying.
func passing(err error) bool {
	for _, r := range retry.DefaultRetryables {
		if r.IsErrorRetryable(err) == aws.TrueTernary {
			return true
		}
	}
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary
}

// explain names the object of a failed call and says what to do.
func explain(what, action string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("%s: %w", what, err)
	}
	switch code := api.ErrorCode(); {
	case code == "ClusterNotFoundException":
		return fmt.Errorf("%s: the cluster: %w in this account and region", what, ErrNotFound)
	case code == "ServiceNotFoundException":
		return fmt.Errorf("%s: the service: %w in this cluster", what, ErrNotFound)
	case strings.HasPrefix(code, "AccessDenied"):
		return fmt.Errorf("%s: %w; allow %s, as the deploy role of deploy/terraform does", what, err, action)
	}
	return fmt.Errorf("%s: %w", what, err)
}
