package export

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxAhead is about how many bytes of one stretch wait to be written.
const maxAhead = 8 << 20

// job is a piece of the dump: text, rows, text.
type job struct {
	before, after string
	rows          *stretch // nil: text only
	table         bool     // the last piece of a table
	out           *pipe
}

// jobs carries pieces from the planner to the readers and, in order, to the
// writer, a few at a time. Readers take them in order too, so that the piece the
// writer waits for is always being read.
type jobs struct {
	ordered, work chan *job
	written       chan struct{}   // closed when all has been written
	ctx           context.Context //nolint:containedctx // the pipes of all jobs end with it
}

func newJobs(ctx context.Context, readers int) *jobs {
	window := readers + 2
	return &jobs{ordered: make(chan *job, window), work: make(chan *job, window+1), written: make(chan struct{}), ctx: ctx}
}

// add hands a piece on; it waits while enough are under way.
func (js *jobs) add(j *job) error {
	if j.rows != nil {
		j.out = newPipe(js.ctx)
	}
	select {
	case js.ordered <- j:
	case <-js.ctx.Done():
		return context.Cause(js.ctx)
	}
	if j.rows != nil {
		js.work <- j // has room for all that ordered holds and the writer's
	}
	return nil
}

func (js *jobs) text(parts ...string) error {
	all := ""
	for _, p := range parts {
		all += p
	}
	return js.add(&job{before: all})
}

// end says that no more pieces come.
func (js *jobs) end() {
	close(js.ordered)
	close(js.work)
}

// pipe holds statements until the writer takes them.
type pipe struct {
	ctx  context.Context //nolint:containedctx // ends who waits
	mu   sync.Mutex
	cond *sync.Cond
	stop func() bool

	queue [][]byte
	bytes int
	ended bool
}

func newPipe(ctx context.Context) *pipe {
	p := &pipe{ctx: ctx}
	p.cond = sync.NewCond(&p.mu)
	p.stop = context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cond.Broadcast()
	})
	return p
}

// push waits while much is waiting already; one text of any size always goes.
func (p *pipe) push(text []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.bytes > 0 && p.bytes+len(text) > maxAhead && p.ctx.Err() == nil {
		p.cond.Wait()
	}
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	p.queue = append(p.queue, text)
	p.bytes += len(text)
	p.cond.Broadcast()
	return nil
}

func (p *pipe) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.cond.Broadcast()
}

// pop gives the next text, io.EOF after the last.
func (p *pipe) pop() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 && !p.ended && p.ctx.Err() == nil {
		p.cond.Wait()
	}
	switch {
	case p.ctx.Err() != nil:
		return nil, context.Cause(p.ctx)
	case len(p.queue) == 0:
		p.stop()
		return nil, io.EOF
	}
	text := p.queue[0]
	p.queue = p.queue[1:]
	p.bytes -= len(text)
	p.cond.Broadcast()
	return text, nil
}

// meter counts what is written and bounds how fast.
type meter struct {
	w     io.Writer
	limit int64 // bytes a second; 0: no limit
	count atomic.Int64
	began time.Time
}

func (m *meter) write(ctx context.Context, p []byte) error {
	if m.limit > 0 {
		if m.began.IsZero() {
			m.began = time.Now()
		}
		due := m.began.Add(time.Duration(float64(m.count.Load()) / float64(m.limit) * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	n, err := m.w.Write(p)
	m.count.Add(int64(n))
	return err
}
