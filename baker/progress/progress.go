// Package progress is how the baker tells its caller what it is doing, in the
// words of BuildKit: steps ("vertices") with logs, counters and warnings, as
// client.SolveStatus values. Whatever draws BuildKit's progress draws the
// baker's, and a build that runs in a BuildKit is passed on as it is.
package progress

import (
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// Writer receives statuses. It is called from several goroutines at once and
// keeps nothing it is given.
type Writer func(*client.SolveStatus)

// Discard is the Writer that drops everything.
func Discard(*client.SolveStatus) {}

// Step is one line of the build's progress, such as "push layer 2/4". Its
// methods may be called from several goroutines.
type Step struct {
	write  Writer
	vertex client.Vertex

	mu       sync.Mutex
	counters map[string]time.Time // when each counter started
}

// Start begins a step.
func (w Writer) Start(name string) *Step {
	now := time.Now()
	s := &Step{
		write: w,
		vertex: client.Vertex{
			Digest:  digest.FromString(name + now.Format(time.RFC3339Nano)),
			Name:    name,
			Started: &now,
		},
		counters: map[string]time.Time{},
	}
	s.send()
	return s
}

// Run is a step around f.
func (w Writer) Run(name string, f func(*Step) error) error {
	s := w.Start(name)
	err := f(s)
	s.Done(err)
	return err
}

func (s *Step) send() {
	s.mu.Lock()
	v := s.vertex
	s.mu.Unlock()
	s.write(&client.SolveStatus{Vertexes: []*client.Vertex{&v}})
}

// Done ends the step; err is nil when all went well.
func (s *Step) Done(err error) {
	now := time.Now()
	s.mu.Lock()
	s.vertex.Completed = &now
	if err != nil {
		s.vertex.Error = err.Error()
	}
	s.mu.Unlock()
	s.send()
}

// Cached says that the step's work had been done before.
func (s *Step) Cached() {
	s.mu.Lock()
	s.vertex.Cached = true
	s.mu.Unlock()
}

// Log adds output to the step; text holds whole lines, each with its newline.
func (s *Step) Log(text []byte) {
	s.write(&client.SolveStatus{Logs: []*client.VertexLog{{
		Vertex: s.vertex.Digest, Stream: 2, Data: append([]byte(nil), text...), Timestamp: time.Now(),
	}}})
}

// Write is Log for those who want an io.Writer.
func (s *Step) Write(text []byte) (int, error) {
	s.Log(text)
	return len(text), nil
}

// Count sets a counter of the step, such as the bytes of a blob; total is 0 when
// unknown. A counter whose current is its total is complete.
func (s *Step) Count(id string, current, total int64) {
	now := time.Now()
	s.mu.Lock()
	started, ok := s.counters[id]
	if !ok {
		started, s.counters[id] = now, now
	}
	s.mu.Unlock()
	status := &client.VertexStatus{
		ID: id, Vertex: s.vertex.Digest, Current: current, Total: total, Timestamp: now, Started: &started,
	}
	if total > 0 && current >= total {
		status.Completed = &now
	}
	s.write(&client.SolveStatus{Statuses: []*client.VertexStatus{status}})
}

// Warn adds a warning.
func (s *Step) Warn(text string) {
	s.write(&client.SolveStatus{Warnings: []*client.VertexWarning{{
		Vertex: s.vertex.Digest, Level: 1, Short: []byte(text),
	}}})
}
