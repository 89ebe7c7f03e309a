package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/seed/event"
)

// between is how often progress gets a line.
const between = 2 * time.Second

// dumpEvents draws what happens to a dump.
type dumpEvents struct {
	show   progress.Writer
	server string // where it comes from; empty: from other dumps

	mu   sync.Mutex
	step *progress.Step
	last time.Time // when progress was shown
}

// event draws an event; it is an event.Sink.
func (d *dumpEvents) event(e event.Event) {
	switch e := e.(type) {
	case event.Phase:
		d.end(nil)
		d.mu.Lock()
		d.step = d.show.Start(strings.TrimSpace(e.Name + " " + d.server + " " + parenthesised(e.Detail)))
		d.last = time.Now()
		d.mu.Unlock()
	case event.Warning:
		d.warn("%s", e.Text)
	case event.Progress:
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.step == nil || time.Since(d.last) < between {
			return
		}
		d.last = time.Now()
		d.step.Log(fmt.Appendf(nil, "%.1f MB of text, %d rows, %d tables in %.0f s\n", float64(e.Read)/1e6, e.Rows, e.Tables, e.Elapsed.Seconds()))
	}
}

func parenthesised(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func (d *dumpEvents) warn(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	step := d.step
	if step == nil {
		step = d.show.Start(strings.TrimSpace("dump " + d.server))
		defer step.Done(nil)
	}
	step.Log(fmt.Appendf(nil, "warning: "+format+"\n", args...))
}

func (d *dumpEvents) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.step != nil {
		d.step.Done(err)
		d.step = nil
	}
}
