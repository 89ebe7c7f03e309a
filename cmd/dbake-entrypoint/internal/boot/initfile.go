package boot

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/account"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

// initFile hands the server statements to run before it lets anyone in. It is
// a pipe, so passwords never are in a file, and what the server has read is
// gone. And it shows how far the server has come: it stops to read at the
// first error, but serves all the same.
type initFile struct {
	script account.Script
	r, w   *os.File
	// written counts the bytes that are in the pipe or have been in it.
	written atomic.Int64
	done    chan struct{}
}

// openInitFile returns an initFile for a server that runs as as.
func openInitFile(script account.Script, as proc.Identity) (*initFile, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("init file: %w", err)
	}
	if as.Switch {
		// The server opens the pipe by name, which asks for permission.
		if err := r.Chown(as.UID, as.GID); err != nil {
			return nil, errors.Join(fmt.Errorf("init file: %w", err), r.Close(), w.Close())
		}
	}
	f := &initFile{script: script, r: r, w: w, done: make(chan struct{})}
	go f.write()
	return f, nil
}

// option is what makes the server read the file, when r is its descriptor
// number proc.ExtraFD.
func (f *initFile) option() string {
	return fmt.Sprintf("--init-file=/proc/self/fd/%d", proc.ExtraFD)
}

// write puts the script into the pipe, in pieces that go in whole or not at
// all, so that written is exact also when the pipe is full.
func (f *initFile) write() {
	defer close(f.done)
	defer f.w.Close()
	const whole = 4096
	for text := f.script.Text; len(text) > 0; {
		n, err := f.w.Write(text[:min(whole, len(text))])
		if err != nil {
			return
		}
		f.written.Add(int64(n))
		text = text[n:]
	}
}

// ran says whether all needed statements were run without an error. It is to
// be asked once the server serves.
func (f *initFile) ran() bool {
	return f.script.Ran(int(f.written.Load()) - f.unread())
}

func (f *initFile) unread() int {
	var n int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.r.Fd(), syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	if errno != 0 {
		return 0
	}
	return int(n)
}

// close ends the writing and throws away what was not read.
func (f *initFile) close() {
	_ = f.w.Close()
	_ = f.r.Close()
	<-f.done
}
