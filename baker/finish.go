package baker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/dbake/dbake/baker/attest"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/registry/content"
	"github.com/dbake/dbake/frontend/imageconfig"
)

// finish hands the images over and says what came of it.
func (b *bake) finish(ctx context.Context, d *data, refs []string, images []platformImage) (*Result, error) {
	r := &Result{
		Refs: refs, Resolved: d.resolved, Manifest: d.parsed, Reused: d.reused,
		Base: b.own.config.Name, BaseDigest: b.own.config.Digest, Layers: max(len(d.layers)-1, 0),
	}
	for _, p := range images {
		r.Platforms = append(r.Platforms, p.platform.String())
	}
	for _, l := range d.layers {
		size, err := l.Size()
		if err != nil {
			return nil, fmt.Errorf("describe a layer: %w", err)
		}
		r.DataBytes += size
	}
	var m content.Manifest = images[0].image
	if len(images) > 1 {
		m = index(images, imageconfig.SourceLabels(d.resolved))
	}
	var err error
	if r.Digest, err = m.Digest(); err != nil {
		return nil, fmt.Errorf("describe the image: %w", err)
	}
	if r.ConfigDigest, err = images[0].image.ConfigName(); err != nil {
		return nil, fmt.Errorf("describe the image: %w", err)
	}
	attachments, err := b.attachments(ctx, r, m)
	if err != nil {
		return nil, err
	}
	return r, b.sink.finish(ctx, m, attachments)
}

// attachments are the provenance and the SBOM of what is pushed.
func (b *bake) attachments(ctx context.Context, r *Result, m content.Manifest) ([]registry.Attachment, error) {
	if b.Output.Kind == OutputDocker { // it keeps no referrers
		return nil, nil
	}
	subject, err := partial.Descriptor(m)
	if err != nil {
		return nil, fmt.Errorf("describe the image: %w", err)
	}
	in := b.attestation(r)
	if b.SBOM {
		if in.Packages, err = b.packages(ctx); err != nil {
			return nil, err
		}
	}
	var list []registry.Attachment
	for _, kind := range []struct {
		wanted      bool
		mediaType   string
		write       func(attest.Input) ([]byte, error)
		annotations map[string]string
	}{
		{b.Provenance, attest.ProvenanceType, attest.Provenance, map[string]string{attest.PredicateAnnotation: attest.PredicateProvenance}},
		{b.SBOM, attest.SBOMType, attest.SBOM, nil},
	} {
		if !kind.wanted {
			continue
		}
		payload, err := kind.write(in)
		if err != nil {
			return nil, err
		}
		a := registry.Attachment{Subject: *subject, ArtifactType: kind.mediaType, Annotations: kind.annotations, Payload: payload}
		_, desc, err := a.Manifest()
		if err != nil {
			return nil, err
		}
		if r.Attached == nil {
			r.Attached = map[string]string{}
		}
		r.Attached[kind.mediaType] = desc.Digest.String()
		list = append(list, a)
	}
	return list, nil
}

func (b *bake) attestation(r *Result) attest.Input {
	definition := sha256.Sum256(b.Data)
	in := attest.Input{
		Digest: r.Digest.String(), Platforms: r.Platforms, File: b.Name, Definition: hex.EncodeToString(definition[:]),
		Base: r.Base, BaseDigest: r.BaseDigest, Resolved: r.Resolved, Builder: b.BuilderName, Version: b.Version,
		Started: b.started, Ended: time.Now(), OtherBases: map[string]string{},
	}
	for _, p := range b.Platforms {
		if bs := b.bases[p.String()]; bs != b.own {
			in.OtherBases[p.String()] = bs.config.Digest
		}
	}
	seen := map[string]bool{}
	for _, ref := range r.Refs {
		tag, err := name.NewTag(ref)
		if err != nil || seen[tag.Context().Name()] {
			continue
		}
		seen[tag.Context().Name()] = true
		in.Names = append(in.Names, tag.Context().Name())
	}
	return in
}

// rooted is a builder that has the base's files on this machine.
type rooted interface {
	// BaseFiles gives an image's root file system, to be read until done is called.
	BaseFiles(ctx context.Context, img v1.Image) (files fs.FS, done func() error, err error)
}

// packages are the base's, where the builder has its files at hand; the base is not
// pulled for them.
func (b *bake) packages(ctx context.Context) ([]attest.Package, error) {
	r, ok := b.Builder.(rooted)
	if !ok {
		return nil, nil
	}
	files, done, err := r.BaseFiles(ctx, b.own.image)
	if err != nil {
		return nil, err
	}
	list, err := attest.Packages(files)
	return list, errors.Join(err, done())
}
