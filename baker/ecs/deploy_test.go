package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"go.uber.org/goleak"

	"github.com/dbake/dbake/baker/ecs/ecsfake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	repo      = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app-data"
	oldDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	newDigest = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

// definition is a task definition with all that RegisterTaskDefinition takes.
const definition = `{
  "family": "shop",
  "taskRoleArn": "arn:aws:iam::123456789012:role/shop",
  "executionRoleArn": "arn:aws:iam::123456789012:role/shop-execution",
  "networkMode": "awsvpc",
  "containerDefinitions": [
    {"name": "app", "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:7", "essential": true, "cpu": 256,
     "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp", "name": "http", "appProtocol": "http"}],
     "environment": [{"name": "DB_SOCKET", "value": "/var/run/mysqld/mysqld.sock"}],
     "secrets": [{"name": "KEY", "valueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key"}],
     "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}],
     "mountPoints": [{"sourceVolume": "mysqld", "containerPath": "/var/run/mysqld", "readOnly": false}],
     "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/shop", "awslogs-region": "eu-west-1"}},
     "restartPolicy": {"enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60},
     "linuxParameters": {"initProcessEnabled": true}, "ulimits": [{"name": "nofile", "softLimit": 4096, "hardLimit": 8192}],
     "stopTimeout": 30, "startTimeout": 60, "user": "1000", "readonlyRootFilesystem": true, "versionConsistency": "disabled",
     "volumesFrom": [], "systemControls": [], "dockerLabels": {"team": "shop"}},
    {"name": "db", "image": "` + repo + `@` + oldDigest + `", "essential": true, "memory": 1024, "memoryReservation": 512,
     "healthCheck": {"command": ["CMD", "dbake-entrypoint", "healthcheck"], "interval": 5, "timeout": 5, "retries": 10, "startPeriod": 30},
     "mountPoints": [{"sourceVolume": "mysqld", "containerPath": "/var/run/mysqld", "readOnly": false}]}
  ],
  "volumes": [{"name": "mysqld", "host": {}},
    {"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/", "transitEncryption": "ENABLED"}}],
  "placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.instance-type =~ m5.*"}],
  "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "2048",
  "tags": [{"key": "team", "value": "shop"}, {"key": "aws:cloudformation:stack-name", "value": "x"}],
  "pidMode": "task", "ipcMode": "none",
  "proxyConfiguration": {"type": "APPMESH", "containerName": "envoy", "properties": [{"name": "AppPorts", "value": "8080"}]},
  "inferenceAccelerators": [{"deviceName": "device_1", "deviceType": "eia1.medium"}],
  "ephemeralStorage": {"sizeInGiB": 40},
  "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
  "enableFaultInjection": true
}`

// account is a fake ECS with the service "shop" and a Client for it.
type account struct {
	*ecsfake.Server
	t      *testing.T
	client *Client

	mu  sync.Mutex
	log strings.Builder
}

func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{t: t, Server: ecsfake.Start()}
	t.Cleanup(a.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	a.client = New(awsecs.New(awsecs.Options{
		Region: ecsfake.Region, BaseEndpoint: &a.URL, HTTPClient: &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.Backoff = 3, retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
		}),
	}), time.Millisecond)
	a.AddService("shop", object(t, definition))
	return a
}

func object(t *testing.T, text string) ecsfake.Object {
	t.Helper()
	var o ecsfake.Object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func (a *account) write(s *client.SolveStatus) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range s.Vertexes {
		if v.Completed == nil {
			a.log.WriteString("# " + v.Name + "\n")
		}
	}
	for _, l := range s.Logs {
		a.log.Write(l.Data)
	}
}

func (a *account) told() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

func (a *account) deploy(ctx context.Context, change func(*Order)) (*Result, error) {
	a.t.Helper()
	o := Order{Cluster: "main", Service: "shop", Image: repo + "@" + newDigest, Timeout: 5 * time.Second}
	if change != nil {
		change(&o)
	}
	return a.client.Deploy(ctx, o, a.write)
}

