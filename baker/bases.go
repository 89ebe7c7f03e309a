package baker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/spec"
)

// base is the base image for one platform.
type base struct {
	platform v1.Platform
	image    v1.Image
	// ref is the base's reference, pinned by the digest of the index it is in,
	// or its own.
	ref    string
	config imageconfig.Base
}

// hostPlatform is the platform that restores run on.
func hostPlatform() v1.Platform { return v1.Platform{OS: "linux", Architecture: runtime.GOARCH} }

// loadBases finds the base for this machine's platform, which restores, and for
// each of the image's.
func (b *bake) loadBases(ctx context.Context) error {
	if len(b.Platforms) == 0 {
		b.Platforms = []v1.Platform{hostPlatform()}
	}
	b.bases = map[string]*base{}
	for _, p := range append([]v1.Platform{hostPlatform()}, b.Platforms...) {
		if b.bases[p.String()] != nil {
			continue
		}
		bs, err := b.loadBase(ctx, p)
		if err != nil {
			return err
		}
		if err := imageconfig.CheckVolumes(bs.config, b.File.DataDir); err != nil {
			return b.at("datadir", err)
		}
		b.bases[p.String()] = bs
	}
	b.own = b.bases[hostPlatform().String()]
	return nil
}

func (b *bake) loadBase(ctx context.Context, p v1.Platform) (*base, error) {
	pulled, err := b.Registry.Image(ctx, b.File.Base, p)
	if err != nil {
		return nil, b.at("base", fmt.Errorf("base %s: %w", b.File.Base, err))
	}
	raw, err := pulled.Image.RawConfigFile()
	if err != nil {
		return nil, b.at("base", fmt.Errorf("base %s: read its config: %w", b.File.Base, err))
	}
	config := &dockerspec.DockerOCIImage{}
	if err := json.Unmarshal(raw, config); err != nil {
		return nil, b.at("base", fmt.Errorf("base %s: read its config: %w", b.File.Base, err))
	}
	if len(config.RootFS.DiffIDs) == 0 {
		return nil, b.at("base", fmt.Errorf("base %s: the image has no files, and so no mysqld or mariadbd; name a base that holds a server", b.File.Base))
	}
	config.Created = nil
	ref := pulled.Ref
	if pulled.Index != (v1.Hash{}) {
		// A builder on another platform takes its own image of the index.
		ref = ref.Context().Digest(pulled.Index.String())
	}
	return &base{
		platform: p, image: pulled.Image, ref: ref.String(),
		config: imageconfig.Base{Name: b.File.Base, Digest: pulled.Ref.DigestStr(), Config: config},
	}, nil
}

// at is an error with its place in the dbake.yaml.
func (b *bake) at(key string, err error) error {
	var known *spec.Error
	if errors.As(err, &known) {
		return err
	}
	pos := b.File.Position(key)
	if pos == b.File.Position("") { // not in the file
		key, pos = "base", b.File.Position("base")
	}
	return &spec.Error{File: b.Name, Pos: pos, Path: key, Msg: err.Error(), Err: err}
}

// order is what the builder gets.
func (b *bake) order() builder.Order {
	return builder.Order{
		File: b.File, Name: b.Name, Data: b.Data, Args: b.Args, Context: b.Context, Secrets: b.Secrets,
		Base: b.own.image, BaseRef: b.own.ref, NoCache: b.NoCache,
	}
}

func ociPlatform(p v1.Platform) ocispecs.Platform {
	return ocispecs.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion}
}
