// Package spill makes files for what is too large for memory. They have no name
// in their folder, so nothing is left of them however the program ends.
package spill

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// FullError says that a folder's file system has no space for a spilled file.
type FullError struct {
	// Dir is the folder.
	Dir string
	// Need is how many more bytes are at most wanted from it.
	Need int64
	// Err is what the system said.
	Err error
}

func (e *FullError) Error() string {
	return fmt.Sprintf("no space left in %s, up to %d more bytes are needed there: free them, or set TMPDIR to a folder that has them: %v",
		e.Dir, e.Need, e.Err)
}

// Unwrap gives what the system said.
func (e *FullError) Unwrap() error { return e.Err }

// Full makes a FullError of an error of writing that is due to missing space
// (ENOSPC, or the user's quota), and gives any other error back.
func Full(err error, dir string, need int64) error {
	var known *FullError
	if err == nil || errors.As(err, &known) || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return &FullError{Dir: dir, Need: need, Err: err}
}

// Dir is the folder that is meant by dir. When it is empty, that is the one for
// temporary files or, where those are in memory, as on many systems, one in the
// user's cache; TMPDIR has the last word.
func Dir(dir string) string {
	switch {
	case dir != "":
		return dir
	case os.Getenv("TMPDIR") != "":
		return os.TempDir()
	}
	return onDisk(os.TempDir())
}

// onDisk gives a folder on a disk in the place of one that is in memory, if there is
// one.
func onDisk(dir string) string {
	if !inMemory(dir) {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return dir
	}
	own := filepath.Join(cache, "dbake")
	if err := os.MkdirAll(own, 0o700); err != nil || inMemory(own) {
		return dir
	}
	return own
}

// Create makes a file in Dir(dir). Only the caller can open it, and it is gone when closed.
func Create(dir string) (*os.File, error) {
	file, err := create(Dir(dir))
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	return file, nil
}

// createNamed makes a file and takes its name away.
func createNamed(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "dbake-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// blockSize is what a hole in a file is made of.
const blockSize = 4096

// Writer appends files to a spilled file, one behind the other. Blocks of zeros
// become holes, which take no space: a data directory has many. It is for one
// goroutine.
type Writer struct {
	file   *os.File
	dir    string
	offset int64
	buffer []byte
}

// NewWriter appends to file, which Create made in dir.
func NewWriter(file *os.File, dir string) *Writer {
	return &Writer{file: file, dir: Dir(dir), buffer: make([]byte, 256<<10)}
}

// Append copies size bytes of r and says where they begin. A shorter r is
// io.ErrUnexpectedEOF.
func (w *Writer) Append(r io.Reader, size int64) (offset int64, err error) {
	offset = w.offset
	for left := size; left > 0; {
		part := w.buffer[:min(left, int64(len(w.buffer)))]
		if _, err := io.ReadFull(r, part); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		if err := w.blocks(part, w.offset+size-left); err != nil {
			return 0, Full(err, w.dir, left)
		}
		left -= int64(len(part))
	}
	// The next file begins at a block, so that its blocks are the file's.
	w.offset += (size + blockSize - 1) / blockSize * blockSize
	if err := w.file.Truncate(w.offset); err != nil {
		return 0, Full(err, w.dir, 0)
	}
	return offset, nil
}

// blocks writes runs of blocks that are not all zeros.
func (w *Writer) blocks(part []byte, at int64) error {
	begin := 0
	for i := 0; i < len(part); i += blockSize {
		end := min(i+blockSize, len(part))
		if !Zero(part[i:end]) {
			continue
		}
		if err := w.writeAt(part[begin:i], at+int64(begin)); err != nil {
			return err
		}
		begin = end
	}
	return w.writeAt(part[begin:], at+int64(begin))
}

func (w *Writer) writeAt(part []byte, at int64) error {
	if len(part) == 0 {
		return nil
	}
	_, err := w.file.WriteAt(part, at)
	return err
}

// Zero tells whether all bytes are 0.
func Zero(b []byte) bool {
	if len(b) == 0 || b[0] != 0 {
		return len(b) == 0
	}
	// When the first byte is zero and each byte is like the one before, all are.
	return bytes.Equal(b[1:], b[:len(b)-1])
}
