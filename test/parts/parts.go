// Package parts starts the real programs that dbake works with, for the
// end-to-end tests, the demo and the benchmarks: buildkitd, buildx, image
// registries, an S3 server, Docker Engine, and MySQL and MariaDB servers.
//
// Each part starts on first use, once per Parts, on free ports and below one
// temporary folder; Close stops what was started and leaves no process, mount,
// network interface or file. The programs come from hack/setup, which is run
// when a part is asked for. Everything needs root and Linux.
package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Options say how Start works. The zero value is what tests want.
type Options struct {
	// Dir is where the temporary folder is made; empty: os.TempDir(). It must
	// be on a file system that can hold an overlay's upper folder.
	Dir string
	// Logf, when set, gets one line per part that starts.
	Logf func(format string, args ...any)
}

// Parts are the programs of one test process. All methods may be called from
// many goroutines.
type Parts struct {
	root string
	lock *os.File
	logf func(string, ...any)

	mu      sync.Mutex
	closed  bool
	closers []func() error
	counter int

	setup     map[string]*once[string] // by name; mu guards the map
	repo      once[string]
	buildkit  once[string]
	cli       once[[]string]
	registry  once[*Registry]
	authed    once[*Registry]
	s3        once[*S3]
	docker    once[string]
	frontend  once[string]
	dist      once[string]
	bases     [2]once[string]
	templates [2]once[string]
}

const (
	rootPattern = "dbake-parts-"
	// maxRoot is the longest root in bytes below which the longest socket
	// path (dockerd's, for its network drivers) fits the kernel's 107.
	maxRoot = 60
)

// Start makes the temporary folder, removes what crashed runs left, and
// returns without starting a part yet. The caller must Close the Parts.
func Start(ctx context.Context, options Options) (*Parts, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("test parts need root: they mount, chroot and make network interfaces")
	}
	dir := options.Dir
	if dir == "" {
		dir = os.TempDir()
	}
	if err := sweep(ctx, dir); err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp(dir, rootPattern)
	if err != nil {
		return nil, fmt.Errorf("make the parts' folder: %w", err)
	}
	if len(root) > maxRoot {
		return nil, errors.Join(fmt.Errorf("%s is too long a path for Unix sockets below it: set TMPDIR to a shorter one", root), os.Remove(root))
	}
	// Servers that give up root look for their files below it.
	if err := os.Chmod(root, 0o755); err != nil {
		return nil, fmt.Errorf("open the parts' folder to other users: %w", err)
	}
	lock, err := lockFile(filepath.Join(root, "lock"))
	if err != nil {
		return nil, err
	}
	logf := options.Logf
	if logf == nil {
		logf = func(string, ...any) {}
	}
	return &Parts{root: root, lock: lock, logf: logf}, nil
}

// Dir is the folder that everything lives in. Callers may make files in it.
func (p *Parts) Dir() string { return p.root }

// Close stops every part, newest first, and removes the temporary folder. The
// second call does nothing.
func (p *Parts) Close() error {
	p.mu.Lock()
	closers := p.closers
	closed := p.closed
	p.closers, p.closed = nil, true
	p.mu.Unlock()
	if closed {
		return nil
	}
	var errs []error
	for i := len(closers) - 1; i >= 0; i-- {
		errs = append(errs, closers[i]())
	}
	errs = append(errs, discard(context.Background(), p.root), p.lock.Close())
	return errors.Join(errs...)
}

// onClose registers a function for Close. On a Parts that is closed already
// the function runs at once.
func (p *Parts) onClose(f func() error) error {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.closers = append(p.closers, f)
	}
	p.mu.Unlock()
	if closed {
		return errors.Join(errors.New("the test parts are closed"), f())
	}
	return nil
}

// folder makes a new folder below the root.
func (p *Parts) folder(name string) (string, error) {
	p.mu.Lock()
	p.counter++
	dir := filepath.Join(p.root, fmt.Sprintf("%s-%d", name, p.counter))
	p.mu.Unlock()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the folder of %s: %w", name, err)
	}
	return dir, nil
}

// once holds the result of a start-up that happens at most once. A failure is
// kept too, so that a hundred tests do not each wait for the same broken part,
// unless the caller's context was the reason.
type once[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
	err   error
}

func (o *once[T]) do(ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return o.value, o.err
	}
	o.value, o.err = f(ctx)
	o.done = o.err == nil || ctx.Err() == nil
	return o.value, o.err
}

// lockFile makes and locks a file that tells sweep the folder is in use. The
// kernel drops the lock when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the parts' lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}
