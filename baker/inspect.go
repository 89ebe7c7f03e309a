package baker

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/seed/manifest"
)

// Inspection is what an image says about itself.
type Inspection struct {
	// Ref is the image with its digest.
	Ref string `json:"ref"`
	// Platform is the one looked at.
	Platform string `json:"platform"`
	// Bytes is the compressed size of all layers, DataBytes that of the data's;
	// 0 when the image does not say which they are.
	Bytes     int64 `json:"bytes"`
	DataBytes int64 `json:"dataBytes,omitempty"`
	Layers    int   `json:"layers"`
	// Base and BaseDigest are the image it was baked onto.
	Base       string             `json:"base,omitempty"`
	BaseDigest string             `json:"baseDigest,omitempty"`
	Manifest   *manifest.Manifest `json:"manifest"`
}

// Inspect reads an image's manifest from its registry without pulling the data
// layers. An image that dbake did not bake is ErrNotBaked.
func Inspect(ctx context.Context, c *registry.Client, ref string, platform v1.Platform) (*Inspection, error) {
	pulled, err := c.Image(ctx, ref, platform)
	if err != nil {
		return nil, err
	}
	text, err := readManifest(pulled.Image)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	in := &Inspection{Ref: pulled.Name, Platform: platform.String()}
	if in.Manifest, err = manifest.Parse(text); err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	config, err := pulled.Image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("%s: read its config: %w", ref, err)
	}
	labels := config.Config.Labels
	in.Base, in.BaseDigest = labels["org.opencontainers.image.base.name"], labels["org.opencontainers.image.base.digest"]
	in.Platform = v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}.String()
	if err := in.measure(pulled.Image, labels); err != nil {
		return nil, err
	}
	return in, nil
}

func (in *Inspection) measure(img v1.Image, labels map[string]string) error {
	layers, err := img.Layers()
	if err != nil {
		return fmt.Errorf("%s: read its layers: %w", in.Ref, err)
	}
	data := dataLayers(labels)
	in.Layers = len(layers)
	for _, l := range layers {
		size, err := l.Size()
		if err != nil {
			return fmt.Errorf("%s: read its layers: %w", in.Ref, err)
		}
		in.Bytes += size
		if id, err := l.DiffID(); err == nil && data[id.String()] {
			in.DataBytes += size
		}
	}
	return nil
}

// dataLayers are the diff ids of the data layers.
func dataLayers(labels map[string]string) map[string]bool {
	ids := map[string]bool{}
	for _, id := range strings.Fields(labels[LabelLayers]) {
		ids[id] = true
	}
	return ids
}
