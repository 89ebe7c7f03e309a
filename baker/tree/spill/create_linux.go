package spill

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// create makes a file that never has a name, where the file system knows such
// (open(2), O_TMPFILE).
func create(dir string) (*os.File, error) {
	for {
		fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC|unix.O_EXCL, 0o600)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), filepath.Join(dir, "(temporary)")), nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
			return createNamed(dir)
		default:
			return nil, &os.PathError{Op: "open", Path: dir, Err: err}
		}
	}
}

// inMemory says whether a folder's files take memory instead of disk.
func inMemory(dir string) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return false
	}
	kind := int64(st.Type) //nolint:unconvert // other types on other systems
	return kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC
}
