package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/dbake/dbake/baker/engine"
)

// labelled is an image without programs that has a label.
func labelled(t *testing.T, label, text string) v1.Image {
	t.Helper()
	image, err := mutate.AppendLayers(empty.Image, static.NewLayer(emptyTar(t), types.DockerUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file.OS, file.Architecture, file.Config.Labels, file.Author = "linux", architecture, map[string]string{label: "yes"}, text
	if image, err = mutate.ConfigFile(image, file); err != nil {
		t.Fatal(err)
	}
	return image
}

func load(t *testing.T, e *engine.Client, ref string, image v1.Image) {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := tarball.Write(tag, image, &archive); err != nil {
		t.Fatal(err)
	}
	loaded, err := e.Load(t.Context(), &archive)
	if err != nil || !slices.Equal(loaded, []string{ref}) {
		t.Fatalf("loaded %q, %v, want %s", loaded, err, ref)
	}
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// Images: loaded, tagged, replaced, and the replaced ones removed.
func TestEngineImages(t *testing.T) {
	t.Parallel()
	ctx, e := t.Context(), dockerEngine(t)
	const label, ref = "dbake.test.images", "dbake-test/images:one"
	labels := map[string]string{label: "yes"}
	load(t, e, ref, labelled(t, label, "first"))
	first := must(e.Image(ctx, ref))(t)
	if first.Labels[label] != "yes" || !slices.Equal(first.Tags, []string{ref}) {
		t.Errorf("the image is %+v", first)
	}
	load(t, e, ref, labelled(t, label, "second"))
	second := must(e.Image(ctx, ref))(t)
	if second.ID == first.ID {
		t.Fatal("loading another image left the tag where it was")
	}
	// Docker 26 forgets in containerd's image store what has lost its last name.
	if list := must(e.Images(ctx, labels))(t); len(list) != 2 && !must(e.Info(ctx))(t).Containerd {
		t.Errorf("there are %d images of the label, want 2", len(list))
	}
	if _, err := e.PruneImages(ctx, labels); err != nil {
		t.Error(err)
	}
	if list := must(e.Images(ctx, labels))(t); len(list) != 1 || list[0].ID != second.ID {
		t.Errorf("pruning leaves %+v, want the second image", list)
	}
	if err := e.Tag(ctx, ref, "dbake-test/images:two"); err != nil {
		t.Error(err)
	}
	if err := e.RemoveImage(ctx, second.ID, true); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"image":     must2(e.Image(ctx, ref)),
		"tag":       e.Tag(ctx, ref, "dbake-test/images:three"),
		"remove":    e.RemoveImage(ctx, ref, false),
		"container": must2(e.Container(ctx, "dbake-test-nothing")),
	} {
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s: the error for what is not there is %v", what, err)
		}
	}
	if _, err := e.Load(ctx, strings.NewReader("no archive")); err == nil {
		t.Error("something that is no archive was loaded")
	}
}

func must2[T any](_ T, err error) error { return err }

// An image of a registry that wants a password is pulled with the keychain's.
func TestEnginePulls(t *testing.T) {
	t.Parallel()
	registry, err := all.AuthRegistry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ref := registry.Host + "/dbake-test/pull:one"
	if err := remote.Write(must(name.ParseReference(ref))(t), labelled(t, "dbake.test.pull", ""), remote.WithAuth(registry.Auth())); err != nil {
		t.Fatal(err)
	}
	host, err := all.DockerHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pull := func(auth authn.Authenticator) error {
		e := must(engine.New(t.Context(), engine.Options{Host: host, Keychain: keychain{auth}}))(t)
		defer e.Close()
		return e.Pull(t.Context(), ref, nil)
	}
	err = pull(&authn.Basic{Username: "baker", Password: "planted-3c9"})
	if err == nil || strings.Contains(err.Error(), "planted") {
		t.Errorf("with a wrong password: %v", err)
	}
	if err := pull(registry.Auth()); err != nil {
		t.Error(err)
	}
	docker(t, "rmi", ref)
}

type keychain struct{ authn.Authenticator }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) { return k.Authenticator, nil }

