// Package jail runs a program inside a root filesystem, which it never changes,
// on Linux and without any daemon.
//
// How much of the machine the program sees depends on who runs the jail:
//
//   - Namespaces: root with CAP_SYS_ADMIN. Own mount, process, IPC and host name
//     namespaces; the root filesystem lies under a throw-away overlay, or is
//     cloned where the kernel refuses an overlay.
//   - UserNamespace: anybody, where the kernel lets them. The same in a user
//     namespace that knows one user only: the caller, who is called UID inside.
//   - Chroot: root without CAP_SYS_ADMIN, as in an unprivileged container. A
//     clone of the root filesystem, made of hard links, and chroot(2). Files are
//     kept apart, processes are not.
//
// In all of them the network is the machine's, and root inside has none of the
// capabilities that lead out (mount, ptrace, mknod, chroot, …).
//
// A jail starts its caller's own program anew to enter the namespaces: that
// program's main must call Main first.
package jail

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Level is how a jail is made.
type Level string

// The levels; see the package's comment.
const (
	Namespaces    Level = "namespaces"
	UserNamespace Level = "user namespace"
	Chroot        Level = "chroot"
)

// Errors of this package.
var (
	// ErrNoMain is a mistake of the calling program.
	ErrNoMain = errors.New("the program has to call jail.Main first of all")
	// ErrImpossible is when there is no level for this user on this machine.
	ErrImpossible = errors.New("cannot run a program inside a root filesystem here")
)

// Config describes a jail. All paths are absolute.
type Config struct {
	// Level is how to make it; empty: what Detect finds.
	Level Level
	// Root is the root filesystem. It is read only.
	Root string
	// Work is an empty directory on a disk for everything that is written, on
	// the filesystem of Root if possible. Whoever made it removes it after
	// Close.
	Work string
	// Dirs are directories inside that the caller and the program share; see
	// Jail.Path.
	Dirs []string
	// Temp are directories inside that are empty at every Run: in memory, but
	// on the disk in a Chroot.
	Temp []string
	// Files are the machine's files and directories to be seen inside.
	Files []File
	// UID and GID are the caller's ids inside of a UserNamespace.
	UID, GID int
}

// File is a file or directory of the machine to be seen inside: read-only, but in
// a Chroot, where it is a copy or, unless Copy says no, a hard link.
type File struct {
	From string // on the machine
	To   string // inside
	// Copy forbids a hard link, through which root inside could change the
	// file. Without it large files cost neither time nor space.
	Copy bool
}

// Command is a program to run.
type Command struct {
	// Path is the program's path inside, Args what follows it.
	Path string
	Args []string
	// Env is its whole environment.
	Env []string
	// Secrets are files that only root, or the user of a UserNamespace, may
	// read: content by path inside, in one of Config.Temp.
	Secrets map[string][]byte
	// Output gets what it prints, to both standard output and error, from one
	// goroutine. Nil: nothing.
	Output io.Writer
	// Grace is how long it may take to end after SIGTERM when the context ends,
	// before it is killed; 0: 10 s.
	Grace time.Duration
}

const defaultGrace = 10 * time.Second

// ExitError is the end of a program that did not end well.
type ExitError struct {
	// Code is its exit status; 128 and the signal's number when a signal ended
	// it.
	Code int
}

// Error says how it ended.
func (e *ExitError) Error() string {
	if e.Code > 128 {
		return fmt.Sprintf("was ended by signal %d", e.Code-128)
	}
	return fmt.Sprintf("ended with exit status %d", e.Code)
}

// SetupError says why a jail could not be made.
type SetupError struct {
	// Doing is what was refused, such as "mount /proc".
	Doing string
	Err   error
	// Hint is what may help; it may be empty.
	Hint string
}

// Error is one line.
func (e *SetupError) Error() string {
	text := fmt.Sprintf("make the jail: %s: %v", e.Doing, e.Err)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap gives the system's error.
func (e *SetupError) Unwrap() error { return e.Err }
