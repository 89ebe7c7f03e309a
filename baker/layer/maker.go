package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/baker/tree/spill"
)

const tarBlock = 512

// maker makes one layer: one goroutine reads the files (produce), another hashes
// and writes what the workers have packed (finish).
type maker struct {
	w    *writer
	part Part
	file *os.File
	step *progress.Step
	line chan *chunk
	// index is nil unless the layer is an eStargz.
	index *index

	tar, blob counter
	reported  time.Time
}

// counter hashes and counts bytes.
type counter struct {
	hash.Hash
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.Hash.Write(p)
}

func (c *counter) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", c.Sum(nil))}
}

func newMaker(w *writer, p Part, file *os.File, step *progress.Step) *maker {
	m := &maker{
		w: w, part: p, file: file, step: step,
		line: make(chan *chunk, cap(w.free)),
		tar:  counter{Hash: sha256.New()}, blob: counter{Hash: sha256.New()},
	}
	if w.options.Compression == EStargz {
		m.index = &index{whole: sha256.New()}
	}
	return m
}

func (m *maker) make(ctx context.Context) (*Layer, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer func() { <-m.w.producing }()
		defer close(m.line)
		return m.produce(ctx)
	})
	g.Go(func() error { return m.finish(ctx) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	l := &Layer{Name: m.part.Name, file: m.file, compression: m.w.options.Compression}
	if m.index != nil {
		var err error
		if l.descriptor.Annotations, err = m.index.close(m); err != nil {
			return nil, m.full(err)
		}
	}
	l.diffID, l.length = m.tar.digest(), m.tar.n
	l.descriptor.MediaType, l.descriptor.Digest, l.descriptor.Size = m.w.media, m.blob.digest(), m.blob.n
	m.step.Count("tar", m.tar.n, m.tar.n)
	return l, nil
}

// produce cuts the part's tar into chunks.
func (m *maker) produce(ctx context.Context) error {
	c := &cutter{w: m.w, line: m.line}
	for i := range m.part.Entries {
		e := &m.part.Entries[i]
		if err := m.entry(ctx, c, e); err != nil {
			return fmt.Errorf("%s: %w", e.Header.Name, err)
		}
	}
	if m.index == nil { // an eStargz goes on with its index
		if err := c.write(ctx, nil, 2*tarBlock); err != nil {
			return err
		}
	}
	return c.cut(ctx)
}

// entry adds one entry.
func (m *maker) entry(ctx context.Context, c *cutter, e *tree.Entry) error {
	h := e.Header
	if !m.w.options.Epoch.IsZero() {
		h.ModTime = m.w.options.Epoch.UTC().Truncate(time.Second)
	}
	head, err := header(h)
	if err != nil {
		return err
	}
	if err := c.write(ctx, head, len(head)); err != nil {
		return err
	}
	toc := m.index.add(&h)
	if h.Typeflag != tar.TypeReg || h.Size == 0 {
		return nil
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	err = m.content(ctx, c, r, h.Size, toc)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	return c.write(ctx, nil, int(-h.Size&(tarBlock-1)))
}

// header is an entry's header: USTAR where that can say it, PAX else.
func header(h tar.Header) ([]byte, error) {
	var b bytes.Buffer
	// The writer is not closed: it would miss the content.
	if err := tar.NewWriter(&b).WriteHeader(&h); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// content adds a file's content.
func (m *maker) content(ctx context.Context, c *cutter, r io.Reader, size int64, toc *fileIndex) error {
	if toc != nil {
		if err := c.cut(ctx); err != nil {
			return err
		}
	}
	for at := int64(0); at < size; {
		n, err := c.fill(ctx, r, size-at)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("it has fewer than its %d bytes: nothing may write to the tree", size)
			}
			return err
		}
		toc.chunk(c.now, at, n, size)
		at += int64(n)
		if err := c.filled(ctx, n); err != nil {
			return err
		}
	}
	// A reader tells only at the end that a file has grown.
	if n, err := r.Read(make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return errors.Join(err, fmt.Errorf("it has not its %d bytes: nothing may write to the tree", size))
	}
	return nil
}

// finish hashes and writes the chunks in their order.
func (m *maker) finish(ctx context.Context) error {
	for c := range m.line {
		m.tar.Write(c.raw) //nolint:errcheck // a hash takes everything
		if err := <-c.packed; err != nil {
			return fmt.Errorf("compress: %w", err)
		}
		m.index.hash(c)
		if c.entry != nil {
			c.entry.Offset = m.blob.n
		}
		if _, err := m.Write(c.out); err != nil {
			return err
		}
		m.w.left.Add(-int64(len(c.raw)))
		m.w.free <- c
		// The size leaves headers out; the step's last count is the tar's.
		if now := time.Now(); now.Sub(m.reported) > 100*time.Millisecond && m.tar.n < m.part.Size {
			m.reported = now
			m.step.Count("tar", m.tar.n, m.part.Size)
		}
	}
	return context.Cause(ctx)
}

// Write adds to the compressed layer.
func (m *maker) Write(p []byte) (int, error) {
	m.blob.Write(p) //nolint:errcheck // a hash takes everything
	n, err := m.file.Write(p)
	return n, m.full(err)
}

// full makes a clear error of a full disk.
func (m *maker) full(err error) error {
	return spill.Full(err, spill.Dir(m.w.options.Dir), max(0, m.w.left.Load()))
}
