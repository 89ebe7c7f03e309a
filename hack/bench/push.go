package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/hack/bench/dataset"
	"github.com/dbake/dbake/test/parts"
)

// pushWay is one way from a finished data directory to an image in a registry.
type pushWay struct {
	name, text string
	run        func(b *pushBench, ctx context.Context, ref string) (pushSample, error)
	samples    []pushSample
}

// pushSample is one measurement: the time until all of the data was in layers
// on this machine, until the tag was in the registry, and the bytes of the
// layers that the base has not.
type pushSample struct {
	packed, total time.Duration
	bytes         int64
}

// median gives the sample in the middle.
func (w *pushWay) median() pushSample {
	sorted := slices.SortedFunc(slices.Values(w.samples), func(a, b pushSample) int { return cmp.Compare(a.total, b.total) })
	return sorted[(len(sorted)-1)/2]
}

func pushWays() []*pushWay {
	return []*pushWay{
		{
			name: "docker commit + push", text: "`docker commit` of a container that holds the data directory, `docker push`",
			run: (*pushBench).docker,
		},
		{
			name: "dbake", text: "dbake's layers (zstd) and push, the base mounted from its repository",
			run: func(b *pushBench, ctx context.Context, ref string) (pushSample, error) {
				return b.dbake(ctx, ref, layer.Zstd)
			},
		},
		{
			name: "dbake, gzip", text: "the same with `image.compression: gzip`",
			run: func(b *pushBench, ctx context.Context, ref string) (pushSample, error) {
				return b.dbake(ctx, ref, layer.Gzip)
			},
		},
	}
}

// pushBench is one round: a registry and an engine that have seen nothing yet
// but the base image, so that nobody is fast by knowing a layer.
type pushBench struct {
	parts *parts.Parts
	root  string // has data/mysql
	base  string // reference
}

// measurePush restores the dump once and pushes what came out in all ways, in
// turns.
func measurePush(ctx context.Context, out io.Writer, set *dataset.Set, runs int, scratch string) (_ []*pushWay, err error) {
	p, err := parts.Start(ctx, parts.Options{Dir: scratch})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }() //nolint:contextcheck // what has started is stopped, whatever ended
	seed, err := p.Seed(ctx)
	if err != nil {
		return nil, err
	}
	baked, err := seed.Restore(ctx, parts.MySQL, parts.Order{Dumps: []string{set.Dump()}})
	if err != nil {
		return nil, err
	}
	root := filepath.Join(baked.DataDir(), "../..")
	ways := pushWays()
	for round := range runs {
		order := slices.Clone(ways)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		if err := pushRound(ctx, out, order, root, scratch); err != nil {
			return nil, err
		}
	}
	return ways, nil
}

func pushRound(ctx context.Context, out io.Writer, ways []*pushWay, root, scratch string) (err error) {
	p, err := parts.Start(ctx, parts.Options{Dir: scratch})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }() //nolint:contextcheck // what has started is stopped, whatever ended
	b := &pushBench{parts: p, root: root}
	if b.base, err = p.BaseImage(ctx, parts.MySQL); err != nil {
		return err
	}
	if _, err := p.Docker(ctx, "pull", "--quiet", b.base); err != nil {
		return err
	}
	host, _, _ := strings.Cut(b.base, "/")
	for i, w := range ways {
		s, err := w.run(b, ctx, fmt.Sprintf("%s/pushed-%d:latest", host, i))
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		w.samples = append(w.samples, s)
		fmt.Fprintf(out, "%-22s %7.2f s (packed after %.2f s), %.1f MB pushed\n", w.name, s.total.Seconds(), s.packed.Seconds(), mega(s.bytes))
	}
	return nil
}

// docker is what pipelines do: the data directory is in a container.
func (b *pushBench) docker(ctx context.Context, ref string) (s pushSample, err error) {
	id, err := b.parts.Docker(ctx, "create", b.base)
	if err != nil {
		return s, err
	}
	id = strings.TrimSpace(id)
	if _, err := b.parts.Docker(ctx, "cp", "--archive", filepath.Join(b.root, "data"), id+":/"); err != nil {
		return s, err
	}
	settle()
	began := time.Now()
	if _, err := b.parts.Docker(ctx, "commit", id, ref); err != nil {
		return s, err
	}
	s.packed = time.Since(began)
	if _, err := b.parts.Docker(ctx, "push", ref); err != nil {
		return s, err
	}
	s.total = time.Since(began)
	s.bytes, err = b.added(ctx, ref)
	return s, err
}

// dbake is what the baker does with what a builder gives it.
func (b *pushBench) dbake(ctx context.Context, ref string, c layer.Compression) (s pushSample, err error) {
	settle()
	began := time.Now()
	client := registry.New(registry.Options{})
	defer client.Close()
	base, err := client.Image(ctx, b.base, v1.Platform{})
	if err != nil {
		return s, err
	}
	push, err := client.Push([]string{ref})
	if err != nil {
		return s, err
	}
	t, err := tree.FromDir(b.root, nil)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	parts, err := layer.Split(t, layer.SplitOptions{DataDir: "/data/mysql"})
	if err != nil {
		return s, err
	}
	uploads, uploading := errgroup.WithContext(ctx)
	layers, err := layer.Write(uploading, parts, layer.Options{Compression: c, Dir: b.parts.Dir()}, func(_ int, l *layer.Layer) error {
		uploads.Go(func() error { return push.Blob(uploading, l) })
		return nil
	})
	s.packed = time.Since(began)
	if err := errors.Join(err, uploads.Wait()); err != nil {
		return s, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(base.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, l := range layers {
		defer l.Close() //nolint:gocritic // there are few, and they are needed until the push is done
		if image, err = mutate.Append(image, mutate.Addendum{Layer: l}); err != nil {
			return s, err
		}
	}
	if err := push.Commit(ctx, image); err != nil {
		return s, err
	}
	s.total = time.Since(began)
	s.bytes, err = b.added(ctx, ref)
	return s, err
}

// added gives the bytes of an image's layers that the base has not.
func (b *pushBench) added(ctx context.Context, ref string) (int64, error) {
	client := registry.New(registry.Options{})
	defer client.Close()
	var sums [2]int64
	for i, name := range []string{b.base, ref} {
		image, err := client.Image(ctx, name, v1.Platform{})
		if err != nil {
			return 0, err
		}
		m, err := image.Image.Manifest()
		if err != nil {
			return 0, err
		}
		for _, l := range m.Layers {
			sums[i] += l.Size
		}
	}
	return sums[1] - sums[0], nil
}

// writePush writes the report's table.
func (r *report) writePush(w *strings.Builder) {
	if len(r.push) == 0 {
		return
	}
	fmt.Fprintf(w, "\nFrom the finished data directory to a pushed image (a registry on the same machine):\n\n"+
		"| way | seconds | ÷ dbake | packed after | MB pushed |\n|---|--:|--:|--:|--:|\n")
	var own time.Duration
	for _, way := range r.push {
		if way.name == "dbake" {
			own = way.median().total
		}
	}
	for _, way := range r.push {
		s := way.median()
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f | %.1f |\n", way.name, s.total.Seconds(), s.total.Seconds()/own.Seconds(),
			s.packed.Seconds(), mega(s.bytes))
	}
	w.WriteString("\n")
	for _, way := range r.push {
		fmt.Fprintf(w, "- %s: %s.\n", way.name, way.text)
	}
}
