package frontend

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/dbake/dbake/seed/plan"
)

// Paths in the frontend image.
const (
	agentSeed  = "/bin/dbake-seed"
	agentCerts = "/etc/ssl/certs/ca-certificates.crt"
)

// agent is the root of the frontend image: what runs inside the steps and the
// entrypoints that go into images.
type agent struct {
	state llb.State
}

// currentFrontend is on the client that talks to BuildKit from inside the
// frontend image, but not in gwclient.Client.
type currentFrontend interface {
	CurrentFrontend() (*llb.State, error)
}

// findAgent says where the agent comes from: the caller, BuildKit's record of
// the image that this frontend runs from, or, where BuildKit keeps no record
// (Docker Engine 20.10), the reference in the file's syntax line.
func findAgent(ctx context.Context, c gwclient.Client, dc *dockerui.Client, own *llb.State) (agent, error) {
	if own != nil {
		return agent{state: *own}, nil
	}
	if cf, ok := c.(currentFrontend); ok {
		st, err := cf.CurrentFrontend()
		if err != nil {
			return agent{}, fmt.Errorf("find the frontend's own image: %w", err)
		}
		if st != nil {
			return agent{state: *st}, nil
		}
	}
	ref := dc.BuildOpts().Opts["source"]
	if ref == "" {
		return agent{}, errors.New("this builder does not say which image the frontend runs from; " +
			"update BuildKit, or name the frontend in the file's first line: # syntax=<registry>/dbake-frontend:<tag>")
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return agent{}, fmt.Errorf("find the frontend's own image: reference %q: %w", ref, err)
	}
	named = reference.TagNameOnly(named)
	_, dgst, _, err := c.ResolveImageConfig(ctx, named.String(), sourceresolver.Opt{
		LogName:  "[internal] load metadata for " + ref,
		ImageOpt: &sourceresolver.ResolveImageOpt{ResolveMode: dc.ImageResolveMode.String()},
	})
	if err != nil {
		return agent{}, fmt.Errorf("find the frontend's own image %s: %w", ref, err)
	}
	if dgst != "" {
		if named, err = reference.WithDigest(named, dgst); err != nil {
			return agent{}, fmt.Errorf("find the frontend's own image %s: %w", ref, err)
		}
	}
	return agent{state: llb.Image(named.String(), dc.ImageResolveMode, llb.WithCustomName("[internal] load the agent from "+ref))}, nil
}

// mounts bring the agent into a step. Only the two files it needs are mounted,
// because their content is part of the step's cache key: a frontend image that
// differs in anything else restores nothing again.
func (a agent) mounts() []llb.RunOption {
	return []llb.RunOption{
		llb.AddMount(plan.AgentDir+agentSeed, a.state, llb.Readonly, llb.SourcePath(agentSeed)),
		llb.AddMount(plan.AgentDir+agentCerts, a.state, llb.Readonly, llb.SourcePath(agentCerts)),
		llb.AddEnv("SSL_CERT_FILE", plan.AgentDir+agentCerts),
	}
}

// entrypoint returns the path of the entrypoint for images of platform p in
// the frontend image, which holds one for each platform it knows.
func (b *bake) entrypoint(ctx context.Context, p ocispecs.Platform) (string, error) {
	candidates := []string{path.Join("/entrypoint", p.OS+"_"+p.Architecture, "dbake-entrypoint")}
	if build := b.dc.BuildPlatforms[0]; build.OS == p.OS && build.Architecture == p.Architecture {
		candidates = append(candidates, "/bin/dbake-entrypoint")
	}
	ref, err := b.solve(ctx, b.agent.state, false)
	if err != nil {
		return "", fmt.Errorf("look into the frontend image: %w", err)
	}
	for _, file := range candidates {
		if _, err := ref.StatFile(ctx, gwclient.StatRequest{Path: file}); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("the frontend image has no entrypoint for %s/%s, so no image can be made for that platform", p.OS, p.Architecture)
}
