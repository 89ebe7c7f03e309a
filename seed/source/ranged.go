package source

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// fetchFunc starts the transfer of n bytes from offset off of one pinned
// object. It fails when what it gets is not that object or not that range.
type fetchFunc func(ctx context.Context, off, n int64) (io.ReadCloser, error)

// ranged is a Stream made of ranged requests: a ring of slots, each with its
// own goroutine and its own buffer, fetches parts ahead of the reader. Slot i
// of n fetches the parts i, i+n, i+2n and so on, so parts come out in order
// without any bookkeeping, no more than n parts are ever in memory, and a slow
// reader holds no connection open.
type ranged struct {
	fetch    fetchFunc
	wrap     func(error) error // makes the *Error that Read returns
	retry    backoff
	size     int64
	partSize int64
	parts    int64
	slots    []slot
	cancel   context.CancelCauseFunc
	done     <-chan struct{}
	reason   func() error
	running  sync.WaitGroup
	position atomic.Int64

	// Only the goroutine in Read uses what follows.
	next int64  // the part to take next
	rest []byte // what is left of the part before it
	err  error
}

// slot is one place in the ring. Its buffer belongs to its goroutine from a
// receive on free until a send on ready, and to the reader in between.
type slot struct {
	free  chan struct{}
	ready chan error
	buf   []byte
}

// newRanged starts to fetch. wrap turns a failure into what Read returns.
func newRanged(ctx context.Context, size int64, cfg Config, retry backoff, fetch fetchFunc, wrap func(error) error) *ranged {
	own, cancel := context.WithCancelCause(ctx)
	r := &ranged{
		fetch: fetch, wrap: wrap, retry: retry,
		size: size, partSize: cfg.PartSize,
		parts:  (size + cfg.PartSize - 1) / cfg.PartSize,
		cancel: cancel, done: own.Done(),
		reason: func() error { return context.Cause(own) },
	}
	r.slots = make([]slot, min(int64(cfg.Parallel), r.parts))
	for i := range r.slots {
		s := &r.slots[i]
		s.free, s.ready = make(chan struct{}, 1), make(chan error, 1)
		s.free <- struct{}{}
		r.running.Go(func() { r.work(own, s, int64(i)) })
	}
	return r
}

// work fetches every part of one slot.
func (r *ranged) work(ctx context.Context, s *slot, first int64) {
	for part := first; part < r.parts; part += int64(len(r.slots)) {
		select {
		case <-s.free:
		case <-ctx.Done():
			return
		}
		off := part * r.partSize
		n := min(r.partSize, r.size-off)
		if s.buf == nil {
			s.buf = make([]byte, n)
		}
		s.buf = s.buf[:n]
		err := r.fill(ctx, off, s.buf)
		s.ready <- err
		if err != nil {
			return
		}
	}
}

// fill gets buf's bytes, going on where a broken transfer stopped.
func (r *ranged) fill(ctx context.Context, off int64, buf []byte) error {
	failed := 0
	for {
		n, err := r.attempt(ctx, off, buf)
		if err == nil {
			return nil
		}
		if cause := ended(ctx); cause != nil {
			return cause
		}
		off, buf = off+int64(n), buf[n:]
		if n >= progress {
			failed = 0
		}
		failed++
		if !retryable(err) || failed >= r.retry.attempts {
			return tries(err, failed)
		}
		if err := r.retry.pause(ctx, failed); err != nil {
			return err
		}
	}
}

// attempt makes one request and returns how many bytes it brought.
func (r *ranged) attempt(ctx context.Context, off int64, buf []byte) (int, error) {
	watched, dog := watch(ctx, r.retry.stall)
	defer dog.stop()
	body, err := r.fetch(watched, off, int64(len(buf)))
	if err != nil {
		return 0, dog.explain(err)
	}
	defer body.Close()
	n := 0
	for n < len(buf) {
		dog.kick()
		k, err := body.Read(buf[n:])
		n += k
		if n == len(buf) {
			break
		}
		if errors.Is(err, io.EOF) {
			return n, errShort
		}
		if err != nil {
			return n, dog.explain(err)
		}
	}
	// One more read sees the end of the body, which lets the connection be
	// used again, or bytes that nobody asked for.
	var extra [1]byte
	if k, _ := body.Read(extra[:]); k > 0 {
		return 0, changedError("the server sent more than the %d bytes asked for at offset %d", len(buf), off)
	}
	return n, nil
}

func (r *ranged) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.rest) == 0 {
		if err := r.advance(); err != nil {
			return 0, err
		}
	}
	// A closed stream says so at once, not after the part at hand.
	select {
	case <-r.done:
		return 0, r.fail(r.reason())
	default:
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.position.Add(int64(n))
	return n, nil
}

// advance gives the finished part's buffer back and takes the next part.
func (r *ranged) advance() error {
	if r.err != nil {
		return r.err
	}
	if r.next > 0 {
		r.slots[(r.next-1)%int64(len(r.slots))].free <- struct{}{}
	}
	if r.next == r.parts {
		r.err = io.EOF
		return r.err
	}
	s := &r.slots[r.next%int64(len(r.slots))]
	select {
	case err := <-s.ready:
		if err != nil {
			return r.fail(err)
		}
	case <-r.done:
		return r.fail(r.reason())
	}
	r.rest = s.buf
	r.next++
	return nil
}

// fail ends the stream: the other slots stop, and every Read says the same.
func (r *ranged) fail(err error) error {
	if r.err == nil {
		r.err = r.wrap(err)
	}
	r.rest = nil
	r.cancel(err)
	return r.err
}

func (r *ranged) Close() error {
	r.cancel(errClosed)
	r.running.Wait()
	return nil
}

func (r *ranged) Position() int64 { return r.position.Load() }
func (r *ranged) Size() int64     { return r.size }
