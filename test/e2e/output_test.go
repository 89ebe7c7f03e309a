package e2e

import (
	"bytes"
	"regexp"
	"runtime"
	"strings"
	"sync"
)

// architecture is that of this machine's images.
const architecture = runtime.GOARCH

// syncBuffer collects the output of a program that still runs.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

var stepLine = regexp.MustCompile(`(?m)^#(\d+) (.*)$`)

// step gives the lines of the output's first step whose name begins with name.
// There are none if there is no such step.
func step(output, name string) []string {
	var number string
	var lines []string
	for _, m := range stepLine.FindAllStringSubmatch(output, -1) {
		if number == "" && strings.HasPrefix(m[2], name) {
			number = m[1]
		}
		if number != "" && m[1] == number {
			lines = append(lines, m[2])
		}
	}
	return lines
}

// stepCached says whether the output's step has been taken from the cache.
func stepCached(output, name string) bool {
	for _, line := range step(output, name) {
		if line == "CACHED" {
			return true
		}
	}
	return false
}

// stepRan says whether the output's step has been carried out.
func stepRan(output, name string) bool {
	return len(step(output, name)) > 0 && !stepCached(output, name)
}
