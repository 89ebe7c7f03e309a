// Package layer makes image layers of a file tree: Split shares the tree among a
// few parts, Write makes a compressed layer of each, FromFiles makes a small one
// of a few files. The same tree gives the same bytes, whatever the machine.
//
// Formats: layers are tar archives as of the OCI image specification
// (github.com/opencontainers/image-spec, layer.md), plain or compressed with
// zstd (RFC 8878), gzip (RFC 1952) or as eStargz (github.com/containerd/
// stargz-snapshotter, docs/estargz.md).
package layer

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// Compression is how a layer's bytes are packed: the values of image.compression
// in a dbake.yaml, and None.
type Compression string

// The compressions. Docker Engine reads zstd from 23.0 on: one that is older, as
// Debian 12's 20.10, needs gzip or eStargz.
const (
	Zstd    Compression = "zstd"
	Gzip    Compression = "gzip"
	EStargz Compression = "estargz" // gzip with an index, so that files can be read before all is pulled
	None    Compression = "none"    // for tests
)

// UnsupportedError says that layers cannot be made the way that was asked for.
type UnsupportedError struct {
	Compression Compression
	// Reason says what is wrong, Hint what to do.
	Reason, Hint string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("image.compression %s: %s: %s", e.Compression, e.Reason, e.Hint)
}

// MediaType gives the media type of layers with a compression, for an image of
// the OCI's types, or of Docker's (schema 2) when docker. Docker's have none for
// zstd: that is an *UnsupportedError.
func MediaType(c Compression, docker bool) (types.MediaType, error) {
	all := map[Compression][2]types.MediaType{ // OCI's, Docker's
		Zstd:    {types.OCILayerZStd, ""},
		Gzip:    {types.OCILayer, types.DockerLayer},
		EStargz: {types.OCILayer, types.DockerLayer},
		None:    {types.OCIUncompressedLayer, types.DockerUncompressedLayer},
	}
	pair, ok := all[c]
	if !ok {
		return "", &UnsupportedError{c, "there is no such compression", "use zstd, gzip or estargz"}
	}
	if !docker {
		return pair[0], nil
	}
	if pair[1] == "" {
		return "", &UnsupportedError{
			c, "Docker's image format (schema 2) has no layers of it",
			"set image.compression: gzip, or bake an OCI image",
		}
	}
	return pair[1], nil
}

// Layer is a finished layer. Its methods may be called from several goroutines,
// and Compressed and Uncompressed again and again, until Close.
type Layer struct {
	// Name says what is in it, for progress: "system", "table app.events".
	Name string

	file        *os.File
	compression Compression
	descriptor  v1.Descriptor
	diffID      v1.Hash
	// length is that of the uncompressed tar.
	length int64
}

var _ v1.Layer = (*Layer)(nil)

// Digest is that of the compressed bytes.
func (l *Layer) Digest() (v1.Hash, error) { return l.descriptor.Digest, nil }

// DiffID is the digest of the tar.
func (l *Layer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// Size is that of the compressed bytes.
func (l *Layer) Size() (int64, error) { return l.descriptor.Size, nil }

// Length is the size of the tar.
func (l *Layer) Length() int64 { return l.length }

// MediaType is an OCI or a Docker one.
func (l *Layer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }

// Title is Name.
func (l *Layer) Title() string { return l.Name }

// Descriptor describes the layer in a manifest, with its annotations: eStargz
// keeps the digest of its index there.
func (l *Layer) Descriptor() (*v1.Descriptor, error) { return l.descriptor.DeepCopy(), nil }

// Compressed reads the layer from the start. The reader is an io.Seeker and an
// io.ReaderAt, too.
func (l *Layer) Compressed() (io.ReadCloser, error) {
	return section{io.NewSectionReader(l.file, 0, l.descriptor.Size)}, nil
}

// section is a part of a file that stays open.
type section struct{ *io.SectionReader }

func (section) Close() error { return nil }

// Uncompressed reads the tar from the start.
func (l *Layer) Uncompressed() (io.ReadCloser, error) {
	compressed := io.NewSectionReader(l.file, 0, l.descriptor.Size)
	switch l.compression {
	case Zstd:
		r, err := zstd.NewReader(compressed)
		if err != nil {
			return nil, fmt.Errorf("read the layer: %w", err)
		}
		return r.IOReadCloser(), nil
	case Gzip, EStargz:
		return gzip.NewReader(compressed)
	default:
		return io.NopCloser(compressed), nil
	}
}

// Close frees the layer's space on the disk; readers of it fail from then on.
func (l *Layer) Close() error { return l.file.Close() }
