package parts

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Dist compiles dbake's programs from the clone's sources, once, and returns the
// folder they are in: see hack/dist.
func (p *Parts) Dist(ctx context.Context) (string, error) {
	return p.dist.do(ctx, func(ctx context.Context) (string, error) {
		repo, err := p.Repo(ctx)
		if err != nil {
			return "", err
		}
		dist := filepath.Join(p.root, "dist")
		if _, err := output(exec.CommandContext(ctx, filepath.Join(repo, "hack", "dist"), dist)); err != nil {
			return "", fmt.Errorf("compile dbake: %w", err)
		}
		return dist, nil
	})
}

// Baker is dbake's own program, with all it needs inside.
func (p *Parts) Baker(ctx context.Context) (string, error) {
	dist, err := p.Dist(ctx)
	return filepath.Join(dist, "out", "bin", "dbake"), err
}

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
		dist, err := p.Dist(ctx)
		if err != nil {
			return "", err
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
