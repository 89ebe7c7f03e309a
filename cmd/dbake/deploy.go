package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker/ecs"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
)

func newDeployCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Bring a baked image into a running service",
		Long:  "Bring a baked image into a running service.\n" + exitHelp,
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeployECSCommand())
	return cmd
}

// deployECSOptions are the flags of dbake deploy ecs.
type deployECSOptions struct {
	registry registryFlags
	progress progressFlag

	cluster, service string
	image, container string
	timeout          time.Duration
	interval         time.Duration
	rollback         string
	profile, region  string
}

func (o *deployECSOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.cluster, "cluster", "", "name or ARN of the cluster (default: the account's default cluster)")
	f.StringVar(&o.service, "service", "", "name or ARN of the service")
	f.StringVar(&o.image, "image", "", "the image: a tag, which is looked up in its registry, or REPOSITORY@DIGEST, which is taken as it is")
	f.StringVar(&o.container, "container", "", "container that gets the image (default: the one whose image is of the same repository, or the only one)")
	f.DurationVar(&o.timeout, "timeout", 15*time.Minute, "how long the service may take to be stable, and once more for the way back")
	f.DurationVar(&o.interval, "interval", 5*time.Second, "wait between two looks at the service")
	f.StringVar(&o.rollback, "rollback", string(ecs.Always), "when to go back to the revision before: always (failure, timeout, Ctrl-C), failure (failure, timeout), never")
	f.StringVar(&o.profile, "aws-profile", "", "profile of the AWS configuration (default: $AWS_PROFILE)")
	f.StringVar(&o.region, "region", "", "region of the cluster (default: the AWS configuration's)")
	o.registry.addFlags(f)
	o.progress.addFlags(f)
}

const deployECSExamples = `  # What the tag points to now
  dbake deploy ecs --cluster main --service shop --image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app-data:latest

  # What this pipeline has baked, into a container by its name
  dbake deploy ecs --cluster main --service shop --container db \
    --image "$(dbake bake -t 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app-data:latest)"`

func newDeployECSCommand() *cobra.Command {
	var o deployECSOptions
	cmd := &cobra.Command{
		Use:   "ecs --service SERVICE --image REF [flags]",
		Short: "Bring an image into a service of Amazon ECS",
		Long: `Bring an image into a service of Amazon ECS, and wait until the service is stable.

The task definition gets a new revision that names the image by its digest and
is the same in everything else. When the service does not get stable, or ECS's
circuit breaker gives up, the revision before is rolled out again and the new
one deregistered. Where the service has the image already, nothing is done.

Standard output has the ARN of the revision that the service runs.
` + exitHelp,
		Example: deployECSExamples,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDeployECS(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// check finds faults that need no network.
func (o *deployECSOptions) check() error {
	for _, required := range []struct{ name, value string }{{"service", o.service}, {"image", o.image}} {
		if required.value == "" {
			return usageError{fmt.Errorf("--%s is missing", required.name)}
		}
	}
	if strings.ContainsAny(o.image, " \t\r\n") {
		return usageError{errors.New("--image holds more than one reference")}
	}
	if err := ecs.Rollback(o.rollback).Check(); err != nil {
		return usageError{fmt.Errorf("--rollback: %w", err)}
	}
	if o.timeout <= 0 || o.interval <= 0 {
		return usageError{errors.New("--timeout and --interval are longer than 0")}
	}
	return o.progress.check()
}

func runDeployECS(ctx context.Context, o deployECSOptions, stdout, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	client, err := ecs.Connect(ctx, o.profile, o.region, o.interval)
	if err != nil {
		return err
	}
	var result *ecs.Result
	err = o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
		image, err := o.resolve(ctx)
		if err != nil {
			return err
		}
		result, err = client.Deploy(ctx, ecs.Order{
			Cluster: o.cluster, Service: o.service, Image: image, Container: o.container,
			Timeout: o.timeout, Rollback: ecs.Rollback(o.rollback),
		}, w)
		return err
	})
	if err != nil {
		return err
	}
	what := "the service runs the image"
	if result.Unchanged {
		what = "the service has the image already"
	}
	fmt.Fprintf(stderr, "%s, in container %s (%.0f s)\n", what, result.Container, result.Took.Seconds())
	_, err = fmt.Fprintln(stdout, result.TaskDefinition)
	return err
}

// resolve gives the repository and digest of the image. A tag moves, a revision
// must not: ECS starts tasks of it whenever it likes.
func (o *deployECSOptions) resolve(ctx context.Context) (string, error) {
	repository, digest, pinned := strings.Cut(o.image, "@")
	if slash := strings.LastIndexByte(repository, '/'); strings.Contains(repository[slash+1:], ":") {
		repository = repository[:slash+1+strings.IndexByte(repository[slash+1:], ':')]
	}
	if pinned {
		return repository + "@" + digest, nil
	}
	c := registry.New(o.registry.options())
	defer c.Close()
	desc, ok, err := c.Head(ctx, o.image)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fmt.Errorf("there is no image %s", o.image)
	}
	return repository + "@" + desc.Digest.String(), nil
}
