package frontend

import (
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/dbake/dbake/seed/plan"
)

// Names of the targets, for --target.
const (
	targetImage    = "image"
	targetDataDir  = "datadir"
	targetManifest = "manifest"
)

// target is what a build gives.
type target struct {
	name, description string
	// files picks the target's files from the data layer; for the image it
	// is not used.
	files func(restored) llb.State
}

// targets are all targets; the first one is the default.
var targets = []target{
	{targetImage, "the base image with the restored database in it", func(r restored) llb.State { return r.data }},
	{targetDataDir, "the data directory and the manifest alone, for --output type=local", dataDirFiles},
	{targetManifest, "manifest.json alone, for --output type=local", manifestFile},
}

func findTarget(name string) (target, error) {
	if name == "" {
		return targets[0], nil
	}
	names := make([]string, len(targets))
	for i, t := range targets {
		if strings.EqualFold(t.name, name) {
			return t, nil
		}
		names[i] = t.name
	}
	return target{}, fmt.Errorf("there is no target %q; the targets are %s", name, strings.Join(names, ", "))
}

// dataDirFiles leaves out the pristine links, which would double what is
// exported.
func dataDirFiles(r restored) llb.State {
	return llb.Scratch().File(copyAll(r.data, strings.TrimPrefix(plan.PristineDir, "/")), llb.WithCustomName("[datadir] copy the data directory"))
}

func manifestFile(r restored) llb.State {
	name := path.Base(plan.ManifestPath)
	return llb.Scratch().File(llb.Copy(r.data, plan.ManifestPath, "/"+name), llb.WithCustomName("[manifest] copy "+name))
}

// copyAll copies everything in st, with owners, modes and times as they are.
func copyAll(st llb.State, exclude ...string) *llb.FileAction {
	return llb.Copy(st, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true, ExcludePatterns: exclude})
}
