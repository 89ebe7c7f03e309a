package jail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// copyLimit is the size in bytes up to which files are copied for certain. Larger
// ones are linked where that is allowed and possible.
const copyLimit = 1 << 20

// cloneTree makes to, an empty directory, a clone of from. It takes next to no
// space for root: files that only root could change are hard links. All others
// are copies, so that nothing which runs in the clone changes the original.
func cloneTree(ctx context.Context, from, to string) error {
	var dirs []string // parents first
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case info.IsDir():
			if err := os.Mkdir(target, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			dirs = append(dirs, rel)
			return nil
		case info.Mode().IsRegular():
			if isRoots(info) && os.Link(name, target) == nil {
				return nil
			}
			return copyFile(ctx, name, target, info)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return errors.Join(os.Symlink(link, target), takeOwner(target, info))
		}
		return nil
	})
	for i := len(dirs) - 1; i >= 0 && err == nil; i-- {
		err = likeDir(filepath.Join(from, dirs[i]), filepath.Join(to, dirs[i]))
	}
	return err
}

// isRoots says that a file can be changed by root only, which we are.
func isRoots(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Geteuid() == 0 && st.Uid == 0 && info.Mode().Perm()&0o022 == 0
}

func likeDir(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if err := takeOwner(to, info); err != nil {
		return err
	}
	return os.Chmod(to, info.Mode())
}

func takeOwner(name string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(name, int(st.Uid), int(st.Gid))
}

// copyFile makes a copy with the same owner, mode and time, which shares the
// original's blocks where the filesystem can do that.
func copyFile(ctx context.Context, from, to string, info fs.FileInfo) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) != nil {
		if err := copyContent(ctx, out, in); err != nil {
			return err
		}
	}
	if err := takeOwner(to, info); err != nil {
		return err
	}
	if err := out.Chmod(info.Mode()); err != nil {
		return err
	}
	return os.Chtimes(to, time.Time{}, info.ModTime())
}

func copyContent(ctx context.Context, out, in *os.File) error {
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := io.CopyN(out, in, 64<<20)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || n == 0 {
			return err
		}
	}
}

// bring puts a file or directory of the machine into a clone. Large files are
// hard links where that is possible, because they may be larger than the disk's
// free space.
func bring(ctx context.Context, f File, to string) error {
	if err := makeDirs(filepath.Dir(to)); err != nil {
		return err
	}
	return filepath.WalkDir(f.From, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(f.From, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case info.IsDir():
			return makeDirs(target)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case !info.Mode().IsRegular():
			return nil
		}
		if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if !f.Copy && info.Size() > copyLimit && os.Link(name, target) == nil {
			return nil
		}
		return copyFile(ctx, name, target, info)
	})
}

// makeDevices makes the devices that a program cannot do without, where nothing
// can be mounted. Containers may refuse device nodes, too: then an empty file
// has to do for /dev/null, and the rest is missing, which programs that get
// random numbers from the kernel (getrandom(2)) do not notice.
func (j *Jail) makeDevices() error {
	dev, err := j.inside("/dev")
	if err == nil {
		err = makeDirs(dev)
	}
	if err != nil {
		return fmt.Errorf("make the jail's devices: %w", err)
	}
	for _, name := range devices {
		at := filepath.Join(dev, name)
		if err := os.RemoveAll(at); err != nil {
			return fmt.Errorf("make the jail's devices: %w", err)
		}
		if makeDevice(name, at) || name != "null" {
			continue
		}
		err := os.WriteFile(at, nil, 0o666)
		if err := errors.Join(err, os.Chmod(at, 0o666)); err != nil {
			return fmt.Errorf("make the jail's devices: %w", err)
		}
	}
	return nil
}

// makeDevice makes a node like the machine's, and says whether it works: on a
// filesystem that is mounted without devices nobody can open one.
func makeDevice(name, at string) bool {
	var st unix.Stat_t
	if unix.Stat("/dev/"+name, &st) != nil || unix.Mknod(at, unix.S_IFCHR|0o666, int(st.Rdev)) != nil {
		return false
	}
	file, err := os.Open(at)
	if err == nil {
		file.Close()
	} else if name != "tty" { // there may be no terminal
		_ = os.Remove(at) // the caller makes a file, or fails
		return false
	}
	return os.Chmod(at, 0o666) == nil
}
