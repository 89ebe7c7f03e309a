package mysqld

import (
	"strings"
	"sync"
)

// tailBytes bounds what is kept of a process's output.
const tailBytes = 16 << 10

// logTail keeps the end of what a process prints. It may be written to and
// read from several goroutines.
type logTail struct {
	mu   sync.Mutex
	text []byte
}

func newLogTail() *logTail { return &logTail{} }

// Write keeps p, and forgets the oldest bytes beyond the bound.
func (t *logTail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// Lines gives the kept lines, oldest first.
func (t *logTail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return splitLines(string(t.text))
}

func splitLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
