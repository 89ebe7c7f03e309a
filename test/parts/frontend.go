package parts

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// FrontendImage builds the frontend image from the clone's sources, pushes it
// to the Registry, once, and returns its reference for the "# syntax=" line.
//
// It takes the road that the README shows, with one difference: the programs
// are compiled here, with this machine's build cache, and take the place of
// the Dockerfile's build stage, whose compiler image is on a registry that
// test machines need not reach.
func (p *Parts) FrontendImage(ctx context.Context) (string, error) {
	return p.frontend.do(ctx, func(ctx context.Context) (string, error) {
		registry, err := p.Registry(ctx)
		if err != nil {
			return "", err
		}
		repo, err := p.Repo(ctx)
		if err != nil {
			return "", err
		}
		dist := filepath.Join(p.root, "dist")
		if _, err := output(exec.CommandContext(ctx, filepath.Join(repo, "hack", "dist"), dist)); err != nil {
			return "", fmt.Errorf("compile the frontend image's programs: %w", err)
		}
		ref := registry.Host + "/dbake-frontend:dev"
		_, err = p.Buildx(ctx, "build", "--build-context", "build="+dist, "--target", "frontend",
			"--tag", ref, "--push", "--provenance=false", "--progress=plain", repo)
		if err != nil {
			return "", fmt.Errorf("build the frontend image: %w", err)
		}
		p.logf("pushed the frontend image %s", ref)
		return ref, nil
	})
}
