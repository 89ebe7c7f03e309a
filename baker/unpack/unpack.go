// Package unpack makes a root filesystem out of an image's layers.
//
// Layers are taken as written by a stranger: nothing in them is made, changed or
// removed outside of the directory they are unpacked into.
package unpack

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
)

// Report says what became of an image's files.
type Report struct {
	// Files counts all that was made: files, directories and links.
	Files int64
	// Bytes are those of regular files.
	Bytes int64
	// Devices counts device nodes and named pipes, which are left out.
	Devices int64
	// Attributes counts extended attributes that could not be set.
	Attributes int64
}

// Progress is told how many compressed bytes of the image have been read, of
// how many.
type Progress func(read, total int64)

// Image unpacks an image's layers, lowest first, into dir, an empty directory,
// and checks each against the image's config. Run by root, files get the owners
// that the layers give them; run by anybody else, they all belong to the caller,
// who may read, write and remove them. After an error dir holds rubbish.
func Image(ctx context.Context, img v1.Image, dir string, progress Progress) (Report, error) {
	layers, err := img.Layers()
	if err != nil {
		return Report{}, fmt.Errorf("read the image's layers: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return Report{}, fmt.Errorf("read the image's config: %w", err)
	}
	if len(layers) != len(config.RootFS.DiffIDs) {
		return Report{}, fmt.Errorf("the image's manifest has %d layers and its config %d: the image is broken", len(layers), len(config.RootFS.DiffIDs))
	}
	count := &counter{report: progress}
	for _, l := range layers {
		size, err := l.Size()
		if err != nil {
			return Report{}, fmt.Errorf("read the image's layers: %w", err)
		}
		count.total += size
	}
	u, err := newUnpacker(dir)
	if err != nil {
		return Report{}, err
	}
	defer u.root.Close()
	for i, l := range layers {
		if err := u.layer(ctx, l, config.RootFS.DiffIDs[i], count); err != nil {
			return u.report, fmt.Errorf("unpack layer %d of %d: %w", i+1, len(layers), err)
		}
	}
	return u.report, nil
}

// Layer unpacks one uncompressed layer over what is in dir.
func Layer(ctx context.Context, r io.Reader, dir string) (Report, error) {
	u, err := newUnpacker(dir)
	if err != nil {
		return Report{}, err
	}
	defer u.root.Close()
	err = u.archive(ctx, r)
	return u.report, err
}

// unpacker is the state of one image's unpacking.
type unpacker struct {
	dir    string
	root   *os.Root
	owners bool // give files the owners of the layers
	report Report
	// fresh are the paths that the current layer has made, and the directories
	// above them: what a layer removes is only what lower ones brought.
	fresh map[string]bool
	// dirs are the directories of the current layer, whose times are set when
	// everything is in them.
	dirs []*tar.Header
}

func newUnpacker(dir string) (*unpacker, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("unpack into a directory: %w", err)
	}
	return &unpacker{dir: dir, root: root, owners: os.Geteuid() == 0}, nil
}

func (u *unpacker) layer(ctx context.Context, l v1.Layer, want v1.Hash, count *counter) error {
	compressed, err := l.Compressed()
	if err != nil {
		return fmt.Errorf("open it: %w", err)
	}
	defer compressed.Close()
	plain, err := decompress(&counted{compressed, count})
	if err != nil {
		return err
	}
	defer plain.Close()
	verifier := digest.Digest(want.String()).Verifier()
	all := io.TeeReader(plain, verifier)
	if err := u.archive(ctx, all); err != nil {
		return err
	}
	// What lies behind the end of the archive counts for the digest, too.
	if _, err := io.Copy(io.Discard, &cancelled{ctx, all}); err != nil {
		return err
	}
	if !verifier.Verified() {
		return fmt.Errorf("its content is not %s, as the image's config says: the image is broken", want)
	}
	return nil
}

// decompress tells gzip, zstd and uncompressed layers apart by their first bytes:
// media types lie.
func decompress(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, 256<<10)
	magic, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read it: %w", err)
	}
	switch {
	case len(magic) > 1 && magic[0] == 0x1f && magic[1] == 0x8b: // RFC 1952
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("decompress it: %w", err)
		}
		return z, nil
	case string(magic) == "\x28\xb5\x2f\xfd": // RFC 8878
		z, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, fmt.Errorf("decompress it: %w", err)
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}

// archive unpacks one layer's tar stream.
func (u *unpacker) archive(ctx context.Context, r io.Reader) error {
	u.fresh, u.dirs = map[string]bool{}, nil
	files := tar.NewReader(&cancelled{ctx, r})
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return u.finishDirs()
		}
		if err != nil {
			return fmt.Errorf("read it: %w", err)
		}
		if err := u.entry(header, files); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return fmt.Errorf("entry %.200q: %w", header.Name, err)
		}
	}
}

// counter adds up what is read of all layers.
type counter struct {
	read, total int64
	report      Progress
}

type counted struct {
	io.Reader
	count *counter
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if n > 0 && c.count.report != nil {
		c.count.read += int64(n)
		c.count.report(c.count.read, c.count.total)
	}
	return n, err
}

// cancelled is a reader that fails when its context has ended.
type cancelled struct {
	ctx context.Context //nolint:containedctx // a Reader has no other way to hear of it
	io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}
