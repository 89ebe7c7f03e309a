package base

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// seal sums up a tree: names, types, modes, owners, sizes, times of change of
// the content, and links, but not content. It tells whether somebody has changed
// a tree, unless they took pains to hide it, in some 10 ms per 1000 files.
func seal(dir string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s: no owner is known", name)
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		target := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if target, err = os.Readlink(name); err != nil {
				return err
			}
		}
		size, changed := info.Size(), info.ModTime().UnixNano()
		if info.IsDir() {
			size = 0 // depends on the filesystem's mood
		}
		fmt.Fprintf(sum, "%q %v %d:%d %d %d %q\n", rel, info.Mode(), st.Uid, st.Gid, size, changed, target)
		return nil
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// allocated gives the bytes of disk that a file takes.
func allocated(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512 // stat(2)
	}
	return info.Size()
}

// RemoveAll is os.RemoveAll for trees in which directories are closed to their
// owner, as those of images and overlay filesystems may be.
func RemoveAll(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, _ error) error {
		if d == nil || !d.IsDir() {
			return nil // what cannot be opened here fails below
		}
		return os.Chmod(name, 0o700)
	})
	return os.RemoveAll(dir)
}
