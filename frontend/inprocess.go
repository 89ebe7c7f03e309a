package frontend

import (
	"context"

	gwclient "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/dbake/dbake/seed/plan"
)

// Data is a restored data layer without the image around it.
type Data struct {
	Resolved plan.Resolved
	// Manifest is the manifest of the layer as compact JSON.
	Manifest []byte
	// Layer has the layer's files at their paths in the image. It lives as
	// long as the build.
	Layer gwclient.Reference
}

// Resolve says what the dumps are right now and what server the base has. It is
// to be called inside of client.Client.Build, as is Restore. An error that
// belongs to a place in the file is or wraps a *spec.Error.
func Resolve(ctx context.Context, c gwclient.Client, o Options) (plan.Resolved, error) {
	b, bases, err := open(ctx, c, o)
	if err != nil {
		return plan.Resolved{}, err
	}
	return b.resolve(ctx, b.ownBase(bases))
}

// Restore resolves and restores. The caller makes what it likes of the layer;
// nothing of the file's image section is looked at.
func Restore(ctx context.Context, c gwclient.Client, o Options) (*Data, error) {
	b, bases, err := open(ctx, c, o)
	if err != nil {
		return nil, err
	}
	b.warnUnused(ctx)
	rs, err := b.bakeData(ctx, b.ownBase(bases))
	if err != nil {
		return nil, err
	}
	return &Data{Resolved: rs.resolved, Manifest: rs.manifest, Layer: rs.layer}, nil
}

// open prepares a build that makes no image.
func open(ctx context.Context, c gwclient.Client, o Options) (*bake, map[string]base, error) {
	dc, src, err := read(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	b, err := newBake(ctx, c, dc, src, o)
	if err != nil {
		return nil, nil, err
	}
	bases, err := b.loadBases(ctx)
	return b, bases, err
}
