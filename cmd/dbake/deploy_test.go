package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/dbake/dbake/baker/ecs/ecsfake"
)

// TestDeployECS runs the command line against a registry and an ECS of the test.
func TestDeployECS(t *testing.T) {
	fake := ecsfake.Start()
	t.Cleanup(fake.Close)
	images := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	repository := strings.TrimPrefix(images.URL, "http://") + "/app-data"
	digest := pushRandom(t, repository+":latest")
	fake.AddService("shop", ecsfake.Object{"family": "shop", "containerDefinitions": []any{
		ecsfake.Object{"name": "app", "image": "app:7"}, ecsfake.Object{"name": "db", "image": repository + ":old"},
	}})
	fake.Rollout = func(string) ecsfake.Rollout { return ecsfake.Rollout{Polls: 2} }
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": ecsfake.Region,
		"AWS_ENDPOINT_URL_ECS": fake.URL, "AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_PROFILE": "", "HOME": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
	deploy := func(ref string, args ...string) (status int, stdout, stderr string) {
		var out, errs bytes.Buffer
		args = append([]string{"deploy", "ecs", "--cluster", "main", "--service", "shop", "--image", ref, "--interval", "10ms", "--progress", "plain"}, args...)
		status = Main(args, strings.NewReader(""), &out, &errs)
		return status, out.String(), errs.String()
	}
	status, stdout, stderr := deploy(repository + ":latest")
	if want := "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:2\n"; status != 0 || stdout != want {
		t.Fatalf("status %d, %q, want %q\n%s", status, stdout, want, stderr)
	}
	if !strings.Contains(stderr, "db gets "+repository+"@"+digest) || !strings.Contains(stderr, "has reached a steady state") {
		t.Errorf("progress:\n%s", stderr)
	}
	if status, stdout, stderr := deploy(repository + ":other@" + digest); status != 0 || !strings.HasSuffix(stdout, "shop:2\n") || !strings.Contains(stderr, "has the image already") {
		t.Errorf("again: status %d, %q\n%s", status, stdout, stderr)
	}
	if status, _, stderr := deploy(repository + ":none"); status != 1 || !strings.Contains(stderr, "there is no image "+repository+":none") {
		t.Errorf("a tag that is none: status %d\n%s", status, stderr)
	}
	fake.Rollout = func(revision string) ecsfake.Rollout {
		return ecsfake.Rollout{Polls: 2, Fail: map[string]string{"shop:3": "tasks failed to start"}[revision]}
	}
	pushRandom(t, repository+":broken")
	if status, _, stderr := deploy(repository + ":broken"); status != 1 || !strings.Contains(stderr, "the service runs shop:2 again") {
		t.Errorf("a failing rollout: status %d\n%s", status, stderr)
	}
}

func pushRandom(t *testing.T, ref string) (digest string) {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	h, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}
