package mysqld

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// AvailableMemory gives the bytes of memory a new process can use without
// swapping: MemAvailable of /proc/meminfo (proc_meminfo(5)), or the limit of the
// tightest memory cgroup (cgroups(7)) when that is less. It is 1 GiB when
// nothing can be read.
func AvailableMemory() int64 {
	available := int64(1 << 30)
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		available = memAvailable(string(text), available)
	}
	if limit := cgroupLimit("/sys/fs/cgroup", "/proc/self/cgroup"); limit > 0 {
		available = min(available, limit)
	}
	return available
}

func memAvailable(meminfo string, otherwise int64) int64 {
	for line := range strings.Lines(meminfo) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == "MemAvailable:" {
			if kb, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return kb << 10
			}
		}
	}
	return otherwise
}

// cgroupLimit gives the tightest memory limit in bytes on the way from the
// process's cgroups, as list (/proc/self/cgroup) names them, up to the root of
// the hierarchy; 0 when there is none. In a container the hierarchy is often
// mounted so that the process's own cgroup is its root, so the root counts too.
func cgroupLimit(mount, list string) int64 {
	text, err := os.ReadFile(list)
	if err != nil {
		return 0
	}
	tightest := int64(0)
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var root, file string
		switch {
		case parts[0] == "0" && parts[1] == "":
			root, file = mount, "memory.max"
			if _, err := os.Stat(filepath.Join(mount, "unified")); err == nil {
				root = filepath.Join(mount, "unified")
			}
		case hasController(parts[1], "memory"):
			root, file = filepath.Join(mount, "memory"), "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := filepath.Clean("/" + parts[2]); ; dir = filepath.Dir(dir) {
			tightest = tighter(tightest, readLimit(filepath.Join(root, dir, file)))
			if dir == "/" {
				break
			}
		}
	}
	return tightest
}

func hasController(list, name string) bool {
	for _, c := range strings.Split(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}

// readLimit reads one limit file; 0 means none. Version 1 writes "no limit" as
// a number near 2^63.
func readLimit(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n >= 1<<60 {
		return 0
	}
	return n
}

func tighter(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
