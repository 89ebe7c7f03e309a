package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/goccy/go-yaml"

	"github.com/dbake/dbake/baker/notify"
	"github.com/dbake/dbake/test/parts"
)

// story is everybody in the tale of a weekly refresh: production, the bucket, the
// build system, the registry, and a developer.
type story struct {
	*program

	production *parts.Server
	s3         *parts.S3
	bucket     string
	front      *front
	image      string
	hook       *hook
	secrets    map[string]string
	cache      string // what the build system keeps from build to build
}

func newStory(t *testing.T) *story {
	t.Helper()
	storage, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base, err := all.BaseImage(t.Context(), parts.MySQL)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{
		program: newProgram(t, storage.Env()...), production: server(t, parts.MySQL), s3: storage,
		bucket: fmt.Sprintf("story-%d", time.Now().UnixNano()), front: newFront(t), hook: newHook(t), cache: t.TempDir(),
	}
	s.image = s.front.host() + "/team/app-data"
	s.secrets = map[string]string{"ROOT_PASSWORD": "root's own", "APP_PASSWORD": "app's own", "HOOK": s.hook.URL}
	if err := storage.CreateBucket(t.Context(), s.bucket, true); err != nil {
		t.Fatal(err)
	}
	const head = "version: 1\nbase: %s\ndump: s3://%s/mysql/\n"
	s.write("dump.yaml", fmt.Sprintf(head, base, s.bucket)+`mask:
  key: {secret: mask_key}
  columns:
    app.users.email: {email: {}}
    app.users.name: {name: {}}
`)
	s.write("mask_key", "0123456789abcdef0123456789abcdef")
	s.write("dbake.yaml", fmt.Sprintf(head, base, s.bucket)+`accounts:
  root: {password: {secret: root_password}}
  users: [{name: app, password: {secret: app_password}, grants: ["SELECT ON app.*"]}]
verify: ["SELECT COUNT(*) > 0 FROM app.users"]
image: {compression: gzip}
`)
	execute(t, s.production, `CREATE DATABASE app;
CREATE TABLE app.users (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(99) NOT NULL UNIQUE, name VARCHAR(99), plan VARCHAR(9));
INSERT INTO app.users (email, name, plan) VALUES ('ada@example.com', 'Ada Lovelace', 'pro'), ('grace@example.com', 'Grace Hopper', 'free');
CREATE TABLE app.orders (id INT AUTO_INCREMENT PRIMARY KEY, user_id INT, total DECIMAL(9,2), FOREIGN KEY (user_id) REFERENCES app.users (id));
INSERT INTO app.orders (user_id, total) VALUES (1, 10.50), (2, 20);`)
	return s
}

// dump is the job that runs beside production.
func (s *story) dump() (bucket, key string) {
	s.t.Helper()
	out := s.run("dump", "--no-defaults", "--socket", s.production.Socket, "--user", "root", "-B", "app",
		"-f", "dump.yaml", "--secret", "id=mask_key,src=mask_key", "--to", "s3://"+s.bucket+"/mysql/", "--keep", "5", "--progress", "plain")
	bucket, key, ok := strings.Cut(strings.TrimPrefix(out, "s3://"), "/")
	if !ok || bucket != s.bucket {
		s.t.Fatalf("the dump is at %s", out)
	}
	return bucket, key
}

// event is what S3 tells EventBridge about an object, as far as it matters
// (docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).
func (s *story) event(bucket, key string) map[string]any {
	s.t.Helper()
	head, err := s.s3.Client.HeadObject(s.t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		s.t.Fatal(err)
	}
	var event map[string]any
	text := fmt.Sprintf(`{"version": "0", "source": "aws.s3", "detail-type": "Object Created", "detail": {"version": "0",
		"bucket": {"name": %q}, "object": {"key": %q, "size": %d, "etag": %q, "version-id": %q}, "reason": "CompleteMultipartUpload"}}`,
		bucket, key, aws.ToInt64(head.ContentLength), strings.Trim(aws.ToString(head.ETag), `"`), aws.ToString(head.VersionId))
	if err := json.Unmarshal([]byte(text), &event); err != nil {
		s.t.Fatal(err)
	}
	return event
}

