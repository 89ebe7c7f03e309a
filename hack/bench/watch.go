package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// usage is what programs took, by name. Memory is the largest resident set of
// one process (VmHWM of proc_pid_status(5), the same as getrusage's maxrss),
// processor time the sum over all processes of the name.
type usage map[string]struct {
	memory int64 // bytes
	cpu    time.Duration
}

// String gives one line for the terminal.
func (u usage) String() string {
	var out []string
	for _, name := range []string{"mysqld", "dbake-seed", "mysql", "zcat", "gzip", "myloader"} {
		if of, ok := u[name]; ok {
			out = append(out, fmt.Sprintf("%s %.1f s of CPU and %.0f MB", name, of.cpu.Seconds(), mega(of.memory)))
		}
	}
	return strings.Join(out, ", ")
}

// watch looks at this process's descendants while something is measured.
type watch struct {
	quit chan struct{}
	done sync.WaitGroup
	seen map[int]process
}

// process is one descendant, as it was last seen.
type process struct {
	name   string
	memory int64
	cpu    time.Duration
}

// watchEvery costs about a millisecond of processor time each.
const watchEvery = 100 * time.Millisecond

func startWatch() *watch {
	w := &watch{quit: make(chan struct{}), seen: map[int]process{}}
	w.done.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			w.look()
			select {
			case <-w.quit:
				return
			case <-tick.C:
			}
		}
	})
	return w
}

func (w *watch) stop() usage {
	close(w.quit)
	w.done.Wait()
	out := usage{}
	for _, p := range w.seen {
		sum := out[p.name]
		sum.memory = max(sum.memory, p.memory)
		sum.cpu += p.cpu
		out[p.name] = sum
	}
	return out
}

// look records all descendants.
func (w *watch) look() {
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return
	}
	parents, found := map[int]int{}, map[int]process{}
	for _, name := range entries {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parents[pid], found[pid] = readStat(text)
	}
	for pid, p := range found {
		if !descends(pid, parents) {
			continue
		}
		p.memory = max(residentPeak(pid), w.seen[pid].memory)
		w.seen[pid] = p
	}
}

// descends reports whether a process is a child of this one, or a child's child.
func descends(pid int, parents map[int]int) bool {
	var line []int
	for pid > 1 && !slices.Contains(line, pid) {
		line = append(line, pid)
		pid = parents[pid]
		if pid == os.Getpid() {
			return true
		}
	}
	return false
}

// readStat reads parent, name and processor time from proc_pid_stat(5); the name
// is in parentheses and may hold anything.
func readStat(text []byte) (parent int, p process) {
	from, to := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return 0, p
	}
	p.name = string(text[from+1 : to])
	fields := strings.Fields(string(text[to+1:]))
	if len(fields) < 13 {
		return 0, p
	}
	parent, _ = strconv.Atoi(fields[1])
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	// Linux counts in units of 1/100 s for programs on every platform.
	p.cpu = time.Duration(user+system) * 10 * time.Millisecond
	return parent, p
}

func residentPeak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10
}
