// Package filelock locks things that processes share by flock(2) on files. The
// kernel drops a lock when its process ends, however it ends.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// ErrLocked is what Try returns when another process, or another Lock of this
// one, has the lock.
var ErrLocked = errors.New("locked by another process")

// poll is how often Wait looks whether a lock is free.
const poll = 50 * time.Millisecond

// Mode says who else may hold a lock at the same time.
type Mode int

// The modes of a lock.
const (
	Shared    Mode = syscall.LOCK_SH
	Exclusive Mode = syscall.LOCK_EX
)

// Lock is a lock that is held. Its methods may be called from one goroutine at a
// time.
type Lock struct{ file *os.File }

// Try takes the lock of a file, which it makes when it is missing. The error
// wraps ErrLocked when somebody else has it.
func Try(name string, mode Mode) (*Lock, error) {
	for {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("make a lock: %w", err)
		}
		err = syscall.Flock(int(file.Fd()), int(mode)|syscall.LOCK_NB)
		if errors.Is(err, syscall.EINTR) {
			file.Close()
			continue
		}
		if err != nil {
			file.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = ErrLocked
			}
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if isStill(name, file) {
			return &Lock{file}, nil
		}
		file.Close() // its owner removed it before it was ours
	}
}

// Wait is Try that waits until the lock is free or the context ends. waiting,
// when it is not nil, is called once, before the wait begins.
func Wait(ctx context.Context, name string, mode Mode, waiting func()) (*Lock, error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		lock, err := Try(name, mode)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the lock %s: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// isStill says whether a file is still the one of that name.
func isStill(name string, file *os.File) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Stat(name)
	return err == nil && os.SameFile(ours, theirs)
}

// Used says when Touch was called last or, if it never was, when the lock was
// made.
func (l *Lock) Used() time.Time {
	info, err := l.file.Stat()
	if err != nil {
		return time.Now()
	}
	return info.ModTime()
}

// Touch notes that what the lock is for is in use now.
func (l *Lock) Touch() error {
	now := time.Now()
	return os.Chtimes(l.file.Name(), now, now)
}

// Share makes an exclusive lock a shared one. For a moment nobody has it.
func (l *Lock) Share() error {
	if err := syscall.Flock(int(l.file.Fd()), syscall.LOCK_SH); err != nil {
		return fmt.Errorf("share the lock %s: %w", l.file.Name(), err)
	}
	return nil
}

// Unlock gives the lock back and keeps its file.
func (l *Lock) Unlock() error { return l.file.Close() }

// Remove removes the file of an exclusive lock and gives the lock back.
func (l *Lock) Remove() error {
	err := os.Remove(l.file.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Close())
}
