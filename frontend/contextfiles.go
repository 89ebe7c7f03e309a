package frontend

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/patternmatcher"

	"github.com/dbake/dbake/spec"
)

// contextFiles are the files and dump folders of the build context that the
// restore reads. Each is mounted by itself, so that only their own content is in
// the cache key.
type contextFiles struct {
	state llb.State
	// names are clean, slash-separated and relative to the context's root,
	// each once.
	names []string
}

// loadContextFiles transfers the files to the builder and checks that each is
// there, so that a missing one is an error at its line rather than a failed
// mount.
func (b *bake) loadContextFiles(ctx context.Context) (contextFiles, error) {
	paths := b.contextPaths()
	if len(paths) == 0 {
		return contextFiles{}, nil
	}
	names := make([]string, 0, len(paths))
	for _, p := range paths {
		names = append(names, p.name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	st, err := b.dc.MainContext(ctx, llb.FollowPaths(names), llb.WithCustomName("[internal] load dump and scripts from the build context"))
	if err != nil {
		return contextFiles{}, fmt.Errorf("load the build context: %w", err)
	}
	ref, err := b.solve(ctx, *st, true)
	if err != nil {
		return contextFiles{}, fmt.Errorf("load the build context: %w", err)
	}
	for _, p := range paths {
		if err := b.checkContextFile(ctx, ref, p); err != nil {
			return contextFiles{}, err
		}
	}
	return contextFiles{state: *st, names: names}, nil
}

// contextPath is a file or dump folder of the build context and the key that
// names it.
type contextPath struct {
	key, name string
	folder    bool
}

func (b *bake) contextPaths() []contextPath {
	var paths []contextPath
	known, folders := map[string]string{}, map[string]bool{}
	for i, d := range b.file.Dump {
		known[d.Location.Path] = fmt.Sprintf("dump[%d]", i)
		folders[d.Location.Path] = d.Location.Kind == spec.KindContextFolder
	}
	for i, name := range b.file.After {
		known[name] = fmt.Sprintf("after[%d]", i)
	}
	if b.file.Mask != nil {
		for i, name := range b.file.Mask.SQL {
			known[name] = fmt.Sprintf("mask.sql[%d]", i)
		}
	}
	for _, name := range b.file.ContextFiles() {
		paths = append(paths, contextPath{key: known[name], name: path.Clean(name), folder: folders[name]})
	}
	return paths
}

func (b *bake) checkContextFile(ctx context.Context, ref gwclient.Reference, p contextPath) error {
	st, err := ref.StatFile(ctx, gwclient.StatRequest{Path: p.name})
	switch {
	case err == nil && fs.FileMode(st.Mode).IsDir() && !p.folder:
		return b.src.at(p.key, fmt.Errorf("%s: %s is a directory of the build context; name a file, or write %s/ for a dump folder", p.key, p.name, p.name))
	case err == nil && !fs.FileMode(st.Mode).IsDir() && p.folder:
		return b.src.at(p.key, fmt.Errorf("%s: %s is no directory of the build context; name it without the slash at the end", p.key, p.name))
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return err
	}
	if b.isIgnored(ctx, p.name) {
		return b.src.at(p.key, fmt.Errorf("%s: %s is kept out of the build context by %s; add the line \"!%s\" to it",
			p.key, p.name, dockerui.DefaultDockerignoreName, p.name))
	}
	what := "file"
	if p.folder {
		what = "directory"
	}
	return b.src.at(p.key, fmt.Errorf("%s: there is no %s %s in the build context", p.key, what, p.name))
}

// isIgnored says whether the context's ignore file leaves name out.
func (b *bake) isIgnored(ctx context.Context, name string) bool {
	patterns, err := b.dc.DockerIgnorePatterns(ctx)
	if err != nil || len(patterns) == 0 {
		return false
	}
	ignored, err := patternmatcher.MatchesOrParentMatches(name, patterns)
	return err == nil && ignored
}
