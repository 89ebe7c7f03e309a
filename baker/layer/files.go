package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/dbake/dbake/baker/tree"
)

// File is a file for FromFiles.
type File struct {
	// Path is its absolute path in the image.
	Path string
	// Mode has its permissions, such as 0o755.
	Mode int64
	// UID and GID own it; most often root.
	UID, GID int
	// Data is its content, unless Open is set, which reads Size bytes.
	Data []byte
	Open func() (io.ReadCloser, error)
	Size int64
}

// FromFiles makes a layer of a few files. The directories above them are root's
// with mode 0755. Times are o.Epoch, or 1970 when that is zero. The caller closes
// the layer.
func FromFiles(ctx context.Context, name string, files []File, o Options) (*Layer, error) {
	var entries []tree.Entry
	var size int64
	for _, f := range files {
		clean := path.Clean(f.Path)
		if !path.IsAbs(clean) || clean == "/" {
			return nil, fmt.Errorf("make layer %s: %q is no absolute path of a file", name, f.Path)
		}
		e := tree.Entry{
			Header: tar.Header{
				Name: strings.TrimPrefix(clean, "/"), Typeflag: tar.TypeReg, Mode: f.Mode, Uid: f.UID, Gid: f.GID,
				Size: f.Size, ModTime: tree.ModTime,
			},
			Open: f.Open,
		}
		if e.Open == nil {
			e.Header.Size = int64(len(f.Data))
			e.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.Data)), nil }
		}
		entries = append(entries, e)
		size += e.Header.Size
	}
	t, err := tree.New(entries)
	if err != nil {
		return nil, fmt.Errorf("make layer %s: %w", name, err)
	}
	layers, err := Write(ctx, []Part{{Name: name, Entries: t.Entries, Size: size}}, o, nil)
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return layers[0], t.Close()
}
