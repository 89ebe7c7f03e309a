package layer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/tree/spill"
)

// Options say how layers are written.
type Options struct {
	// Compression is Zstd when empty.
	Compression Compression
	// Level is the compression's own: 1 to 22 for Zstd, 1 to 9 for Gzip and
	// EStargz; 0 is the default.
	Level int
	// Docker gives the layers Docker's media types instead of the OCI's. Zstd
	// has none: that is an *UnsupportedError.
	Docker bool
	// Epoch is the modification time of all entries, in whole seconds; zero
	// leaves the tree's.
	Epoch time.Time
	// Dir is where finished layers lie until they are closed, as files without
	// a name; empty is the folder for temporary files.
	Dir string
	// Workers is how many cores to use; 0 is all.
	Workers int
	// Progress gets a step per layer; nil drops them.
	Progress progress.Writer
}

// Write makes a layer of each part. It works on them in order, on the next as
// soon as one does not keep all cores busy, and calls done(i, layer) for each as
// soon as it is ready, so that it can be uploaded while others are made. done is
// called by one goroutine at a time and should not wait for the upload; its error
// ends Write.
//
// Memory is bounded by the number of workers: a few MiB for each. Layers lie in
// o.Dir; too little space there is a *spill.FullError. The caller closes the
// layers, those that done got included, and closes none when Write fails: then
// all are closed already.
func Write(ctx context.Context, parts []Part, o Options, done func(i int, l *Layer) error) ([]*Layer, error) {
	w, err := newWriter(parts, o, done)
	if err != nil {
		return nil, err
	}
	defer w.codec.close()
	var packers sync.WaitGroup
	for range w.workers {
		packers.Go(func() {
			for c := range w.jobs {
				w.pack(c)
			}
		})
	}
	err = w.all(ctx, parts)
	close(w.jobs)
	packers.Wait()
	if err != nil {
		for _, l := range w.layers {
			if l != nil {
				err = errors.Join(err, l.Close())
			}
		}
		return nil, err
	}
	return w.layers, nil
}

// writer is one call of Write.
type writer struct {
	options Options
	media   types.MediaType
	codec   codec
	zeros   func() ([]byte, error) // a chunk of zeros, packed
	workers int
	parts   int
	done    func(i int, l *Layer) error

	// free has the chunks that nobody uses. Its capacity, and that of jobs, is
	// the number of all chunks: putting one in never waits.
	free chan *chunk
	jobs chan *chunk
	// producing limits the parts whose files are being read.
	producing chan struct{}
	left      atomic.Int64 // bytes of content still to be written

	mu     sync.Mutex
	layers []*Layer
}

// newWriter checks the options and makes what all parts share.
func newWriter(parts []Part, o Options, done func(i int, l *Layer) error) (*writer, error) {
	o.Compression = cmp.Or(o.Compression, Zstd)
	media, err := MediaType(o.Compression, o.Docker)
	if err != nil {
		return nil, err
	}
	workers := cmp.Or(max(o.Workers, 0), runtime.GOMAXPROCS(0))
	codec, err := newCodec(o.Compression, o.Level, workers)
	if err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = progress.Discard
	}
	if done == nil {
		done = func(int, *Layer) error { return nil }
	}
	// One part is read, hashed and written at the speed of some four cores
	// that compress; a chunk waits in its line for the ones before it.
	readers := (workers + 3) / 4
	chunks := 2*workers + 3*readers
	w := &writer{
		options: o, media: media, codec: codec, workers: workers, parts: len(parts), done: done,
		free: make(chan *chunk, chunks), jobs: make(chan *chunk, chunks),
		producing: make(chan struct{}, readers), layers: make([]*Layer, len(parts)),
	}
	w.zeros = sync.OnceValues(func() ([]byte, error) { return codec.pack(nil, make([]byte, chunkSize)) })
	for range chunks {
		w.free <- &chunk{packed: make(chan error, 1)}
	}
	for _, p := range parts {
		w.left.Add(p.Size)
	}
	return w, nil
}

// all makes the layers.
func (w *writer) all(ctx context.Context, parts []Part) error {
	g, ctx := errgroup.WithContext(ctx)
	for i, p := range parts {
		select {
		case w.producing <- struct{}{}: // freed when the part's files are read
		case <-ctx.Done():
			return cmp.Or(g.Wait(), context.Cause(ctx))
		}
		g.Go(func() error {
			l, err := w.part(ctx, i, p)
			if err != nil {
				return err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.layers[i] = l
			return w.done(i, l)
		})
	}
	return g.Wait()
}

// part makes one layer, as a step of the progress.
func (w *writer) part(ctx context.Context, i int, p Part) (l *Layer, err error) {
	name := fmt.Sprintf("compress layer %d/%d: %s", i+1, w.parts, p.Name)
	err = w.options.Progress.Run(name, func(step *progress.Step) error {
		file, err := spill.Create(w.options.Dir)
		if err != nil {
			<-w.producing
			return err
		}
		m := newMaker(w, p, file, step)
		if l, err = m.make(ctx); err != nil {
			return errors.Join(fmt.Errorf("make layer %d/%d (%s): %w", i+1, w.parts, p.Name, err), file.Close())
		}
		return nil
	})
	return l, err
}
