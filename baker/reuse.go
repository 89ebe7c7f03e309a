package baker

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/plan"
)

// reuse looks for an image that was baked from the same input, and takes its data
// layers; nil when there is none. That it cannot be read is no failure: the
// restore is done anew.
func (b *bake) reuse(ctx context.Context, id string, resolved plan.Resolved) *data {
	if b.NoCache {
		return nil
	}
	for _, ref := range b.Reuse {
		d, err := b.dataOf(ctx, ref, id, resolved)
		if err != nil || d == nil {
			continue
		}
		step := b.progress.Start("[restore] the data layers of " + ref + " are up to date")
		step.Cached()
		step.Done(nil)
		return d
	}
	return nil
}

func (b *bake) dataOf(ctx context.Context, ref, id string, resolved plan.Resolved) (*data, error) {
	pulled, err := b.Registry.Image(ctx, ref, b.Platforms[0])
	if err != nil {
		return nil, err
	}
	config, err := pulled.Image.ConfigFile()
	if err != nil {
		return nil, err
	}
	if config.Config.Labels[LabelRestore] != id {
		return nil, nil //nolint:nilnil // other data is no error
	}
	d := &data{resolved: resolved, reused: pulled.Ref.String()}
	ids := strings.Fields(config.Config.Labels[LabelLayers])
	for i, diffID := range ids {
		hash, err := v1.NewHash(diffID)
		if err != nil {
			return nil, err
		}
		l, err := pulled.Image.LayerByDiffID(hash)
		if err != nil {
			return nil, err
		}
		if media, err := l.MediaType(); err != nil || !b.wants(media) {
			return nil, err
		}
		d.layers = append(d.layers, stacked{Layer: l, createdBy: dataHistory(resolved, i, len(ids))})
	}
	if d.manifest, err = readManifest(pulled.Image); err != nil {
		return nil, err
	}
	d.parsed, err = manifest.Parse(d.manifest)
	return d, err
}

// wants says whether layers are compressed as they are to be: zstd is not for
// everyone, since Docker Engines before 23.0 do not know it.
func (b *bake) wants(media types.MediaType) bool {
	c := b.layerOptions().Compression
	zstd := c == "" || c == layer.Zstd
	return zstd == (media == types.OCILayerZStd)
}

// hashFiles takes names, sizes and contents of a file or directory into h.
func hashFiles(h io.Writer, root string) error {
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read the build context: %w", err)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("read the build context: %w", err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("read the build context: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n", filepath.ToSlash(rel), info.Size())
		if _, err := io.Copy(h, f); err != nil {
			return fmt.Errorf("read the build context: %w", err)
		}
		return nil
	})
}

// setHistory gives the config the base's history and an entry for each layer on
// top of it.
func setHistory(config, base *dockerspec.DockerOCIImage, layers []stacked, created *time.Time) {
	config.History = append([]ocispecs.History{}, base.History...)
	for _, l := range layers {
		config.History = append(config.History, ocispecs.History{CreatedBy: l.createdBy, Comment: "dbake", Created: created})
	}
}
