package unpack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/dbake/dbake/baker/unpack"
)

var someTime = time.Unix(1_700_000_000, 0)

// entry is one header and its content.
type entry struct {
	tar.Header
	content string
}

func file(name, content string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, content}
}

func dir(name string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}, ""}
}

func symlink(name, target string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}, ""}
}

func link(name, target string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}, ""}
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, e := range entries {
		h := e.Header
		h.Size = int64(len(e.content))
		if h.ModTime.IsZero() {
			h.ModTime = someTime
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// list gives every path below dir with what it is: a file's content, a link's
// target, or "dir".
func list(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		switch {
		case d.IsDir():
			got[rel] = "dir"
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			got[rel] = "-> " + target
			return err
		default:
			content, err := os.ReadFile(name)
			got[rel] = string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLayersOnTopOfEachOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		layers [][]entry
		want   map[string]string
	}{
		{
			"a file is replaced",
			[][]entry{{file("a", "1"), file("b", "1")}, {file("a", "2")}},
			map[string]string{"a": "2", "b": "1"},
		},
		{
			"names begin with a slash or a dot, and parents are missing",
			[][]entry{{dir("./"), file("/etc/x", "1"), file("./etc/y", "2")}},
			map[string]string{"etc": "dir", "etc/x": "1", "etc/y": "2"},
		},
		{
			"a whiteout removes a file and a directory",
			[][]entry{{file("d/a", "1"), file("d/b", "1"), file("e/f/g", "1")}, {file("d/.wh.a", ""), file("e/.wh.f", "")}},
			map[string]string{"d": "dir", "d/b": "1", "e": "dir"},
		},
		{
			"a whiteout leaves what its own layer brings, before or behind it",
			[][]entry{{file("d/a", "1"), file("f/x", "1")}, {file("d/a", "2"), file("d/.wh.a", ""), file(".wh.f", ""), file("f/y", "2")}},
			map[string]string{"d": "dir", "d/a": "2", "f": "dir", "f/y": "2"},
		},
		{
			"an opaque directory keeps only its own layer's files",
			[][]entry{{file("d/a", "1"), file("d/s/b", "1"), file("d/s/c", "1")}, {file("d/new", "2"), file("d/s/n", "2"), file("d/.wh..wh..opq", "")}},
			map[string]string{"d": "dir", "d/new": "2", "d/s": "dir", "d/s/n": "2"},
		},
		{
			"whiteouts of what is not there, and of AUFS",
			[][]entry{{file(".wh.none", ""), file("x/.wh..wh..opq", ""), file(".wh..wh.plnk", ""), file("a", "1")}},
			map[string]string{"a": "1"},
		},
		{
			"a directory takes the place of a link, a link that of a directory",
			[][]entry{{symlink("l", "/etc"), file("etc/x", "1"), file("d/x", "1")}, {dir("l"), file("l/y", "2"), symlink("d", "etc")}},
			map[string]string{"etc": "dir", "etc/x": "1", "l": "dir", "l/y": "2", "d": "-> etc"},
		},
		{
			"a file goes through links of a lower layer",
			[][]entry{{dir("usr/lib"), symlink("lib", "usr/lib"), symlink("var/run", "/run"), dir("run")}, {file("lib/a.so", "1"), file("var/run/pid", "2")}},
			map[string]string{"usr": "dir", "usr/lib": "dir", "usr/lib/a.so": "1", "lib": "-> usr/lib", "var": "dir", "var/run": "-> /run", "run": "dir", "run/pid": "2"},
		},
		{
			"hard links, also to a lower layer's file",
			[][]entry{{file("a", "1"), link("b", "a"), link("c", "/a")}, {link("d", "./a")}},
			map[string]string{"a": "1", "b": "1", "c": "1", "d": "1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for _, layer := range c.layers {
				if _, err := unpack.Layer(t.Context(), bytes.NewReader(archive(t, layer...)), root); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, list(t, root)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A layer that wants out fails or stays in; what lies outside is never touched.
func TestMaliciousLayers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 256)
	deep := strings.Repeat("d/", 3000)
	for _, c := range []struct {
		name   string
		layers [][]entry
		want   string // in the error; empty: no error
	}{
		{"a name with ..", [][]entry{{file("../victim/file", "bad")}}, "leads out of the image"},
		{"a name with .. inside", [][]entry{{file("a/../../victim/file", "bad")}}, "leads out of the image"},
		{"an absolute name", [][]entry{{file("/../victim/file", "bad")}}, "leads out of the image"},
		{"a file through a relative link", [][]entry{{symlink("l", "../victim"), file("l/file", "bad")}}, ""},
		{"a file through an absolute link", [][]entry{{symlink("l", "VICTIM"), file("l/file", "bad")}}, ""},
		{"a link of a lower layer", [][]entry{{symlink("l", "VICTIM")}, {file("l/file", "bad")}}, ""},
		{"links to links", [][]entry{{symlink("a", "b"), symlink("b", "../../victim"), file("a/file", "bad")}}, ""},
		{"a file in place of a link", [][]entry{{symlink("l", "VICTIM/file"), file("l", "bad")}}, ""},
		{"a directory's mode through a link", [][]entry{{symlink("l", "VICTIM"), dir("l/")}}, ""},
		{"a hard link out", [][]entry{{link("l", "../victim/file"), file("l", "bad")}}, "leads out of the image"},
		{"a hard link through a link", [][]entry{{symlink("d", "VICTIM"), link("l", "d/file")}}, "hard link"},
		{"a hard link to a link", [][]entry{{symlink("d", "VICTIM/file"), link("l", "d"), file("l", "bad")}}, ""},
		{"a hard link to a directory", [][]entry{{dir("d"), link("l", "d")}}, "is no file"},
		{"a whiteout of ..", [][]entry{{dir("d"), file("d/.wh...", "")}}, "whiteout of nothing"},
		{"a whiteout of .", [][]entry{{file("d/.wh..", "")}}, "whiteout of nothing"},
		{"a whiteout of no name", [][]entry{{file("d/.wh.", "")}}, "whiteout of nothing"},
		{"a whiteout through a link", [][]entry{{symlink("l", "VICTIM")}, {file("l/.wh.file", "")}}, ""},
		{"an opaque link", [][]entry{{symlink("l", "VICTIM")}, {file("l/.wh..wh..opq", "")}}, ""},
		{"a loop of links", [][]entry{{symlink("a", "b"), symlink("b", "a"), file("a/file", "bad")}}, "too many levels"},
		{"a name too long for a file", [][]entry{{file(long, "bad")}}, "name too long"},
		{"a path too long", [][]entry{{file(deep+"f", "bad")}}, "has a name of 6001 bytes"},
		{"the root as a file", [][]entry{{file(".", "bad")}}, "replace the root"},
		{"the root as a link", [][]entry{{symlink(".", "VICTIM")}}, "replace the root"},
		{"a file below a file", [][]entry{{file("a", "1"), file("a/b", "2")}}, "file exists"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			outside := t.TempDir()
			victim := filepath.Join(outside, "victim")
			root := filepath.Join(outside, "deep", "root")
			if err := errors.Join(os.MkdirAll(root, 0o755), os.Mkdir(victim, 0o750), os.WriteFile(filepath.Join(victim, "file"), []byte("good"), 0o600)); err != nil {
				t.Fatal(err)
			}
			var err error
			for _, layer := range c.layers {
				for i := range layer {
					layer[i].Linkname = strings.ReplaceAll(layer[i].Linkname, "VICTIM", victim)
				}
				_, err = unpack.Layer(t.Context(), bytes.NewReader(archive(t, layer...)), root)
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			got := list(t, victim)
			if diff := cmp.Diff(map[string]string{"file": "good"}, got); diff != "" {
				t.Error(diff)
			}
			if info, err := os.Stat(victim); err != nil || info.Mode().Perm() != 0o750 {
				t.Errorf("the mode outside is now %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestModesOwnersTimesAndAttributes(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("owners need root")
	}
	root := t.TempDir()
	capability := "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	report, err := unpack.Layer(t.Context(), bytes.NewReader(archive(
		t,
		entry{tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o1777, Uid: 7, Gid: 8}, ""},
		entry{tar.Header{Name: "d/suid", Typeflag: tar.TypeReg, Mode: 0o6755, Uid: 7, Gid: 8, PAXRecords: map[string]string{
			"SCHILY.xattr.security.capability": capability, "SCHILY.xattr.trusted.overlay.opaque": "y",
		}}, "x"},
		entry{tar.Header{Name: "d/link", Typeflag: tar.TypeSymlink, Linkname: "suid", Uid: 9, Gid: 9}, ""},
		link("hard", "d/suid"),
		entry{tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, ""},
		entry{tar.Header{Name: "pipe", Typeflag: tar.TypeFifo}, ""},
	)), root)
	if err != nil {
		t.Fatal(err)
	}
	want := unpack.Report{Files: 4, Bytes: 1, Devices: 2, Attributes: 1}
	if _, err := unix.Getxattr(filepath.Join(root, "d/suid"), "security.capability", make([]byte, 64)); err != nil {
		t.Logf("this filesystem or user keeps no capabilities: %v", err)
		want.Attributes++
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Error(diff)
	}
	for name, mode := range map[string]fs.FileMode{
		"d": fs.ModeDir | fs.ModeSticky | 0o777, "d/suid": fs.ModeSetuid | fs.ModeSetgid | 0o755,
	} {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		st, _ := info.Sys().(*syscall.Stat_t)
		if info.Mode() != mode || st.Uid != 7 || st.Gid != 8 || !info.ModTime().Equal(someTime) {
			t.Errorf("%s: %v, owner %d:%d, time %v", name, info.Mode(), st.Uid, st.Gid, info.ModTime())
		}
	}
	if info, err := os.Lstat(filepath.Join(root, "d/link")); err != nil || info.Sys().(*syscall.Stat_t).Uid != 9 {
		t.Errorf("the link's owner: %v, %v", info.Sys(), err)
	}
}

func TestImagesOfEveryCompression(t *testing.T) {
	t.Parallel()
	first := archive(t, file("a", "1"), file("b", "1"))
	second := archive(t, file("a", "2"), file(".wh.b", ""))
	gzipped, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(first)), nil })
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, layer := range map[string]v1.Layer{
		"zstd": diffID{static.NewLayer(encoder.EncodeAll(second, nil), types.OCILayerZStd), second},
		"none": diffID{static.NewLayer(second, types.OCIUncompressedLayer), second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			img, err := mutate.AppendLayers(empty.Image, gzipped, layer)
			if err != nil {
				t.Fatal(err)
			}
			root := t.TempDir()
			var read, total int64
			if _, err := unpack.Image(t.Context(), img, root, func(r, of int64) { read, total = r, of }); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"a": "2"}, list(t, root)); diff != "" {
				t.Error(diff)
			}
			if read != total || total == 0 {
				t.Errorf("%d of %d bytes were read", read, total)
			}
		})
	}
}