// overrides are the variables that the rule of deploy/terraform gives the build for
// an event: its input transformer, applied.
func (s *story) overrides(event map[string]any) map[string]string {
	s.t.Helper()
	rule := s.repoFile("deploy/terraform/events.tf")
	block := regexp.MustCompile(`(?s)resource "aws_cloudwatch_event_target" "upload" \{.*?input_paths = \{(.*?)\}.*?<<-EOT\n(.*?)\n\s*EOT`).FindStringSubmatch(rule)
	if block == nil {
		s.t.Fatal("deploy/terraform/events.tf has no input transformer for uploads")
	}
	input := block[2]
	for _, path := range regexp.MustCompile(`(\w+)\s*=\s*"\$\.([^"]+)"`).FindAllStringSubmatch(block[1], -1) {
		var value any = event
		for part := range strings.SplitSeq(path[2], ".") {
			object, _ := value.(map[string]any)
			value = object[part]
		}
		input = strings.ReplaceAll(input, "<"+path[1]+">", fmt.Sprint(value))
	}
	var build struct {
		Variables []struct{ Name, Type, Value string } `json:"environmentVariablesOverride"`
	}
	if err := json.Unmarshal([]byte(input), &build); err != nil {
		s.t.Fatalf("%v: %s", err, input)
	}
	variables := map[string]string{}
	for _, v := range build.Variables {
		variables[v.Name] = v.Value
	}
	return variables
}

func (s *story) repoFile(name string) string {
	s.t.Helper()
	repo := must(all.Repo(s.t.Context()))(s.t)
	return string(must(os.ReadFile(filepath.Join(repo, name)))(s.t))
}

// buildScript is the buildspec's commands as CodeBuild runs them: one shell, a
// phase ends at the first command that fails, and post_build runs in any case.
func (s *story) buildScript() string {
	s.t.Helper()
	var spec struct {
		Phases map[string]struct{ Commands []string }
	}
	if err := yaml.Unmarshal([]byte(s.repoFile("deploy/buildspec.yml")), &spec); err != nil {
		s.t.Fatal(err)
	}
	script := "export CODEBUILD_BUILD_SUCCEEDING=1\n"
	for _, phase := range []string{"install", "pre_build", "build", "post_build"} {
		for _, command := range spec.Phases[phase].Commands {
			if phase != "post_build" {
				script += "if [ $CODEBUILD_BUILD_SUCCEEDING = 1 ]; then\n" + command + "\n[ $? = 0 ] || export CODEBUILD_BUILD_SUCCEEDING=0\nfi\n"
			} else {
				script += command + "\n"
			}
		}
	}
	return script + "[ $CODEBUILD_BUILD_SUCCEEDING = 1 ]\n"
}

// build runs the buildspec in a container with Docker's default rights: it is root
// in there, and may neither mount nor make namespaces.
func (s *story) build(overrides map[string]string) string {
	s.t.Helper()
	builder, err := all.BaseImage(s.t.Context(), parts.MariaDB) // any Linux will do
	if err != nil {
		s.t.Fatal(err)
	}
	args := []string{
		"run", "--rm", "--network", "host", "--entrypoint", "sh", "--workdir", "/src",
		"--volume", s.dir + ":/src", "--volume", s.cache + ":/root/.cache", "--volume", filepath.Join(distOut(), "bin", "dbake") + ":/usr/local/bin/dbake:ro",
		"--env", "DBAKE_IMAGE=" + s.image, "--env", "DBAKE_TAGS=latest {{.DumpTime}}", "--env", "HOME=/root",
		"--env", "DBAKE_FLAGS=--secret id=root_password,env=ROOT_PASSWORD --secret id=app_password,env=APP_PASSWORD --secret id=hook,env=HOOK --notify webhook=hook",
	}
	for _, variable := range s.s3.Env() {
		args = append(args, "--env", variable)
	}
	for _, variables := range []map[string]string{overrides, s.secrets} {
		for name, value := range variables {
			args = append(args, "--env", name+"="+value)
		}
	}
	cmd, err := all.DockerCommand(s.t.Context(), append(args, builder, "-c", s.buildScript())...)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("the build failed: %v\n%s", err, out)
	}
	for name, value := range s.secrets {
		if strings.Contains(string(out), value) {
			s.t.Errorf("the build's log shows %s", name)
		}
	}
	return string(out)
}

