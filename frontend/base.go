package frontend

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/dbake/dbake/frontend/imageconfig"
)

// base is the image that the data goes onto, for one platform.
type base struct {
	state llb.State
	// image is its config; empty but not nil when a named context brings a
	// base without one.
	image *dockerspec.DockerOCIImage
	// name is the reference as the user wrote it, digest what it stood for;
	// the digest is empty when a named context or a local image was used.
	name   string
	digest digest.Digest
}

// loadBase finds the base for one platform. A named context of the base's name
// replaces it, as for FROM in a Dockerfile.
func (b *bake) loadBase(ctx context.Context, p ocispecs.Platform) (base, error) {
	name := cmp.Or(b.baseRef, b.file.Base)
	if name == dockerui.EmptyImageName {
		return base{}, b.src.at("base", errors.New(`base: "scratch" has no server in it; name an image with mysqld or mariadbd`))
	}
	nc, err := b.dc.NamedContext(name, dockerui.ContextOpt{Platform: &p, ResolveMode: b.dc.ImageResolveMode.String()})
	if err != nil {
		return base{}, b.src.at("base", fmt.Errorf("base %s: %w", name, err))
	}
	if nc == nil {
		return b.pullBase(ctx, name, p)
	}
	st, img, err := nc.Load(ctx)
	if err != nil {
		return base{}, b.src.at("base", fmt.Errorf("base %s, replaced by a named context: %w", name, err))
	}
	if img == nil {
		img = &dockerspec.DockerOCIImage{Image: ocispecs.Image{Platform: p}}
	}
	return base{state: *st, image: img, name: name}, nil
}

func (b *bake) pullBase(ctx context.Context, name string, p ocispecs.Platform) (base, error) {
	fail := func(err error) (base, error) {
		return base{}, b.src.at("base", fmt.Errorf("base %s: %w", name, err))
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return fail(err)
	}
	named = reference.TagNameOnly(named)
	ref, dgst, config, err := b.c.ResolveImageConfig(ctx, named.String(), sourceresolver.Opt{
		LogName:  "[internal] load metadata for " + reference.FamiliarString(named),
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p, ResolveMode: b.dc.ImageResolveMode.String()},
	})
	if err != nil {
		return fail(err)
	}
	if ref != "" && ref != named.String() {
		if named, err = reference.ParseNormalizedNamed(ref); err != nil {
			return fail(err)
		}
	}
	if dgst != "" {
		if named, err = reference.WithDigest(named, dgst); err != nil {
			return fail(err)
		}
	}
	img := &dockerspec.DockerOCIImage{}
	if err := json.Unmarshal(config, img); err != nil {
		return fail(fmt.Errorf("read its config: %w", err))
	}
	if len(img.RootFS.DiffIDs) == 0 {
		// BuildKit has no words of its own for running something in it.
		return fail(errors.New("the image has no files, and so no mysqld or mariadbd; name a base that holds a server"))
	}
	if b.baseRef != "" && img.Architecture != p.Architecture {
		return fail(fmt.Errorf("it is for %s/%s, but the builder needs it for %s", img.OS, img.Architecture, platforms.FormatAll(p)))
	}
	img.Created = nil
	st := llb.Image(named.String(), llb.Platform(p), b.dc.ImageResolveMode, b.src.location("base"),
		llb.WithCustomName("[base] "+reference.FamiliarString(named)))
	if st, err = st.WithImageConfig(config); err != nil {
		return fail(fmt.Errorf("read its config: %w", err))
	}
	return base{state: st, image: img, name: name, digest: dgst}, nil
}

// checkVolumes is imageconfig.CheckVolumes, with the place in the file.
func (b *bake) checkVolumes(bs base) error {
	err := imageconfig.CheckVolumes(bs.config(), b.file.DataDir)
	if err == nil {
		return nil
	}
	key := "datadir"
	if b.file.Position(key) == b.file.Position("") { // not in the file
		key = "base"
	}
	return b.src.at(key, err)
}

func (bs base) config() imageconfig.Base {
	return imageconfig.Base{Name: bs.name, Digest: bs.digest.String(), Config: bs.image}
}

// loadBases loads the base for the build platform and every target platform,
// and checks them, before anything runs.
func (b *bake) loadBases(ctx context.Context) (map[string]base, error) {
	wanted := slices.Concat(b.dc.BuildPlatforms[:1], b.dc.TargetPlatforms)
	bases := map[string]base{}
	for _, p := range wanted {
		if p.OS != "linux" {
			return nil, fmt.Errorf("platform %s: dbake makes Linux images only", platforms.FormatAll(p))
		}
		if _, done := bases[platformKey(p)]; done {
			continue
		}
		bs, err := b.loadBase(ctx, p)
		if err != nil {
			return nil, err
		}
		if err := b.checkVolumes(bs); err != nil {
			return nil, err
		}
		bases[platformKey(p)] = bs
	}
	return bases, nil
}

func platformKey(p ocispecs.Platform) string {
	return platforms.FormatAll(platforms.Normalize(p))
}
