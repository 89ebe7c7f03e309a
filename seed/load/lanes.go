package load

import (
	"context"
	"database/sql"
	"sync"
)

// Lanes are the connections that rows are loaded over.
type Lanes struct {
	// Rows are connections that follow the dump's session state; one lane
	// each.
	Rows []*sql.Conn
	// Keys are as many connections that build keys, in a state of their own.
	Keys []*sql.Conn
	// Look is a connection to ask the server what a table looks like.
	Look *sql.Conn
}

// defaultChunk is how many bytes of a dump's text one lane loads in one
// transaction. Larger chunks cost memory, smaller ones round trips. A table
// counts as large, and gets its keys last, when its rows fill a chunk.
const defaultChunk = 4 << 20

func (l *Loader) chunkBytes() int {
	if l.options.ChunkBytes > 0 {
		return l.options.ChunkBytes
	}
	return defaultChunk
}

// keepable is up to which size in bytes a buffer is kept for the next chunk.
const keepable = 4 * defaultChunk

// pool hands tasks to lanes and knows what is still to be done. Tasks are
// queued without a bound, chunks are bounded by their buffers.
type pool struct {
	mu      sync.Mutex
	changed *sync.Cond
	queue   []task
	buffers [][]byte // free ones
	states  []string // statements that made the session's state, in order
	err     error    // the first failure; ends everything
	closed  bool
	lanes   sync.WaitGroup
}

// task is a piece of work for one lane.
type task interface {
	run(ctx context.Context, l *lane) error
}

func newPool(lanes int) *pool {
	p := &pool{}
	p.changed = sync.NewCond(&p.mu)
	for range 2 * lanes {
		p.buffers = append(p.buffers, nil)
	}
	return p
}

// start runs the lanes until the function it returns is called, which gives up
// what is left to do and waits for them to end.
func (p *pool) start(ctx context.Context, lanes []*lane) (stop func()) {
	unwatch := context.AfterFunc(ctx, func() { p.fail(context.Cause(ctx)) })
	work, cancel := context.WithCancel(ctx)
	for _, l := range lanes {
		p.lanes.Go(func() {
			for t := p.next(); t != nil; t = p.next() {
				if err := t.run(work, l); err != nil {
					p.fail(err)
					// Whatever else is running was meant for a datadir that
					// nobody gets.
					cancel()
				}
			}
		})
	}
	return func() {
		p.mu.Lock()
		p.closed, p.queue = true, nil
		p.changed.Broadcast()
		p.mu.Unlock()
		cancel()
		p.lanes.Wait()
		unwatch()
	}
}

// next gives the next task, or nil when there will be none.
func (p *pool) next() task {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 && !p.closed && p.err == nil {
		p.changed.Wait()
	}
	if p.err != nil || len(p.queue) == 0 {
		return nil
	}
	t := p.queue[0]
	p.queue = p.queue[1:]
	return t
}

func (p *pool) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.changed.Broadcast()
}

// waitUntil returns when done, asked under the lock, is true, or with the
// pool's failure.
func (p *pool) waitUntil(done func() bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.err == nil && !done() {
		p.changed.Wait()
	}
	return p.err
}

// takeBuffer waits for a free chunk buffer.
func (p *pool) takeBuffer() ([]byte, error) {
	var buffer []byte
	err := p.waitUntil(func() bool {
		n := len(p.buffers)
		if n == 0 {
			return false
		}
		buffer, p.buffers = p.buffers[n-1], p.buffers[:n-1]
		return true
	})
	return buffer[:0], err
}

// giveBuffer frees a chunk buffer; one that a giant row has blown up is left to
// the garbage collector. Call it with the lock held.
func (p *pool) giveBuffer(buffer []byte) {
	if cap(buffer) > keepable {
		buffer = nil
	}
	p.buffers = append(p.buffers, buffer)
}

// lane is one connection that loads.
type lane struct {
	id    int
	rows  *sql.Conn
	keys  *sql.Conn
	state int // how many of pool.states its session has executed
	// The state that decides how rows are read, once asked for.
	charset string
	text    []byte // LOAD DATA text, reused
	sifter  sifter
	spare   []byte // for rows behind filters, reused
}
