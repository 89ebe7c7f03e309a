package jail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/dbake/dbake/baker/unpack/within"
)

// doingOverlay marks the one failure that there is another way for.
const doingOverlay = "mount an overlay"

// devices are the device nodes of a jail.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// deviceLinks are what programs expect beside them.
var deviceLinks = map[string]string{
	"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
}

// mountAndPivot makes the jail's mounts in this process's own namespace, which
// ends with it, and goes inside. Nothing of the image runs before it is done, so
// that paths stay where package within finds them.
func (o order) mountAndPivot() error {
	if err := keepMountsApart(); err != nil {
		return err
	}
	for _, step := range []func() error{
		o.mountRoot, o.mountProc, o.mountDev, o.mountGroups, o.mountTemp, o.bindDirs, o.bindFiles, o.pivot,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	// Programs must not see, and write down, what machine this is.
	if err := unix.Sethostname([]byte("dbake")); err != nil {
		return doing("set the host name", err)
	}
	return nil
}

// mountRoot mounts the overlay or, of a clone, the clone itself, since the root
// must be a mount.
func (o order) mountRoot() error {
	if o.Lower == "" {
		return doing("mount the root", bind(o.Root, o.Root))
	}
	// The directories go in by number: a path may hold what the option does
	// not allow, and be too long.
	var fds [3]int // closed by the exec
	for i, dir := range []string{o.Lower, o.Upper, o.Work} {
		var err error
		if fds[i], err = unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return doing("open "+dir, err)
		}
	}
	options := fmt.Sprintf("lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", fds[0], fds[1], fds[2])
	err := unix.Mount("overlay", o.Root, "overlay", 0, options)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) || o.Level == UserNamespace && err != nil {
		// In a user namespace its notes go into attributes of the user's.
		err = unix.Mount("overlay", o.Root, "overlay", 0, options+",userxattr")
	}
	return doing(doingOverlay, err)
}

// target gives the place of a path inside, before the pivot.
func (o order) target(name string) (string, error) {
	at, err := within.Follow(o.Root, name)
	return filepath.Join(o.Root, at), err
}

func (o order) makeTarget(name string) (string, error) {
	to, err := o.target(name)
	if err == nil {
		err = os.MkdirAll(to, 0o755)
	}
	return to, err
}

// mountProc falls back to the machine's /proc where it is partly hidden, as in
// containers, for then the kernel allows no new one.
func (o order) mountProc() error {
	to, err := o.makeTarget("/proc")
	if err != nil {
		return doing("make /proc", err)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", to, "proc", flags, ""); err == nil {
		return nil
	}
	return doing("mount /proc", bind("/proc", to))
}

func (o order) mountDev() error {
	to, err := o.makeTarget("/dev")
	if err != nil {
		return doing("make /dev", err)
	}
	if err := unix.Mount("tmpfs", to, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=755,size=1m"); err != nil {
		return doing("mount /dev", err)
	}
	for _, name := range devices {
		from, at := filepath.Join("/dev", name), filepath.Join(to, name)
		if _, err := os.Stat(from); err != nil {
			continue
		}
		if err := os.WriteFile(at, nil, 0o666); err != nil {
			return doing("make "+from, err)
		}
		if err := bind(from, at); err != nil {
			return doing("mount "+from, err)
		}
	}
	for name, link := range deviceLinks {
		if err := os.Symlink(link, filepath.Join(to, name)); err != nil {
			return doing("make /dev/"+name, err)
		}
	}
	shm := filepath.Join(to, "shm")
	if err := os.Mkdir(shm, 0o755); err != nil {
		return doing("make /dev/shm", err)
	}
	return doing("mount /dev/shm", unix.Mount("tmpfs", shm, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=1777"))
}

// mountGroups shows the machine's control groups, by which programs find out how
// much memory they may use. It can do without.
func (o order) mountGroups() error {
	const groups = "/sys/fs/cgroup"
	if _, err := os.Stat(groups); err != nil {
		return nil //nolint:nilerr // there are none
	}
	to, err := o.makeTarget(groups)
	if err != nil {
		return doing("make "+groups, err)
	}
	if err := bind(groups, to); err != nil {
		return nil //nolint:nilerr // see above
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if unix.MountSetattr(unix.AT_FDCWD, to, unix.AT_RECURSIVE, &attr) != nil {
		return doing("hide "+groups, unix.Unmount(to, unix.MNT_DETACH))
	}
	return nil
}

func (o order) mountTemp() error {
	for _, name := range o.Temp {
		to, err := o.makeTarget(name)
		if err != nil {
			return doing("make "+name, err)
		}
		if err := unix.Mount("tmpfs", to, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=700"); err != nil {
			return doing("mount "+name, err)
		}
	}
	return nil
}

func (o order) bindDirs() error {
	for _, b := range o.Binds {
		to, err := o.makeTarget(b.To)
		if err == nil {
			err = bind(b.From, to)
		}
		if err != nil {
			return doing("mount "+b.To, err)
		}
	}
	return nil
}

func (o order) bindFiles() error {
	for _, f := range o.Files {
		to, err := o.target(f.To)
		if err != nil {
			return doing("make "+f.To, err)
		}
		if err := makeMountPoint(f.From, to); err != nil {
			return doing("make "+f.To, err)
		}
		if err := bind(f.From, to); err != nil {
			return doing("mount "+f.To, err)
		}
		if err := makeReadOnly(to); err != nil {
			return doing("make "+f.To+" read-only", err)
		}
	}
	return nil
}

// makeMountPoint makes an empty file or a directory, like the one that will be
// mounted on it.
func makeMountPoint(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.MkdirAll(to, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// makeReadOnly keeps the flags a mount has: a user namespace may not take them
// away.
func makeReadOnly(at string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil {
		return err
	}
	flags := uintptr(unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY)
	for shown, flag := range map[int64]uintptr{
		unix.ST_NOSUID: unix.MS_NOSUID, unix.ST_NODEV: unix.MS_NODEV, unix.ST_NOEXEC: unix.MS_NOEXEC,
		unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if st.Flags&shown != 0 {
			flags |= flag
		}
	}
	return unix.Mount("", at, "", flags, "")
}

// pivot makes the mounted root the root, and lets go of the machine's.
func (o order) pivot() error {
	if err := unix.Chdir(o.Root); err != nil {
		return doing("enter the root", err)
	}
	// pivot_root(2): with both names the same, the old root is on top of the
	// new one, and no directory for it is needed.
	if err := unix.PivotRoot(".", "."); err != nil {
		return doing("change the root", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return doing("let go of the old root", err)
	}
	return doing("enter the root", unix.Chdir("/"))
}
