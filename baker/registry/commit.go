package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/baker/registry/content"
)

// Commit makes the tags point to m, a v1.Image or a v1.ImageIndex. It sends the
// blobs that are missing, then the manifests by their digests, children first,
// then the attachments; it looks whether the registries have all of that; and
// only then it moves all tags, one right after the other. When a tag cannot be
// moved, those before it are put back: see TagsError. Without an error m is
// complete in all repositories and all tags point to it.
func (p *Push) Commit(ctx context.Context, m content.Manifest, attachments ...Attachment) error {
	nodes, err := content.Walk(m)
	if err != nil {
		return err
	}
	if err := p.all(ctx, nodes); err != nil {
		return err
	}
	step := p.client.options.Progress.Start("push manifests and tags")
	err = p.commit(ctx, nodes, attachments)
	step.Done(err)
	return err
}

func (p *Push) commit(ctx context.Context, nodes []content.Node, attachments []Attachment) error {
	for _, t := range p.targets {
		s := p.session(t)
		for _, node := range nodes {
			if _, err := s.putManifest(ctx, node.Descriptor.Digest.String(), node.Raw, node.Descriptor.MediaType); err != nil {
				return err
			}
		}
	}
	for _, a := range attachments {
		if err := p.Attach(ctx, a); err != nil {
			return err
		}
	}
	for _, t := range p.targets {
		if err := p.session(t).verify(ctx, nodes, p.client.options.Jobs); err != nil {
			return err
		}
	}
	return p.moveTags(ctx, nodes[len(nodes)-1])
}

// putManifest stores a manifest under a digest or a tag.
func (s *session) putManifest(ctx context.Context, identifier string, raw []byte, mediaType types.MediaType) (reply, error) {
	answer, err := s.call(ctx, request{
		op: "push the manifest " + identifier, method: http.MethodPut, url: s.url("manifests/"+identifier, nil),
		header: http.Header{"Content-Type": {string(mediaType)}}, body: raw,
		want: []int{http.StatusCreated, http.StatusOK, http.StatusAccepted},
	})
	var refused *Error
	if errors.As(err, &refused) && refused.Hint == "" {
		refused.Hint = formatHint(refused, string(mediaType)+string(raw))
	}
	return answer, err
}

// formatHint says what to do when a registry does not know the image's format.
func formatHint(e *Error, manifest string) string {
	format := e.Status == http.StatusUnsupportedMediaType || e.has(codeManifestInvalid) || e.has(codeUnsupported)
	switch {
	case !format:
		return ""
	case strings.Contains(manifest, "tar+zstd"):
		return "it may not know OCI images with zstd layers: set image.compression: gzip"
	case strings.Contains(manifest, "application/vnd.oci."):
		return "it may not know OCI images"
	default:
		return ""
	}
}

// verify looks whether the repository has every manifest and every blob.
func (s *session) verify(ctx context.Context, nodes []content.Node, jobs int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs)
	for _, node := range nodes {
		group.Go(func() error {
			desc, ok, err := s.headManifest(ctx, node.Descriptor.Digest.String())
			if err == nil && (!ok || desc.Digest != node.Descriptor.Digest) {
				err = s.absent("manifest", node.Descriptor.Digest)
			}
			return err
		})
		for _, layer := range node.Blobs() {
			digest, err := layer.Digest()
			if err != nil {
				return err
			}
			group.Go(func() error {
				ok, err := s.headBlob(ctx, digest)
				if err == nil && !ok {
					err = s.absent("blob", digest)
				}
				return err
			})
		}
	}
	return group.Wait()
}

func (s *session) absent(what string, digest v1.Hash) error {
	return fmt.Errorf("%s took the %s %s but does not have it: no tag was moved; push again", familiar(s.repo), what, short(digest))
}

// codes are the registry's error codes of an error.
func codes(err error) []string {
	var e *Error
	if errors.As(err, &e) {
		return slices.Clone(e.Codes)
	}
	return nil
}
