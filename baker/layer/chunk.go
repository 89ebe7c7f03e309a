package layer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/containerd/stargz-snapshotter/estargz"

	"github.com/dbake/dbake/baker/tree/spill"
)

// chunkSize is how much of a tar is compressed at a time. Chunks of 4 MiB make
// layers 0.1 % smaller, of 1 MiB 0.3 % larger. For eStargz it is what has to be
// fetched to read one page.
const chunkSize = 2 << 20

// chunk is a piece of a tar on its way: filled by a cutter, packed by a worker,
// hashed and written by a maker.
type chunk struct {
	raw []byte
	// out is raw, packed, as soon as packed gave nil; buffer is memory for it.
	out, buffer []byte
	packed      chan error

	// For eStargz: raw begins with data bytes of a file's content, which entry
	// describes. file is the entry of the file's first chunk; last tells that
	// there is no other behind.
	entry, file *estargz.TOCEntry
	data        int
	last        bool
}

// pack compresses a chunk.
func (w *writer) pack(c *chunk) {
	if c.entry != nil {
		c.entry.ChunkDigest = fmt.Sprintf("sha256:%x", sha256.Sum256(c.raw[:c.data]))
	}
	var err error
	if len(c.raw) == chunkSize && spill.Zero(c.raw) {
		c.out, err = w.zeros()
	} else {
		c.out, err = w.codec.pack(c.buffer[:0], c.raw)
		if cap(c.out) > cap(c.buffer) && cap(c.raw) > 0 && !same(c.out, c.raw) {
			c.buffer = c.out
		}
	}
	c.packed <- err
}

// same tells whether two slices begin at the same place.
func same(a, b []byte) bool {
	return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0]
}

// cutter cuts a tar into chunks and sends them to be packed, and down the line
// in which they are written. It is for one goroutine.
type cutter struct {
	w    *writer
	line chan<- *chunk
	now  *chunk // being filled, nil when there is none
}

// space is where the tar goes on. Call filled after.
func (c *cutter) space(ctx context.Context) ([]byte, error) {
	if c.now == nil {
		select {
		case c.now = <-c.w.free:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if c.now.raw == nil {
			c.now.raw = make([]byte, 0, chunkSize)
		}
		c.now.raw = c.now.raw[:0]
		c.now.entry, c.now.file, c.now.data, c.now.last = nil, nil, 0, false
	}
	return c.now.raw[len(c.now.raw):chunkSize], nil
}

// filled says that n bytes of the space were used.
func (c *cutter) filled(ctx context.Context, n int) error {
	c.now.raw = c.now.raw[:len(c.now.raw)+n]
	if len(c.now.raw) < chunkSize {
		return nil
	}
	return c.cut(ctx)
}

// cut ends the chunk.
func (c *cutter) cut(ctx context.Context) error {
	if c.now == nil || len(c.now.raw) == 0 {
		return nil
	}
	full := c.now
	c.now = nil
	c.w.jobs <- full
	select {
	case c.line <- full:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// write adds bytes; nil stands for n zeros.
func (c *cutter) write(ctx context.Context, p []byte, n int) error {
	for n > 0 {
		space, err := c.space(ctx)
		if err != nil {
			return err
		}
		k := min(n, len(space))
		if p == nil {
			clear(space[:k])
		} else {
			copy(space, p[:k])
			p = p[k:]
		}
		n -= k
		if err := c.filled(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// fill adds up to limit bytes of r to the chunk and gives their number: fewer
// than limit only when the chunk is full.
func (c *cutter) fill(ctx context.Context, r io.Reader, limit int64) (int, error) {
	space, err := c.space(ctx)
	if err != nil {
		return 0, err
	}
	space = space[:min(limit, int64(len(space)))]
	if _, err := io.ReadFull(r, space); err != nil {
		return 0, err
	}
	return len(space), nil
}
