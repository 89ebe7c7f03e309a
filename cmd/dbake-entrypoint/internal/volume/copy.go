package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"syscall"
	"time"
)

// item is a file, directory or symbolic link to copy.
type item struct {
	path string // below the data directory
	info os.FileInfo
}

// copyAll copies the image's data directory, a few files at a time.
func (d DataDir) copyAll(ctx context.Context) error {
	dirs, files, size, err := d.list()
	if err != nil {
		return fmt.Errorf("the image's copy of the data: %w", err)
	}
	if err := d.room(size); err != nil {
		return err
	}
	if err := d.makeDirs(dirs); err != nil {
		return err
	}
	var done atomic.Int64
	stop := d.progress(&done, size)
	err = d.copyFiles(ctx, files, &done)
	stop()
	if err != nil {
		return d.explain(err)
	}
	// The directories' own times change with every file made in them, so
	// they come last, the deepest first.
	for i := len(dirs) - 1; i >= 0; i-- {
		target := filepath.Join(d.Path, dirs[i].path)
		if err := errors.Join(sync(target), d.attributes(target, dirs[i].info, dirs[i].path == ".")); err != nil {
			return d.explain(err)
		}
	}
	return nil
}

// list finds what there is to copy; directories come before what is in them.
// size is in bytes of disk, which for a file with holes is less than its length.
func (d DataDir) list() (dirs, files []item, size int64, err error) {
	err = filepath.WalkDir(d.Pristine, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(d.Pristine, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			dirs = append(dirs, item{name, info})
			return nil
		}
		files = append(files, item{name, info})
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			size += stat.Blocks * 512
		}
		return nil
	})
	return dirs, files, size, err
}

// room refuses to begin what cannot end well.
func (d DataDir) room(size int64) error {
	var stat syscall.Statfs_t
	known := syscall.Statfs(d.Path, &stat) == nil && stat.Blocks > 0 // or else the copying will tell
	if free := int64(stat.Bavail) * stat.Bsize; known && free < size {
		return fmt.Errorf("%s is empty and too small to be filled: the data needs %d MB, %d MB are free", d.Path, size>>20, free>>20)
	}
	return nil
}

func (d DataDir) makeDirs(dirs []item) error {
	for _, dir := range dirs {
		if dir.path == "." {
			continue
		}
		if err := os.Mkdir(filepath.Join(d.Path, dir.path), 0o700); err != nil {
			return d.explain(err)
		}
	}
	return nil
}

// copyFiles copies files until one fails or ctx ends. done counts bytes.
func (d DataDir) copyFiles(ctx context.Context, files []item, done *atomic.Int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan item)
	var workers gosync.WaitGroup
	for range min(max(runtime.NumCPU(), 2), 4) {
		workers.Go(func() {
			for f := range next {
				if err := d.copyOne(ctx, f, done); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, f := range files {
		select {
		case next <- f:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

func (d DataDir) copyOne(ctx context.Context, f item, done *atomic.Int64) error {
	source, target := filepath.Join(d.Pristine, f.path), filepath.Join(d.Path, f.path)
	if f.info.Mode()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(source)
		if err == nil {
			err = os.Symlink(to, target)
		}
		if err == nil && d.As.Switch {
			err = os.Lchown(target, d.As.UID, d.As.GID)
		}
		return err
	}
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := copyData(ctx, out, in, f.info.Size(), done); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	// The data has to be on the disk before the marker goes.
	if err := out.Sync(); err != nil {
		return err
	}
	return d.attributes(target, f.info, false)
}

// piece is how much is copied between two looks at the context and the
// progress.
const piece = 16 << 20

// copyData copies the parts of a file that are not holes. The kernel does the
// work (copy_file_range), and shares the blocks where it can.
func copyData(ctx context.Context, out, in *os.File, size int64, done *atomic.Int64) error {
	const seekData, seekHole = 3, 4
	for at := int64(0); at < size; {
		start, err := in.Seek(at, seekData)
		if errors.Is(err, syscall.ENXIO) { // a hole up to the end
			break
		}
		if err != nil {
			start = at // a file system that does not know
		}
		end, err := in.Seek(start, seekHole)
		if err != nil || end <= start {
			end = size
		}
		for start < end {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			n := min(end-start, piece)
			if err := copyPiece(out, in, start, n); err != nil {
				return err
			}
			start += n
			done.Add(n)
		}
		at = end
	}
	return out.Truncate(size)
}

func copyPiece(out, in *os.File, at, n int64) error {
	if _, err := in.Seek(at, io.SeekStart); err != nil {
		return err
	}
	if _, err := out.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(out, in, n)
	return err
}

// attributes gives target the mode and time of the original and, as far as
// this process may, the server's user. The top of a volume may belong to
// somebody who lets us write, and then stays as it is.
func (d DataDir) attributes(target string, info os.FileInfo, top bool) error {
	if d.As.Switch {
		if err := os.Chown(target, d.As.UID, d.As.GID); err != nil {
			return err
		}
	}
	if top && !d.As.Switch {
		return nil
	}
	return errors.Join(os.Chmod(target, info.Mode().Perm()), os.Chtimes(target, info.ModTime(), info.ModTime()))
}

// explain says what a full disk and a stopped container mean here.
func (d DataDir) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s is too small to be filled from the image: %w", d.Path, err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("the filling of %s was stopped: %w", d.Path, err)
	}
	return fmt.Errorf("filling %s from the image: %w", d.Path, err)
}

// progress says every few seconds how far the copying is, until the function
// it returns is called. Copies that are done in two seconds say nothing.
func (d DataDir) progress(done *atomic.Int64, size int64) (stop func()) {
	quit := make(chan struct{})
	var watcher gosync.WaitGroup
	watcher.Go(func() {
		for wait := 2 * time.Second; ; wait = 5 * time.Second {
			select {
			case <-quit:
				return
			case <-time.After(wait):
				d.Say("filling %s from the image: %d of %d MB", d.Path, done.Load()>>20, size>>20)
			}
		}
	})
	return func() { close(quit); watcher.Wait() }
}
