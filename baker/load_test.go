package baker_test

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/dbake/dbake/baker"
)

// engine takes an image and remembers its layers.
type engine struct{ layers []types.MediaType }

func (e *engine) Load(_ context.Context, archive io.Reader) ([]string, error) {
	for r := tar.NewReader(archive); ; {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		var m v1.Manifest
		if json.Unmarshal(text, &m) != nil || !m.MediaType.IsImage() {
			continue
		}
		for _, l := range m.Layers {
			e.layers = append(e.layers, l.MediaType)
		}
	}
}

// Layers are compressed for an engine that keeps them, and for no other.
func TestLoadedLayers(t *testing.T) {
	t.Parallel()
	for keeps, want := range map[bool]types.MediaType{true: types.OCILayerZStd, false: types.OCIUncompressedLayer} {
		k, e := newKitchen(t), &engine{}
		k.options.Output, k.options.Loader, k.options.KeepsLayers = baker.Output{Kind: baker.OutputDocker}, e, keeps
		k.options.Compression = ""
		k.bake(t)
		if len(e.layers) == 0 || e.layers[len(e.layers)-1] != want {
			t.Errorf("an engine that keeps layers: %v; it got %v", keeps, e.layers)
		}
	}
}
