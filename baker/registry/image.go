package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image is an image in a registry whose manifest and configuration are read.
func (s *session) image(ctx context.Context, raw []byte, desc v1.Descriptor) (v1.Image, error) {
	core := &imageCore{raw: raw, mediaType: desc.MediaType}
	core.open = func(d v1.Descriptor, offset int64) io.ReadCloser {
		return &blobReader{
			ctx: ctx, session: s, digest: d.Digest, size: d.Size,
			offset: offset, whole: offset == 0, hash: sha256.New(),
		}
	}
	manifest, err := partial.Manifest(core)
	if err != nil {
		return nil, fmt.Errorf("read the manifest %s (%s): %w", desc.Digest, familiar(s.repo), err)
	}
	core.manifest = manifest
	err = s.client.patience.repeat(ctx, func() error {
		body := core.open(manifest.Config, 0)
		defer body.Close()
		core.config, err = readAll(body, maxManifest)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	whole, err := partial.CompressedToImage(core)
	if err != nil {
		return nil, err
	}
	return &pulledImage{Image: whole, core: core, ref: s.repo.Digest(desc.Digest.String())}, nil
}

// imageCore is what go-containerregistry makes an image of.
type imageCore struct {
	raw, config []byte
	mediaType   types.MediaType
	manifest    *v1.Manifest
	open        func(d v1.Descriptor, offset int64) io.ReadCloser
}

var _ partial.CompressedImageCore = (*imageCore)(nil)

func (c *imageCore) RawManifest() ([]byte, error)        { return c.raw, nil }
func (c *imageCore) RawConfigFile() ([]byte, error)      { return c.config, nil }
func (c *imageCore) MediaType() (types.MediaType, error) { return c.mediaType, nil }

// LayerByDigest implements partial.CompressedImageCore.
func (c *imageCore) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range c.manifest.Layers {
		if d.Digest == h {
			return &layerCore{core: c, desc: d}, nil
		}
	}
	return nil, fmt.Errorf("the image has no layer %s", h)
}

type layerCore struct {
	core *imageCore
	desc v1.Descriptor
}

func (l *layerCore) Digest() (v1.Hash, error)            { return l.desc.Digest, nil }
func (l *layerCore) Size() (int64, error)                { return l.desc.Size, nil }
func (l *layerCore) MediaType() (types.MediaType, error) { return l.desc.MediaType, nil }
func (l *layerCore) Compressed() (io.ReadCloser, error)  { return l.core.open(l.desc, 0), nil }
func (l *layerCore) Descriptor() (*v1.Descriptor, error) { d := l.desc; return &d, nil }
func (l *layerCore) DiffID() (v1.Hash, error)            { return partial.BlobToDiffID(l, l.desc.Digest) }
func (l *layerCore) Manifest() (*v1.Manifest, error)     { return l.core.manifest, nil }
func (l *layerCore) ConfigFile() (*v1.ConfigFile, error) { return partial.ConfigFile(l.core) }
func (l *layerCore) RawConfigFile() ([]byte, error)      { return l.core.config, nil }

// pulledImage gives its layers the place they are in.
type pulledImage struct {
	v1.Image
	core *imageCore
	ref  name.Digest
}

// Layers implements v1.Image.
func (i *pulledImage) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	if err != nil {
		return nil, err
	}
	for n := range layers {
		layers[n] = i.mountable(layers[n], i.core.manifest.Layers[n])
	}
	return layers, nil
}

// LayerByDigest implements v1.Image.
func (i *pulledImage) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	layer, err := i.Image.LayerByDigest(h)
	if err != nil {
		return nil, err
	}
	for _, d := range i.core.manifest.Layers {
		if d.Digest == h {
			return i.mountable(layer, d), nil
		}
	}
	return layer, nil // the configuration
}

