package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dbake/dbake/hack/bench/dataset"
)

// report is everything measured in one run.
type report struct {
	set     *dataset.Set
	runs    int
	machine machine
	ways    []*measured
	parts   []rate
	image   []timing
	push    []*pushWay
	dump    []*dumpWay
}

// The table lives between these lines of the document.
const (
	beginMark = "<!-- make bench: begin -->"
	endMark   = "<!-- make bench: end -->"
)

// markdown writes the report.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s: %s. MySQL %s. Dump: %d rows, %.0f MB of text, %.0f MB gzip. %s.\n",
		r.machine.day, r.machine.text, r.set.Server, r.set.Rows, mega(r.set.Text), mega(r.set.Gzip), r.command())
	if r.machine.load > 0.5 {
		fmt.Fprintf(&b, "**The machine was busy with other things (load %.1f when this began): take no number for good.**\n", r.machine.load)
	}
	r.writeWays(&b)
	if len(r.parts) > 0 {
		b.WriteString("\nOne core, MB of text per second (`go test -bench`):\n\n| part | MB/s |\n|---|--:|\n")
		for _, p := range r.parts {
			fmt.Fprintf(&b, "| %s | %s |\n", p.name, p.megabytes)
		}
	}
	if len(r.image) > 0 {
		b.WriteString("\nAround the restore (database of the demo, 100,000 rows):\n\n| step | seconds |\n|---|--:|\n")
		for _, t := range r.image {
			fmt.Fprintf(&b, "| %s | %.2f |\n", t.name, t.took.Seconds())
		}
	}
	r.writePush(&b)
	r.writeDump(&b)
	return b.String()
}

func (r *report) command() string {
	if r.runs == 1 {
		return "Each way ran once"
	}
	return fmt.Sprintf("Each way ran %d times in turn, the median counts", r.runs)
}

func (r *report) writeWays(b *strings.Builder) {
	if len(r.ways) == 0 {
		return
	}
	b.WriteString("\n| way | seconds | ÷ dbake | to the last row | spread | rows/s | MB/s | datadir MB | server CPU s | rest CPU s | server MB | loader MB |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	own := time.Duration(0)
	for _, m := range r.ways {
		if m.way.key == "d" && len(m.samples) > 0 {
			own = m.median().total
		}
	}
	for _, m := range r.ways {
		if len(m.samples) > 0 {
			r.writeWay(b, m, own)
		}
	}
	b.WriteString("\n")
	for _, m := range r.ways {
		fmt.Fprintf(b, "- %s: %s.", m.way.name, m.way.text)
		if m.skipped != "" {
			fmt.Fprintf(b, " Not measured: %s.", m.skipped)
		}
		b.WriteString("\n")
	}
}

func (r *report) writeWay(b *strings.Builder, m *measured, own time.Duration) {
	s := m.median()
	ratio, loaded := "", "–"
	if own > 0 {
		ratio = fmt.Sprintf("%.2f", s.total.Seconds()/own.Seconds())
	}
	if s.loaded != s.total {
		loaded = fmt.Sprintf("%.1f", s.loaded.Seconds())
	}
	server, rest, loader := s.usage["mysqld"], time.Duration(0), int64(0)
	for name, of := range s.usage {
		switch name {
		case "dbake-seed", "mysql", "myloader":
			loader = max(loader, of.memory)
			rest += of.cpu
		case "gzip", "zcat":
			rest += of.cpu
		}
	}
	seconds := s.total.Seconds()
	fmt.Fprintf(b, "| %s | %.1f | %s | %s | %.1f–%.1f | %.0f | %.1f | %.0f | %.1f | %.1f | %.0f | %.0f |\n",
		m.way.name, seconds, ratio, loaded, m.fastest().Seconds(), m.slowest().Seconds(),
		float64(r.set.Rows)/seconds, mega(r.set.Text)/seconds, mega(s.datadir),
		server.cpu.Seconds(), rest.Seconds(), mega(server.memory), mega(loader))
}

// median gives the sample in the middle.
func (m *measured) median() sample { return m.sorted()[(len(m.samples)-1)/2] }

func (m *measured) fastest() time.Duration { return m.sorted()[0].total }

func (m *measured) slowest() time.Duration { return m.sorted()[len(m.samples)-1].total }

func (m *measured) sorted() []sample {
	return slices.SortedFunc(slices.Values(m.samples), func(a, b sample) int { return cmp.Compare(a.total, b.total) })
}

// writeBetweenMarkers replaces what stands between the markers of a document.
func writeBetweenMarkers(name, text string) error {
	old, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	before, rest, ok := bytes.Cut(old, []byte(beginMark))
	if !ok {
		return fmt.Errorf("%s has no line %q", name, beginMark)
	}
	_, after, ok := bytes.Cut(rest, []byte(endMark))
	if !ok {
		return errors.New(name + " has no line " + endMark)
	}
	all := string(before) + beginMark + "\n" + text + endMark + string(after)
	return os.WriteFile(name, []byte(all), 0o644)
}
