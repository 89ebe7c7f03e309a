package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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
	todo := children(os.Getpid())
	for len(todo) > 0 {
		pid := todo[0]
		todo = todo[1:]
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended
		}
		p := readStat(text)
		p.memory = max(residentPeak(pid), w.seen[pid].memory)
		w.seen[pid] = p
		if p.name != "mysqld" { // it has many threads and no children
			todo = append(todo, children(pid)...)
		}
	}
}

// children lists the children of all threads of a process (proc_pid_task(5)).
func children(pid int) []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var out []int
	for _, name := range lists {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}

// readStat reads name and processor time from proc_pid_stat(5); the name
// is in parentheses and may hold anything.
func readStat(text []byte) (p process) {
	from, to := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return p
	}
	p.name = string(text[from+1 : to])
	fields := strings.Fields(string(text[to+1:]))
	if len(fields) < 13 {
		return p
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	// Linux counts in units of 1/100 s for programs on every platform.
	p.cpu = time.Duration(user+system) * 10 * time.Millisecond
	return p
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