// app is the application's container: it has no network, and the volume with the
// database's socket.
func (s *story) app(volume, query string) string {
	s.t.Helper()
	base, err := all.BaseImage(s.t.Context(), parts.MySQL)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(docker(s.t, "run", "--rm", "--network", "none", "--volume", volume+":/var/run/mysqld",
		"--env", "MYSQL_PWD="+s.secrets["APP_PASSWORD"], "--entrypoint", "mysql", base, "-uapp", "-N", "-B", "-e", query))
}

// refresh is one round: dump, event, build, up.
func (s *story) refresh(name, volume string) {
	s.t.Helper()
	bucket, key := s.dump()
	overrides := s.overrides(s.event(bucket, key))
	if want := "s3://" + bucket + "/" + key + "?versionId="; !strings.HasPrefix(overrides["DBAKE_DUMP"], want) {
		s.t.Fatalf("the build gets %v, want DBAKE_DUMP=%s…", overrides, want)
	}
	if log := s.build(overrides); !strings.Contains(log, "confined by: chroot") {
		s.t.Errorf("the build had more rights than CodeBuild gives:\n%s", log)
	}
	s.run("up", s.image+":latest", "--name", name, "--volume", volume+":/var/run/mysqld", "--progress", "plain",
		"--migrate", "echo $DB_NAME >>migrated")
}

// The whole way, twice: production, masked dump, S3, event, buildspec without
// privileges, registry, and a developer's app that reads through the socket.
func TestStory(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	began := time.Now()
	name, volume := "dbake-test-story", fmt.Sprintf("dbake-story-%d", began.UnixNano())
	t.Cleanup(func() {
		dockerContext(context.Background(), t, "rm", "--force", name)
		dockerContext(context.Background(), t, "volume", "rm", volume)
	})
	s.refresh(name, volume)
	const query = "SELECT GROUP_CONCAT(plan, ' ', total ORDER BY o.id) FROM app.orders o JOIN app.users u ON u.id = user_id"
	const person = "SELECT CONCAT(name, ' ', email) FROM app.users WHERE id = 1"
	if got := s.app(volume, query); got != "pro 10.50,free 20.00" {
		t.Errorf("the app reads %q", got)
	}
	masked := s.app(volume, person)
	if strings.Contains(masked, "Ada") || strings.Contains(masked, "ada@") || !strings.Contains(masked, "@") {
		t.Errorf("the first user is %q", masked)
	}
	if e := s.hook.last(); e.Status != notify.Baked || e.Rows != 4 || e.Changes != nil {
		t.Errorf("the first bake is told as %+v", e)
	}
	first := docker(t, "inspect", "--format", "{{.Image}}", name)

	execute(t, s.production, `INSERT INTO app.users (email, name, plan) VALUES ('edsger@example.com', 'Edsger Dijkstra', 'pro');
INSERT INTO app.orders (user_id, total) VALUES (3, 30);
UPDATE app.users SET plan = 'pro' WHERE id = 2;`)
	s.refresh(name, volume)
	if got := s.app(volume, query); got != "pro 10.50,pro 20.00,pro 30.00" {
		t.Errorf("after the second round the app reads %q", got)
	}
	if got := s.app(volume, person); got != masked {
		t.Errorf("the first user was %q and is %q now", masked, got)
	}
	if e := s.hook.last(); e.Status != notify.Baked || e.Changes == nil || e.Changes.Rows != 2 || e.Changes.Changed != 2 {
		t.Errorf("the second bake is told as %+v, %+v", e, e.Changes)
	}
	if out, err := all.Docker(t.Context(), "image", "inspect", strings.TrimSpace(first)); err == nil {
		t.Errorf("the first image is still there: %s", out)
	}
	if got := string(must(os.ReadFile(filepath.Join(s.dir, "migrated")))(t)); got != "app\napp\n" {
		t.Errorf("the migrations ran on %q", got)
	}
	t.Logf("the story took %v", time.Since(began).Round(time.Second))
}
