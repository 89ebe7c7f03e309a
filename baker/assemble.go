package baker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
)

// stacked is a layer that goes onto the base, with what its descriptor and the
// image's history say of it.
type stacked struct {
	v1.Layer

	createdBy string
}

// image is a baked image: the base's layers, untouched, and the stacked ones. It
// is put together as bytes because a config can say more than go-containerregistry
// knows of (a health check's start interval).
type image struct {
	manifest, config []byte
	layers           map[v1.Hash]v1.Layer
}

// assemble stacks layers onto the base's. The config's own root file system and
// history are those of the base.
func assemble(base v1.Image, config *dockerspec.DockerOCIImage, layers []stacked, annotations map[string]string) (v1.Image, error) {
	baseManifest, err := base.Manifest()
	if err != nil {
		return nil, fmt.Errorf("read the base's manifest: %w", err)
	}
	baseLayers, err := base.Layers()
	if err != nil {
		return nil, fmt.Errorf("read the base's layers: %w", err)
	}
	img := &image{layers: map[v1.Hash]v1.Layer{}}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Annotations: annotations}
	for i, d := range baseManifest.Layers {
		d.MediaType = ociLayerType(d.MediaType)
		m.Layers = append(m.Layers, d)
		img.layers[d.Digest] = baseLayers[i]
	}
	for _, l := range layers {
		d, err := partial.Descriptor(l.Layer)
		if err != nil {
			return nil, fmt.Errorf("describe a layer: %w", err)
		}
		diffID, err := l.DiffID()
		if err != nil {
			return nil, fmt.Errorf("describe a layer: %w", err)
		}
		m.Layers = append(m.Layers, *d)
		config.RootFS.DiffIDs = append(slices.Clone(config.RootFS.DiffIDs), digest.Digest(diffID.String()))
		img.layers[d.Digest] = l.Layer
	}
	if img.config, err = json.Marshal(config); err != nil {
		return nil, fmt.Errorf("write the image's config: %w", err)
	}
	hash, size, err := v1.SHA256(bytes.NewReader(img.config))
	if err != nil {
		return nil, fmt.Errorf("write the image's config: %w", err)
	}
	m.Config = v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: hash, Size: size}
	if img.manifest, err = json.Marshal(m); err != nil {
		return nil, fmt.Errorf("write the image's manifest: %w", err)
	}
	return partial.CompressedToImage(img)
}

// ociLayerType is what OCI calls a layer of a Docker manifest; the bytes are the
// same.
func ociLayerType(t types.MediaType) types.MediaType {
	switch t {
	case types.DockerLayer:
		return types.OCILayer
	case types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer
	case types.DockerForeignLayer:
		return types.OCIRestrictedLayer
	}
	return t
}

// MediaType, RawManifest, RawConfigFile and LayerByDigest are
// partial.CompressedImageCore.
func (i *image) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func (i *image) RawManifest() ([]byte, error) { return i.manifest, nil }

func (i *image) RawConfigFile() ([]byte, error) { return i.config, nil }

func (i *image) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if l, ok := i.layers[h]; ok {
		return l, nil
	}
	return nil, fmt.Errorf("the image has no layer %s", h)
}

// platformImage is an image of an index.
type platformImage struct {
	platform v1.Platform
	image    v1.Image
}

// index joins the images of several platforms.
func index(images []platformImage, annotations map[string]string) v1.ImageIndex {
	list := make([]mutate.IndexAddendum, len(images))
	for i, p := range images {
		list[i] = mutate.IndexAddendum{Add: p.image, Descriptor: v1.Descriptor{Platform: &p.platform}}
	}
	idx := mutate.IndexMediaType(mutate.AppendManifests(empty.Index, list...), types.OCIImageIndex)
	if len(annotations) > 0 {
		idx, _ = mutate.Annotations(idx, annotations).(v1.ImageIndex)
	}
	return idx
}
