package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/telemetry"
)

// progressModes are the values of --progress.
var progressModes = []string{"auto", "plain", "tty", "json", "quiet"}

// progressFlag is --progress.
type progressFlag struct{ mode string }

func (p *progressFlag) addFlags(f *pflag.FlagSet) {
	f.StringVar(&p.mode, "progress", "auto", "how progress is shown on standard error: "+strings.Join(progressModes, ", "))
}

func (p *progressFlag) check() error {
	if !slices.Contains(progressModes, p.mode) {
		return usageError{fmt.Errorf("--progress %q is not known; it is one of %s", p.mode, strings.Join(progressModes, ", "))}
	}
	return nil
}

// beside is where a command writes what is no result: out, unless it is to be quiet.
func (p *progressFlag) beside(out io.Writer) io.Writer {
	if p.mode == "quiet" {
		return io.Discard
	}
	return out
}

// display draws progress on out while work runs, and returns work's error when
// the last line is drawn.
func (p *progressFlag) display(ctx context.Context, out io.Writer, work func(context.Context, progress.Writer) error) error {
	mode := progressui.DisplayMode(p.mode)
	if p.mode == "json" {
		mode = progressui.RawJSONMode
	}
	d, err := progressui.NewDisplay(out, mode)
	if err != nil {
		return usageError{fmt.Errorf("--progress %s: %w", p.mode, err)}
	}
	trace, err := telemetry.Start(ctx, "dbake", buildVersion())
	if err != nil {
		return usageError{err}
	}
	statuses := newStatuses()
	drawn := make(chan struct{})
	go func() {
		defer close(drawn)
		// Drawing goes on to the end also when the work was stopped.
		_, _ = d.UpdateFrom(context.WithoutCancel(ctx), statuses.out)
	}()
	err = work(ctx, trace.Writer(statuses.write))
	statuses.close()
	<-drawn
	trace.End(ctx, err)
	return err
}

// statuses passes statuses on to a display. What comes after close, from a
// goroutine that is about to end, is dropped.
type statuses struct {
	mu     sync.RWMutex
	closed bool
	out    chan *client.SolveStatus
}

func newStatuses() *statuses { return &statuses{out: make(chan *client.SolveStatus, 64)} }

func (s *statuses) write(st *client.SolveStatus) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		s.out <- st
	}
}

func (s *statuses) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	close(s.out)
}
