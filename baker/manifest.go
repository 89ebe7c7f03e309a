package baker

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
)

// ErrNotBaked is returned for an image without a manifest.
var ErrNotBaked = errors.New("dbake did not bake this image: it has no manifest")

// maxManifest bounds what is read of a manifest, in bytes.
const maxManifest = 64 << 20

// readManifest gives an image's manifest as compact JSON: its label, or, when the
// manifest was too long for one, the file. Images of the baker have it in a small
// layer of its own; those of the frontend have it in their data layer, of which
// no more is read than it takes to find it.
func readManifest(img v1.Image) ([]byte, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read the image's config: %w", err)
	}
	if label := config.Config.Labels[imageconfig.LabelManifest]; label != "" {
		return []byte(label), nil
	}
	if config.Config.Labels[imageconfig.LabelServer] == "" {
		return nil, ErrNotBaked
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("read the image's layers: %w", err)
	}
	ids := strings.Fields(config.Config.Labels[LabelLayers])
	for i := len(layers) - 1; i >= 0; i-- {
		if diffID, err := layers[i].DiffID(); len(ids) > 0 && err == nil && diffID.String() != ids[0] {
			continue
		}
		text, err := manifestIn(layers[i])
		if err != nil || text != nil {
			return text, err
		}
	}
	return nil, ErrNotBaked
}

// manifestIn is the manifest of a layer that has one, or nil.
func manifestIn(l v1.Layer) ([]byte, error) {
	r, err := l.Uncompressed()
	if err != nil {
		return nil, fmt.Errorf("read a layer: %w", err)
	}
	defer r.Close()
	for files := tar.NewReader(r); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read a layer: %w", err)
		}
		if path.Join("/", h.Name) != plan.ManifestPath {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(files, maxManifest))
		if err != nil {
			return nil, fmt.Errorf("read the manifest in a layer: %w", err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			return nil, fmt.Errorf("read the manifest in a layer: %w", err)
		}
		return compact.Bytes(), nil
	}
}
