package frontend

import (
	"context"
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"

	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
)

// canMerge says whether the builder can put layers on top of each other
// without copying them. The BuildKit inside a Docker Engine cannot, as long as
// the engine keeps images in its old graph drivers.
func canMerge(caps apicaps.CapSet) bool {
	return caps.Supports(pb.CapMergeOp) == nil
}

// configLayer is the layer with the entrypoint, what it has to know, and the
// option file that makes the base's server serve the data directory however it
// is started.
func (b *bake) configLayer(bs plan.Base, entrypoint string) (llb.State, error) {
	files, err := imageconfig.Files(bs, b.file.DataDir, b.file.Server)
	if err != nil {
		return llb.State{}, err
	}
	names := []string{plan.EntrypointPath}
	for _, f := range files {
		names = append(names, f.Path)
	}
	action := mkdirs(names...).
		Copy(b.agent.state, entrypoint, plan.EntrypointPath, &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o755}}, llb.WithUIDGID(0, 0))
	for _, f := range files {
		action = action.Mkfile(f.Path, 0o644, f.Data)
	}
	opts := []llb.ConstraintsOpt{llb.WithCustomName("[image] entrypoint and server settings")}
	if b.dc.IsNoCache(b.target.name) {
		opts = append(opts, llb.IgnoreCache)
	}
	// Whatever is put into a directory changes the directory's time, so the
	// fixed time is set on a copy of the whole.
	layer := llb.Scratch().File(action, opts...)
	copied := llb.Copy(layer, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}, llb.WithCreatedTime(b.args.timestamp()))
	return llb.Scratch().File(copied, append(opts, llb.WithCustomName("[internal] give them a fixed time"))...), nil
}

// mkdirs makes the directories above files.
func mkdirs(files ...string) *llb.FileAction {
	action := llb.Mkdir(path.Dir(files[0]), 0o755, llb.WithParents(true))
	for _, file := range files[1:] {
		action = action.Mkdir(path.Dir(file), 0o755, llb.WithParents(true))
	}
	return action
}

// assemble puts the layers onto the base.
func (b *bake) assemble(ctx context.Context, bs, config, data llb.State) llb.State {
	if b.merge {
		return llb.Merge([]llb.State{bs, config, data}, llb.WithCustomName("[image] put the layers together"))
	}
	const cost = "this builder cannot merge layers, so the data directory is copied once more"
	b.src.warn(ctx, "", cost+"; a docker-container builder (docker buildx create) or Docker's containerd image store avoids that")
	return bs.
		File(copyAll(config), llb.WithCustomName("[image] copy entrypoint and server settings")).
		File(copyAll(data), llb.WithCustomName("[image] copy the data directory ("+cost+")"))
}