// LayerByDiffID implements v1.Image.
func (i *pulledImage) LayerByDiffID(h v1.Hash) (v1.Layer, error) {
	digest, err := partial.DiffIDToBlob(i.Image, h)
	if err != nil {
		return nil, err
	}
	return i.LayerByDigest(digest)
}

func (i *pulledImage) mountable(layer v1.Layer, d v1.Descriptor) v1.Layer {
	return &remote.MountableLayer{Layer: &pulledLayer{Layer: layer, core: i.core, desc: d}, Reference: i.ref}
}

// pulledLayer is a layer that can be read from anywhere on.
type pulledLayer struct {
	v1.Layer
	core *imageCore
	desc v1.Descriptor
}

// Descriptor keeps the annotations and the media type of the manifest.
func (l *pulledLayer) Descriptor() (*v1.Descriptor, error) { d := l.desc; return &d, nil }

// OpenAt implements opener.
func (l *pulledLayer) OpenAt(offset int64) (io.ReadCloser, error) {
	return l.core.open(l.desc, offset), nil
}

// blobReader reads a blob, going on where it broke off. It checks the digest
// when it began at the start, and only then says io.EOF.
type blobReader struct {
	ctx     context.Context //nolint:containedctx // an io.Reader has no other way to be told
	session *session
	digest  v1.Hash
	size    int64
	offset  int64
	whole   bool
	hash    hash.Hash

	body   io.ReadCloser
	cancel context.CancelCauseFunc
	cause  func() error // why the request's context ended
	timer  *time.Timer
	tries  int
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if r.offset == r.size {
			return 0, r.end()
		}
		n, err := r.read(p[:min(int64(len(p)), r.size-r.offset)])
		if n > 0 {
			r.tries = 0
			r.offset += int64(n)
			r.hash.Write(p[:n])
			return n, nil // an error comes back with the next bytes
		}
		if err == nil {
			continue
		}
		if r.ctx.Err() != nil {
			return 0, context.Cause(r.ctx)
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		r.closeBody()
		r.tries++
		if !passing(err) || r.tries > r.session.client.patience.tries {
			return 0, fmt.Errorf("%s, after %d of %d bytes: %w", familiar(r.session.repo), r.offset, r.size, err)
		}
		if err := r.session.client.patience.wait(r.ctx, r.tries, 0); err != nil {
			return 0, err
		}
	}
}

// read reads from the open request, or opens one.
func (r *blobReader) read(p []byte) (int, error) {
	stall := r.session.client.options.Stall
	if r.body == nil {
		ctx, cancel := context.WithCancelCause(r.ctx)
		body, err := r.session.readBlob(ctx, r.digest, r.size, r.offset)
		if err != nil {
			cancel(err)
			return 0, err
		}
		r.body, r.cancel, r.cause = body, cancel, func() error { return context.Cause(ctx) }
		r.timer = time.AfterFunc(stall, func() { cancel(errStalled) })
	}
	r.timer.Reset(stall)
	n, err := r.body.Read(p)
	r.timer.Stop()
	if err != nil && errors.Is(r.cause(), errStalled) {
		err = errStalled
	}
	return n, err
}

func (r *blobReader) end() error {
	if r.whole && r.digest.Algorithm == "sha256" && hex.EncodeToString(r.hash.Sum(nil)) != r.digest.Hex {
		return fmt.Errorf("read the blob %s (%s): %w: it does not have that digest", short(r.digest), familiar(r.session.repo), errTorn)
	}
	return io.EOF
}

// Close implements io.Closer.
func (r *blobReader) Close() error {
	r.closeBody()
	return nil
}

func (r *blobReader) closeBody() {
	if r.body == nil {
		return
	}
	r.timer.Stop()
	r.cancel(context.Canceled)
	r.body.Close()
	r.body = nil
}

func hashOf(data []byte) v1.Hash {
	sum := sha256.Sum256(data)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// short is a digest for people.
func short(h v1.Hash) string {
	const digits = 12
	return h.Algorithm + ":" + h.Hex[:min(digits, len(h.Hex))]
}
