package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is what the numbers were measured on.
type machine struct {
	text string
	load float64 // of the last minute, before anything is measured
	day  string
}

func describeMachine() machine {
	m := machine{day: time.Now().UTC().Format(time.DateOnly)}
	cpu := field("/proc/cpuinfo", "model name")
	if cpu == "" {
		cpu = runtime.GOARCH
	}
	memory := field("/proc/meminfo", "MemTotal")
	if kb, err := strconv.ParseFloat(strings.TrimSuffix(memory, " kB"), 64); err == nil {
		memory = fmt.Sprintf("%.0f GiB", kb/(1<<20))
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.load, _ = strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	}
	system := strings.Trim(field("/etc/os-release", "PRETTY_NAME"), `"`)
	m.text = fmt.Sprintf("%s, %d cores, %s of memory, %s, Linux %s, %s file system, %s",
		cpu, runtime.NumCPU(), memory, system, release(), fileSystem(os.TempDir()), runtime.Version())
	return m
}

// field gives the value behind a name in a file of "name: value" or "name=value"
// lines; empty when there is none.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			if at := strings.IndexAny(rest, ":="); at >= 0 {
				return strings.TrimSpace(rest[at+1:])
			}
		}
	}
	return ""
}

func release() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// fileSystem names the type of the file system a folder is on.
func fileSystem(dir string) string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "unknown"
	}
	// "ID parent major:minor root point options … - type source options"
	best, kind := "", "unknown"
	for line := range strings.Lines(string(text)) {
		left, right, ok := strings.Cut(line, " - ")
		fields := strings.Fields(left)
		if !ok || len(fields) < 5 {
			continue
		}
		if rel, err := filepath.Rel(fields[4], dir); err == nil && !strings.HasPrefix(rel, "..") && len(fields[4]) >= len(best) {
			best, kind = fields[4], strings.Fields(right)[0]
		}
	}
	return kind
}
