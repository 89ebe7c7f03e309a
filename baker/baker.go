// Package baker bakes on this machine: it has a builder restore the dumps of a
// dbake.yaml, makes layers of the data directory, puts them onto the base and
// sends the image where it is to go. It needs neither a Docker daemon nor a
// BuildKit, and the base's layers are never unpacked for it.
//
// It tells what it does through progress.Writer and prints nothing.
package baker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// Labels that only the baker writes.
const (
	// LabelRestore is the digest of what decides the data (see restoreID): an
	// image with the same value has the same data layers.
	LabelRestore = "io.dbake.restore"
	// LabelLayers are the diff ids of the data layers, in order, joined by
	// spaces.
	LabelLayers = "io.dbake.layers"
)

// Options say what to bake, with what, and where to.
type Options struct {
	// File is the parsed dbake.yaml; Name and Data are the file itself.
	File *spec.File
	Name string
	Data []byte
	// Args are build arguments, Context the directory of the file's local dumps
	// and scripts.
	Args    map[string]string
	Context string
	Secrets builder.Secrets

	Builder builder.Builder
	// BuilderName is shown and kept in provenance: local, buildkit, docker.
	BuilderName string
	// Agent is a directory in the layout of the frontend image's root.
	Agent    string
	Registry *registry.Client

	// Refs are the image's tags, templates allowed (TagFields); Suffix goes
	// behind each. GitSHA is the commit for the templates; empty: not known.
	Refs   []string
	Suffix string
	GitSHA string
	// Output is where the image goes. OutputDocker needs a Loader.
	Output Output
	Loader Loader
	// KeepsLayers says that the Loader keeps layers as they come, and can read
	// all of them, as Docker's containerd image store does. Others unpack layers
	// and throw them away, so that compressing them would be for nothing.
	KeepsLayers bool
	// Platforms are those of the image; empty: this machine's.
	Platforms []v1.Platform
	// Reuse lists images whose data layers are taken when they hold the same
	// data. NoCache restores all the same.
	Reuse   []string
	NoCache bool
	// Labels win over those of the file.
	Labels map[string]string
	// Compression wins over the file's; empty: the file's, or zstd.
	Compression layer.Compression
	// Created is the image's date; nil: none, so that two bakes of the same
	// data are one image.
	Created *time.Time
	// Provenance and SBOM attach what was baked to a pushed image.
	Provenance, SBOM bool
	// Version is dbake's own.
	Version string
	// TempDir is where layers are spilled to, as files without a name; empty:
	// see spill.Dir.
	TempDir string
}

// Result is a finished bake.
type Result struct {
	// Refs are the tags that were moved; empty for outputs without tags.
	Refs []string
	// Digest is the image's, or the index's when there are several platforms.
	Digest v1.Hash
	// ConfigDigest is the config's of the first platform: Docker's image id.
	ConfigDigest v1.Hash
	Platforms    []string
	Resolved     plan.Resolved
	Manifest     *manifest.Manifest
	// Base and its digest.
	Base, BaseDigest string
	// Reused names the image whose data layers were taken; empty: restored.
	Reused string
	// DataBytes and Layers are the compressed size and number of the data
	// layers.
	DataBytes int64
	Layers    int
	Took      time.Duration
	// Attached are the digests of the attestations, by artifact type.
	Attached map[string]string
}

// ErrNoTag is returned for a push without a tag.
var ErrNoTag = errors.New("an image that is pushed needs a tag: -t registry.example.com/team/app-data")

// ErrNoDockerTag is returned for an image without a tag for a Docker Engine.
var ErrNoDockerTag = errors.New("an image for Docker needs a tag: -t app-data")

// Bake bakes. When it fails, or ctx ends, nothing is left behind and no tag has
// moved; blobs without a tag may be left in the registry, which removes them.
// Problems of the dbake.yaml are *spec.Error or spec.ErrorList.
func Bake(ctx context.Context, o Options, w progress.Writer) (*Result, error) {
	started := time.Now()
	b := &bake{Options: o, progress: w, started: started}
	if err := b.check(); err != nil {
		return nil, err
	}
	result, err := b.run(ctx)
	if err != nil {
		return nil, err
	}
	result.Took = time.Since(started)
	return result, nil
}

// Resolve says what a bake would restore right now.
func Resolve(ctx context.Context, o Options, w progress.Writer) (plan.Resolved, error) {
	b := &bake{Options: o, progress: w}
	if err := b.loadBases(ctx); err != nil {
		return plan.Resolved{}, err
	}
	return b.Builder.Resolve(ctx, b.order(), w)
}

// check refuses options that cannot work before anything is done.
func (b *bake) check() error {
	if err := b.Output.CheckTags(b.Refs); err != nil {
		return err
	}
	if len(b.Platforms) > 1 && b.Output.Kind == OutputDocker {
		return errors.New("a Docker Engine takes an image of one platform; leave out --platform, or push the image")
	}
	for _, p := range b.Platforms {
		if p.OS != "linux" {
			return fmt.Errorf("platform %s: dbake makes Linux images only", p.String())
		}
		if _, err := os.Stat(b.entrypoint(p)); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("platform %s: this dbake has no entrypoint for it, so no image can be made; hack/dist --all makes a dbake for linux/amd64 and linux/arm64", p)
		}
	}
	return nil
}