func (a *account) count(operation string) (n int) {
	for _, c := range a.Calls() {
		if c.Operation == operation {
			n++
		}
	}
	return n
}

// The new revision has everything of the old one, but for the one image.
func TestDeploy(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	result, err := a.deploy(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Running("shop"); got != "shop:2" || short(result.TaskDefinition) != got || short(result.Previous) != "shop:1" || result.Container != "db" {
		t.Errorf("the service runs %s; the result is %+v", got, result)
	}
	before, _ := a.Definition("shop:1")
	after, tags := a.Definition("shop:2")
	if diff := cmp.Diff(clean(t, before, newDigest), clean(t, after, "")); diff != "" {
		t.Errorf("the revision differs (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff([]any{map[string]any{"key": "team", "value": "shop"}}, tags); diff != "" {
		t.Errorf("the tags (-want +got):\n%s", diff)
	}
	for _, c := range a.Calls() {
		if c.Operation == "UpdateService" && len(c.Input) != 3 {
			t.Errorf("the update changes more than the revision: %v", c.Input)
		}
	}
	for _, want := range []string{"db runs " + repo + "@" + oldDigest, "primary shop:2: 2 of 2 running", "(completed)", "has started 2 tasks", "has reached a steady state"} {
		if !strings.Contains(a.told(), want) {
			t.Errorf("progress does not say %q:\n%s", want, a.told())
		}
	}
}

// clean is a definition without what ECS adds, and with a digest in the image of
// the container db if given.
func clean(t *testing.T, definition ecsfake.Object, digest string) (out ecsfake.Object) {
	t.Helper()
	text, err := json.Marshal(definition)
	if err != nil {
		t.Fatal(err)
	}
	out = object(t, string(text))
	for _, added := range []string{"taskDefinitionArn", "revision", "status", "registeredAt", "registeredBy", "compatibilities", "requiresAttributes"} {
		delete(out, added)
	}
	if list, ok := out["containerDefinitions"].([]any); ok && digest != "" {
		list[1].(map[string]any)["image"] = repo + "@" + digest
	}
	// The SDK leaves out what is empty.
	empty := []string{"volumesFrom", "systemControls"}
	for _, c := range out["containerDefinitions"].([]any) {
		for _, name := range empty {
			if list, ok := c.(map[string]any)[name].([]any); ok && len(list) == 0 {
				delete(c.(map[string]any), name)
			}
		}
	}
	return out
}

// Whatever RegisterTaskDefinition takes, in this version of the SDK or a later
// one, is copied.
func TestNextCopiesEveryField(t *testing.T) {
	t.Parallel()
	var d types.TaskDefinition
	fill(reflect.ValueOf(&d).Elem(), 0)
	tags := []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}}
	in := reflect.ValueOf(next(&d, tags, 0, "new")).Elem()
	for i := range in.NumField() {
		field := in.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if in.Field(i).IsZero() {
			t.Errorf("%s is not copied", field.Name)
		}
		from := reflect.ValueOf(d).FieldByName(field.Name)
		if field.Name == "Tags" || field.Name == "ContainerDefinitions" {
			continue
		}
		if !from.IsValid() {
			t.Errorf("%s is not in a description: where is it to be had?", field.Name)
		} else if !reflect.DeepEqual(from.Interface(), in.Field(i).Interface()) {
			t.Errorf("%s differs", field.Name)
		}
	}
	if *d.ContainerDefinitions[0].Image == "new" {
		t.Error("the description itself was changed")
	}
}

// fill puts something into every field.
func fill(v reflect.Value, depth int) {
	if depth > 8 || !v.CanSet() {
		return
	}
	switch v.Kind() { //nolint:exhaustive // the kinds that there are
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	}
}

func TestDeployAgainDoesNothing(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	result, err := a.deploy(t.Context(), func(o *Order) { o.Image = repo + ":latest@" + oldDigest })
	if err != nil || !result.Unchanged {
		t.Fatalf("%+v, %v", result, err)
	}
	if a.count("RegisterTaskDefinition")+a.count("UpdateService") != 0 {
		t.Errorf("something was done: %v", a.Operations())
	}
}

