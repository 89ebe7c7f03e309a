// Package docker is the builder that restores in the BuildKit inside a Docker
// Engine. It does what package buildkit does, also where that BuildKit is as
// old as Docker Engine 20.10's.
//
// The engine pulls the base by itself: a registry without TLS that is not on
// localhost must be among its insecure-registries.
package docker

import (
	"context"
	"fmt"

	"github.com/moby/buildkit/client"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/buildkit"
	"github.com/dbake/dbake/baker/engine"
)

// Builder restores in one Docker Engine. It implements builder.Builder.
type Builder struct {
	*buildkit.Builder
	client *client.Client
}

var _ builder.Builder = (*Builder)(nil)

// New connects to the BuildKit inside an engine, which stays the caller's. The
// caller closes the builder.
func New(ctx context.Context, e *engine.Client, o buildkit.Options) (*Builder, error) {
	c, err := client.New(ctx, "", client.WithContextDialer(e.DialBuildKit), client.WithSessionDialer(e.DialSession))
	if err != nil {
		return nil, fmt.Errorf("connect to the BuildKit inside the Docker Engine at %s: %w", e.Host(), err)
	}
	if _, err := c.ListWorkers(ctx); err != nil {
		_ = c.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("the BuildKit inside the Docker Engine at %s does not answer: %w", e.Host(), err)
	}
	return &Builder{Builder: buildkit.New(c, o), client: c}, nil
}

// Close ends the connection.
func (b *Builder) Close() error { return b.client.Close() }
