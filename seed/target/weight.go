package target

import (
	"context"
	"sync"
)

// weight lets so many bytes be in flight, and one piece of any size.
type weight struct {
	mu    sync.Mutex
	free  int64
	limit int64
	woken chan struct{} // closed when something is released
}

func newWeight(limit int64) *weight {
	return &weight{free: limit, limit: limit, woken: make(chan struct{})}
}

func (w *weight) acquire(ctx context.Context, n int64) error {
	n = min(n, w.limit)
	for {
		w.mu.Lock()
		if w.free >= n {
			w.free -= n
			w.mu.Unlock()
			return nil
		}
		woken := w.woken
		w.mu.Unlock()
		select {
		case <-woken:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (w *weight) release(n int64) {
	w.mu.Lock()
	w.free += min(n, w.limit)
	close(w.woken)
	w.woken = make(chan struct{})
	w.mu.Unlock()
}
