// Package within finds out where a path leads when a directory is taken for the
// root of a filesystem, the way chroot(2) would, without entering it.
//
// The answer holds for as long as nobody else changes the directory: it is for
// trees that are being made, or that nothing runs in.
package within

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxLinks is the kernel's own limit on symbolic links in one path
// (path_resolution(7)).
const maxLinks = 40

// Follow gives the path below dir that name stands for, relative to dir, with
// every symbolic link followed; "." is dir itself. Absolute links begin at dir,
// and ".." does not lead out of it. What does not exist is taken as it is
// written.
func Follow(dir, name string) (string, error) {
	pending := parts(name)
	at, links := ".", 0
	for len(pending) > 0 {
		part := pending[0]
		pending = pending[1:]
		if part == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		info, err := os.Lstat(filepath.Join(dir, next))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			at = next
			continue
		case err != nil:
			return "", fmt.Errorf("follow %q: %w", name, err)
		case info.Mode()&fs.ModeSymlink == 0:
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("follow %q: %w", name, syscall.ELOOP)
		}
		target, err := os.Readlink(filepath.Join(dir, next))
		if err != nil {
			return "", fmt.Errorf("follow %q: %w", name, err)
		}
		if path.IsAbs(target) {
			at = "."
		}
		pending = slices.Concat(parts(target), pending)
	}
	return at, nil
}

// Locate is Follow but for the last part of name, which is not followed when it
// is a symbolic link. It is where an entry called name is to be made or removed.
func Locate(dir, name string) (string, error) {
	clean := path.Clean("/" + name)
	if clean == "/" {
		return ".", nil
	}
	parent, err := Follow(dir, path.Dir(clean))
	return path.Join(parent, path.Base(clean)), err
}

// parts takes a path apart; what means nothing is left out.
func parts(name string) []string {
	return slices.DeleteFunc(strings.Split(name, "/"), func(part string) bool { return part == "" || part == "." })
}
