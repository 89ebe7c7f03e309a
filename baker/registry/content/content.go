// Package content takes images and image indexes apart into what is stored one
// by one: manifests and blobs.
package content

import (
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Manifest is a v1.Image or a v1.ImageIndex.
type Manifest interface {
	MediaType() (types.MediaType, error)
	Digest() (v1.Hash, error)
	Size() (int64, error)
	RawManifest() ([]byte, error)
}

// Node is one manifest with the blobs that only it names.
type Node struct {
	// Descriptor has the manifest's media type, size and digest.
	Descriptor v1.Descriptor
	// Raw is the manifest itself.
	Raw []byte
	// Config is the image's configuration; nil for an index.
	Config v1.Layer
	// Layers are the image's layers, without those that must not be
	// distributed: whoever needs them has other sources for them.
	Layers []v1.Layer
	// Platform is what the parent index says about an image; nil without one.
	Platform *v1.Platform
}

// Blobs are the node's layers and its configuration.
func (n Node) Blobs() []v1.Layer {
	if n.Config == nil {
		return n.Layers
	}
	return append(append([]v1.Layer(nil), n.Layers...), n.Config)
}

// Walk lists m and everything below it, children before their parents, each
// manifest once: the order in which they have to be stored.
func Walk(m Manifest) ([]Node, error) {
	w := walker{seen: map[v1.Hash]bool{}}
	if err := w.add(m, nil); err != nil {
		return nil, err
	}
	return w.nodes, nil
}

type walker struct {
	seen  map[v1.Hash]bool
	nodes []Node
}

func (w *walker) add(m Manifest, platform *v1.Platform) error {
	raw, err := m.RawManifest()
	if err != nil {
		return fmt.Errorf("read the image's manifest: %w", err)
	}
	mediaType, err := m.MediaType()
	if err != nil {
		return fmt.Errorf("read the image's manifest: %w", err)
	}
	digest, err := m.Digest()
	if err != nil {
		return fmt.Errorf("read the image's manifest: %w", err)
	}
	if w.seen[digest] {
		return nil
	}
	w.seen[digest] = true
	node := Node{
		Descriptor: v1.Descriptor{MediaType: mediaType, Size: int64(len(raw)), Digest: digest},
		Raw:        raw, Platform: platform,
	}
	switch m := m.(type) {
	case v1.ImageIndex:
		err = w.children(m)
	case v1.Image:
		node.Config, node.Layers, err = blobs(m, mediaType)
	default:
		err = fmt.Errorf("a %s is neither an image nor an index of images", mediaType)
	}
	if err != nil {
		return err
	}
	w.nodes = append(w.nodes, node)
	return nil
}

func (w *walker) children(index v1.ImageIndex) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return fmt.Errorf("read the image index: %w", err)
	}
	for _, d := range manifest.Manifests {
		var child Manifest
		switch {
		case d.MediaType.IsIndex():
			child, err = index.ImageIndex(d.Digest)
		case d.MediaType.IsImage():
			child, err = index.Image(d.Digest)
		default:
			err = fmt.Errorf("its media type %s is neither that of an image nor of an index", d.MediaType)
		}
		if err != nil {
			return fmt.Errorf("read %s of the image index: %w", d.Digest, err)
		}
		if err := w.add(child, d.Platform); err != nil {
			return err
		}
	}
	return nil
}

// blobs are the configuration and the layers of an image.
func blobs(image v1.Image, mediaType types.MediaType) (v1.Layer, []v1.Layer, error) {
	all, err := image.Layers()
	if err != nil {
		return nil, nil, fmt.Errorf("read the image's layers: %w", err)
	}
	var layers []v1.Layer
	for _, l := range all {
		t, err := l.MediaType()
		if err != nil {
			return nil, nil, fmt.Errorf("read the image's layers: %w", err)
		}
		if mediaType == types.DockerManifestSchema2 && strings.Contains(string(t), "zstd") {
			return nil, nil, errZstd
		}
		if t.IsDistributable() {
			layers = append(layers, l)
		}
	}
	config, err := partial.ConfigLayer(image)
	if err != nil {
		return nil, nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	return config, layers, nil
}

var errZstd = errors.New("an image in Docker's own format (manifest schema 2) cannot have zstd layers, only an OCI image can: set image.compression: gzip")
