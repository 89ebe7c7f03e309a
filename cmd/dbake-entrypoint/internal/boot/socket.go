package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

// shared are directories that belong to nobody's server. They are used if the
// server may write there, but never given to it.
var shared = []string{"/", "/run", "/var/run", "/var/lib", "/var", "/tmp", "/var/tmp", "/etc", "/usr", "/dev", "/dev/shm"}

// errNoPlace says that the server cannot make its socket where it should, and
// that nobody outside of the container waits for it there.
var errNoPlace = errors.New("no place for the socket")

// prepareSocketDir makes sure that as can make files in dir, the directory of
// the server's socket. A mount arrives as root's, mode 0755, on AWS Fargate;
// other containers expect the socket in it.
func prepareSocketDir(dir string, as proc.Identity) error {
	if err := os.MkdirAll(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		if !as.Switch {
			return fmt.Errorf("%w: %w", errNoPlace, err)
		}
		return fmt.Errorf("the directory of the socket cannot be made: %w", err)
	}
	if as.CanWrite(dir) {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("the directory of the socket: %w", err)
	}
	if as.Switch {
		return give(dir, info, as)
	}
	what := fmt.Errorf("uid %d may not write to %s, where the socket belongs (owner uid %d, mode %04o)",
		as.UID, dir, proc.Owner(info), info.Mode().Perm())
	if isMount(dir, info) {
		return fmt.Errorf("%w: start the container as root, or mount a directory that uid %d may write", what, as.UID)
	}
	return fmt.Errorf("%w: %w", errNoPlace, what)
}

// give makes dir the server's own. Others keep the access they had.
func give(dir string, info os.FileInfo, as proc.Identity) error {
	if target, err := filepath.EvalSymlinks(dir); err != nil || slices.Contains(shared, target) {
		return fmt.Errorf("uid %d may not make a socket in %s: name one in a directory of its own with --socket", as.UID, dir)
	}
	if err := os.Chown(dir, as.UID, as.GID); err != nil {
		return fmt.Errorf("the directory of the socket cannot be given to uid %d: %w", as.UID, err)
	}
	if mode := info.Mode().Perm(); mode&0o700 != 0o700 {
		if err := os.Chmod(dir, mode|0o755); err != nil {
			return fmt.Errorf("the directory of the socket: %w", err)
		}
	}
	return nil
}

// isMount says whether dir is the top of a mounted file system. A bind mount
// from the same device looks like none, so the kernel's list is asked too.
func isMount(dir string, info os.FileInfo) bool {
	target, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	if slices.Contains(mountPoints(), target) {
		return true
	}
	parent, err := os.Stat(filepath.Dir(target))
	if err != nil {
		return false
	}
	own, ok := info.Sys().(*syscall.Stat_t)
	above, okAbove := parent.Sys().(*syscall.Stat_t)
	return ok && okAbove && own.Dev != above.Dev
}

// removeStale removes the sockets and locks of a server that was killed. The
// server would take its own former process id for somebody else's, and refuse
// to start: ids repeat in containers.
func removeStale(socket string) error {
	if listens(socket) {
		return fmt.Errorf("another server already listens at %s: give each container a directory of its own for the socket", socket)
	}
	for _, path := range []string{socket, filepath.Join(filepath.Dir(socket), "mysqlx.sock")} {
		if path != socket && listens(path) {
			continue
		}
		for _, p := range []string{path, path + ".lock"} {
			if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("what another server has left cannot be removed: %w", err)
			}
		}
	}
	return nil
}

func listens(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second) //nolint:noctx // a local socket answers at once
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}
