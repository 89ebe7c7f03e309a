package stream

import (
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/dbake/dbake/seed/rows"
)

// The text of a dump passes in batches: one goroutine reads statements and fills
// them, some rewrite their rows, and one writes them in the order of the dump.

const (
	// batchBytes is about how much text a batch has.
	batchBytes = 512 << 10
	// underWay bounds the text of all batches that are not written yet; a single
	// statement may be longer.
	underWay = 48 << 20
)

// segment is a part of a batch: text that stays as it is, or rows.
type segment struct {
	from, to int
	// sieve is nil for text that stays. Else from:rows is the statement's text
	// before its rows, rows:tail the rows and tail:to what is behind them.
	sieve      *sieve
	shape      shape
	rows, tail int
	line       int64
}

// batch is a piece of the dump on its way.
type batch struct {
	text     []byte
	segments []segment
	weight   int64
	out      []byte // text, rewritten
	done     chan struct{}
}

// stays adds text that stays as it is.
func (b *batch) stays(text []byte) {
	if len(text) == 0 {
		return
	}
	from := len(b.text)
	b.text = append(b.text, text...)
	if n := len(b.segments); n > 0 && b.segments[n-1].sieve == nil {
		b.segments[n-1].to = len(b.text)
		return
	}
	b.segments = append(b.segments, segment{from: from, to: len(b.text)})
}

// pipe carries batches.
type pipe struct {
	ordered, work chan *batch
	room          *semaphore.Weighted

	mu   sync.Mutex
	free []*batch
}

func newPipe(workers int) *pipe {
	return &pipe{ordered: make(chan *batch, 2*workers+2), work: make(chan *batch, 2*workers+2), room: semaphore.NewWeighted(underWay)}
}

// get gives an empty batch.
func (p *pipe) get() *batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b
	}
	return &batch{}
}

func (p *pipe) put(b *batch) {
	if cap(b.text)+cap(b.out) > 16*batchBytes {
		return // a giant statement has blown it up
	}
	b.text, b.segments, b.out, b.done = b.text[:0], b.segments[:0], b.out[:0], nil
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, b)
}

// send hands a batch on; it waits while enough are under way.
func (p *pipe) send(ctx context.Context, b *batch) error {
	b.weight = min(int64(len(b.text)), underWay)
	if err := p.room.Acquire(ctx, b.weight); err != nil {
		return context.Cause(ctx)
	}
	b.done = make(chan struct{})
	for _, c := range []chan *batch{p.work, p.ordered} {
		select {
		case c <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// end says that no more batches come.
func (p *pipe) end() {
	close(p.work)
	close(p.ordered)
}

// rewrite rewrites batches until there are no more.
func (p *pipe) rewrite(ctx context.Context) error {
	var w worker
	for {
		select {
		case b, more := <-p.work:
			if !more {
				return nil
			}
			if err := w.batch(b); err != nil {
				return err
			}
			close(b.done)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// write writes batches in order.
func (p *pipe) write(ctx context.Context, to io.Writer) error {
	for {
		select {
		case b, more := <-p.ordered:
			if !more {
				return nil
			}
			select {
			case <-b.done:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			if _, err := to.Write(b.out); err != nil {
				return fmt.Errorf("write the masked dump: %w", err)
			}
			p.room.Release(b.weight)
			p.put(b)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// worker rewrites batches, one after the other.
type worker struct {
	sieve    *sieve
	shape    shape
	rewriter rows.Rewriter
}

func (w *worker) batch(b *batch) error {
	if len(b.segments) == 1 && b.segments[0].sieve == nil {
		b.text, b.out = b.out, b.text // nothing to do
		return nil
	}
	for _, s := range b.segments {
		if s.sieve == nil {
			b.out = append(b.out, b.text[s.from:s.to]...)
			continue
		}
		if err := w.segment(b, s); err != nil {
			return &Error{s.sieve.path, fmt.Errorf("%s: line %d: %w", s.sieve.object, s.line, err)}
		}
	}
	return nil
}

// segment rewrites the rows of a statement. A statement without rows goes.
func (w *worker) segment(b *batch, s segment) error {
	if w.sieve != s.sieve || w.shape != s.shape {
		r, err := s.sieve.rewriter(s.sieve.rest, s.shape)
		if err != nil {
			return err
		}
		w.sieve, w.shape, w.rewriter = s.sieve, s.shape, r
	}
	at := len(b.out)
	b.out = append(b.out, b.text[s.from:s.rows]...)
	before := len(b.out)
	text := b.text[s.rows:s.tail]
	if w.rewriter == nil {
		b.out = append(b.out, text...)
	} else {
		out, n, err := w.rewriter.Append(b.out, text)
		if err != nil {
			return err
		}
		b.out = out
		s.sieve.count(w.rewriter, n, false)
	}
	if len(b.out) == before {
		b.out = b.out[:at]
		return nil
	}
	b.out = append(b.out, b.text[s.tail:s.to]...)
	return nil
}