// diffID is a static layer whose uncompressed content is known.
type diffID struct {
	v1.Layer
	plain []byte
}

func (d diffID) DiffID() (v1.Hash, error) {
	hash, _, err := v1.SHA256(bytes.NewReader(d.plain))
	return hash, err
}

func TestLayerThatIsNotWhatTheConfigSays(t *testing.T) {
	t.Parallel()
	layer := diffID{static.NewLayer(archive(t, file("a", "swapped")), types.OCIUncompressedLayer), archive(t, file("a", "original"))}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unpack.Image(t.Context(), img, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "the image is broken") {
		t.Errorf("error %v", err)
	}
}

func TestCancelledInTheMiddle(t *testing.T) {
	t.Parallel()
	img, err := random.Image(1<<20, 3)
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("the user went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = unpack.Image(ctx, img, t.TempDir(), func(read, total int64) {
		if read > total/2 {
			cancel(gone)
		}
	})
	if !errors.Is(err, gone) {
		t.Errorf("error %v, want the cause", err)
	}
}

// No layer makes, changes or removes anything outside.
func FuzzLayer(f *testing.F) {
	f.Add(archive(f, dir("d"), file("d/a", "1"), symlink("l", "../victim"), file("l/file", "bad")))
	f.Add(archive(f, symlink("l", "/victim"), link("h", "l/file"), file("l/.wh.file", ""), file("l/.wh..wh..opq", "")))
	f.Fuzz(func(t *testing.T, layer []byte) {
		outside := t.TempDir()
		root, victim := filepath.Join(outside, "root"), filepath.Join(outside, "victim")
		if err := errors.Join(os.Mkdir(root, 0o755), os.Mkdir(victim, 0o750), os.WriteFile(filepath.Join(victim, "file"), []byte("good"), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, _ = unpack.Layer(t.Context(), io.LimitReader(bytes.NewReader(layer), 1<<20), root)
		if diff := cmp.Diff(map[string]string{"file": "good"}, list(t, victim)); diff != "" {
			t.Fatal(diff)
		}
		if entries, err := os.ReadDir(outside); err != nil || len(entries) != 2 {
			t.Fatalf("outside are now %v, %v", entries, err)
		}
	})
}
