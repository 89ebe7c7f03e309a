package source

import (
	"io"
	"sync"
)

// The size in bytes and number of the buffers between a decoder and its
// consumer.
const (
	aheadSize  = 256 << 10
	aheadCount = 6
)

// ahead reads from a slow reader in a goroutine of its own, so that decoding
// and consuming happen at the same time.
type ahead struct {
	full chan chunk
	free chan []byte
	quit chan struct{}
	done sync.WaitGroup
	once sync.Once

	// Only the consumer uses what follows.
	cur  chunk
	rest []byte
}

// chunk is a buffer with what the decoder put in it; err comes behind data.
type chunk struct {
	data []byte
	err  error
}

func newAhead(r io.Reader) *ahead {
	a := &ahead{
		full: make(chan chunk, aheadCount),
		free: make(chan []byte, aheadCount),
		quit: make(chan struct{}),
	}
	for range aheadCount {
		a.free <- nil // allocated when it is first needed
	}
	a.done.Go(func() { a.run(r) })
	return a
}

func (a *ahead) run(r io.Reader) {
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.quit:
			return
		}
		if buf == nil {
			buf = make([]byte, aheadSize)
		}
		c := fillChunk(r, buf)
		select {
		case a.full <- c: // never blocks: there are no more buffers than room
		case <-a.quit:
			return
		}
		if c.err != nil {
			return
		}
	}
}

// fillChunk fills buf as far as it goes; unlike io.ReadFull it keeps the error.
func fillChunk(r io.Reader, buf []byte) chunk {
	n, idle := 0, 0
	for n < len(buf) {
		k, err := r.Read(buf[n:])
		n += k
		if err != nil {
			return chunk{buf[:n], err}
		}
		if k > 0 {
			idle = 0
		} else if idle++; idle > 100 {
			return chunk{buf[:n], io.ErrNoProgress}
		}
	}
	return chunk{buf[:n], nil}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.cur.err != nil {
			return 0, a.cur.err
		}
		if a.cur.data != nil {
			a.free <- a.cur.data[:cap(a.cur.data)]
			a.cur.data = nil
		}
		select {
		case a.cur = <-a.full:
			a.rest = a.cur.data
		case <-a.quit:
			a.cur.err = errClosed
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// stop ends the goroutine, as soon as its reader returns, and waits for it.
func (a *ahead) stop() {
	a.once.Do(func() { close(a.quit) })
	a.done.Wait()
}
