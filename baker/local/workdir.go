package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/dbake/dbake/baker/base"
	"github.com/dbake/dbake/baker/base/filelock"
	"github.com/dbake/dbake/baker/jail"
	"github.com/dbake/dbake/baker/unpack/within"
	"github.com/dbake/dbake/seed/plan"
)

// EnvWork names the directory for everything that a restore writes.
const EnvWork = "DBAKE_WORK_DIR"

// Names below the directory for work. Each bake has a directory and, while its
// process lives, the lock beside it.
const (
	bakePrefix = "bake-"
	lockEnd    = ".lock"
)

// least is the free space in bytes without which a restore is not begun: an empty
// server's files and room for logs.
const least = 1 << 30

// workDir is one bake's directory.
type workDir struct {
	dir  string
	lock *filelock.Lock
}

// newWorkDir makes one, after it has removed what bakes left that were killed.
func newWorkDir(o Options) (*workDir, error) {
	parent, err := chooseParent(o)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory for work: %w", err)
	}
	// Processes are found by their root directory, which the kernel tells
	// without links.
	if parent, err = filepath.EvalSymlinks(parent); err != nil {
		return nil, fmt.Errorf("make the directory for work: %w", err)
	}
	if err := sweep(parent); err != nil {
		return nil, err
	}
	w := &workDir{dir: filepath.Join(parent, bakePrefix+strings.ToLower(rand.Text()[:10]))}
	if w.lock, err = filelock.Try(w.dir+lockEnd, filelock.Exclusive); err != nil {
		return nil, fmt.Errorf("make the directory for work: %w", err)
	}
	if err := errors.Join(os.Mkdir(w.dir, 0o700), os.Mkdir(w.jail(), 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("make the directory for work: %w", err), w.remove())
	}
	return w, nil
}

// chooseParent takes the first place with enough space for a start: beside the
// cache, where base images can be linked instead of copied, or the system's
// directory for temporary files, which often is in memory.
func chooseParent(o Options) (string, error) {
	if o.Work != "" {
		return o.Work, nil
	}
	if dir := os.Getenv(EnvWork); dir != "" {
		return filepath.Abs(dir)
	}
	candidates := []string{
		filepath.Join(filepath.Dir(o.Cache), "work"),
		filepath.Join(os.TempDir(), "dbake-"+strconv.Itoa(os.Geteuid())),
	}
	for _, dir := range candidates {
		if free, err := freeSpace(dir); err == nil && free >= least {
			return dir, nil
		}
	}
	return "", fmt.Errorf("there is too little free space for a restore in %s: it needs more than %s; free some, or set %s to a directory with space",
		strings.Join(candidates, " and "), size(least), EnvWork)
}

// freeSpace gives the bytes that the user may still write to the filesystem that
// a directory is, or would be, on.
func freeSpace(dir string) (int64, error) {
	for {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		if errors.Is(err, unix.ENOENT) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			continue
		}
		return int64(st.Bavail) * int64(st.Bsize), err //nolint:unconvert // other types on other systems
	}
}

// checkSpace fails when the data of the dumps certainly does not fit: a table
// takes about as much as its part of the dump when that is not compressed, and
// dumps compress to less than half.
func (w *workDir) checkSpace(objects []plan.Object) error {
	var dumps int64
	for _, o := range objects {
		if o.Size > 0 {
			dumps += o.Size
		}
	}
	need := least/2 + dumps
	free, err := freeSpace(w.dir)
	if err != nil {
		return fmt.Errorf("look for free space in %s: %w", filepath.Dir(w.dir), err)
	}
	if free < need {
		return fmt.Errorf("there is too little free space in %s: %s, and the dumps alone are %s; free some, or set %s to a directory with space",
			filepath.Dir(w.dir), size(free), size(dumps), EnvWork)
	}
	return nil
}

// size gives bytes with a decimal unit.
func size(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}

func (w *workDir) jail() string { return filepath.Join(w.dir, "jail") }

// remove removes the directory, and the lock last: until then a killed bake's
// directory is found.
func (w *workDir) remove() error {
	if err := base.RemoveAll(w.dir); err != nil {
		return errors.Join(fmt.Errorf("remove the files of the restore: %w", err), w.lock.Unlock())
	}
	return w.lock.Remove()
}

// sweep removes the directories whose bakes were killed, and their processes.
func sweep(parent string) error {
	locks, err := filepath.Glob(filepath.Join(parent, bakePrefix+"*"+lockEnd))
	if err != nil {
		return fmt.Errorf("look for leftovers of other bakes: %w", err)
	}
	for _, name := range locks {
		lock, err := filelock.Try(name, filelock.Exclusive)
		if errors.Is(err, filelock.ErrLocked) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for leftovers of other bakes: %w", err)
		}
		left := &workDir{dir: strings.TrimSuffix(name, lockEnd), lock: lock}
		if err := errors.Join(jail.KillBelow(left.dir), left.remove()); err != nil {
			return fmt.Errorf("remove what a killed bake left: %w", err)
		}
	}
	return nil
}

// serverAccount gives the ids of the account that the agent will find for the
// server in a root filesystem.
func serverAccount(root string) (uid, gid int, err error) {
	at, err := within.Follow(root, "/etc/passwd")
	if err != nil {
		return 0, 0, fmt.Errorf("read the base's accounts: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(root, at))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, fmt.Errorf("read the base's accounts: %w", err)
	}
	for _, want := range []string{"mysql", "mariadb"} {
		for line := range strings.Lines(string(text)) {
			f := strings.Split(strings.TrimSpace(line), ":") // passwd(5)
			if len(f) < 4 || f[0] != want {
				continue
			}
			if _, err := fmt.Sscan(f[2]+" "+f[3], &uid, &gid); err == nil {
				return uid, gid, nil
			}
		}
	}
	return 999, 999, nil // the agent will say what is missing
}