// What ECS answers right after an update may be older than the update.
func TestDeployBearsOldAnswersAndThrottling(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.Rollout = func(string) ecsfake.Rollout { return ecsfake.Rollout{Polls: 6, Stale: 3} }
	a.Fault = func(operation string, n int) *ecsfake.Fault {
		switch {
		case operation == "DescribeServices" && n > 3 && n < 12:
			return &ecsfake.Fault{Status: http.StatusBadRequest, Type: "ThrottlingException", Message: "Rate exceeded"}
		case n == 1:
			return &ecsfake.Fault{Status: http.StatusInternalServerError, Type: "ServerException", Message: "try again"}
		}
		return nil
	}
	if _, err := a.deploy(t.Context(), nil); err != nil || a.Running("shop") != "shop:2" {
		t.Fatalf("%v; the service runs %s\n%s", err, a.Running("shop"), a.told())
	}
	if !strings.Contains(a.told(), "ECS does not answer, asking again") {
		t.Errorf("progress does not tell of the throttling:\n%s", a.told())
	}
}

func TestDeployRollsBack(t *testing.T) {
	t.Parallel()
	const reason = "ECS deployment circuit breaker: tasks failed to start."
	crash := ecsfake.Rollout{Polls: 3, Fail: reason, Stopped: "Essential container in task exited", ExitCode: 3}
	itself := crash
	itself.Back = true
	for name, test := range map[string]struct {
		rollout  ecsfake.Rollout
		rollback Rollback
		timeout  time.Duration
		cancel   bool
		want     error
		told     string
		stays    bool // on the new revision
		updates  int
	}{
		"circuit breaker":              {rollout: crash, want: ErrFailed, told: "a task stopped: Essential container in task exited; app: exit status 3", updates: 2},
		"circuit breaker that rolls":   {rollout: itself, want: ErrFailed, told: "on its way to it already", updates: 1},
		"timeout":                      {rollout: ecsfake.Rollout{Polls: -1}, timeout: 50 * time.Millisecond, want: ErrTimeout, updates: 2},
		"failure, never back":          {rollout: crash, rollback: Never, want: ErrFailed, stays: true, updates: 1},
		"Ctrl-C":                       {rollout: ecsfake.Rollout{Polls: -1}, cancel: true, want: errStopped, updates: 2},
		"Ctrl-C, back on failure only": {rollout: ecsfake.Rollout{Polls: -1}, rollback: OnFailure, cancel: true, want: errStopped, stays: true, updates: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			a.Rollout = func(revision string) ecsfake.Rollout {
				if revision == "shop:2" {
					return test.rollout
				}
				return ecsfake.Rollout{Polls: 2}
			}
			a.OnLook = func(s *ecsfake.Service, n int) {
				if test.cancel && short(s.TaskDefinition) == "shop:2" && n == 3 {
					cancel(errStopped)
				}
			}
			result, err := a.deploy(ctx, func(o *Order) {
				o.Rollback = test.rollback
				if test.timeout > 0 {
					o.Timeout = test.timeout
				}
			})
			if !errors.Is(err, test.want) || !strings.Contains(a.told(), test.told) {
				t.Errorf("%v, want %v; and progress with %q:\n%s", err, test.want, test.told, a.told())
			}
			want, status := "shop:1", "INACTIVE"
			if test.stays {
				want, status = "shop:2", "ACTIVE"
			}
			revision, _ := a.Definition("shop:2")
			if got := a.Running("shop"); got != want || short(result.TaskDefinition) != want || result.RolledBack == test.stays || revision["status"] != status {
				t.Errorf("the service runs %s, want %s; shop:2 is %v; result %+v", got, want, revision["status"], result)
			}
			if got := a.count("UpdateService"); got != test.updates {
				t.Errorf("the service was updated %d times, want %d", got, test.updates)
			}
			if !strings.Contains(err.Error(), want+" again") && !test.stays {
				t.Errorf("the error does not say what runs now: %v", err)
			}
		})
	}
}

