package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// file is a Writer of a file of this machine.
type file struct {
	path string
	temp *os.File
	done bool
}

var _ Writer = (*file)(nil)

// File writes a file that takes its name at Commit, when all of it is on the
// disk; a file that has the name until then is replaced. Only its owner may read
// it. Metadata is not kept.
func File(path string) (Writer, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("write %s: it exists and is no file", path)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".unfinished-")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, withoutPath(err))
	}
	return &file{path: path, temp: temp}, nil
}

func (f *file) Write(p []byte) (int, error) {
	n, err := f.temp.Write(p)
	if err != nil {
		err = fmt.Errorf("write %s: %w", f.path, withoutPath(err))
	}
	return n, err
}

func (f *file) Commit(ctx context.Context, _ map[string]string) error {
	err := context.Cause(ctx)
	for _, step := range []func() error{
		f.temp.Sync,
		f.temp.Close,
		func() error { return os.Rename(f.temp.Name(), f.path) },
	} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, withoutPath(err))
	}
	f.done = true
	return syncDir(filepath.Dir(f.path))
}

// syncDir makes a new name last.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (f *file) Abort() error {
	if f.done {
		return nil
	}
	f.done = true
	_ = f.temp.Close() // it is about to go
	return os.Remove(f.temp.Name())
}

// withoutPath drops the name of the temporary file, which tells users nothing.
func withoutPath(err error) error {
	var path *os.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// stream is a Writer of something that is open already.
type stream struct{ io.Writer }

// Stream writes to w as the bytes come: what is written cannot be taken back, so
// whoever reads it has to look for the dump's last line. Closing w is left to
// the caller.
func Stream(w io.Writer) Writer { return stream{w} }

func (stream) Commit(context.Context, map[string]string) error { return nil }
func (stream) Abort() error                                    { return nil }
