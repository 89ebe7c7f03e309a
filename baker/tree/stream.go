package tree

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/dbake/dbake/baker/tree/spill"
)

// FromTar is the tree of an uncompressed tar stream, such as that of BuildKit's
// tar exporter. It reads r to its end and keeps the files' content in one file
// without a name in spillDir (the folder for temporary files when empty) until
// the tree is closed. A spillDir without enough space is a *spill.FullError.
//
// The tree is the same as FromDir gives for the unpacked stream.
func FromTar(r io.Reader, spillDir string) (*Tree, error) {
	file, err := spill.Create(spillDir)
	if err != nil {
		return nil, err
	}
	s := stream{tar: tar.NewReader(r), file: file, out: spill.NewWriter(file, spillDir), at: map[string]int{}}
	err = s.read()
	var entries []Entry
	if err == nil {
		_, err = io.Copy(io.Discard, r) // what is behind the archive's end
	}
	if err == nil {
		entries, err = assemble(s.nodes)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the tree's tar stream: %w", err), file.Close())
	}
	return &Tree{Entries: entries, close: file.Close}, nil
}

// stream is a tar stream that is being read.
type stream struct {
	tar   *tar.Reader
	file  *os.File
	out   *spill.Writer
	nodes []node
	at    map[string]int // index of each name's node
}

func (s *stream) read() error {
	for {
		h, err := s.tar.Next()
		if err == io.EOF { //nolint:errorlint // Next returns it bare
			return nil
		}
		if err != nil {
			return err
		}
		name, err := inside(h.Name)
		if err != nil {
			return err
		}
		if name == "" {
			continue // the root has no entry
		}
		n, ok, err := s.next(name, h)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if ok {
			s.at[name] = len(s.nodes)
			s.nodes = append(s.nodes, n)
		}
	}
}

// inside makes a clean relative name of one in a stream; names that climb out
// of the tree are refused.
func inside(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("the name %q leaves the tree", name)
		}
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/"), nil
}

// next makes a node of a header; not ok is one to leave out.
func (s *stream) next(name string, h *tar.Header) (n node, ok bool, err error) {
	xattrs := map[string]string{}
	for key, value := range h.PAXRecords {
		if attr, ok := strings.CutPrefix(key, xattrPrefix); ok {
			xattrs[attr] = value
		}
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		n.entry.Header = normal(name, tar.TypeReg, h.Mode, h.Uid, h.Gid, xattrs)
		n.entry.Header.Size = h.Size
		n.entry.Open, err = s.content(h.Size)
		n.file = name
	case tar.TypeDir:
		n.entry.Header = normal(name, tar.TypeDir, h.Mode, h.Uid, h.Gid, xattrs)
	case tar.TypeSymlink:
		n.entry.Header = normal(name, tar.TypeSymlink, h.Mode, h.Uid, h.Gid, xattrs)
		n.entry.Header.Linkname = h.Linkname
	case tar.TypeLink:
		n, err = s.link(name, h.Linkname)
	default:
		return n, false, nil
	}
	return n, err == nil, err
}

// content spills the current file and gives what opens it.
func (s *stream) content(size int64) (func() (io.ReadCloser, error), error) {
	offset, err := s.out.Append(s.tar, size)
	if err != nil {
		return nil, err
	}
	return func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(s.file, offset, size)), nil
	}, nil
}

// link is another name of an earlier file.
func (s *stream) link(name, target string) (node, error) {
	target, err := inside(target)
	if err != nil {
		return node{}, err
	}
	i, ok := s.at[target]
	if !ok {
		return node{}, fmt.Errorf("a hard link to %q, which is not in the stream before it", target)
	}
	n := s.nodes[i]
	if n.entry.Header.Typeflag == tar.TypeDir {
		return node{}, fmt.Errorf("a hard link to the directory %q", target)
	}
	n.entry.Header.Name = name
	return n, nil
}
