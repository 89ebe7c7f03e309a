package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
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
	entrypointConfig, err := json.Marshal(plan.Entrypoint{
		Flavour:  bs.Flavour,
		Server:   bs.Server,
		Client:   bs.Client,
		User:     bs.User,
		UID:      bs.UID,
		GID:      bs.GID,
		Socket:   bs.Socket,
		DataDir:  b.file.DataDir,
		Pristine: plan.PristineDir,
	})
	if err != nil {
		return llb.State{}, fmt.Errorf("write %s: %w", plan.EntrypointConfig, err)
	}
	if !path.IsAbs(bs.OptionFile) {
		return llb.State{}, fmt.Errorf("the base's option files include no directory to put settings into (%q)", bs.OptionFile)
	}
	action := mkdirs(plan.EntrypointPath, plan.EntrypointConfig, bs.OptionFile).
		Copy(b.agent.state, entrypoint, plan.EntrypointPath, &llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o755}}, llb.WithUIDGID(0, 0)).
		Mkfile(plan.EntrypointConfig, 0o644, append(entrypointConfig, '\n')).
		Mkfile(bs.OptionFile, 0o644, []byte(bs.OptionPrefix+optionFragment(b.file.DataDir, b.file.Server)))
	opts := []llb.ConstraintsOpt{llb.WithCustomName("[image] entrypoint and server settings")}
	if b.dc.IsNoCache(b.target.name) {
		opts = append(opts, llb.IgnoreCache)
	}
	// Whatever is put into a directory changes the directory's time, so the
	// fixed time is set on a copy of the whole.
	files := llb.Scratch().File(action, opts...)
	copied := llb.Copy(files, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}, llb.WithCreatedTime(b.args.timestamp()))
	return llb.Scratch().File(copied, append(opts, llb.WithCustomName("[internal] give them a fixed time"))...), nil
}

// mkdirs makes the directories above files.
func mkdirs(first string, files ...string) *llb.FileAction {
	action := llb.Mkdir(path.Dir(first), 0o755, llb.WithParents(true))
	for _, file := range files {
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

// optionFragment is the option file of a baked image.
func optionFragment(dataDir string, settings spec.Settings) string {
	var w strings.Builder
	w.WriteString("# Written by dbake.\n[mysqld]\n")
	fmt.Fprintf(&w, "datadir=%s\n", optionValue(dataDir))
	for _, s := range settings {
		if s.Value == "" {
			fmt.Fprintf(&w, "%s\n", s.Name)
			continue
		}
		fmt.Fprintf(&w, "%s=%s\n", s.Name, optionValue(s.Value))
	}
	return w.String()
}

var optionEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, `"`, `\"`)

// optionValue writes a value so that the server's option-file reader gives
// back the same: it takes "#" for a comment, trims spaces and resolves
// backslashes, and quotes that enclose the value are dropped.
func optionValue(v string) string {
	if !strings.ContainsAny(v, "#;'\"\\\n\r\t") && strings.TrimSpace(v) == v {
		return v
	}
	return `"` + optionEscapes.Replace(v) + `"`
}
