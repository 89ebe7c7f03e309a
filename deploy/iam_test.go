package deploy_test

import (
	"context"
	"encoding/base64"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/dbake/dbake/baker/ecs"
	"github.com/dbake/dbake/baker/ecs/ecsfake"
	"github.com/dbake/dbake/baker/progress"
	ours "github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/seed/target"
	"github.com/dbake/dbake/spec"
)

// needs says which actions a policy has to allow for an operation. Sources: the
// Service Authorization Reference of S3, ECR and ECS; for the calls of the
// distribution API, which ECR translates, "Private registry API" of the ECR user
// guide.
var needs = map[string][]string{
	"s3:HeadObject":              {"s3:GetObject"},
	"s3:HeadObject version":      {"s3:GetObjectVersion"},
	"s3:GetObject":               {"s3:GetObject"},
	"s3:GetObject version":       {"s3:GetObjectVersion"},
	"s3:ListObjectsV2":           {"s3:ListBucket"},
	"s3:PutObject":               {"s3:PutObject"},
	"s3:CreateMultipartUpload":   {"s3:PutObject"},
	"s3:UploadPart":              {"s3:PutObject"},
	"s3:UploadPartCopy":          {"s3:GetObject", "s3:PutObject"},
	"s3:CompleteMultipartUpload": {"s3:PutObject"},
	"s3:AbortMultipartUpload":    {"s3:AbortMultipartUpload"},
	"s3:PutObjectTagging":        {"s3:PutObjectTagging"},
	"s3:CopyObject":              {"s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging"},
	"s3:DeleteObject":            {"s3:DeleteObject"},

	"ecr:GetAuthorizationToken": {"ecr:GetAuthorizationToken"},
	"registry:GET /v2/":         {}, // tells where to log in
	"registry:HEAD blobs":       {"ecr:BatchCheckLayerAvailability"},
	"registry:GET blobs":        {"ecr:GetDownloadUrlForLayer"},
	"registry:POST uploads":     {"ecr:InitiateLayerUpload"},
	"registry:PATCH uploads":    {"ecr:UploadLayerPart"},
	"registry:PUT uploads":      {"ecr:CompleteLayerUpload"},
	"registry:HEAD manifests":   {"ecr:BatchGetImage"},
	"registry:GET manifests":    {"ecr:BatchGetImage"},
	"registry:PUT manifests":    {"ecr:PutImage"},

	"ecs:DescribeServices":         {"ecs:DescribeServices"},
	"ecs:DescribeTaskDefinition":   {"ecs:DescribeTaskDefinition"},
	"ecs:RegisterTaskDefinition":   {"ecs:RegisterTaskDefinition", "ecs:TagResource", "iam:PassRole"},
	"ecs:DeregisterTaskDefinition": {"ecs:DeregisterTaskDefinition"},
	"ecs:UpdateService":            {"ecs:UpdateService"},
	"ecs:ListTasks":                {"ecs:ListTasks"},
	"ecs:DescribeTasks":            {"ecs:DescribeTasks"},
}

// unrecorded are actions that no call of dbake shows.
var unrecorded = map[string]string{
	"kms:Decrypt":         "S3 asks for it where the bucket has a KMS key",
	"kms:GenerateDataKey": "S3 asks for it where the bucket has a KMS key",
}

// recorder collects the operations of a piece of work.
type recorder struct {
	mu    sync.Mutex
	calls map[string]bool
}

func (r *recorder) add(operation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = map[string]bool{}
	}
	r.calls[operation] = true
}

// compare checks a policy against what was recorded, both ways.
func (r *recorder) compare(t *testing.T, m *module, policy string) {
	t.Helper()
	want := map[string]bool{}
	for call := range r.calls {
		actions, known := needs[call]
		if !known {
			t.Errorf("it is not known which action %s needs", call)
		}
		for _, a := range actions {
			want[a] = true
		}
	}
	allowed := map[string]bool{}
	for _, a := range m.actions(policy) {
		if unrecorded[a] == "" {
			allowed[a] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(allowed))); diff != "" {
		t.Errorf("policy %s (-needed +allowed):\n%s", policy, diff)
	}
}

const bucket = "acme-dumps"

// fakeS3 is an S3 with versions whose requests are recorded.
func (r *recorder) fakeS3(t *testing.T) {
	t.Helper()
	fake := gofakes3.New(s3mem.New()).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.add("s3:" + operationOfS3(q))
		if q.URL.Query().Has("tagging") { // which the fake takes for an object
			return
		}
		fake.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	awsEnvironment(t, map[string]string{"AWS_ENDPOINT_URL_S3": server.URL, "DBAKE_S3_PATH_STYLE": "true"})
}

func awsEnvironment(t *testing.T, more map[string]string) {
	t.Helper()
	none := t.TempDir() + "/none"
	all := map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": ecsfake.Region,
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
	}
	maps.Copy(all, more)
	for name, value := range all {
		t.Setenv(name, value)
	}
}

