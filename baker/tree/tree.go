// Package tree is a file tree that becomes layers: an ordered list of tar
// headers with a way to read each file's content as often as needed. It comes
// from a directory on this machine (FromDir) or from a tar stream (FromTar).
package tree

import (
	"archive/tar"
	"io"
)

// Entry is one file, directory or link.
type Entry struct {
	// Header has a clean relative name ("data/mysql/app/users.ibd"; directories
	// end in "/"), the owner as it is to be in the image, and nothing that
	// differs between two bakes of the same data: the modification time is
	// whole seconds, access and change times, user and group names are empty.
	// For a hard link Linkname is the name of an earlier entry.
	Header tar.Header
	// Open reads a regular file's content, Header.Size bytes; nil for all
	// others. It may be called again, and from several goroutines.
	Open func() (io.ReadCloser, error)
}

// Tree is a list of entries sorted so that parents come before children and hard
// links behind what they link to. Close it when its entries are not read any
// more.
type Tree struct {
	Entries []Entry

	close func() error
}

// Close frees what the tree holds: a spilled tar file, say. The directory of
// FromDir stays.
func (t *Tree) Close() error {
	if t.close == nil {
		return nil
	}
	return t.close()
}
