package jail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dbake/dbake/baker/unpack/within"
)

// Jail is a place to run programs in, one at a time.
type Jail struct {
	config Config
	level  Level
	reason string
	// cloned says that root holds a clone of the root filesystem, because there
	// is no overlay.
	cloned bool
	// shared are the directories of the caller and the program, by their path
	// inside.
	shared map[string]string
}

// New makes a jail. Close it when no program is to run in it any more.
func New(ctx context.Context, config Config) (*Jail, error) {
	j := &Jail{config: config, level: config.Level, reason: "asked for", shared: map[string]string{}}
	if j.level == "" {
		var err error
		if j.level, j.reason, err = Detect(ctx); err != nil {
			return nil, err
		}
	}
	for _, dir := range []string{j.root(), j.upper(), j.overlayWork(), filepath.Join(config.Work, "dirs")} {
		if err := makeDirs(dir); err != nil {
			return nil, fmt.Errorf("make the jail's directories: %w", err)
		}
	}
	if j.level == Chroot {
		if err := j.furnish(ctx); err != nil {
			return nil, err
		}
		return j, nil
	}
	for i, name := range config.Dirs {
		dir := filepath.Join(config.Work, "dirs", strconv.Itoa(i))
		if err := makeDirs(dir); err != nil {
			return nil, fmt.Errorf("make the jail's directories: %w", err)
		}
		j.shared[name] = dir
	}
	return j, nil
}

// Level says how the jail is made.
func (j *Jail) Level() Level { return j.level }

// Reason says why the level is what it is.
func (j *Jail) Reason() string { return j.reason }

// Path is where a directory of Config.Dirs lies on the machine.
func (j *Jail) Path(dir string) string { return j.shared[dir] }

// Close ends whatever may still run in the jail.
func (j *Jail) Close() error {
	if j.level != Chroot {
		return nil // the namespaces have ended with their first process
	}
	return KillBelow(j.config.Work)
}

func (j *Jail) root() string        { return filepath.Join(j.config.Work, "root") }
func (j *Jail) upper() string       { return filepath.Join(j.config.Work, "upper") }
func (j *Jail) overlayWork() string { return filepath.Join(j.config.Work, "overlay") }

// machineFiles are files of the machine that resolve names.
var machineFiles = []string{"/etc/resolv.conf", "/etc/hosts"}

// files gives Config.Files and machineFiles, links followed.
func (j *Jail) files() ([]File, error) {
	files := []File{}
	for _, name := range machineFiles {
		if from, err := filepath.EvalSymlinks(name); err == nil {
			files = append(files, File{From: from, To: name, Copy: true})
		}
	}
	for _, f := range j.config.Files {
		from, err := filepath.EvalSymlinks(f.From)
		if err != nil {
			return nil, fmt.Errorf("bring a file into the jail: %w", err)
		}
		files = append(files, File{From: from, To: f.To, Copy: f.Copy})
	}
	return files, nil
}

// furnish makes the root of a Chroot: a clone with everything in it that other
// levels mount.
func (j *Jail) furnish(ctx context.Context) error {
	if err := j.clone(ctx); err != nil {
		return err
	}
	files, err := j.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		to, err := j.inside(f.To)
		if err == nil {
			err = bring(ctx, f, to)
		}
		if err != nil {
			return fmt.Errorf("bring a file into the jail: %w", err)
		}
	}
	for _, name := range j.config.Dirs {
		dir, err := j.inside(name)
		if err == nil {
			err = makeDirs(dir)
		}
		if err != nil {
			return fmt.Errorf("make the jail's directories: %w", err)
		}
		j.shared[name] = dir
	}
	return j.makeDevices()
}

// clone makes the copy of the root filesystem, once.
func (j *Jail) clone(ctx context.Context) error {
	if j.cloned {
		return nil
	}
	if err := cloneTree(ctx, j.config.Root, j.root()); err != nil {
		return fmt.Errorf("clone the base's root filesystem: %w", err)
	}
	j.cloned = true
	return nil
}

// makeDirs is os.MkdirAll with directories that everybody may enter, whatever
// the caller's umask.
func makeDirs(name string) error {
	err := os.Mkdir(name, 0o755)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDirs(filepath.Dir(name)); err != nil {
			return err
		}
		err = os.Mkdir(name, 0o755)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(name, 0o755)
}

// inside gives the place on the machine of a path inside a clone.
func (j *Jail) inside(name string) (string, error) {
	at, err := within.Follow(j.root(), name)
	return filepath.Join(j.root(), at), err
}

// Run runs a program to its end. When the context ends, the program gets SIGTERM,
// and is killed after a grace; the error is the context's cause then. It is an
// *ExitError when the program ended badly, and a *SetupError when it did not
// come to run. However Run ends, no process is left.
func (j *Jail) Run(ctx context.Context, command Command) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if j.level == Chroot {
		return j.runChroot(ctx, command)
	}
	err := j.start(ctx, command)
	var setup *SetupError
	if errors.As(err, &setup) && setup.Doing == doingOverlay && !j.cloned {
		// An overlay on an overlay, or a filesystem that cannot carry one.
		if err := j.clone(ctx); err != nil {
			return err
		}
		err = j.start(ctx, command)
	}
	return err
}

// runChroot also does what namespaces would do by themselves: the directories of
// Config.Temp are empty before and after, and no process stays.
func (j *Jail) runChroot(ctx context.Context, command Command) (err error) {
	defer func() { err = errors.Join(err, j.emptyTemp()) }()
	if err := j.emptyTemp(); err != nil {
		return err
	}
	return j.start(ctx, command)
}

func (j *Jail) emptyTemp() error {
	for _, name := range j.config.Temp {
		dir, err := j.inside(name)
		if err == nil {
			err = errors.Join(os.RemoveAll(dir), makeDirs(filepath.Dir(dir)), os.Mkdir(dir, 0o700))
		}
		if err != nil {
			return fmt.Errorf("empty the jail's %s: %w", name, err)
		}
	}
	return nil
}