var errStopped = errors.New("stopped by a test")

// A service that is on its way to a third revision is not ours to take back.
func TestDeployLeavesTheServiceToOthers(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.Rollout = func(string) ecsfake.Rollout { return ecsfake.Rollout{Polls: -1} }
	a.OnLook = func(s *ecsfake.Service, n int) {
		if n == 3 {
			s.Deployments[0]["taskDefinition"] = "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:9"
		}
	}
	_, err := a.deploy(t.Context(), nil)
	if !errors.Is(err, ErrOvertaken) || a.count("UpdateService") != 1 || a.count("DeregisterTaskDefinition") != 0 {
		t.Errorf("%v; %v", err, a.Operations())
	}
}

func TestDeployRefuses(t *testing.T) {
	t.Parallel()
	denied := &ecsfake.Fault{Status: http.StatusBadRequest, Type: "AccessDeniedException", Message: "not authorized"}
	for name, test := range map[string]struct {
		order func(*Order)
		world func(*account)
		is    error
		want  string
	}{
		"no service":         {order: func(o *Order) { o.Service = "chop" }, is: ErrNotFound, want: "service chop in cluster main"},
		"no cluster":         {order: func(o *Order) { o.Cluster = "mine" }, is: ErrNotFound, want: "the cluster"},
		"no container":       {order: func(o *Order) { o.Container = "dp" }, is: ErrNotFound, want: `container "dp": it does not exist in the task definition, which has app, db`},
		"which container":    {order: func(o *Order) { o.Image = "example.com/other@" + newDigest }, is: ErrAmbiguous, want: "none of app, db runs an image of example.com/other"},
		"two containers":     {world: func(a *account) { a.twice() }, order: func(o *Order) { o.Service = "twice" }, is: ErrAmbiguous, want: "2 of a, b run an image of"},
		"no digest":          {order: func(o *Order) { o.Image = repo + ":latest" }, want: "has no digest"},
		"CodeDeploy":         {world: func(a *account) { a.AddService("blue", object(a.t, definition)).Controller = "CODE_DEPLOY" }, order: func(o *Order) { o.Service = "blue" }, want: "made by CODE_DEPLOY"},
		"a deleted service":  {world: func(a *account) { a.AddService("old", object(a.t, definition)).Status = "INACTIVE" }, order: func(o *Order) { o.Service = "old" }, is: ErrNotFound, want: "INACTIVE"},
		"a right is missing": {world: func(a *account) { a.Fault = func(string, int) *ecsfake.Fault { return denied } }, want: "allow ecs:DescribeServices"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			if test.world != nil {
				test.world(a)
			}
			_, err := a.deploy(t.Context(), test.order)
			if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if slices.Contains(a.Operations(), "RegisterTaskDefinition") {
				t.Error("a revision was registered")
			}
		})
	}
}

// twice adds a service with two containers of one repository.
func (a *account) twice() {
	a.AddService("twice", object(a.t, `{"family": "twice", "containerDefinitions": [
		{"name": "a", "image": "`+repo+`:1"}, {"name": "b", "image": "`+repo+`:2"}]}`))
}

func TestDeployNamedContainer(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.twice()
	result, err := a.deploy(t.Context(), func(o *Order) { o.Service, o.Container = "twice", "b" })
	if err != nil || result.Container != "b" {
		t.Fatalf("%+v, %v", result, err)
	}
}

// A refused update leaves no revision behind.
func TestDeployUpdateRefused(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.Fault = func(operation string, _ int) *ecsfake.Fault {
		if operation == "UpdateService" {
			return &ecsfake.Fault{Status: http.StatusBadRequest, Type: "InvalidParameterException", Message: "no"}
		}
		return nil
	}
	_, err := a.deploy(t.Context(), func(o *Order) { o.Rollback = Never })
	if revision, _ := a.Definition("shop:2"); err == nil || revision["status"] != "INACTIVE" {
		t.Errorf("%v; the revision is %v", err, revision["status"])
	}
}
