package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// emptyJSON is the media type of the configuration of artefacts without one; the
// blob is "{}" (image-spec, manifest.md, "Guidance for an Empty Descriptor").
const emptyJSON = types.MediaType("application/vnd.oci.empty.v1+json")

// Attachment is a document about an image, such as its SBOM, to be found by the
// image's digest: a referrer of OCI 1.1.
type Attachment struct {
	// Subject is the manifest that the document is about; it needs not be in
	// the registry yet.
	Subject v1.Descriptor
	// ArtifactType says what it is: "application/spdx+json".
	ArtifactType string
	// MediaType is that of Payload; empty: ArtifactType.
	MediaType string
	// Annotations go into the manifest.
	Annotations map[string]string
	Payload     []byte
}

// Manifest is the attachment's manifest: an image manifest with an artifact type
// and a subject, whose only layer is the payload.
func (a Attachment) Manifest() (raw []byte, desc v1.Descriptor, err error) {
	subject := v1.Descriptor{MediaType: a.Subject.MediaType, Size: a.Subject.Size, Digest: a.Subject.Digest}
	config := []byte("{}")
	raw, err = json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		ArtifactType:  a.ArtifactType,
		Config:        v1.Descriptor{MediaType: emptyJSON, Size: int64(len(config)), Digest: hashOf(config), Data: config},
		Layers:        []v1.Descriptor{{MediaType: a.mediaType(), Size: int64(len(a.Payload)), Digest: hashOf(a.Payload)}},
		Subject:       &subject,
		Annotations:   a.Annotations,
	})
	if err != nil {
		return nil, desc, fmt.Errorf("write the manifest of the attachment: %w", err)
	}
	return raw, v1.Descriptor{
		MediaType: types.OCIManifestSchema1, Size: int64(len(raw)), Digest: hashOf(raw),
		ArtifactType: a.ArtifactType, Annotations: a.Annotations,
	}, nil
}

func (a Attachment) mediaType() types.MediaType {
	if a.MediaType != "" {
		return types.MediaType(a.MediaType)
	}
	return types.MediaType(a.ArtifactType)
}

// Blobs are what the attachment's manifest names.
func (a Attachment) Blobs() []v1.Layer {
	return []v1.Layer{static.NewLayer([]byte("{}"), emptyJSON), static.NewLayer(a.Payload, a.mediaType())}
}

// Attach pushes a document about an image into every target repository. Where
// the registry does not list referrers by itself, it is entered in the index
// under the tag that stands in for the list ("sha256-<hex>"; distribution-spec,
// "Referrers Tag Schema"): readers look there.
func (p *Push) Attach(ctx context.Context, a Attachment) error {
	raw, desc, err := a.Manifest()
	if err != nil {
		return err
	}
	for _, layer := range a.Blobs() {
		if err := p.Blob(ctx, layer); err != nil {
			return err
		}
	}
	p.attaching.Lock()
	defer p.attaching.Unlock()
	for _, t := range p.targets {
		s := p.session(t)
		answer, err := s.putManifest(ctx, desc.Digest.String(), raw, desc.MediaType)
		if err != nil {
			return err
		}
		if answer.header.Get("OCI-Subject") != "" {
			continue
		}
		if err := s.list(ctx, a.Subject.Digest, desc); err != nil {
			return err
		}
	}
	return nil
}

// list adds a referrer to the index under the subject's tag.
func (s *session) list(ctx context.Context, subject v1.Hash, desc v1.Descriptor) error {
	tag := subject.Algorithm + "-" + subject.Hex
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	raw, there, err := s.manifest(ctx, tag)
	switch {
	case statusOf(err) == http.StatusNotFound:
	case err != nil:
		return err
	case there.MediaType != types.OCIImageIndex:
		return fmt.Errorf("attach to %s (%s): the tag %s is not the list of referrers that it should be, but a %s", short(subject), familiar(s.repo), tag, there.MediaType)
	default:
		parsed, err := v1.ParseIndexManifest(bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("read the list of referrers %s (%s): %w", tag, familiar(s.repo), err)
		}
		index = *parsed
	}
	if slices.ContainsFunc(index.Manifests, func(d v1.Descriptor) bool { return d.Digest == desc.Digest }) {
		return nil
	}
	index.Manifests = append(index.Manifests, desc)
	raw, err = json.Marshal(index)
	if err != nil {
		return fmt.Errorf("write the list of referrers: %w", err)
	}
	_, err = s.putManifest(ctx, tag, raw, types.OCIImageIndex)
	return err
}
