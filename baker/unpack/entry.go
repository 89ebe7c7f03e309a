package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dbake/dbake/baker/unpack/within"
)

// Names of the OCI image specification's "Image Layer Filesystem Changeset":
// what removes files of lower layers.
const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
	whiteoutMeta   = ".wh..wh." // of AUFS, without a meaning here
)

// xattrPrefix is how tar archives name extended attributes.
const xattrPrefix = "SCHILY.xattr."

// maxName bounds names, which are shown in errors, well below the kernel's
// PATH_MAX of 4096 bytes.
const maxName = 3500

// entry makes, or removes, what one header says.
func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	if slices.Contains(strings.Split(h.Name, "/"), "..") {
		return errors.New("leads out of the image")
	}
	if len(h.Name) > maxName {
		return fmt.Errorf("has a name of %d bytes; %d are the most", len(h.Name), maxName)
	}
	name := path.Clean("/" + h.Name)
	if base := path.Base(name); strings.HasPrefix(base, whiteoutPrefix) {
		return u.whiteout(path.Dir(name), base)
	}
	at, err := within.Locate(u.dir, name)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		u.report.Devices++
		return nil
	}
	if at == "." && h.Typeflag != tar.TypeDir {
		return errors.New("would replace the root directory by something else")
	}
	if err := u.makeRoom(at, h.Typeflag == tar.TypeDir); err != nil {
		return err
	}
	if err := u.make(h, at, content); err != nil {
		return err
	}
	for made := at; made != "." && !u.fresh[made]; made = path.Dir(made) {
		u.fresh[made] = true
	}
	u.report.Files++
	return nil
}

// make makes what h describes at a free place.
func (u *unpacker) make(h *tar.Header, at string, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return u.makeDir(h, at)
	case tar.TypeReg, tar.TypeGNUSparse:
		return u.makeFile(h, at, content)
	case tar.TypeSymlink:
		if err := u.root.Symlink(h.Linkname, at); err != nil {
			return err
		}
		return u.chown(h, at)
	case tar.TypeLink:
		return u.makeLink(h.Linkname, at)
	}
	return fmt.Errorf("is of the unknown type %q", h.Typeflag)
}

// makeRoom makes the directories above a path, and removes what is at it unless
// a directory is to stay one.
func (u *unpacker) makeRoom(at string, dir bool) error {
	if at == "." {
		return nil
	}
	if err := u.makeParents(path.Dir(at)); err != nil {
		return err
	}
	info, err := u.root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || dir && info.IsDir() {
		return err
	}
	return u.root.RemoveAll(at)
}

// makeParents makes directories that everybody may enter, whatever the caller's
// umask.
func (u *unpacker) makeParents(at string) error {
	err := u.root.Mkdir(at, 0o755)
	if errors.Is(err, fs.ErrNotExist) {
		if err := u.makeParents(path.Dir(at)); err != nil {
			return err
		}
		err = u.root.Mkdir(at, 0o755)
	}
	if err == nil {
		return u.root.Chmod(at, 0o755)
	}
	info, statErr := u.root.Lstat(at)
	if statErr == nil && info.IsDir() {
		return nil
	}
	return err
}

