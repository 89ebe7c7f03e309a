package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"

	"github.com/containerd/platforms"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxManifest bounds manifests and configurations, as registries do.
const maxManifest = 32 << 20

// accepted are the manifests that dbake understands.
var accepted = []string{
	string(types.OCIImageIndex), string(types.DockerManifestList),
	string(types.OCIManifestSchema1), string(types.DockerManifestSchema2),
}

// Pulled is an image in a registry.
type Pulled struct {
	// Image reads its layers from the registry when they are asked for, again
	// from where it broke off when the connection breaks, until the context of
	// Client.Image ends. Its layers are *remote.MountableLayer, so that a push
	// to the same registry needs not copy them.
	Image v1.Image
	// Ref is the image with its own digest, also when it came out of an index.
	Ref name.Digest
	// Name is Ref as docker users write it, with docker.io for Docker Hub.
	Name string
	// Index is the digest of the index that the image was picked from; zero
	// when there is none.
	Index v1.Hash
	// Descriptor is that of the image's manifest.
	Descriptor v1.Descriptor
}

// Image finds the image of a reference for a platform; the zero platform is
// Linux on this machine's processor. The result is pinned: the tag may move on.
func (c *Client) Image(ctx context.Context, ref string, platform v1.Platform) (*Pulled, error) {
	parsed, err := c.parse(ref)
	if err != nil {
		return nil, err
	}
	if platform.OS == "" {
		platform = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	}
	s := c.session(parsed.Context(), transport.PullScope)
	raw, desc, err := s.manifest(ctx, parsed.Identifier())
	if err != nil {
		return nil, missing(ref, err)
	}
	p := &Pulled{}
	if desc.MediaType.IsIndex() {
		p.Index = desc.Digest
		child, err := pick(ref, raw, platform)
		if err != nil {
			return nil, err
		}
		if raw, desc, err = s.manifest(ctx, child.String()); err != nil {
			return nil, missing(ref, err)
		}
	}
	if !desc.MediaType.IsImage() {
		return nil, fmt.Errorf("%s is not an image: its media type is %s", ref, desc.MediaType)
	}
	if p.Image, err = s.image(ctx, raw, desc); err != nil {
		return nil, err
	}
	p.Descriptor = desc
	p.Ref = parsed.Context().Digest(desc.Digest.String())
	p.Name = familiar(parsed.Context()) + "@" + desc.Digest.String()
	if p.Index == (v1.Hash{}) {
		if err := fits(ref, p.Image, platform); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Head gives the descriptor of what a reference points to now; ok is false when
// there is no such tag or digest.
func (c *Client) Head(ctx context.Context, ref string) (desc v1.Descriptor, ok bool, err error) {
	parsed, err := c.parse(ref)
	if err != nil {
		return v1.Descriptor{}, false, err
	}
	return c.session(parsed.Context(), transport.PullScope).headManifest(ctx, parsed.Identifier())
}

// missing says what a 404 means to the user.
func missing(ref string, err error) error {
	if statusOf(err) == http.StatusNotFound {
		return fmt.Errorf("there is no image %s: %w", ref, err)
	}
	return err
}

// manifest reads a manifest by its tag or digest.
func (s *session) manifest(ctx context.Context, identifier string) (raw []byte, desc v1.Descriptor, err error) {
	err = s.client.patience.repeat(ctx, func() error {
		answer, err := s.do(ctx, request{
			op: "read the manifest of " + identifier, method: http.MethodGet, url: s.url("manifests/"+identifier, nil),
			header: http.Header{"Accept": {strings.Join(accepted, ", ")}}, want: []int{http.StatusOK},
		})
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if raw, err = readAll(answer.Body, maxManifest); err != nil {
			return s.sendError("read the manifest of "+identifier, err)
		}
		desc = v1.Descriptor{MediaType: types.MediaType(answer.Header.Get("Content-Type")), Size: int64(len(raw)), Digest: hashOf(raw)}
		for _, want := range []string{identifier, answer.Header.Get("Docker-Content-Digest")} {
			if strings.HasPrefix(want, "sha256:") && want != desc.Digest.String() {
				return fmt.Errorf("read the manifest of %s (%s): %w: its digest is %s, not %s", identifier, familiar(s.repo), errTorn, desc.Digest, want)
			}
		}
		return nil
	})
	return raw, desc, err
}

// headManifest looks a manifest up.
func (s *session) headManifest(ctx context.Context, identifier string) (v1.Descriptor, bool, error) {
	answer, err := s.call(ctx, request{
		op: "look for the manifest of " + identifier, method: http.MethodHead, url: s.url("manifests/"+identifier, nil),
		header: http.Header{"Accept": {strings.Join(accepted, ", ")}}, want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil || answer.status == http.StatusNotFound {
		return v1.Descriptor{}, false, err
	}
	desc := v1.Descriptor{MediaType: types.MediaType(answer.header.Get("Content-Type")), Size: answer.length}
	desc.Digest, err = v1.NewHash(answer.header.Get("Docker-Content-Digest"))
	if err != nil {
		// Not every registry sends the header.
		_, desc, err = s.manifest(ctx, identifier)
	}
	return desc, err == nil, err
}

// readAll reads at most limit bytes; what ends early or is longer is torn.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errTorn, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	return data, nil
}

// pick finds the image for a platform in an index.
func pick(ref string, raw []byte, want v1.Platform) (v1.Hash, error) {
	index, err := v1.ParseIndexManifest(strings.NewReader(string(raw)))
	if err != nil {
		return v1.Hash{}, fmt.Errorf("read the image index of %s: %w", ref, err)
	}
	matcher := platforms.OnlyStrict(ocispec.Platform{OS: want.OS, Architecture: want.Architecture, Variant: want.Variant})
	var there []string
	for _, d := range index.Manifests {
		if d.Platform == nil || d.Platform.OS == "unknown" || !d.MediaType.IsImage() {
			continue // an attestation, say
		}
		if matcher.Match(ocispec.Platform{OS: d.Platform.OS, Architecture: d.Platform.Architecture, Variant: d.Platform.Variant}) {
			return d.Digest, nil
		}
		there = append(there, d.Platform.String())
	}
	if len(there) == 0 {
		return v1.Hash{}, fmt.Errorf("%s is an index without any image", ref)
	}
	return v1.Hash{}, fmt.Errorf("%s has no image for %s, only for %s", ref, want, strings.Join(there, ", "))
}

// fits checks the platform of an image that is in no index.
func fits(ref string, image v1.Image, want v1.Platform) error {
	config, err := image.ConfigFile()
	if err != nil {
		return fmt.Errorf("read the configuration of %s: %w", ref, err)
	}
	if config.Architecture == "" || config.OS == "" {
		return nil
	}
	matcher := platforms.OnlyStrict(ocispec.Platform{OS: want.OS, Architecture: want.Architecture, Variant: want.Variant})
	if matcher.Match(ocispec.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}) {
		return nil
	}
	return fmt.Errorf("%s has no image for %s, only for %s", ref, want, config.Platform())
}

// headBlob says whether the repository has a blob.
func (s *session) headBlob(ctx context.Context, digest v1.Hash) (bool, error) {
	answer, err := s.call(ctx, request{
		op: "look for the blob " + short(digest), method: http.MethodHead, url: s.url("blobs/"+digest.String(), nil),
		want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil {
		return false, err
	}
	return answer.status == http.StatusOK, nil
}

// readBlob gives the bytes of a blob from offset on, in one request unless the
// registry gives no parts of blobs.
func (s *session) readBlob(ctx context.Context, digest v1.Hash, size, offset int64) (io.ReadCloser, error) {
	r := request{
		op: "read the blob " + short(digest), method: http.MethodGet, url: s.url("blobs/"+digest.String(), nil),
		want: []int{http.StatusOK},
	}
	if offset > 0 {
		r.header = http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", offset, size-1)}}
		r.want = append(r.want, http.StatusPartialContent)
	}
	answer, err := s.do(ctx, r)
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		r.header = nil
		answer, err = s.do(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	if offset > 0 && answer.StatusCode == http.StatusOK {
		if _, err := io.CopyN(io.Discard, answer.Body, offset); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", errTorn, err), answer.Body.Close())
		}
	}
	return answer.Body, nil
}
