package baker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
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
	if b.NoCache || !resolved.Identified() {
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
	d := &data{resolved: resolved, restoreID: id, reused: pulled.Ref.String()}
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
		if desc, err := partial.Descriptor(l); err != nil || !b.wants(desc) {
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
// everyone, since Docker Engines before 23.0 do not know it, and an eStargz is what
// nothing else is.
func (b *bake) wants(desc *v1.Descriptor) bool {
	switch b.layerOptions().Compression {
	case "", layer.Zstd:
		return desc.MediaType == types.OCILayerZStd
	case layer.EStargz:
		return layer.IsEStargz(desc)
	case layer.Gzip, layer.None:
	}
	return desc.MediaType != types.OCILayerZStd
}

// hashFiles takes names, sizes and contents of a file or directory into h. Links
// count for what they lead to: a dump often is one, to the newest file.
func hashFiles(ctx context.Context, h io.Writer, root string) error {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return fmt.Errorf("read the build context: %w", err)
	}
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read the build context: %w", err)
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if e.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(name)
			if err != nil {
				return fmt.Errorf("read the build context: %w", err)
			}
			fmt.Fprintf(h, "%s -> %s\n", filepath.ToSlash(rel), target)
		} else if !e.Type().IsRegular() {
			return nil
		}
		return hashFile(ctx, h, name, filepath.ToSlash(rel))
	})
}

// hashFile takes one file into h; what is no file counts nothing.
func hashFile(ctx context.Context, h io.Writer, name, rel string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil // a link to nowhere, or to a directory
	}
	if err != nil {
		return fmt.Errorf("read the build context: %w", err)
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read the build context: %w", err)
	}
	// What is read is given up when ctx ends: dumps are large.
	defer context.AfterFunc(ctx, func() { f.Close() })()
	defer f.Close()
	fmt.Fprintf(h, "%s %d\n", rel, info.Size())
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("read the build context: %w", err)
	}
	return nil
}

// setHistory gives the config the base's history and an entry for each layer on
// top of it.
func setHistory(config, base *dockerspec.DockerOCIImage, layers []stacked, created *time.Time) {
	config.History = append([]ocispecs.History{}, base.History...)
	for _, l := range layers {
		config.History = append(config.History, ocispecs.History{CreatedBy: l.createdBy, Comment: "dbake", Created: created})
	}
}
