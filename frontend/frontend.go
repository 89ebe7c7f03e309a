// Package frontend turns a dbake.yaml into an image, as a BuildKit frontend:
// dbake.yaml → LLB → layers and image config.
//
// A build has four parts. The base image's config is read; an exec asks the
// agent what the dumps are right now ("resolve", see plan.Resolve); a second
// exec restores exactly those dumps into a data directory that becomes a layer
// of its own ("restore", see plan.Restore); and the base, a small layer with
// the entrypoint and its settings, and the data layer are put together.
//
// The package runs inside the frontend image (see Build), or inside any
// program that drives BuildKit through its Go client: New makes whole images,
// Resolve and Restore are for a program that puts the image together itself.
package frontend

import (
	"context"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/dbake/dbake/seed/check"
	"github.com/dbake/dbake/spec"
)

// DefaultFilename is the build definition that is read when the client names
// none.
const DefaultFilename = "dbake.yaml"

// Options adapt the frontend to the program that runs it.
type Options struct {
	// Agent is the root of the frontend image for the build platform:
	// bin/dbake-seed, entrypoint/linux_<arch>/dbake-entrypoint and
	// etc/ssl/certs/ca-certificates.crt. Nil: the image that BuildKit runs
	// this frontend from.
	Agent *llb.State
	// NoMerge assembles images by copying even where BuildKit can merge
	// layers. It is there for tests of that path.
	NoMerge bool
	// File is the build definition where the caller has parsed it already;
	// what the client sends then only serves to show lines of it. Nil: what
	// the client sends is parsed.
	File *spec.File
	// Base is the reference to use for the file's base, such as the same with
	// a digest. Empty: the file's own.
	Base string
}

// Build runs one build with default Options. It is the function to hand to
// grpcclient.RunFromEnvironment.
func Build(ctx context.Context, c gwclient.Client) (*gwclient.Result, error) {
	return New(Options{})(ctx, c)
}

// New returns a build function for BuildKit's client.Client.Build. The
// function may be called any number of times, also at the same time.
func New(o Options) gwclient.BuildFunc {
	return func(ctx context.Context, c gwclient.Client) (*gwclient.Result, error) {
		return build(ctx, c, o)
	}
}

func build(ctx context.Context, c gwclient.Client, o Options) (*gwclient.Result, error) {
	dc, src, err := read(ctx, c)
	if err != nil {
		return nil, err
	}
	if res, done, err := dc.HandleSubrequest(ctx, subrequests(dc, src)); err != nil || done {
		return res, err
	}
	b, err := newBake(ctx, c, dc, src, o)
	if err != nil {
		return nil, err
	}
	b.warnUnused(ctx)
	b.warnCompression(ctx)
	return b.run(ctx)
}

// read takes the client's options and build definition.
func read(ctx context.Context, c gwclient.Client) (*dockerui.Client, *dockerui.Source, error) {
	if opts := c.BuildOpts().Opts; opts != nil && opts["filename"] == "" {
		opts["filename"] = DefaultFilename
	}
	dc, err := dockerui.NewClient(c)
	if err != nil {
		return nil, nil, fmt.Errorf("this builder cannot run dbake: %w", err)
	}
	src, err := dc.ReadEntrypoint(ctx, "YAML")
	if err != nil {
		return nil, nil, fmt.Errorf("read the build definition: %w", err)
	}
	return dc, src, nil
}

// newBake prepares a build of src.
func newBake(ctx context.Context, c gwclient.Client, dc *dockerui.Client, src *dockerui.Source, o Options) (*bake, error) {
	args, err := readArgs(dc.BuildArgs)
	if err != nil {
		return nil, err
	}
	file := o.File
	if file == nil {
		if file, err = spec.Parse(src.Filename, src.Data, args.values); err != nil {
			return nil, specError(src.SourceMap, err)
		}
		if err := check.File(src.Filename, file); err != nil {
			return nil, specError(src.SourceMap, err)
		}
	}
	tgt, err := findTarget(dc.Target)
	if err != nil {
		return nil, err
	}
	b := &bake{c: c, dc: dc, src: source{Source: src, file: file}, file: file, args: args, target: tgt, baseRef: o.Base}
	b.merge = !o.NoMerge && canMerge(c.BuildOpts().LLBCaps)
	if b.agent, err = findAgent(ctx, c, dc, o.Agent); err != nil {
		return nil, err
	}
	return b, nil
}

// bake is one build: what is known before its first step. It is not changed
// after that, so its methods may run at the same time.
type bake struct {
	c      gwclient.Client
	dc     *dockerui.Client
	src    source
	file   *spec.File
	args   buildArgs
	agent  agent
	target target
	// merge says that the builder puts layers together without a copy.
	merge bool
	// baseRef replaces the file's base, unless empty.
	baseRef string
}

// warnUnused tells the user which arguments of the command line have no effect.
func (b *bake) warnUnused(ctx context.Context) {
	for _, name := range b.args.unused(b.src.Data) {
		b.src.warn(ctx, "", fmt.Sprintf("build argument %s is not used by %s", name, b.src.Filename))
	}
}

// warnCompression tells the user that BuildKit's exporter compresses, not dbake.
func (b *bake) warnCompression(ctx context.Context) {
	if b.file.Image.Compression != "" {
		b.src.warn(ctx, "image.compression", fmt.Sprintf("image.compression is for \"dbake bake\"; "+
			"with buildx say --output type=image,compression=%[1]s,force-compression=true", b.file.Image.Compression))
	}
}
