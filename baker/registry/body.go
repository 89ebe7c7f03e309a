package registry

import (
	"errors"
	"io"
	"sync"
	"time"
)

// body is the next bytes of a blob as a request's body. The transport may read
// it in a goroutine that outlives the request, so that stop ends it for sure.
type body struct {
	stall    time.Duration
	timer    *time.Timer
	progress func(int64)

	mu      sync.Mutex
	source  io.Reader
	left    int64
	read    int64
	stopped bool
	failure error // of source
}

// newBody gives length bytes of source. stalled is called when for that long
// nobody reads what is left.
func newBody(source io.Reader, length int64, stall time.Duration, stalled func(), progress func(int64)) *body {
	return &body{source: source, left: length, stall: stall, timer: time.AfterFunc(stall, stalled), progress: progress}
}

var errStopped = errors.New("the request has ended")

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return 0, errStopped
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	b.timer.Stop() // the source has a watch of its own
	n, err := b.source.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.read += int64(n)
	if n > 0 {
		b.progress(b.read)
	}
	switch {
	case b.left == 0:
		err = nil // what follows is the answer, which has a timeout
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
		fallthrough
	case err != nil:
		b.failure = err
	default:
		b.timer.Reset(b.stall)
	}
	return n, err
}

// Close implements io.Closer: the transport has no more use for the body.
func (b *body) Close() error {
	b.timer.Stop()
	return nil
}

// stop ends the body, waiting for a read that is under way, and says how much
// was read and whether the source failed.
func (b *body) stop() (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	b.timer.Stop()
	return b.read, b.failure
}
