package output

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// freshPrefix begins the names of layouts that are being written.
const freshPrefix = ".dbake-new-"

// Directory writes an image into an OCI image layout
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md). A
// directory that does not exist, or is empty, appears complete or not at all.
// To a layout that is there the image is added: its blobs first, index.json,
// which makes it visible, last and at once; names that other images in it had
// are the new image's then. Any other directory is left alone, with an error.
func Directory(ctx context.Context, dir string, image Image) error {
	files, descriptors, err := image.blobs()
	if err != nil {
		return err
	}
	old, kind, err := look(dir)
	if err != nil {
		return err
	}
	index, err := newIndex(old, descriptors)
	if err != nil {
		return err
	}
	if kind == isLayout {
		return fill(ctx, dir, files, index)
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if kind == isEmpty {
		parent = dir
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make the folder for %s: %w", dir, err)
	}
	fresh, err := os.MkdirTemp(parent, freshPrefix+"*")
	if err != nil {
		return fmt.Errorf("make a folder for %s: %w", dir, err)
	}
	defer os.RemoveAll(fresh) // nothing is left of it when all went well
	if err := os.Chmod(fresh, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	if err := fill(ctx, fresh, files, index); err != nil {
		return err
	}
	if kind == isEmpty {
		return place(fresh, dir)
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("move the layout to %s: %w", dir, err)
	}
	return nil
}

// place moves a finished layout into an empty directory, which stays the one that
// it is: it may be the mount of a volume. The index comes last.
func place(fresh, dir string) error {
	names := []string{"blobs", "oci-layout", "index.json"}
	for i, name := range names {
		err := os.Rename(filepath.Join(fresh, name), filepath.Join(dir, name))
		if err == nil {
			continue
		}
		err = fmt.Errorf("move the layout to %s: %w", dir, err)
		for _, moved := range names[:i] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, moved)))
		}
		return err
	}
	return nil
}

// CheckDirectory fails when it is certain that Directory could not write to a
// directory.
func CheckDirectory(dir string) error {
	_, _, err := look(dir)
	return err
}

type dirKind int

const (
	isMissing dirKind = iota
	isEmpty
	isLayout
)

// look finds out what is at dir, and what images it has.
func look(dir string) ([]v1.Descriptor, dirKind, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, isMissing, nil
	}
	if err != nil {
		return nil, isMissing, fmt.Errorf("look into the output directory: %w", err)
	}
	// What a killed bake left does not count.
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), freshPrefix) }) {
		return nil, isEmpty, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return nil, isMissing, fmt.Errorf("%s is neither empty nor an OCI image layout: give another directory, or remove it", dir)
	}
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return nil, isMissing, fmt.Errorf("read the OCI image layout %s: %w", dir, err)
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(data))
	if err != nil {
		return nil, isMissing, fmt.Errorf("read index.json of the OCI image layout %s: %w", dir, err)
	}
	return index.Manifests, isLayout, nil
}

// fill writes the files of a layout that are not there, the index last.
func fill(ctx context.Context, dir string, files []file, index []byte) error {
	files = append(files, fileOf("oci-layout", []byte(layoutVersion)))
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if info, err := os.Stat(path); err == nil && info.Size() == f.size {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", path, err)
		}
		if err := whole(ctx, path, f); err != nil {
			return err
		}
	}
	return whole(ctx, filepath.Join(dir, "index.json"), fileOf("index.json", index))
}

// whole makes a file appear complete or not at all.
func whole(ctx context.Context, path string, f file) error {
	return atomically(path, func(w *os.File) error { return copyFile(ctx, w, f) })
}

// atomically writes a file beside path and renames it.
func atomically(path string, write func(*os.File) error) error {
	fresh, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("make a file beside %s: %w", path, err)
	}
	defer os.Remove(fresh.Name()) // nothing is left of it when all went well
	err = write(fresh)
	if err == nil {
		err = fresh.Chmod(0o644)
	}
	if cerr := fresh.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("write %s: %w", path, cerr)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(fresh.Name(), path); err != nil {
		return fmt.Errorf("move the file to %s: %w", path, err)
	}
	return nil
}