// operationOfS3 names a request as the S3 API Reference does. Requests are
// path-style.
func operationOfS3(q *http.Request) string {
	query, copies := q.URL.Query(), q.Header.Get("X-Amz-Copy-Source") != ""
	_, key, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
	version := ""
	if query.Has("versionId") {
		version = " version"
	}
	switch {
	case key == "" && q.Method == http.MethodGet && query.Get("list-type") == "2":
		return "ListObjectsV2"
	case key == "":
		return q.Method + " bucket"
	case query.Has("tagging"):
		return "PutObjectTagging"
	case query.Has("uploads"):
		return "CreateMultipartUpload"
	case query.Has("uploadId"):
		part := map[bool]string{true: "UploadPartCopy", false: "UploadPart"}[copies]
		return map[string]string{http.MethodPut: part, http.MethodPost: "CompleteMultipartUpload", http.MethodDelete: "AbortMultipartUpload"}[q.Method]
	case copies:
		return "CopyObject"
	}
	return map[string]string{
		http.MethodHead: "HeadObject" + version, http.MethodGet: "GetObject" + version,
		http.MethodPut: "PutObject", http.MethodDelete: "DeleteObject",
	}[q.Method]
}

// The dump's policy allows what writing to S3 does: small and large objects, one
// that is given up, the copy under the name latest, removing old ones.
func TestDumpPolicy(t *testing.T) {
	var r recorder
	r.fakeS3(t)
	ctx, s := t.Context(), &target.S3{Client: source.NewS3(2), PartSize: 5 << 20}
	defer s.Client.Close()
	makeBucket(t, s)
	r.calls = nil
	for name, size := range map[string]int{"small.sql": 10, "large.sql": 6 << 20, "given-up.sql": 11 << 20} {
		object := target.Object{Bucket: bucket, Key: "mysql/" + name}
		w := s.Create(ctx, object)
		if _, err := w.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		end := func() error { return w.Commit(ctx, nil) }
		if name == "given-up.sql" {
			end = w.Abort
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	from, to := target.Object{Bucket: bucket, Key: "mysql/large.sql"}, target.Object{Bucket: bucket, Key: "mysql/latest.sql"}
	if err := s.Copy(ctx, from, to); err != nil {
		t.Fatal(err)
	}
	kept, err := s.Retain(ctx, bucket, "mysql/", regexp.MustCompile(`\.sql$`), target.Retention{Keep: 1}, time.Now())
	if err != nil || len(kept) != 2 {
		t.Fatalf("removed %v, %v", kept, err)
	}
	r.compare(t, parseModule(t), "dump_bucket")
}

func makeBucket(t *testing.T, s *target.S3) {
	t.Helper()
	name := bucket
	err := s.Client.Call(t.Context(), spec.Location{Kind: spec.KindS3Prefix, Bucket: bucket}, 0, func(ctx context.Context, c *s3.Client) error {
		_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The bake's policy allows what reading dumps does, with the version of an event
// and without, and pushing an image with what is attached to it.
func TestBakePolicy(t *testing.T) {
	var r recorder
	r.fakeS3(t)
	r.readDumps(t)
	repository := r.fakeECR(t)
	r.pushImage(t, repository)
	r.compare(t, parseModule(t), "bake")
}

func (r *recorder) readDumps(t *testing.T) {
	t.Helper()
	ctx, s := t.Context(), &target.S3{Client: source.NewS3(2)}
	defer s.Client.Close()
	makeBucket(t, s)
	w := s.Create(ctx, target.Object{Bucket: bucket, Key: "mysql/a.sql"})
	if _, err := io.WriteString(w, "SELECT 1;"); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(ctx, nil); err != nil {
		t.Fatal(err)
	}
	r.calls = nil
	from := source.New(source.Config{SecretDir: t.TempDir()})
	defer from.Close()
	newest := spec.Dump{Location: spec.Location{Kind: spec.KindS3Prefix, Bucket: bucket, Key: "mysql/"}, Pick: spec.PickNewest}
	objects, err := from.Resolve(ctx, []spec.Dump{newest})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := from.Open(ctx, objects[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, stream); err != nil {
		t.Fatal(err)
	}
	stream.Close()
	// The version of an event. This bucket has none, so only the asking counts.
	exact := spec.Dump{Location: spec.Location{Kind: spec.KindS3Object, Bucket: bucket, Key: "mysql/a.sql", VersionID: "3HL4kqtJ"}}
	_, _ = from.Resolve(ctx, []spec.Dump{exact})
}

// fakeECR is a registry under a name of ECR, which wants the token that the API
// gave; requests to both are recorded.
func (r *recorder) fakeECR(t *testing.T) (repository string) {
	t.Helper()
	const user, password = "AWS", "token"
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, operation, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
		r.add("ecr:" + operation)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		token := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		_, _ = io.WriteString(w, `{"authorizationData": [{"authorizationToken": "`+token+`", "proxyEndpoint": "https://example.com"}]}`)
	}))
	t.Cleanup(api.Close)
	t.Setenv("AWS_ENDPOINT_URL_ECR", api.URL)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	return "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app-data"
}

// registryTransport sends requests to all hosts to one registry.
type registryTransport struct {
	*recorder
	to *url.URL
}

func (r registryTransport) RoundTrip(q *http.Request) (*http.Response, error) {
	r.add("registry:" + operationOfRegistry(q))
	sent := q.Clone(q.Context())
	sent.URL.Scheme, sent.URL.Host = r.to.Scheme, r.to.Host
	answer, err := http.DefaultTransport.RoundTrip(sent)
	if err == nil {
		answer.Request = q // as if ECR had answered
	}
	return answer, err
}

func operationOfRegistry(q *http.Request) string {
	for _, kind := range []string{"uploads", "blobs", "manifests", "referrers", "tags"} {
		if strings.Contains(q.URL.Path, "/"+kind+"/") {
			return q.Method + " " + kind
		}
	}
	return q.Method + " " + q.URL.Path
}

func (r *recorder) client(t *testing.T) *ours.Client {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if user, password, _ := q.BasicAuth(); user != "AWS" || password != "token" {
			w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := ours.New(ours.Options{Transport: registryTransport{r, to}, ChunkBytes: 1 << 10})
	t.Cleanup(c.Close)
	return c
}

// pushImage does what a bake does: look at the image before, push blobs, some of
// them in chunks, and manifests, attach a document, and read what is there for
// the next bake.
func (r *recorder) pushImage(t *testing.T, repository string) {
	t.Helper()
	ctx, c := t.Context(), r.client(t)
	image, err := random.Image(3<<10, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := c.Head(ctx, repository+":latest"); ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	push, err := c.Push([]string{repository + ":latest"})
	if err != nil {
		t.Fatal(err)
	}
	subject, err := partial.Descriptor(image)
	if err != nil {
		t.Fatal(err)
	}
	sbom := ours.Attachment{Subject: v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest}, ArtifactType: "application/spdx+json", Payload: []byte("{}")}
	if err := push.Commit(ctx, image, sbom); err != nil {
		t.Fatal(err)
	}
	pulled, err := c.Image(ctx, repository+":latest", v1.Platform{OS: "linux", Architecture: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	layers, err := pulled.Image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	body, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		t.Fatal(err)
	}
}

// The deploy role allows what dbake deploy ecs does, a rollout that fails and
// finding the image's digest included.
func TestDeployPolicy(t *testing.T) {
	var r recorder
	repository := r.fakeECR(t)
	fake := ecsfake.Start()
	t.Cleanup(fake.Close)
	awsEnvironment(t, map[string]string{"AWS_ENDPOINT_URL_ECS": fake.URL})
	fake.AddService("shop", ecsfake.Object{
		"family": "shop", "containerDefinitions": []any{ecsfake.Object{"name": "db", "image": repository + ":old"}},
		"tags": []any{ecsfake.Object{"key": "team", "value": "shop"}},
	})
	fake.Rollout = func(revision string) ecsfake.Rollout {
		if revision == "shop:2" {
			return ecsfake.Rollout{Polls: 2, Fail: "tasks failed to start", Stopped: "Essential container in task exited"}
		}
		return ecsfake.Rollout{Polls: 1}
	}
	if _, _, err := r.client(t).Head(t.Context(), repository+":latest"); err != nil {
		t.Fatal(err)
	}
	client, err := ecs.Connect(t.Context(), "", "", time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	image := repository + "@sha256:" + strings.Repeat("1", 64)
	if result, err := client.Deploy(t.Context(), ecs.Order{Cluster: "main", Service: "shop", Image: image}, progress.Discard); err == nil || !result.RolledBack {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, operation := range fake.Operations() {
		r.add("ecs:" + operation)
	}
	r.compare(t, parseModule(t), "deploy")
}

// What CodeBuild, Fargate and EventBridge do in the name of a role is theirs to
// say; here stands what their documentation asks for, so that nothing joins it
// unnoticed.
func TestServicePolicies(t *testing.T) {
	t.Parallel()
	m := parseModule(t)
	for policy, want := range map[string]string{
		"codebuild": "logs:CreateLogStream logs:PutLogEvents s3:GetObject secretsmanager:GetSecretValue ssm:GetParameters kms:Decrypt " +
			"ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeDhcpOptions ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups " +
			"ec2:DescribeSubnets ec2:DescribeVpcs ec2:CreateNetworkInterfacePermission",
		"dump_database":  "rds-db:connect", // not a call: RDS asks IAM about the token
		"dump_execution": "ecr:GetAuthorizationToken ecr:BatchGetImage ecr:GetDownloadUrlForLayer logs:CreateLogStream logs:PutLogEvents",
		"events":         "codebuild:StartBuild ecs:RunTask iam:PassRole",
		"topic":          "sns:Publish",
	} {
		if got := strings.Join(m.actions(policy), " "); got != want {
			t.Errorf("policy %s allows\n%s, want\n%s", policy, got, want)
		}
	}
}
