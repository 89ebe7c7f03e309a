package serve

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/registry"
)

// zstdSince is the first Docker Engine that unpacks zstd layers (release notes of
// 23.0: "Add support for zstd-compressed layers").
const zstdSince = 23

// CheckLayers refuses an image that an engine cannot unpack, before gigabytes of it
// are pulled: engines before 23.0 fail on zstd with "invalid tar header". What
// cannot be found out is no error, because the pull itself will tell.
func CheckLayers(ctx context.Context, e *engine.Client, r *registry.Client, ref string) error {
	if r == nil {
		return nil
	}
	info, err := e.Info(ctx)
	if err != nil || info.Containerd || !olderThan(info.Version, zstdSince) {
		return nil //nolint:nilerr // see above
	}
	pulled, err := r.Image(ctx, ref, v1.Platform{OS: info.OS, Architecture: info.Architecture})
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	layers, err := pulled.Image.Layers()
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	for _, l := range layers {
		if kind, err := l.MediaType(); err == nil && strings.HasSuffix(string(kind), "zstd") {
			return fmt.Errorf("%s has layers that are compressed with zstd, which Docker Engine %s cannot unpack (%d.0 and later can): "+
				"update Docker, or bake the image with --compression gzip (image.compression: gzip in dbake.yaml)", ref, info.Version, zstdSince)
		}
	}
	return nil
}

// olderThan says whether an engine's version, such as "20.10.24+dfsg1", is before a
// major one. Versions that are no numbers, such as "dev", are not.
func olderThan(version string, major int) bool {
	first, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(first)
	return err == nil && n < major
}
