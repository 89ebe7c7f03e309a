package ecs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/dbake/dbake/baker/progress"
)

const defaultTimeout = 15 * time.Minute

// rollout is one deployment on its way.
type rollout struct {
	*Client
	order  Order
	show   progress.Writer
	result *Result

	service *types.Service
	// seen are the events of the service that have been told, or are older.
	seen map[string]bool
	// before are the deployments that the service had before it was updated.
	before map[string]bool
	// begun says that ECS has taken the update to the new revision.
	begun bool
}

// Deploy brings the image into the service and waits until the service is
// stable. When it does not get there, the revision from before is rolled out
// again as o.Rollback says, and the error tells why and what runs now; the
// Result, then not nil either, says the same for programs. A context that ends
// does not stop the way back.
func (c *Client) Deploy(ctx context.Context, o Order, show progress.Writer) (*Result, error) {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Rollback == "" {
		o.Rollback = Always
	}
	if digest(o.Image) == "" {
		return nil, fmt.Errorf("deploy %s: the image has no digest, which a revision has to name", o.Image)
	}
	began := time.Now()
	r := &rollout{Client: c, order: o, show: show, result: &Result{Image: o.Image}, seen: map[string]bool{}}
	err := r.deploy(ctx)
	r.result.Took = time.Since(began)
	return r.result, err
}

func (r *rollout) deploy(ctx context.Context) error {
	var revision *awsecs.RegisterTaskDefinitionInput
	err := r.show.Run("look at service "+r.order.Service, func(s *progress.Step) (err error) {
		if err := r.look(ctx); err != nil {
			return err
		}
		revision, err = r.revision(ctx, s)
		return err
	})
	if err != nil {
		return err
	}
	if r.result.Unchanged {
		return r.settle(ctx)
	}
	if err := r.register(ctx, revision); err != nil {
		return err
	}
	if err := r.rollOut(ctx); err != nil {
		return r.back(ctx, err)
	}
	return nil
}

// look describes the service, and refuses those that cannot be deployed to.
func (r *rollout) look(ctx context.Context) error {
	s, err := r.describe(ctx)
	if err != nil {
		return err
	}
	if c := s.DeploymentController; c != nil && c.Type != types.DeploymentControllerTypeEcs {
		return fmt.Errorf("%s: its deployments are made by %s, not by ECS itself; deploy it there", r.what(), c.Type)
	}
	r.result.Previous = aws.ToString(s.TaskDefinition)
	r.result.TaskDefinition = r.result.Previous
	for _, e := range s.Events {
		r.seen[aws.ToString(e.Id)] = true
	}
	return nil
}

func (r *rollout) what() string {
	if r.order.Cluster == "" {
		return "service " + r.order.Service
	}
	return "service " + r.order.Service + " in cluster " + r.order.Cluster
}

// describe gets the service as it is now.
func (r *rollout) describe(ctx context.Context) (*types.Service, error) {
	out, err := r.api.DescribeServices(ctx, &awsecs.DescribeServicesInput{Cluster: optional(r.order.Cluster), Services: []string{r.order.Service}})
	if err != nil {
		return nil, explain(r.what(), "ecs:DescribeServices", err)
	}
	if len(out.Services) == 0 {
		return nil, fmt.Errorf("%s: %w; is it in this account and region?", r.what(), ErrNotFound)
	}
	if status := aws.ToString(out.Services[0].Status); status != "" && status != "ACTIVE" {
		return nil, fmt.Errorf("%s: %w any more: it is %s", r.what(), ErrNotFound, status)
	}
	r.service = &out.Services[0]
	return r.service, nil
}

// revision describes the task definition and makes the next one of it.
func (r *rollout) revision(ctx context.Context, step *progress.Step) (*awsecs.RegisterTaskDefinitionInput, error) {
	out, err := r.api.DescribeTaskDefinition(ctx, &awsecs.DescribeTaskDefinitionInput{
		TaskDefinition: &r.result.Previous, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags},
	})
	if err != nil {
		return nil, explain("task definition "+short(r.result.Previous), "ecs:DescribeTaskDefinition", err)
	}
	d := out.TaskDefinition
	i, err := pick(d.ContainerDefinitions, r.order.Container, r.order.Image)
	if err != nil {
		return nil, fmt.Errorf("task definition %s: %w", short(r.result.Previous), err)
	}
	r.result.Container = aws.ToString(d.ContainerDefinitions[i].Name)
	was := aws.ToString(d.ContainerDefinitions[i].Image)
	step.Log(fmt.Appendf(nil, "%s: container %s runs %s\n", short(r.result.Previous), r.result.Container, was))
	same := digest(was) == digest(r.order.Image) && repository(was) == repository(r.order.Image)
	// A rollout of the same image that failed is begun anew.
	r.result.Unchanged = same && !failed(primary(r.service))
	return next(d, out.Tags, i, r.order.Image), nil
}

