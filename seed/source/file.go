package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/dbake/dbake/seed/plan"
)

// file is a Stream of a file of the build context.
type file struct {
	f        *os.File
	url      string
	size     int64
	done     <-chan struct{}
	reason   func() error
	position atomic.Int64
}

// openFile opens a path of the build context. Symbolic links are followed as
// long as they stay inside it.
func (s *Source) openFile(ctx context.Context, obj plan.Object) (Stream, error) {
	url := Display(obj)
	fail := func(text, hint string, kind, err error) error {
		return &Error{Op: "open", URL: url, Hint: hint, Err: &cause{text: text, kind: kind, err: err}}
	}
	f, err := os.OpenInRoot(s.cfg.ContextDir, filepath.FromSlash(obj.Location.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail("no such file in the build context",
			"paths count from the context's root; look whether .dockerignore leaves the file out", ErrNotFound, err)
	}
	if err != nil {
		return nil, fail(fmt.Sprintf("the file of the build context cannot be opened: %v", reasonOf(err)), "", nil, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, fail("this is not a regular file", "name the dump file itself", ErrUnsupported, nil)
	}
	if err == nil && obj.Size >= 0 && info.Size() != obj.Size {
		err = changedError("it had %d bytes and has %d", obj.Size, info.Size())
	}
	if err != nil {
		_ = f.Close()
		return nil, &Error{Op: "open", URL: url, Err: err}
	}
	return &file{
		f: f, url: url, size: info.Size(),
		done: ctx.Done(), reason: func() error { return context.Cause(ctx) },
	}, nil
}

// reasonOf drops the machine's own path from an error of package os.
func reasonOf(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (f *file) Read(p []byte) (int, error) {
	select {
	case <-f.done:
		return 0, &Error{Op: "read", URL: f.url, Err: f.reason()}
	default:
	}
	n, err := f.f.Read(p)
	f.position.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		err = &Error{Op: "read", URL: f.url, Err: reasonOf(err)}
	}
	return n, err
}

func (f *file) Close() error {
	if err := f.f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return &Error{Op: "close", URL: f.url, Err: reasonOf(err)}
	}
	return nil
}

func (f *file) Position() int64 { return f.position.Load() }
func (f *file) Size() int64     { return f.size }