// A container of a baked image: started on a free port, healthy, spoken to,
// committed, stopped and removed.
func TestEngineRunsBakedImage(t *testing.T) {
	t.Parallel()
	ctx, e := t.Context(), dockerEngine(t)
	ref := baked(t, "mariadb")
	var parts []string
	if err := e.Pull(ctx, ref, func(part string, _, _ int64) { parts = append(parts, part) }); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	labels := map[string]string{"dbake.test.run": filepath.Base(folder)}
	spec := engine.Spec{
		Image: ref, Labels: labels, Ports: []engine.Port{{Container: 3306}},
		Mounts: []engine.Mount{{Source: folder, Target: "/given", ReadOnly: true}, {Target: "/scratch"}},
		Env:    []string{"GIVEN=1"},
	}
	if err := os.WriteFile(filepath.Join(folder, "file"), []byte("from the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	c := must(e.Run(ctx, spec))(t)
	t.Cleanup(func() {
		if err := e.Remove(context.WithoutCancel(ctx), c.ID); err != nil {
			t.Error(err)
		}
	})
	if err := e.WaitHealthy(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", c.Ports["3306/tcp"])
	if err != nil {
		t.Fatalf("%v; the ports are %v", err, c.Ports)
	}
	conn.Close()
	var out, complaints bytes.Buffer
	status, err := e.Exec(ctx, c.ID, engine.Command{
		Args: []string{"sh", "-c", "cat - /given/file; echo $GIVEN$MORE >&2; exit 7"}, Env: []string{"MORE=2"},
		Stdin: strings.NewReader("to the command, "), Stdout: &out, Stderr: &complaints,
	})
	if err != nil || status != 7 || out.String() != "to the command, from the host" || complaints.String() != "12\n" {
		t.Errorf("status %d, %v, output %q, errors %q", status, err, &out, &complaints)
	}
	found := must(e.Containers(ctx, labels))(t)
	if len(found) != 1 || found[0].ID != c.ID || !found[0].Running || found[0].Image != ref || len(found[0].Mounts) != 2 {
		t.Errorf("the containers of the label are %+v", found)
	}
	image := must(e.Image(ctx, ref))(t)
	if found[0].ImageID != image.ID || !maps.Equal(found[0].Labels, c.Labels) {
		t.Errorf("the container is of image %s, want %s", found[0].ImageID, image.ID)
	}
	committed := must(e.Commit(ctx, c.ID, "dbake-test/commit:one"))(t)
	if got := must(e.Image(ctx, "dbake-test/commit:one"))(t); got.ID != committed {
		t.Errorf("the committed image is %s, want %s", got.ID, committed)
	}
	if err := e.RemoveImage(ctx, "dbake-test/commit:one", false); err != nil {
		t.Error(err)
	}
	testFollow(t, e, c.ID)
}

// testFollow follows the log of a container until it stops.
func testFollow(t *testing.T, e *engine.Client, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, w := io.Pipe()
	go func() { w.CloseWithError(e.Logs(ctx, id, 0, true, w)) }()
	go func() {
		if err := e.Stop(ctx, id, 30*time.Second); err != nil {
			t.Error(err)
		}
	}()
	log, err := io.ReadAll(r)
	if err != nil || len(log) == 0 {
		t.Errorf("the log is %q, %v", log, err)
	}
	var exited *engine.ExitedError
	if err := e.WaitHealthy(ctx, id); !errors.As(err, &exited) || exited.Log == "" {
		t.Errorf("waiting for a container that has stopped: %v", err)
	}
	if err := e.Rename(ctx, id, "dbake-test-renamed"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := e.Remove(ctx, "dbake-test-renamed"); err != nil {
			t.Error(err)
		}
	}
}
