package parts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Flavour is a kind of database server.
type Flavour string

// The flavours there are base images of.
const (
	MySQL   Flavour = "mysql"   // 9.7, from Debian sid
	MariaDB Flavour = "mariadb" // 10.11, from Debian bookworm
)

func (f Flavour) index() int {
	if f == MariaDB {
		return 1
	}
	return 0
}

// RootFS is the unpacked root file system of a flavour's base image. It is
// shared with other runs: look, but do not write.
func (p *Parts) RootFS(ctx context.Context, flavour Flavour) (string, error) {
	dir, err := p.installed(ctx, "base-"+string(flavour))
	return filepath.Join(dir, "rootfs"), err
}

// BaseImage pushes a flavour's base image to the Registry, once, and returns
// its reference, such as localhost:5000/mysql:9.7.
func (p *Parts) BaseImage(ctx context.Context, flavour Flavour) (string, error) {
	return p.bases[flavour.index()].do(ctx, func(ctx context.Context) (string, error) {
		registry, err := p.Registry(ctx)
		if err != nil {
			return "", err
		}
		image, version, err := p.baseImage(ctx, flavour)
		if err != nil {
			return "", fmt.Errorf("make the base image of %s: %w", flavour, err)
		}
		series := strings.Join(strings.Split(version, ".")[:2], ".")
		ref, err := name.ParseReference(fmt.Sprintf("%s/%s:%s", registry.Host, flavour, series))
		if err != nil {
			return "", err
		}
		if err := remote.Write(ref, image, remote.WithContext(ctx)); err != nil {
			return "", fmt.Errorf("push the base image %s: %w", ref, err)
		}
		p.logf("pushed the base image %s", ref)
		return ref.String(), nil
	})
}

// baseImage assembles the image and returns it with the server's version.
func (p *Parts) baseImage(ctx context.Context, flavour Flavour) (v1.Image, string, error) {
	dir, err := p.installed(ctx, "base-"+string(flavour))
	if err != nil {
		return nil, "", err
	}
	repo, err := p.Repo(ctx)
	if err != nil {
		return nil, "", err
	}
	raw, err := os.ReadFile(filepath.Join(dir, "version"))
	if err != nil {
		return nil, "", err
	}
	version := strings.TrimSpace(string(raw))
	raw, err = os.ReadFile(filepath.Join(repo, "images", "base", string(flavour), "config.json"))
	if err != nil {
		return nil, "", err
	}
	var config v1.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, "", err
	}
	config.Env = append(config.Env, strings.ToUpper(string(flavour))+"_VERSION="+version)
	layer, err := tarball.LayerFromFile(filepath.Join(dir, "layer.tar.gz"), tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, "", err
	}
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	image, err = mutate.AppendLayers(image, layer)
	if err != nil {
		return nil, "", err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, "", err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, config
	image, err = mutate.ConfigFile(image, file)
	return image, version, err
}
