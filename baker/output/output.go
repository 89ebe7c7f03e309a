// Package output writes images to where no registry is: an OCI image layout, as
// a directory or as a tar file that "docker load" takes too.
package output

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/registry/content"
)

// Annotations of the descriptors in index.json, as containerd and buildx write
// them: the image's whole name, and its tag alone.
const (
	nameAnnotation = "io.containerd.image.name"
	tagAnnotation  = "org.opencontainers.image.ref.name"
)

const layoutVersion = `{"imageLayoutVersion":"1.0.0"}`

// Image is what is written.
type Image struct {
	// Manifest is a v1.Image or a v1.ImageIndex.
	Manifest content.Manifest
	// Names are its references; those without a tag get "latest". There may be
	// none.
	Names []string
	// Attachments are documents about it.
	Attachments []registry.Attachment
}

// file is one file of a layout.
type file struct {
	name string // with slashes
	size int64
	open func() (io.ReadCloser, error)
}

// blobs are the files below blobs/, each once, and the descriptors for
// index.json.
func (i Image) blobs() ([]file, []v1.Descriptor, error) {
	nodes, err := content.Walk(i.Manifest)
	if err != nil {
		return nil, nil, err
	}
	set := fileSet{seen: map[string]bool{}}
	for _, node := range nodes {
		for _, layer := range node.Blobs() {
			if err := set.layer(layer); err != nil {
				return nil, nil, err
			}
		}
		set.bytes(blobName(node.Descriptor.Digest), node.Raw)
	}
	descriptors, err := i.named(nodes[len(nodes)-1].Descriptor)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range i.Attachments {
		raw, desc, err := a.Manifest()
		if err != nil {
			return nil, nil, err
		}
		for _, layer := range a.Blobs() {
			if err := set.layer(layer); err != nil {
				return nil, nil, err
			}
		}
		set.bytes(blobName(desc.Digest), raw)
		descriptors = append(descriptors, desc)
	}
	return set.files, descriptors, nil
}

// named gives one descriptor per name.
func (i Image) named(desc v1.Descriptor) ([]v1.Descriptor, error) {
	if len(i.Names) == 0 {
		return []v1.Descriptor{desc}, nil
	}
	var all []v1.Descriptor
	for _, name := range i.Names {
		full, tag, err := normal(name)
		if err != nil {
			return nil, err
		}
		one := desc
		one.Annotations = map[string]string{nameAnnotation: full, tagAnnotation: tag}
		all = append(all, one)
	}
	return all, nil
}

// normal is a reference in full, "docker.io/library/app:1", and its tag.
func normal(name string) (full, tag string, err error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", "", fmt.Errorf("image reference %q: %w", name, err)
	}
	tagged, ok := reference.TagNameOnly(named).(reference.NamedTagged)
	if !ok {
		return "", "", fmt.Errorf("image reference %q: an image gets a tag, not a digest", name)
	}
	return tagged.String(), tagged.Tag(), nil
}

type fileSet struct {
	seen  map[string]bool
	files []file
}

func (s *fileSet) add(f file) {
	if !s.seen[f.name] {
		s.seen[f.name] = true
		s.files = append(s.files, f)
	}
}

func (s *fileSet) bytes(name string, data []byte) { s.add(fileOf(name, data)) }

func (s *fileSet) layer(layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return fmt.Errorf("read the layer's digest: %w", err)
	}
	size, err := layer.Size()
	if err != nil {
		return fmt.Errorf("read the layer's size: %w", err)
	}
	s.add(file{name: blobName(digest), size: size, open: func() (io.ReadCloser, error) {
		r, err := layer.Compressed()
		if err != nil {
			return nil, err
		}
		return checked(r, digest, size)
	}})
	return nil
}

func blobName(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

// newIndex is an index.json with the descriptors.
func newIndex(old []v1.Descriptor, added []v1.Descriptor) ([]byte, error) {
	kept := slices.DeleteFunc(slices.Clone(old), func(d v1.Descriptor) bool {
		return slices.ContainsFunc(added, func(a v1.Descriptor) bool {
			if name := a.Annotations[nameAnnotation]; name != "" {
				return d.Annotations[nameAnnotation] == name
			}
			return d.Digest == a.Digest && d.Annotations[nameAnnotation] == ""
		})
	})
	data, err := json.MarshalIndent(v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: append(kept, added...),
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write index.json: %w", err)
	}
	return append(data, '\n'), nil
}

// dockerEntry is one element of the manifest.json that "docker load" reads
// (image-spec of Docker, v1.2, "Combined Image JSON + Filesystem Changeset
// Format").
type dockerEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// dockerManifest is the manifest.json: it has one image, which of an index is the
// one for this machine. It is nil when there is none.
func (i Image) dockerManifest() ([]byte, error) {
	image, err := i.own()
	if err != nil || image == nil {
		return nil, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, fmt.Errorf("read the image's manifest: %w", err)
	}
	entry := dockerEntry{Config: blobName(manifest.Config.Digest)}
	for _, layer := range manifest.Layers {
		if !layer.MediaType.IsDistributable() {
			return nil, fmt.Errorf("the layer %s of the base must not be distributed, so that no tar file can hold the image: push it", layer.Digest)
		}
		entry.Layers = append(entry.Layers, blobName(layer.Digest))
	}
	for _, name := range i.Names {
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			return nil, fmt.Errorf("image reference %q: %w", name, err)
		}
		entry.RepoTags = append(entry.RepoTags, reference.FamiliarString(reference.TagNameOnly(named)))
	}
	return json.Marshal([]dockerEntry{entry})
}

func (i Image) own() (v1.Image, error) {
	switch m := i.Manifest.(type) {
	case v1.Image:
		return m, nil
	case v1.ImageIndex:
		index, err := m.IndexManifest()
		if err != nil {
			return nil, fmt.Errorf("read the image index: %w", err)
		}
		for _, d := range index.Manifests {
			if d.MediaType.IsImage() && d.Platform != nil && d.Platform.OS == "linux" && d.Platform.Architecture == runtime.GOARCH {
				return m.Image(d.Digest)
			}
		}
		return nil, nil
	default:
		return nil, errors.New("it is neither an image nor an index of images")
	}
}

// copyFile writes a file of a layout, unless the context ends.
func copyFile(ctx context.Context, w io.Writer, f file) error {
	r, err := f.open()
	if err != nil {
		return fmt.Errorf("read %s: %w", f.name, err)
	}
	defer r.Close()
	n, err := io.Copy(w, &ctxReader{ctx: ctx, r: r})
	if err == nil && n != f.size {
		err = fmt.Errorf("it has %d bytes instead of %d", n, f.size)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.name, err)
	}
	return nil
}
