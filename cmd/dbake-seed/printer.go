package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dbake/dbake/internal/bytesize"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/manifest"
)

// progressEvery is how often a progress line appears: a build's output is kept
// line by line, so every line must be worth keeping.
const progressEvery = 2 * time.Second

// printer turns events into lines. It may be called from many goroutines.
type printer struct {
	mu      sync.Mutex
	out     io.Writer
	started time.Time
	last    time.Time // of the last progress line
}

func newPrinter(out io.Writer) *printer {
	now := time.Now()
	return &printer{out: out, started: now, last: now}
}

// Event prints one event; it is an event.Sink.
func (p *printer) Event(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case event.Phase:
		p.line(withDetail(e.Name, e.Detail))
	case event.Warning:
		p.line("warning: " + e.Text)
	case event.ServerLog:
		p.line("server: " + e.Line)
	case event.Progress:
		if time.Since(p.last) >= progressEvery {
			p.last = time.Now()
			p.line(progressLine(e))
		}
	}
}

func (p *printer) line(text string) { fmt.Fprintln(p.out, text) }

func (p *printer) done(m *manifest.Manifest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(fmt.Sprintf("done: %d tables, %d rows, %d statements in %.1f s",
		len(m.Tables), m.Rows, m.Statements, time.Since(p.started).Seconds()))
	if m.Skipped > 0 {
		p.line(fmt.Sprintf("warning: %d statements were refused by the server and left out (restore.on_error: continue)", m.Skipped))
	}
}

func withDetail(name, detail string) string {
	if detail == "" {
		return name
	}
	return name + ": " + detail
}

// progressLine shows how far a dump has been read, what came of it, and how
// long the rest will take at the pace so far.
func progressLine(e event.Progress) string {
	text := fmt.Sprintf("%s read", bytesize.Text(e.Read))
	if e.Total > 0 {
		text = fmt.Sprintf("%3d%% of %s", e.Read*100/e.Total, bytesize.Text(e.Total))
	}
	text += fmt.Sprintf(", %d tables, %d rows", e.Tables, e.Rows)
	if s := e.Elapsed.Seconds(); s > 0 {
		text += fmt.Sprintf(", %s/s", bytesize.Text(int64(float64(e.Read)/s)))
	}
	if e.Total > 0 && e.Read > 0 && e.Read < e.Total {
		left := time.Duration(float64(e.Elapsed) * float64(e.Total-e.Read) / float64(e.Read))
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return text
}
