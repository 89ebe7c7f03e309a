package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// marker is in the environment of every process that is started, and so in
// that of its children. Its value is the Parts' folder.
const marker = "DBAKE_PARTS_ROOT"

// sweep discards the folders in dir whose process has died without Close.
func sweep(ctx context.Context, dir string) error {
	roots, err := filepath.Glob(filepath.Join(dir, rootPattern+"*"))
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := ctx.Err(); err != nil {
			return err
		}
		// A folder without a lock file is being made or removed just now.
		if _, err := os.Stat(filepath.Join(root, "lock")); err != nil {
			continue
		}
		lock, err := lockFile(filepath.Join(root, "lock"))
		if err != nil {
			continue
		}
		err = discard(ctx, root)
		lock.Close()
		if err != nil {
			return fmt.Errorf("remove what an earlier run left in %s: %w", root, err)
		}
	}
	return nil
}

// discard ends what still runs for root and removes root with all its mounts,
// control groups and its network bridge.
func discard(ctx context.Context, root string) error {
	var errs []error
	for range 50 {
		left := processes(root)
		if len(left) == 0 {
			break
		}
		for _, pid := range left {
			// Gone in the meantime is fine.
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if bridge, err := os.ReadFile(filepath.Join(root, bridgeFile)); err == nil {
		errs = append(errs, removeBridge(ctx, string(bridge)))
	}
	mounts, err := mountsBelow(root)
	errs = append(errs, err)
	for _, mount := range slices.Backward(mounts) {
		if err := syscall.Unmount(mount, syscall.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", mount, err))
		}
	}
	removeCgroups(filepath.Base(root))
	// Never remove what a mount may still show.
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.RemoveAll(root)
}

// processes lists the processes that belong to root: by the marker in their
// environment or, for those in containers, by their control group.
func processes(root string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	want := []byte(marker + "=" + root + "\x00")
	group := []byte("/" + filepath.Base(root) + "/")
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environment, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		groups, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cgroup"))
		if bytes.Contains(environment, want) || bytes.Contains(groups, group) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mountsBelow lists the mount points below dir, outer ones first.
func mountsBelow(dir string) ([]string, error) {
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var mounts []string
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			mounts = append(mounts, fields[1])
		}
	}
	return mounts, nil
}

// removeCgroups removes the control groups that containers of a Parts were in.
// Empty groups cost nothing, so that what cannot be removed stays.
func removeCgroups(name string) {
	tops, _ := filepath.Glob("/sys/fs/cgroup/*/" + name)
	for _, top := range append(tops, "/sys/fs/cgroup/"+name) {
		var dirs []string
		_ = filepath.WalkDir(top, func(path string, entry os.DirEntry, err error) error {
			if err != nil {
				return fs.SkipDir // gone while this looked
			}
			if entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			_ = os.Remove(dir)
		}
	}
}

// removeBridge deletes a network bridge; one that is gone already is fine.
func removeBridge(ctx context.Context, name string) error {
	if _, err := os.Stat(filepath.Join("/sys/class/net", name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "ip", "link", "delete", name).CombinedOutput(); err != nil {
		return fmt.Errorf("remove the bridge %s: %w: %s", name, err, out)
	}
	return nil
}
