package baker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/plan"
)

// bake is one bake under way.
type bake struct {
	Options

	progress progress.Writer
	started  time.Time
	bases    map[string]*base // by platform
	own      *base            // this machine's
	sink     sink
	layers   []*layer.Layer // to be closed
	// inputs is the digest of the files of the build context, as they were
	// before the restore.
	inputs []byte
}

// data is what the image gets besides its base.
type data struct {
	resolved plan.Resolved
	// manifest is compact JSON.
	manifest []byte
	parsed   *manifest.Manifest
	// layers are the manifest's own small one and those of the data directory.
	layers []stacked
	// restoreID is that of resolved.
	restoreID string
	// reused names the image that the layers are from.
	reused string
}

func (b *bake) run(ctx context.Context) (*Result, error) {
	if err := b.loadBases(ctx); err != nil {
		return nil, err
	}
	resolved, err := b.Builder.Resolve(ctx, b.order(), b.progress)
	if err != nil {
		return nil, err
	}
	refs, err := b.names(resolved)
	if err != nil {
		return nil, err
	}
	defer b.closeLayers()
	if b.sink, err = b.openSink(ctx, refs); err != nil {
		return nil, err
	}
	defer b.sink.close()
	d, err := b.data(ctx, resolved)
	if err != nil {
		return nil, err
	}
	// A builder may have looked at the dumps again.
	if now, err := b.names(d.resolved); err != nil || !slices.Equal(now, refs) {
		return nil, errors.New("the dump has changed since its fields were put into the tags; bake again")
	}
	images, err := b.images(ctx, d)
	if err != nil {
		return nil, err
	}
	return b.finish(ctx, d, refs, images)
}

// names are the tags of the image.
func (b *bake) names(r plan.Resolved) ([]string, error) {
	fields := tagFields(r, b.GitSHA)
	var refs []string
	for _, ref := range b.Refs {
		tag, err := expandRef(ref, b.Suffix, fields)
		if err != nil {
			return nil, err
		}
		refs = append(refs, tag.String())
	}
	return refs, nil
}

// data takes the data layers from an earlier image, or restores.
func (b *bake) data(ctx context.Context, resolved plan.Resolved) (*data, error) {
	var err error
	if b.inputs, err = b.contextSum(ctx); err != nil {
		return nil, err
	}
	id, err := b.restoreID(resolved)
	if err != nil {
		return nil, err
	}
	if d := b.reuse(ctx, id, resolved); d != nil {
		return d, nil
	}
	order := b.order()
	order.Resolved = &resolved
	restored, err := b.Builder.Restore(ctx, order, b.progress)
	if err != nil {
		return nil, err
	}
	d, err := b.makeLayers(ctx, restored)
	return d, errors.Join(err, restored.Close())
}

// makeLayers makes layers of a restored data directory, and sends each on its
// way as soon as it is ready.
func (b *bake) makeLayers(ctx context.Context, r *builder.Restored) (*data, error) {
	d := &data{resolved: r.Resolved, manifest: r.Manifest}
	var err error
	if d.restoreID, err = b.restoreID(r.Resolved); err != nil { // a builder may have looked again
		return nil, err
	}
	if d.parsed, err = manifest.Parse(r.Manifest); err != nil {
		return nil, err
	}
	own, rest := takeManifest(r.Data)
	if own == nil {
		return nil, fmt.Errorf("the restore left no manifest at %s", plan.ManifestPath)
	}
	parts, err := layer.Split(rest, layer.SplitOptions{DataDir: b.File.DataDir})
	if err != nil {
		return nil, err
	}
	parts = slices.Insert(parts, 0, layer.Part{Name: "manifest", Entries: own})
	layers, err := layer.Write(ctx, parts, b.layerOptions(), func(_ int, l *layer.Layer) error {
		return b.sink.blob(l)
	})
	if err != nil {
		return nil, err
	}
	b.layers = append(b.layers, layers...)
	for i, l := range layers {
		d.layers = append(d.layers, stacked{Layer: l, createdBy: dataHistory(r.Resolved, i, len(layers))})
	}
	return d, nil
}

// dataHistory is what the image's history says of the i-th of n layers of a
// restore, the first of which is the manifest.
func dataHistory(r plan.Resolved, i, n int) string {
	if i == 0 {
		return "dbake: manifest"
	}
	return fmt.Sprintf("dbake: restore %s (%d/%d)", strings.Join(imageconfig.ObjectNames(r.Objects), ", "), i, n-1)
}

// takeManifest takes the manifest and its directories out of a tree: in a layer
// of its own it can be read without the data.
func takeManifest(t *tree.Tree) (own []tree.Entry, rest *tree.Tree) {
	rest = &tree.Tree{}
	name := strings.TrimPrefix(plan.ManifestPath, "/")
	for _, e := range t.Entries {
		isDir := strings.HasSuffix(e.Header.Name, "/")
		switch {
		case e.Header.Name == name:
			own = append(own, e)
		case isDir && strings.HasPrefix(name, e.Header.Name):
			own = append(own, e)
			rest.Entries = append(rest.Entries, e)
		default:
			rest.Entries = append(rest.Entries, e)
		}
	}
	if len(own) == 0 || own[len(own)-1].Header.Name != name {
		return nil, rest
	}
	return own, rest
}

