package output

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/dbake/dbake/baker/registry"
)

func newImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(2000, 2)
	if err != nil {
		t.Fatal(err)
	}
	return mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)
}

func digestOf(t *testing.T, m partial.WithRawManifest) v1.Hash {
	t.Helper()
	digest, err := partial.Digest(m)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// names maps what index.json calls images to their digests.
func names(t *testing.T, dir string) map[string]v1.Hash {
	t.Helper()
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]v1.Hash{}
	for _, d := range manifest.Manifests {
		got[d.Annotations[nameAnnotation]] = d.Digest
		if d.MediaType.IsImage() && d.ArtifactType == "" {
			image, err := path.Image(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(image); err != nil {
				t.Error(err)
			}
		}
	}
	return got
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDirectoryCollectsImages(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "layout")
	first, second := newImage(t), newImage(t)
	if err := Directory(t.Context(), dir, Image{Manifest: first, Names: []string{"app:1", "registry.example.com/app"}}); err != nil {
		t.Fatal(err)
	}
	if err := Directory(t.Context(), dir, Image{Manifest: second, Names: []string{"app:1"}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]v1.Hash{
		"docker.io/library/app:1":         digestOf(t, second),
		"registry.example.com/app:latest": digestOf(t, first),
	}
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Error(diff)
	}
	for _, file := range files(t, filepath.Dir(dir)) {
		if name := filepath.Base(file); strings.HasPrefix(name, ".") {
			t.Errorf("%s is left", file)
		}
		if strings.Contains(file, "blobs") {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != filepath.Base(file) {
				t.Errorf("%s has another digest", file)
			}
		}
	}
}

func TestDirectoryHoldsAttachments(t *testing.T) {
	t.Parallel()
	image := newImage(t)
	subject, err := partial.Descriptor(image)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "layout")
	a := registry.Attachment{Subject: *subject, ArtifactType: "application/spdx+json", Payload: []byte("{}")}
	for range 2 { // the second changes nothing
		if err := Directory(t.Context(), dir, Image{Manifest: image, Names: []string{"app"}, Attachments: []registry.Attachment{a}}); err != nil {
			t.Fatal(err)
		}
	}
	_, desc, err := a.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]v1.Hash{"docker.io/library/app:latest": subject.Digest, "": desc.Digest}
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// An empty directory may be the mount of a volume, which nobody can replace.
func TestDirectoryFillsAnEmptyOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, freshPrefix+"killed"), 0o700); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	image := newImage(t)
	if err := Directory(t.Context(), dir, Image{Manifest: image, Names: []string{"app:1"}}); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(dir); err != nil || !os.SameFile(before, after) {
		t.Errorf("the directory is another one: %v", err)
	}
	if diff := cmp.Diff(map[string]v1.Hash{"docker.io/library/app:1": digestOf(t, image)}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestDirectoryLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Directory(t.Context(), dir, Image{Manifest: newImage(t)})
	if err == nil || !strings.Contains(err.Error(), "neither empty nor an OCI image layout") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{precious}, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsLeftOfAFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped"))
	broken, err := mutate.AppendLayers(newImage(t), lying{})
	if err != nil {
		t.Fatal(err)
	}
	for what, write := range map[string]func(dir string) error{
		"directory stopped": func(dir string) error { return Directory(ctx, filepath.Join(dir, "out"), Image{Manifest: newImage(t)}) },
		"tar stopped":       func(dir string) error { return Tar(ctx, filepath.Join(dir, "out"), Image{Manifest: newImage(t)}) },
		"directory damaged": func(dir string) error {
			return Directory(t.Context(), filepath.Join(dir, "out"), Image{Manifest: broken})
		},
		"tar damaged": func(dir string) error { return Tar(t.Context(), filepath.Join(dir, "out"), Image{Manifest: broken}) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := write(dir); err == nil {
				t.Error("no error")
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// lying is a layer whose content is not what its digest says.
type lying struct{}

func (lying) Digest() (v1.Hash, error) { return v1.NewHash("sha256:" + strings.Repeat("a", 64)) }

func (lying) DiffID() (v1.Hash, error) { return v1.NewHash("sha256:" + strings.Repeat("b", 64)) }

func (lying) Compressed() (io.ReadCloser, error)   { return io.NopCloser(strings.NewReader("x")), nil }
func (lying) Uncompressed() (io.ReadCloser, error) { return lying{}.Compressed() }
func (lying) Size() (int64, error)                 { return 1, nil }
func (lying) MediaType() (types.MediaType, error)  { return types.OCILayer, nil }

func TestTarIsForDockerAndForOCI(t *testing.T) {
	t.Parallel()
	image := newImage(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "image.tar")
	if err := Tar(t.Context(), file, Image{Manifest: image, Names: []string{"app:1", "localhost:5000/app:2"}}); err != nil {
		t.Fatal(err)
	}
	docker, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := docker.ConfigName(); err != nil || got != want {
		t.Errorf("docker would load %v (%v), want %v", got, err, want)
	}
	if err := validate.Image(docker); err != nil {
		t.Error(err)
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(file) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app:1", "localhost:5000/app:2"}, manifest[0].RepoTags); diff != "" {
		t.Error(diff)
	}
	extract(t, file, filepath.Join(dir, "layout"))
	digest := digestOf(t, image)
	if diff := cmp.Diff(map[string]v1.Hash{"docker.io/library/app:1": digest, "localhost:5000/app:2": digest}, names(t, filepath.Join(dir, "layout"))); diff != "" {
		t.Error(diff)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := Write(t.Context(), &again, Image{Manifest: image, Names: []string{"app:1", "localhost:5000/app:2"}}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, again.Bytes()) {
		t.Error("the second tar file is another one")
	}
}

func TestTarOfAnIndexHasThisMachinesImageForDocker(t *testing.T) {
	t.Parallel()
	own, other := newImage(t), newImage(t)
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}},
		mutate.IndexAddendum{Add: own, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}}})
	dir := t.TempDir()
	file := filepath.Join(dir, "image.tar")
	if err := Tar(t.Context(), file, Image{Manifest: index, Names: []string{"app:1"}}); err != nil {
		t.Fatal(err)
	}
	docker, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := own.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := docker.ConfigName(); err != nil || got != want {
		t.Errorf("docker would load %v (%v), want %v", got, err, want)
	}
	extract(t, file, filepath.Join(dir, "layout"))
	if diff := cmp.Diff(map[string]v1.Hash{"docker.io/library/app:1": digestOf(t, index)}, names(t, filepath.Join(dir, "layout"))); diff != "" {
		t.Error(diff)
	}
}

func extract(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