// settle waits for a service that has the image already.
func (r *rollout) settle(ctx context.Context) error {
	return r.show.Run("wait for "+short(r.result.Previous)+", which has the image already", func(s *progress.Step) error {
		return r.wait(ctx, s, r.result.Previous)
	})
}

func (r *rollout) register(ctx context.Context, revision *awsecs.RegisterTaskDefinitionInput) error {
	return r.show.Run("register a revision of "+aws.ToString(revision.Family), func(s *progress.Step) error {
		out, err := r.api.RegisterTaskDefinition(ctx, revision)
		if err != nil {
			return explain("register a revision of "+aws.ToString(revision.Family), "ecs:RegisterTaskDefinition and iam:PassRole on the task's roles", err)
		}
		r.result.TaskDefinition = aws.ToString(out.TaskDefinition.TaskDefinitionArn)
		s.Log(fmt.Appendf(nil, "%s: container %s gets %s\n", short(r.result.TaskDefinition), r.result.Container, r.order.Image))
		return nil
	})
}

func (r *rollout) rollOut(ctx context.Context) error {
	return r.show.Run("roll out "+short(r.result.TaskDefinition), func(s *progress.Step) error {
		if err := r.update(ctx, r.result.TaskDefinition); err != nil {
			return err
		}
		r.begun = true
		err := r.wait(ctx, s, r.result.TaskDefinition)
		if err != nil {
			r.tellStopped(ctx, s, r.result.TaskDefinition)
		}
		return err
	})
}

// update tells the service to run a revision. Nothing else of it changes.
func (r *rollout) update(ctx context.Context, revision string) error {
	r.before = map[string]bool{}
	for _, d := range r.service.Deployments {
		r.before[aws.ToString(d.Id)] = true
	}
	_, err := r.api.UpdateService(ctx, &awsecs.UpdateServiceInput{
		Cluster: optional(r.order.Cluster), Service: &r.order.Service, TaskDefinition: &revision,
	})
	if err != nil {
		return explain("update "+r.what(), "ecs:UpdateService", err)
	}
	return nil
}

// back takes a failed rollout back, and gives the whole error.
func (r *rollout) back(ctx context.Context, cause error) error {
	revision, interrupted := r.result.TaskDefinition, ctx.Err() != nil
	if errors.Is(cause, ErrOvertaken) {
		return cause // it is not ours any more
	}
	if r.begun && (r.order.Rollback == Never || r.order.Rollback == OnFailure && interrupted) {
		return fmt.Errorf("%w; the rollout of %s goes on", cause, short(revision))
	}
	ctx = context.WithoutCancel(ctx)
	err := r.show.Run("roll back to "+short(r.result.Previous), func(s *progress.Step) error {
		// ECS may have gone back by itself: the circuit breaker with rollback.
		if now, err := r.describe(ctx); err != nil || aws.ToString(now.TaskDefinition) != r.result.Previous {
			if err := r.update(ctx, r.result.Previous); err != nil {
				return err
			}
		} else {
			s.Log([]byte("the service is on its way to it already\n"))
		}
		return r.wait(ctx, s, r.result.Previous)
	})
	if err != nil {
		return fmt.Errorf("%w; and going back to %s failed: %w", cause, short(r.result.Previous), err)
	}
	r.result.RolledBack, r.result.TaskDefinition = true, r.result.Previous
	cause = fmt.Errorf("%w; the service runs %s again", cause, short(r.result.Previous))
	if _, err := r.api.DeregisterTaskDefinition(ctx, &awsecs.DeregisterTaskDefinitionInput{TaskDefinition: &revision}); err != nil {
		return errors.Join(cause, explain("deregister "+short(revision), "ecs:DeregisterTaskDefinition", err))
	}
	return cause
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