func (u *unpacker) makeDir(h *tar.Header, at string) error {
	if err := u.root.Mkdir(at, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := u.chown(h, at); err != nil {
		return err
	}
	if err := u.root.Chmod(at, u.mode(h, 0o700)); err != nil {
		return err
	}
	u.dirs = append(u.dirs, &tar.Header{Name: at, ModTime: h.ModTime})
	if !hasAttributes(h) {
		return nil
	}
	dir, err := u.root.Open(at)
	if err != nil {
		return err
	}
	defer dir.Close()
	return u.setAttributes(h, dir)
}

func (u *unpacker) makeFile(h *tar.Header, at string, content io.Reader) (err error) {
	file, err := u.root.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	n, err := io.Copy(file, content)
	u.report.Bytes += n
	if err != nil {
		return err
	}
	if u.owners {
		if err := file.Chown(h.Uid, h.Gid); err != nil {
			return err
		}
	}
	// Mode and attributes come last: a change of the owner clears both.
	if err := file.Chmod(u.mode(h, 0o600)); err != nil {
		return err
	}
	if err := u.setAttributes(h, file); err != nil {
		return err
	}
	return u.root.Chtimes(at, time.Time{}, h.ModTime)
}

// makeLink makes a hard link to a file that came before.
func (u *unpacker) makeLink(target, at string) error {
	if slices.Contains(strings.Split(target, "/"), "..") {
		return fmt.Errorf("is a hard link to %.200q, which leads out of the image", target)
	}
	from, err := within.Locate(u.dir, target)
	if err != nil {
		return err
	}
	info, err := u.root.Lstat(from)
	if err != nil {
		return fmt.Errorf("is a hard link to %.200q: %w", target, err)
	}
	if !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("is a hard link to %.200q, which is no file", target)
	}
	return u.root.Link(from, at)
}

func (u *unpacker) chown(h *tar.Header, at string) error {
	if !u.owners {
		return nil
	}
	return u.root.Lchown(at, h.Uid, h.Gid)
}

// mode gives a file's mode. Where all files are the caller's, they also lose
// what is of no use then, and keep what the caller needs.
func (u *unpacker) mode(h *tar.Header, least fs.FileMode) fs.FileMode {
	const special = fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	mode := h.FileInfo().Mode() & (fs.ModePerm | special)
	if !u.owners {
		return mode&^(fs.ModeSetuid|fs.ModeSetgid) | least
	}
	return mode
}

func hasAttributes(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, xattrPrefix) {
			return true
		}
	}
	return false
}

// setAttributes sets the attributes that mean the same everywhere: capabilities
// and those that programs make for themselves. Others (trusted.*, labels) belong
// to the machine that the image was made on.
func (u *unpacker) setAttributes(h *tar.Header, file *os.File) error {
	for key, value := range h.PAXRecords {
		name, found := strings.CutPrefix(key, xattrPrefix)
		if !found {
			continue
		}
		known := strings.HasPrefix(name, "user.") || u.owners && name == "security.capability"
		if !known {
			u.report.Attributes++
			continue
		}
		err := unix.Fsetxattr(int(file.Fd()), name, []byte(value), 0)
		switch {
		case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSPC), errors.Is(err, unix.E2BIG):
			u.report.Attributes++
		case err != nil:
			return fmt.Errorf("set its attribute %.100q: %w", name, err)
		}
	}
	return nil
}

// whiteout removes what lower layers brought: one name, or, when opaque, all of
// a directory.
func (u *unpacker) whiteout(dir, base string) error {
	parent, err := within.Follow(u.dir, dir)
	if err != nil {
		return err
	}
	if base == whiteoutOpaque {
		return u.removeLower(parent)
	}
	if strings.HasPrefix(base, whiteoutMeta) {
		return nil
	}
	name := strings.TrimPrefix(base, whiteoutPrefix)
	if name == "" || name == "." || name == ".." {
		return errors.New("is a whiteout of nothing that a directory can hold")
	}
	return u.removeLowerAt(path.Join(parent, name))
}

// removeLower empties a directory but for what this layer put there.
func (u *unpacker) removeLower(at string) error {
	dir, err := u.root.Open(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return err
	}
	for _, name := range names {
		if err := u.removeLowerAt(path.Join(at, name)); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) removeLowerAt(at string) error {
	if !u.fresh[at] {
		return u.root.RemoveAll(at)
	}
	info, err := u.root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !info.IsDir() {
		return err
	}
	return u.removeLower(at)
}

// finishDirs sets the times of the layer's directories, which every file made in
// them has changed.
func (u *unpacker) finishDirs() error {
	for _, d := range slices.Backward(u.dirs) {
		info, err := u.root.Lstat(d.Name)
		if err != nil || !info.IsDir() {
			continue // a later entry took its place
		}
		if err := u.root.Chtimes(d.Name, time.Time{}, d.ModTime); err != nil {
			return err
		}
	}
	return nil
}
