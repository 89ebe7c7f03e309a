package output

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func fileOf(name string, data []byte) file {
	return file{name: name, size: int64(len(data)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

// ctxReader fails when the context has ended.
type ctxReader struct {
	ctx context.Context //nolint:containedctx // an io.Reader has no other way to be told
	r   io.Reader
}

// Read implements io.Reader.
func (c *ctxReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// checked makes the end of r an error when what was read has another digest.
func checked(r io.ReadCloser, digest v1.Hash, size int64) (io.ReadCloser, error) {
	if digest.Algorithm != "sha256" {
		return nil, errors.Join(fmt.Errorf("the digest %s is not a sha256", digest), r.Close())
	}
	return &checkedReader{ReadCloser: r, digest: digest, size: size, hash: sha256.New()}, nil
}

type checkedReader struct {
	io.ReadCloser
	digest v1.Hash
	size   int64
	read   int64
	hash   hash.Hash
}

// Read implements io.Reader.
func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.hash.Write(p[:n])
	c.read += int64(n)
	if errors.Is(err, io.EOF) && (c.read != c.size || hex.EncodeToString(c.hash.Sum(nil)) != c.digest.Hex) {
		return n, fmt.Errorf("its content does not have the digest %s", c.digest)
	}
	return n, err
}
