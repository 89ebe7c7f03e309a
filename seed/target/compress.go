package target

import (
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
)

// Compression is how a dump is packed.
type Compression string

// The kinds of Compression.
const (
	Zstd  Compression = "zstd"
	Gzip  Compression = "gzip"
	Plain Compression = "none"
)

// CompressionOf tells from a file's or an object's name how it is to be packed.
func CompressionOf(name string) Compression {
	switch strings.ToLower(path.Ext(name)) {
	case ".zst", ".zstd":
		return Zstd
	case ".gz", ".gzip":
		return Gzip
	}
	return Plain
}

// Extension is what names of files of this kind end in.
func (c Compression) Extension() string {
	return map[Compression]string{Zstd: ".zst", Gzip: ".gz"}[c]
}

// ContentType is the media type of such a file.
func (c Compression) ContentType() string {
	return map[Compression]string{Zstd: "application/zstd", Gzip: "application/gzip", Plain: "application/sql"}[c]
}

// Compress packs what is written on all cores, a few blocks at a time, and writes
// it to w in order. Close ends the packed data and leaves w open. It belongs to
// one goroutine.
func Compress(w io.Writer, c Compression) (io.WriteCloser, error) {
	switch c {
	case Zstd:
		return newFrames(w)
	case Gzip:
		const block = 1 << 20
		z, err := pgzip.NewWriterLevel(w, pgzip.DefaultCompression)
		if err != nil {
			return nil, err
		}
		err = z.SetConcurrency(block, runtime.NumCPU()+1)
		return z, err
	case Plain:
		return plain{w}, nil
	}
	return nil, fmt.Errorf("there is no compression %q: it is zstd, gzip or none", c)
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// frameSize is how much text a zstd frame holds. Frames are packed each on its
// own, so that all cores can; a decoder reads them one after the other (RFC 8878,
// section 3).
const frameSize = 4 << 20

// frames packs zstd frames in parallel.
type frames struct {
	encoder *zstd.Encoder
	block   []byte
	queue   chan *frame // in order
	free    chan []byte
	writer  sync.WaitGroup
	mu      sync.Mutex
	err     error // of the writer
	closed  bool
}

type frame struct {
	packed []byte
	done   chan struct{}
}

func newFrames(w io.Writer) (*frames, error) {
	cores := runtime.NumCPU()
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(cores))
	if err != nil {
		return nil, err
	}
	f := &frames{encoder: encoder, block: make([]byte, 0, frameSize), queue: make(chan *frame, cores), free: make(chan []byte, cores+2)}
	f.writer.Go(func() {
		for next := range f.queue {
			<-next.done
			if f.failed() != nil {
				continue // let who writes get to know
			}
			if _, err := w.Write(next.packed); err != nil {
				f.mu.Lock()
				f.err = err
				f.mu.Unlock()
			}
		}
	})
	return f, nil
}

func (f *frames) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *frames) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := min(cap(f.block)-len(f.block), len(p))
		f.block = append(f.block, p[:n]...)
		p = p[n:]
		if len(f.block) == cap(f.block) {
			if err := f.send(); err != nil {
				return 0, err
			}
		}
	}
	return written, nil
}

// send starts packing the block and takes another.
func (f *frames) send() error {
	if err := f.failed(); err != nil {
		return err
	}
	block, next := f.block, &frame{done: make(chan struct{})}
	f.queue <- next // waits while enough are under way
	go func() {
		next.packed = f.encoder.EncodeAll(block, nil)
		select {
		case f.free <- block[:0]:
		default:
		}
		close(next.done)
	}()
	select {
	case f.block = <-f.free:
	default:
		f.block = make([]byte, 0, frameSize)
	}
	return nil
}

func (f *frames) Close() error {
	if f.closed {
		return errors.New("the compressor is closed already")
	}
	f.closed = true
	var err error
	if len(f.block) > 0 {
		err = f.send()
	}
	close(f.queue)
	f.writer.Wait()
	return errors.Join(err, f.failed(), f.encoder.Close())
}
