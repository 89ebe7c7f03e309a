package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerui"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
)

// Bounds for files that steps leave for the frontend, in bytes.
const (
	maxResolved = 1 << 20
	maxManifest = 4 << 20
)

// restored is what all platforms of a build share.
type restored struct {
	resolved plan.Resolved
	data     llb.State
	layer    gwclient.Reference // to data, made
	// manifest is the compact manifest.json of the data layer.
	manifest []byte
}

// run carries out the build. The restore runs once, on the builder's own
// platform, since a data directory is the same on all that dbake supports.
func (b *bake) run(ctx context.Context) (*gwclient.Result, error) {
	bases, err := b.loadBases(ctx)
	if err != nil {
		return nil, err
	}
	rs, err := b.bakeData(ctx, b.ownBase(bases))
	if err != nil {
		return nil, err
	}
	scan, err := b.scanner(ctx)
	if err != nil {
		return nil, err
	}
	rb, err := b.dc.Build(ctx, func(ctx context.Context, tp *ocispecs.Platform, _ int) (*dockerui.BuildResult, error) {
		p := b.dc.BuildPlatforms[0]
		if tp != nil {
			p = *tp
		}
		return b.buildPlatform(ctx, bases[platformKey(p)], p, rs, scan)
	})
	if err != nil {
		return nil, err
	}
	if err := scan.attest(ctx, b, rb); err != nil {
		return nil, err
	}
	if b.target.name == targetImage {
		for name, value := range imageconfig.SourceLabels(rs.resolved) {
			rb.AddMeta(exptypes.AnnotationManifestKey(nil, name), []byte(value))
		}
	}
	return rb.Finalize()
}

// ownBase is the base for the builder's own platform, which steps run in.
func (b *bake) ownBase(bases map[string]base) base {
	return bases[platformKey(b.dc.BuildPlatforms[0])]
}

// bakeData resolves the dumps and restores them.
func (b *bake) bakeData(ctx context.Context, own base) (restored, error) {
	rs := restored{}
	files, err := b.loadContextFiles(ctx)
	if err != nil {
		return rs, err
	}
	if rs.resolved, err = b.resolve(ctx, own); err != nil {
		return rs, err
	}
	if rs.data, err = b.restoreStep(own, rs.resolved, files); err != nil {
		return rs, err
	}
	rs.layer, rs.manifest, err = b.restore(ctx, rs.data)
	return rs, err
}

// resolve runs the resolve step and reads its answer.
func (b *bake) resolve(ctx context.Context, bs base) (plan.Resolved, error) {
	var r plan.Resolved
	st, err := b.resolveStep(bs)
	if err != nil {
		return r, err
	}
	ref, err := b.solve(ctx, st, true)
	if err != nil && missingSecret(err) != "" {
		return r, b.explain(ctx, err)
	}
	if err != nil {
		return r, b.src.at("base", fmt.Errorf("look into the base %s and at the dump: %w", bs.name, err))
	}
	if _, err := ref.StatFile(ctx, gwclient.StatRequest{Path: plan.ErrorFile}); err == nil {
		dt, err := readFile(ctx, ref, plan.ErrorFile, maxFailure)
		if err != nil {
			return r, err
		}
		failure := parseFailure(dt)
		if failure == nil {
			return r, errors.New("the resolve step failed; its log says why")
		}
		return r, b.failed(*failure)
	}
	dt, err := readFile(ctx, ref, plan.ResolvedFile, maxResolved)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(dt, &r); err != nil {
		return r, fmt.Errorf("read the answer of the resolve step: %w", err)
	}
	return r, nil
}

// restore runs the restore step, unless it is cached, and returns the data
// layer and the manifest in it.
func (b *bake) restore(ctx context.Context, data llb.State) (gwclient.Reference, []byte, error) {
	ref, err := b.solve(ctx, data, true)
	if err != nil {
		return nil, nil, b.explain(ctx, err)
	}
	dt, err := readFile(ctx, ref, plan.ManifestPath, maxManifest)
	if err != nil {
		return nil, nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, dt); err != nil {
		return nil, nil, fmt.Errorf("read the manifest of the restore step: %w", err)
	}
	b.warnOf(ctx, compact.Bytes())
	return ref, compact.Bytes(), nil
}

// warnOf shows the warnings that the manifest holds: those of a restore that
// is cached are true again.
func (b *bake) warnOf(ctx context.Context, manifest []byte) {
	var m struct{ Warnings []string }
	if err := json.Unmarshal(manifest, &m); err != nil {
		return // the label and the file still have it
	}
	for _, text := range m.Warnings {
		b.src.warn(ctx, "", text)
	}
}

// buildPlatform makes the target's result for one platform.
func (b *bake) buildPlatform(ctx context.Context, bs base, p ocispecs.Platform, rs restored, scan *scanner) (*dockerui.BuildResult, error) {
	st, img := b.target.files(rs), &dockerspec.DockerOCIImage{Image: ocispecs.Image{Platform: p}}
	if b.target.name == targetImage {
		entrypoint, err := b.entrypoint(ctx, p)
		if err != nil {
			return nil, err
		}
		config, err := b.configLayer(rs.resolved.Base, entrypoint)
		if err != nil {
			return nil, err
		}
		st = b.assemble(ctx, bs.state, config, rs.data)
		img = imageconfig.Config(imageconfig.Input{
			File: b.file, Base: bs.config(), Platform: p, Resolved: rs.resolved, Manifest: rs.manifest,
			Created: b.args.epoch, Labels: b.dc.Labels,
		})
	}
	ref, err := b.solve(ctx, st, false)
	if err != nil {
		return nil, fmt.Errorf("put the image together: %w", err)
	}
	scan.add(p, st)
	return &dockerui.BuildResult{Reference: ref, Image: img, BaseImage: bs.image, Epoch: b.args.epoch}, nil
}

// solve hands a state to the builder. Without evaluate the result is made when
// it is first needed, and errors come then.
//
// The build platform is every step's default, also while an image for another
// platform is made: the shared steps must be the same in each of them.
func (b *bake) solve(ctx context.Context, st llb.State, evaluate bool) (gwclient.Reference, error) {
	def, err := st.Marshal(ctx, llb.WithCaps(b.c.BuildOpts().LLBCaps), llb.Platform(b.dc.BuildPlatforms[0]))
	if err != nil {
		return nil, fmt.Errorf("write LLB: %w", err)
	}
	res, err := b.c.Solve(ctx, gwclient.SolveRequest{
		Evaluate:     evaluate,
		Definition:   def.ToPB(),
		CacheImports: b.dc.CacheImports,
	})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

// readFile reads a file of a step's result and refuses one of more than limit
// bytes.
func readFile(ctx context.Context, ref gwclient.Reference, name string, limit int) ([]byte, error) {
	dt, err := ref.ReadFile(ctx, gwclient.ReadRequest{Filename: name, Range: &gwclient.FileRange{Length: limit + 1}})
	if err != nil {
		return nil, fmt.Errorf("read what a step left in %s: %w", name, err)
	}
	if len(dt) > limit {
		return nil, fmt.Errorf("a step left more than %d bytes in %s", limit, name)
	}
	return dt, nil
}
