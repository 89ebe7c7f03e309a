package tree

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FromDir is the tree of a directory on this machine; the directory itself has
// no entry. Files are read when an entry is opened, until when they may not
// change. owner gives the owner in the image of a file that belongs to uid and
// gid here, such as one of a user namespace; nil leaves owners as they are.
//
// Names of one inode become hard links. Sockets, pipes and devices are left
// out; of extended attributes security.capability and user.* are kept; all
// times are ModTime. Files with holes are like any other.
//
// Whatever symbolic links the directory holds, nothing outside of it is read.
func FromDir(dir string, owner func(uid, gid int) (int, int)) (*Tree, error) {
	if owner == nil {
		owner = func(uid, gid int) (int, int) { return uid, gid }
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the tree: %w", err)
	}
	var nodes []node
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		n, ok, err := fromFile(root, name, filepath.ToSlash(rel), info, owner)
		if ok {
			nodes = append(nodes, n)
		}
		return err
	})
	var entries []Entry
	if err == nil {
		entries, err = assemble(nodes)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the tree: %w", err), root.Close())
	}
	return &Tree{Entries: entries, close: root.Close}, nil
}

// fromFile makes a node of the file at name, which is rel in the tree; not ok is
// one to leave out.
func fromFile(root *os.Root, name, rel string, info fs.FileInfo, owner func(uid, gid int) (int, int)) (n node, ok bool, err error) {
	var kind byte
	switch info.Mode().Type() {
	case 0:
		kind = tar.TypeReg
	case fs.ModeDir:
		kind = tar.TypeDir
	case fs.ModeSymlink:
		kind = tar.TypeSymlink
	default:
		return n, false, nil
	}
	facts, err := factsOf(name, info)
	if err != nil {
		return n, false, fmt.Errorf("%s: %w", rel, err)
	}
	uid, gid := owner(facts.uid, facts.gid)
	h := &n.entry.Header
	*h = normal(rel, kind, tarMode(info.Mode()), uid, gid, facts.xattrs)
	switch kind {
	case tar.TypeSymlink:
		if h.Linkname, err = os.Readlink(name); err != nil {
			return n, false, err
		}
	case tar.TypeReg:
		h.Size, n.file = info.Size(), facts.file
		n.entry.Open = func() (io.ReadCloser, error) {
			file, err := root.Open(filepath.FromSlash(rel))
			if err != nil {
				return nil, fmt.Errorf("read the tree: %w", err)
			}
			return file, nil
		}
	}
	return n, true, nil
}

// tarMode is a mode as in a tar header: twelve bits.
func tarMode(m fs.FileMode) int64 {
	bits := int64(m.Perm())
	for flag, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// facts are what the system knows about a file beyond fs.FileInfo.
type facts struct {
	uid, gid int
	// file is the same for all names of one file with several.
	file   string
	xattrs map[string]string
}