func (b *bake) layerOptions() layer.Options {
	c := b.Compression
	if c == "" && b.Output.Kind == OutputDocker && !b.KeepsLayers {
		// Engines before 23.0 know no zstd either.
		c = layer.None
	}
	if c == "" {
		c = layer.Compression(b.File.Image.Compression)
	}
	return layer.Options{Compression: c, Dir: b.TempDir, Progress: b.progress}
}

// images puts the image of each platform together.
func (b *bake) images(ctx context.Context, d *data) ([]platformImage, error) {
	var images []platformImage
	for _, p := range b.Platforms {
		img, err := b.image(ctx, b.bases[p.String()], d)
		if err != nil {
			return nil, err
		}
		images = append(images, platformImage{platform: p, image: img})
	}
	return images, nil
}

func (b *bake) image(ctx context.Context, bs *base, d *data) (v1.Image, error) {
	settings, err := b.configLayer(ctx, bs, d.resolved.Base)
	if err != nil {
		return nil, err
	}
	layers := append([]stacked{settings}, d.layers...)
	config := imageconfig.Config(imageconfig.Input{
		File: b.File, Base: bs.config, Platform: ociPlatform(bs.platform), Resolved: d.resolved, Manifest: d.manifest,
		Created: b.Created, Labels: b.labels(d),
	})
	setHistory(config, bs.config.Config, layers, b.Created)
	img, err := assemble(bs.image, config, layers, imageconfig.SourceLabels(d.resolved))
	if err != nil {
		return nil, err
	}
	baseLayers, err := bs.image.Layers()
	if err != nil {
		return nil, fmt.Errorf("read the base's layers: %w", err)
	}
	for _, l := range layers {
		baseLayers = append(baseLayers, l.Layer)
	}
	for _, l := range baseLayers {
		if err := b.sink.blob(l); err != nil {
			return nil, err
		}
	}
	return img, nil
}

// configLayer is the layer with the entrypoint and the server's settings.
func (b *bake) configLayer(ctx context.Context, bs *base, server plan.Base) (stacked, error) {
	entrypoint, err := os.ReadFile(b.entrypoint(bs.platform))
	if err != nil {
		return stacked{}, fmt.Errorf("read the entrypoint: %w", err)
	}
	files, err := imageconfig.Files(server, b.File.DataDir, b.File.Server)
	if err != nil {
		return stacked{}, b.at("base", err)
	}
	list := []layer.File{{Path: plan.EntrypointPath, Mode: 0o755, Data: entrypoint}}
	for _, f := range files {
		list = append(list, layer.File{Path: f.Path, Mode: 0o644, Data: f.Data})
	}
	l, err := layer.FromFiles(ctx, "entrypoint and server settings", list, b.layerOptions())
	if err != nil {
		return stacked{}, err
	}
	b.layers = append(b.layers, l)
	return stacked{Layer: l, createdBy: "dbake: entrypoint and server settings"}, nil
}

// entrypoint is the file of the entrypoint for a platform.
func (b *bake) entrypoint(p v1.Platform) string {
	return filepath.Join(b.Agent, "entrypoint", "linux_"+p.Architecture, "dbake-entrypoint")
}

func (b *bake) closeLayers() {
	for _, l := range b.layers {
		l.Close()
	}
}

// labels are those of the command line and the baker's own.
func (b *bake) labels(d *data) map[string]string {
	labels := map[string]string{}
	for name, value := range b.Labels {
		labels[name] = value
	}
	var ids []string
	for _, l := range d.layers {
		if id, err := l.DiffID(); err == nil {
			ids = append(ids, id.String())
		}
	}
	labels[LabelLayers] = strings.Join(ids, " ")
	labels[LabelRestore] = d.restoreID
	return labels
}

// restoreID is the digest of what decides the data layers: the restore's order,
// the agent that carries it out, and the base it runs in. Values of secrets are
// not in it.
func (b *bake) restoreID(r plan.Resolved) (string, error) {
	order, err := json.Marshal(plan.NewRestore(b.File, r))
	if err != nil {
		return "", fmt.Errorf("write the restore's order: %w", err)
	}
	program, err := os.ReadFile(filepath.Join(b.Agent, "bin", "dbake-seed"))
	if err != nil {
		return "", fmt.Errorf("read the agent: %w", err)
	}
	h := sha256.New()
	for _, part := range [][]byte{order, program, []byte(b.own.config.Digest), []byte(path.Clean(b.File.DataDir)), b.inputs} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// contextSum is the digest of the dumps and scripts of the build context, of which
// a builder says nothing but their names. They are read once: what changes in the
// meantime must not count as restored.
func (b *bake) contextSum(ctx context.Context) ([]byte, error) {
	h := sha256.New()
	for _, name := range b.File.ContextFiles() {
		if err := hashFiles(ctx, h, filepath.Join(b.Context, filepath.FromSlash(name))); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, b.at("dump", err)
		}
	}
	return h.Sum(nil), nil
}
