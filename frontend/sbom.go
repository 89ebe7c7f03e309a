package frontend

import (
	"context"
	"fmt"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/attestations/sbom"
	"github.com/moby/buildkit/frontend/dockerui"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// scanner makes the SBOM attestations of a build with --sbom. A nil scanner
// makes none.
type scanner struct {
	scan sbom.Scanner

	mu     sync.Mutex
	states map[string]llb.State
}

func (b *bake) scanner(ctx context.Context) (*scanner, error) {
	if b.dc.SBOM == nil {
		return nil, nil
	}
	p := b.dc.BuildPlatforms[0]
	scan, err := sbom.CreateSBOMScanner(ctx, b.c, b.dc.SBOM.Generator, p, sourceresolver.Opt{
		ImageOpt: &sourceresolver.ResolveImageOpt{ResolveMode: b.dc.ImageResolveMode.String(), Platform: &p},
	}, b.dc.SBOM.Parameters)
	if err != nil {
		return nil, fmt.Errorf("prepare the SBOM scanner %s: %w", b.dc.SBOM.Generator, err)
	}
	return &scanner{scan: scan, states: map[string]llb.State{}}, nil
}

// add notes what is to be scanned for a platform. It may be called from
// several goroutines.
func (s *scanner) add(p ocispecs.Platform, st llb.State) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[platformKey(p)] = st
}

// attest adds the attestations to the result.
func (s *scanner) attest(ctx context.Context, b *bake, rb *dockerui.ResultBuilder) error {
	if s == nil {
		return nil
	}
	return rb.EachPlatform(ctx, func(ctx context.Context, id string, p ocispecs.Platform) error {
		s.mu.Lock()
		st, ok := s.states[platformKey(p)]
		s.mu.Unlock()
		if !ok {
			return fmt.Errorf("there is nothing to scan for platform %s", id)
		}
		att, err := s.scan(ctx, id, st, nil)
		if err != nil {
			return fmt.Errorf("scan for the SBOM of %s: %w", id, err)
		}
		solved, err := result.ConvertAttestation(&att, func(st *llb.State) (gwclient.Reference, error) {
			return b.solve(ctx, *st, false)
		})
		if err != nil {
			return err
		}
		rb.AddAttestation(id, *solved)
		return nil
	})
}
