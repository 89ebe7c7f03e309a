package tree

import (
	"archive/tar"
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// ModTime is the modification time of every entry. A layer must not depend on
// when it was baked, and no server reads the times of its files.
var ModTime = time.Unix(0, 0).UTC()

// xattrPrefix is how archive/tar keeps extended attributes in Header.PAXRecords.
const xattrPrefix = "SCHILY.xattr."

// keepXattr tells which extended attributes are part of a file's content, as
// opposed to labels of the machine it lies on (security.selinux, trusted.*).
func keepXattr(name string) bool {
	return name == "security.capability" || strings.HasPrefix(name, "user.")
}

// node is an entry on its way into a tree.
type node struct {
	entry Entry
	// file is what names of one file have in common; empty for entries that
	// are no regular files.
	file string
}

// normal gives the header that an entry has, whatever it comes from.
func normal(name string, kind byte, mode int64, uid, gid int, xattrs map[string]string) tar.Header {
	h := tar.Header{
		Name: name, Typeflag: kind, Mode: mode & 0o7777, Uid: uid, Gid: gid, ModTime: ModTime,
	}
	switch kind {
	case tar.TypeDir:
		h.Name += "/"
	case tar.TypeSymlink:
		h.Mode = 0o777 // they have no mode of their own
	}
	for name, value := range xattrs {
		if !keepXattr(name) {
			continue
		}
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords[xattrPrefix+name] = value
	}
	return h
}

// assemble sorts nodes, makes directories that are missing, and makes links of
// the second and later names of a file.
func assemble(nodes []node) ([]Entry, error) {
	nodes = withParents(nodes)
	// A directory's name ends in "/" and begins all names in it: it is sorted
	// before them.
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.entry.Header.Name, b.entry.Header.Name) })
	entries := make([]Entry, 0, len(nodes))
	first := map[string]*tar.Header{}
	for i, n := range nodes {
		if i > 0 && strings.TrimSuffix(nodes[i-1].entry.Header.Name, "/") == strings.TrimSuffix(n.entry.Header.Name, "/") {
			return nil, fmt.Errorf("the tree has %s twice, want each name once", n.entry.Header.Name)
		}
		if n.file != "" {
			if target, ok := first[n.file]; ok {
				n.entry = link(n.entry.Header.Name, *target)
			} else {
				first[n.file] = &nodes[i].entry.Header
			}
		}
		entries = append(entries, n.entry)
	}
	return entries, nil
}

// link is another name of the file with the header target.
func link(name string, target tar.Header) Entry {
	h := target
	h.Name, h.Linkname, h.Typeflag, h.Size, h.PAXRecords = name, target.Name, tar.TypeLink, 0, nil
	return Entry{Header: h}
}

// withParents adds the directories that have no entry, as root's with mode 0755.
func withParents(nodes []node) []node {
	have := map[string]bool{}
	for _, n := range nodes {
		if n.entry.Header.Typeflag == tar.TypeDir {
			have[strings.TrimSuffix(n.entry.Header.Name, "/")] = true
		}
	}
	missing := map[string]bool{}
	for _, n := range nodes {
		name := strings.TrimSuffix(n.entry.Header.Name, "/")
		for dir := path.Dir(name); dir != "." && !have[dir] && !missing[dir]; dir = path.Dir(dir) {
			missing[dir] = true
		}
	}
	for dir := range maps.Keys(missing) {
		nodes = append(nodes, node{entry: Entry{Header: normal(dir, tar.TypeDir, 0o755, 0, 0, nil)}})
	}
	return nodes
}

// New is the tree of entries in any order, which must have normal headers as
// Entry says. Directories above them that are missing are added as root's, with
// mode 0755.
func New(entries []Entry) (*Tree, error) {
	nodes := make([]node, len(entries))
	for i, e := range entries {
		nodes[i].entry = e
	}
	sorted, err := assemble(nodes)
	if err != nil {
		return nil, err
	}
	return &Tree{Entries: sorted}, nil
}
