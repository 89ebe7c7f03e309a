// Package buildkit is the builder that restores in a BuildKit: a buildkitd,
// wherever it runs, or any builder of buildx. The frontend runs in this
// process, so that no frontend image is needed; the data directory comes back
// as a stream.
//
// The BuildKit pulls the base by itself, with this machine's credentials: a
// registry without TLS that is not on localhost must be named in its own
// configuration.
package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/moby/buildkit/client"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/frontend"
	"github.com/dbake/dbake/seed/plan"
)

// Options adapt a Builder.
type Options struct {
	// Agent is a directory on this machine in the layout of the frontend
	// image's root, for an architecture (GOARCH): the builder's, or empty for a
	// builder that does not say (see frontend.Options). It is asked for at each
	// Resolve and Restore.
	Agent func(ctx context.Context, arch string) (dir string, err error)
	// Network is the steps' network: "host", "none", or empty for the
	// builder's default. A BuildKit has to allow "host".
	Network string
	// CacheFrom and CacheTo are external caches, as docker buildx takes them:
	// restores are found in the former and put into the latter.
	CacheFrom, CacheTo []client.CacheOptionsEntry
	// SpillDir is where the data directory is kept until it is closed; empty:
	// the folder for temporary files.
	SpillDir string
}

// Builder restores in one BuildKit. It implements builder.Builder.
type Builder struct {
	client  *client.Client
	options Options
}

// New makes a builder of a client, which stays the caller's.
func New(c *client.Client, o Options) *Builder {
	return &Builder{client: c, options: o}
}

var _ builder.Builder = (*Builder)(nil)

// Resolve implements builder.Builder.
func (b *Builder) Resolve(ctx context.Context, o builder.Order, w progress.Writer) (plan.Resolved, error) {
	var resolved plan.Resolved
	r, err := b.newRun(ctx, o)
	if err != nil {
		return resolved, err
	}
	err = r.build(ctx, w, func(ctx context.Context, c gwclient.Client, fo frontend.Options) (*gwclient.Result, error) {
		var err error
		if resolved, err = frontend.Resolve(ctx, c, fo); err != nil {
			return nil, err
		}
		return gwclient.NewResult(), nil
	})
	return resolved, err
}

// Restore implements builder.Builder.
func (b *Builder) Restore(ctx context.Context, o builder.Order, w progress.Writer) (*builder.Restored, error) {
	r, err := b.newRun(ctx, o)
	if err != nil {
		return nil, err
	}
	down := startDownload(b.options.SpillDir)
	r.opt.Exports = []client.ExportEntry{{Type: client.ExporterTar, Output: down.output}}
	r.opt.CacheExports = b.options.CacheTo
	r.begun = &down.begun
	restored := &builder.Restored{}
	err = r.build(ctx, w, func(ctx context.Context, c gwclient.Client, fo frontend.Options) (*gwclient.Result, error) {
		data, err := frontend.Restore(ctx, c, fo)
		if err != nil {
			return nil, err
		}
		restored.Resolved, restored.Manifest = data.Resolved, data.Manifest
		res := gwclient.NewResult()
		res.SetRef(data.Layer)
		return res, nil
	})
	if restored.Data, err = down.finish(err); err != nil {
		return nil, err
	}
	restored.Close = restored.Data.Close
	return restored, nil
}

// download is a data directory that comes in.
type download struct {
	writer *io.PipeWriter
	begun  atomic.Bool // the builder has begun to send
	done   chan struct{}
	tree   *tree.Tree
	err    error
}

// startDownload waits for the stream in the background, until finish.
func startDownload(spillDir string) *download {
	r, w := io.Pipe()
	d := &download{writer: w, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		d.tree, d.err = tree.FromTar(r, spillDir)
		// The other end learns why nobody reads any more.
		_ = r.CloseWithError(d.err)
	}()
	return d
}

// output is BuildKit's exporter's way to the stream.
func (d *download) output(map[string]string) (io.WriteCloser, error) {
	d.begun.Store(true)
	return d.writer, nil
}

// errNoData ends a download whose build failed, or gave nothing.
var errNoData = errors.New("the builder sent no data directory")

// finish returns what came in after a build that ended with err.
func (d *download) finish(err error) (*tree.Tree, error) {
	_ = d.writer.CloseWithError(errNoData) // no matter after the stream's end
	<-d.done
	switch {
	case d.err != nil && !errors.Is(d.err, errNoData):
		// The builder's complaint only follows from it.
		return nil, fmt.Errorf("take the data directory from the builder: %w", d.err)
	case err == nil:
		return d.tree, d.err
	case d.tree != nil:
		return nil, errors.Join(err, d.tree.Close())
	}
	return nil, err
}
