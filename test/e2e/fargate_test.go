package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbake/dbake/test/parts"
)

// fargateTask is what of an ECS task definition says how containers are run.
type fargateTask struct {
	Volumes              []struct{ Name string }
	ContainerDefinitions []fargateContainer
}

type fargateContainer struct {
	Name        string
	MountPoints []struct {
		SourceVolume, ContainerPath string
		ReadOnly                    bool
	}
	HealthCheck struct {
		Command  []string
		Interval int
	}
	DependsOn   []struct{ ContainerName, Condition string }
	Environment []struct{ Name, Value string }
	Secrets     []struct{ Name string }
	StopTimeout int
}

// arguments are docker run's for the container, with the volumes' folders and a
// value for its secrets. Health is asked for every second, to wait less.
func (c fargateContainer) arguments(volumes map[string]string, secret string) (args []string) {
	for _, m := range c.MountPoints {
		mount := volumes[m.SourceVolume] + ":" + m.ContainerPath
		if m.ReadOnly {
			mount += ":ro"
		}
		args = append(args, "--volume", mount)
	}
	for _, e := range c.Environment {
		args = append(args, "--env", e.Name+"="+e.Value)
	}
	for _, s := range c.Secrets {
		args = append(args, "--env", s.Name+"="+secret)
	}
	if len(c.HealthCheck.Command) > 0 {
		args = append(args, "--health-interval", "1s", "--health-cmd", strings.Join(c.HealthCheck.Command[1:], " "))
	}
	return args
}

// The task of examples/fargate works as it stands there: volumes that belong to
// root with mode 0755, as Fargate makes them, the app's container, which is not
// root, started when the database's is healthy, and connecting through the
// socket with the password that both got.
func TestFargateTask(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/fargate/task-definition.json")
	if err != nil {
		t.Fatal(err)
	}
	var task fargateTask
	if err := json.Unmarshal(text, &task); err != nil {
		t.Fatal(err)
	}
	volumes := map[string]string{}
	for _, v := range task.Volumes {
		volumes[v.Name] = filepath.Join(t.TempDir(), v.Name)
		if err := os.Mkdir(volumes[v.Name], 0o755); err != nil { //nolint:gosec // as Fargate makes it
			t.Fatal(err)
		}
	}
	mysql, app := task.ContainerDefinitions[0], task.ContainerDefinitions[1]
	const password = "only for this test"
	base, err := all.BaseImage(t.Context(), parts.MySQL)
	if err != nil {
		t.Fatal(err)
	}
	ref := baked(t, parts.MySQL)
	docker(t, "pull", "--quiet", ref)
	began := time.Now()
	db := run(t, ref, mysql.arguments(volumes, password))
	if len(app.DependsOn) != 1 || app.DependsOn[0].ContainerName != mysql.Name || app.DependsOn[0].Condition != "HEALTHY" {
		t.Fatalf("the app waits for %+v", app.DependsOn)
	}
	waitFor(t, 30*time.Second, func() bool { return db.inspect("{{.State.Health.Status}}") == "healthy" },
		func() string {
			return "the database is not healthy: " + db.inspect("{{json .State.Health}}") + db.logs()
		})

	args := append([]string{"run", "--rm", "--network", "none", "--user", "1000:1000", "--entrypoint", "sh"}, app.arguments(volumes, password)...)
	query := `MYSQL_PWD=$DB_PASSWORD exec mysql --socket="$DB_SOCKET" -uroot -N -B -e "$0"`
	if got := docker(t, append(args, base, "-c", query, items)...); strings.TrimSpace(got) != "apples,pears,plums" {
		t.Errorf("the app reads %q\n%s", got, db.logs())
	}
	t.Logf("docker run of the database to the app's answer: %v", time.Since(began).Round(10*time.Millisecond))
	// Whoever has not got the password does not get in.
	if out, err := all.Docker(t.Context(), append(args, base, "-c", `exec mysql --socket="$DB_SOCKET" -uroot -e "$0"`, items)...); err == nil {
		t.Errorf("the app needs no password: %q", out)
	}
	began = time.Now()
	docker(t, "stop", "--time", "30", db.id)
	if took := time.Since(began); took > time.Duration(mysql.StopTimeout)*time.Second || db.inspect("{{.State.ExitCode}}") != "0" {
		t.Errorf("the database ends after %v with %s", took, db.inspect("{{.State.ExitCode}}"))
	}
}
