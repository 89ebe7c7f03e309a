package ecs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/dbake/dbake/baker/progress"
)

// statusPrimary is the status of the deployment that a service is on its way to.
const statusPrimary = "PRIMARY"

func primary(s *types.Service) *types.Deployment {
	for i := range s.Deployments {
		if aws.ToString(s.Deployments[i].Status) == statusPrimary {
			return &s.Deployments[i]
		}
	}
	return nil
}

func failed(d *types.Deployment) bool {
	return d != nil && d.RolloutState == types.DeploymentRolloutStateFailed
}

// wait looks at the service until it runs the revision and nothing else, the
// rollout has failed, or time is up.
func (r *rollout) wait(ctx context.Context, step *progress.Step, revision string) error {
	limit, cancel := context.WithTimeoutCause(ctx, r.order.Timeout,
		fmt.Errorf("%s: %w: %s is over", r.what(), ErrTimeout, r.order.Timeout))
	defer cancel()
	ticker := time.NewTicker(r.interval)
	defer ticker.Stop()
	told, looks := "", looks{}
	for {
		service, err := r.describe(limit)
		switch {
		case limit.Err() != nil:
			return context.Cause(limit)
		case err == nil:
			r.tellEvents(step, service)
			told = r.tellCounts(step, service, told)
			if done, err := r.judge(service, revision, &looks); done || err != nil {
				return err
			}
		case passing(err):
			step.Log(fmt.Appendf(nil, "ECS does not answer, asking again: %v\n", err))
		default:
			return err
		}
		select {
		case <-ticker.C:
		case <-limit.Done():
			return context.Cause(limit)
		}
	}
}

// looks is what was seen of a revision in the looks at a service.
type looks struct {
	seen   bool
	misses int // looks in which the service was on its way to another revision
}

// patience is how many looks may not know of an update yet: what ECS answers may
// be some seconds old.
const patience = 5

// judge says whether the service is stable on a revision.
func (r *rollout) judge(s *types.Service, revision string, l *looks) (done bool, err error) {
	for i := range s.Deployments {
		d := &s.Deployments[i]
		if aws.ToString(d.TaskDefinition) == revision && failed(d) && !r.before[aws.ToString(d.Id)] {
			return false, fmt.Errorf("%s: %s: %w: %s", r.what(), short(revision), ErrFailed, orElse(aws.ToString(d.RolloutStateReason), "ECS gives no reason"))
		}
	}
	now := primary(s)
	if now == nil {
		return false, nil // between two deployments
	}
	switch got := aws.ToString(now.TaskDefinition); {
	case got == revision:
		l.seen = true
	case got != r.result.Previous && got != r.result.TaskDefinition:
		return false, fmt.Errorf("%s: %w: it is on its way to %s; the rollout of %s is left to them", r.what(), ErrOvertaken, short(got), short(revision))
	case !l.seen && l.misses < patience:
		l.misses++
		return false, nil
	default:
		return false, fmt.Errorf("%s: %s: %w: ECS has gone back to %s", r.what(), short(revision), ErrFailed, short(got))
	}
	if now.RolloutState != "" {
		return now.RolloutState == types.DeploymentRolloutStateCompleted, nil
	}
	// Older services have no state; then it is what the SDK waits for.
	return len(s.Deployments) == 1 && now.RunningCount == now.DesiredCount, nil
}

// tellCounts tells how far the deployments are, when that has changed.
func (r *rollout) tellCounts(step *progress.Step, s *types.Service, told string) string {
	var lines strings.Builder
	for _, d := range s.Deployments {
		fmt.Fprintf(&lines, "%s %s: %d of %d running, %d pending", strings.ToLower(aws.ToString(d.Status)),
			short(aws.ToString(d.TaskDefinition)), d.RunningCount, d.DesiredCount, d.PendingCount)
		if d.FailedTasks > 0 {
			fmt.Fprintf(&lines, ", %d failed", d.FailedTasks)
		}
		if d.RolloutState != "" {
			fmt.Fprintf(&lines, " (%s)", strings.ToLower(strings.ReplaceAll(string(d.RolloutState), "_", " ")))
		}
		lines.WriteByte('\n')
	}
	if text := lines.String(); text != told {
		step.Log([]byte(text))
		return text
	}
	return told
}

// tellEvents tells the events of the service that are new, oldest first.
func (r *rollout) tellEvents(step *progress.Step, s *types.Service) {
	for _, e := range slices.Backward(s.Events) {
		if id := aws.ToString(e.Id); !r.seen[id] {
			r.seen[id] = true
			step.Log([]byte(strings.TrimSpace(aws.ToString(e.Message)) + "\n"))
		}
	}
}

// reasonTime bounds the search for reasons after a rollout has failed.
const reasonTime = 10 * time.Second

// tellStopped tells why tasks of a revision have stopped, which the events of
// a service do not say. It is left out when it cannot be had.
func (r *rollout) tellStopped(ctx context.Context, step *progress.Step, revision string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reasonTime)
	defer cancel()
	reasons, err := r.stopped(ctx, revision)
	if err != nil {
		step.Log(fmt.Appendf(nil, "why tasks stopped is not known: %v\n", err))
	}
	for _, reason := range reasons {
		step.Log([]byte("a task stopped: " + reason + "\n"))
	}
}

// stopped gives the different reasons for which tasks of a revision have
// stopped lately. ECS remembers them for about an hour.
func (r *rollout) stopped(ctx context.Context, revision string) ([]string, error) {
	list, err := r.api.ListTasks(ctx, &awsecs.ListTasksInput{
		Cluster: optional(r.order.Cluster), ServiceName: &r.order.Service, DesiredStatus: types.DesiredStatusStopped,
	})
	if err != nil {
		return nil, explain("list stopped tasks", "ecs:ListTasks", err)
	}
	if len(list.TaskArns) == 0 {
		return nil, nil
	}
	out, err := r.api.DescribeTasks(ctx, &awsecs.DescribeTasksInput{Cluster: optional(r.order.Cluster), Tasks: list.TaskArns})
	if err != nil {
		return nil, explain("describe stopped tasks", "ecs:DescribeTasks", err)
	}
	var reasons []string
	for _, t := range out.Tasks {
		if aws.ToString(t.TaskDefinitionArn) != revision {
			continue
		}
		if reason := describeStop(t); !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return reasons, nil
}

// describeStop words why a task stopped, with the containers that say more.
func describeStop(t types.Task) string {
	parts := []string{orElse(aws.ToString(t.StoppedReason), "ECS gives no reason")}
	for _, c := range t.Containers {
		var what []string
		if c.ExitCode != nil {
			what = append(what, fmt.Sprintf("exit status %d", *c.ExitCode))
		}
		if reason := aws.ToString(c.Reason); reason != "" {
			what = append(what, reason)
		}
		if len(what) > 0 {
			parts = append(parts, aws.ToString(c.Name)+": "+strings.Join(what, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
