package layer

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/stargz-snapshotter/estargz"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// IsEStargz says whether a layer is an eStargz: its descriptor has the digest of the
// index.
func IsEStargz(desc *v1.Descriptor) bool {
	return desc.Annotations[estargz.TOCJSONDigestAnnotation] != ""
}

// index becomes the table of contents of an eStargz: it says at which gzip member
// each chunk of each file begins. The tar is cut so that every chunk of a file's
// content begins a member. A nil index does nothing.
type index struct {
	toc estargz.JTOC
	// whole hashes a file of several chunks.
	whole hash.Hash
}

// add describes an entry; a file's content is described by what it gives.
func (x *index) add(h *tar.Header) *fileIndex {
	if x == nil {
		return nil
	}
	e := &estargz.TOCEntry{
		Name: h.Name, Mode: h.Mode, UID: h.Uid, GID: h.Gid, LinkName: h.Linkname, Xattrs: map[string][]byte{},
	}
	if h.ModTime.Unix() != 0 {
		e.ModTime3339 = h.ModTime.UTC().Format(time.RFC3339)
	}
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
			e.Xattrs[name] = []byte(value)
		}
	}
	switch h.Typeflag {
	case tar.TypeDir:
		e.Type = "dir"
	case tar.TypeSymlink:
		e.Type = "symlink"
	case tar.TypeLink:
		e.Type = "hardlink"
	default:
		e.Type, e.Size = "reg", h.Size
		if h.Size == 0 {
			e.Digest = fmt.Sprintf("sha256:%x", sha256.Sum256(nil))
		}
	}
	x.toc.Entries = append(x.toc.Entries, e)
	return &fileIndex{index: x, file: e}
}

// fileIndex describes a file's content. Nil does nothing.
type fileIndex struct {
	index *index
	file  *estargz.TOCEntry
}

// chunk says that c has n bytes of the file, from at; size is the file's.
func (f *fileIndex) chunk(c *chunk, at int64, n int, size int64) {
	if f == nil {
		return
	}
	e := f.file
	if at > 0 {
		e = &estargz.TOCEntry{Name: f.file.Name, Type: "chunk", ChunkOffset: at}
		f.index.toc.Entries = append(f.index.toc.Entries, e)
	}
	c.entry, c.file, c.data, c.last = e, f.file, n, at+int64(n) == size
	if !c.last || n == chunkSize { // none stands for the rest of the file
		e.ChunkSize = int64(n)
	}
}

// hash works on the digest of the file that a packed chunk belongs to.
func (x *index) hash(c *chunk) {
	if x == nil || c.entry == nil {
		return
	}
	if c.entry == c.file {
		if c.last {
			c.file.Digest = c.file.ChunkDigest
			return
		}
		x.whole.Reset()
	}
	x.whole.Write(c.raw[:c.data])
	if c.last {
		c.file.Digest = fmt.Sprintf("sha256:%x", x.whole.Sum(nil))
	}
}

// close writes the index behind the last chunk and gives the annotations by which
// it is found and checked.
func (x *index) close(m *maker) (map[string]string, error) {
	x.toc.Version = 1
	digest, err := estargz.NewGzipCompressorWithLevel(gzip.DefaultCompression).
		WriteTOCAndFooter(m, m.blob.n, &x.toc, &m.tar)
	if err != nil {
		return nil, fmt.Errorf("write the index of the eStargz: %w", err)
	}
	return map[string]string{
		estargz.TOCJSONDigestAnnotation:         digest.String(),
		estargz.StoreUncompressedSizeAnnotation: strconv.FormatInt(m.tar.n, 10),
	}, nil
}
