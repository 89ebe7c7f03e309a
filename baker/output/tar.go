package output

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Tar writes an image into a tar file; see Write. The file appears complete or
// not at all, unless path is a pipe or a terminal.
func Tar(ctx context.Context, path string, image Image) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("open the output: %w", err)
		}
		err = Write(ctx, w, image)
		return errors.Join(err, w.Close())
	}
	return atomically(path, func(w *os.File) error { return Write(ctx, w, image) })
}

// CheckTar fails when it is certain that Tar could not write to a path.
func CheckTar(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("the output %s is a directory: name a file", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no directory %s for the output: make it first", filepath.Dir(path))
	}
	return nil
}

// Write writes an image as a tar of an OCI image layout that also has the
// manifest.json of "docker save", so that "docker load" and OCI tools take it.
// The same image gives the same bytes.
func Write(ctx context.Context, w io.Writer, image Image) error {
	files, descriptors, err := image.blobs()
	if err != nil {
		return err
	}
	index, err := newIndex(nil, descriptors)
	if err != nil {
		return err
	}
	files = append(files, fileOf("index.json", index))
	manifest, err := image.dockerManifest()
	if err != nil {
		return err
	}
	if manifest != nil {
		files = append(files, fileOf("manifest.json", manifest))
	}
	files = append(files, fileOf("oci-layout", []byte(layoutVersion)))
	t := tar.NewWriter(w)
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: time.Unix(0, 0)}); err != nil {
			return fmt.Errorf("write the tar file: %w", err)
		}
	}
	for _, f := range files {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: f.size, Mode: 0o644, ModTime: time.Unix(0, 0)}); err != nil {
			return fmt.Errorf("write the tar file: %w", err)
		}
		if err := copyFile(ctx, t, f); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("write the tar file: %w", err)
	}
	return nil
}
