package tree_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/baker/tree/spill"
)

// listed is an entry with its content, for comparing trees.
type listed struct {
	Header  tar.Header
	Content string
}

func list(t interface {
	Helper()
	Fatal(...any)
}, tr *tree.Tree,
) []listed {
	t.Helper()
	var all []listed
	for _, e := range tr.Entries {
		l := listed{Header: e.Header}
		if e.Open != nil {
			for range 2 { // it may be opened again
				r, err := e.Open()
				if err != nil {
					t.Fatal(err)
				}
				data, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
				if int64(len(data)) != e.Header.Size {
					t.Fatal("the content's length is not the header's", e.Header.Name)
				}
				l.Content = fmt.Sprintf("%x", sha256.Sum256(data))
			}
		}
		all = append(all, l)
	}
	return all
}

// names gives "name" or "name -> link" of each entry.
func names(tr *tree.Tree) []string {
	var all []string
	for _, e := range tr.Entries {
		name := e.Header.Name
		if e.Header.Linkname != "" {
			name += " -> " + e.Header.Linkname
		}
		all = append(all, name)
	}
	return all
}

func fromDir(t *testing.T, dir string) *tree.Tree {
	t.Helper()
	tr, err := tree.FromDir(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
}

// Whatever files a directory has, GNU tar's stream of it gives the same tree.
func TestDirAndTarAreTheSame(t *testing.T) {
	t.Parallel()
	spills := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(spills, "in-*") //nolint:usetesting // one per try
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		draw(t, dir)
		format := rapid.SampledFrom([]string{"gnu", "pax"}).Draw(t, "format")
		args := []string{"--format=" + format, "--sparse", "--numeric-owner", "-C", dir, "-c", "."}
		stream, err := exec.Command("tar", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		one, err := tree.FromDir(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		two, err := tree.FromTar(iotest.HalfReader(bytes.NewReader(stream)), spills)
		if err != nil {
			t.Fatal(err)
		}
		defer two.Close()
		if diff := cmp.Diff(list(t, one), list(t, two)); diff != "" {
			t.Fatalf("directory and tar differ (-dir +tar):\n%s", diff)
		}
		ordered(t, one)
	})
}

// draw fills a directory.
func draw(t *rapid.T, dir string) {
	var files []string
	dirs := []string{"."}
	for range rapid.IntRange(0, 12).Draw(t, "entries") {
		parent := rapid.SampledFrom(dirs).Draw(t, "parent")
		name := filepath.Join(parent, rapid.StringMatching(`[a-c#@.-]{1,3}|[a-z]{101}`).Draw(t, "name"))
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		var err error
		switch rapid.SampledFrom([]string{"file", "holes", "dir", "link", "symlink"}).Draw(t, "kind") {
		case "file":
			err = os.WriteFile(path, rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "content"), 0o600)
			files = append(files, path)
		case "holes":
			if err = os.WriteFile(path, []byte("begin"), 0o644); err == nil {
				err = os.Truncate(path, rapid.Int64Range(5, 1<<20).Draw(t, "size"))
			}
			files = append(files, path)
		case "dir":
			err = os.Mkdir(path, 0o750)
			dirs = append(dirs, name)
		case "link":
			if len(files) == 0 {
				continue
			}
			err = os.Link(rapid.SampledFrom(files).Draw(t, "target"), path)
			files = append(files, path)
		case "symlink":
			err = os.Symlink("/etc/"+name, path)
			name = ""
		}
		if err == nil && name != "" && os.Geteuid() == 0 {
			err = os.Lchown(path, rapid.IntRange(0, 3_000_000).Draw(t, "uid"), 999)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ordered makes sure that parents are before children and targets before links.
func ordered(t *rapid.T, tr *tree.Tree) {
	seen := map[string]bool{"./": true}
	for _, e := range tr.Entries {
		parent := filepath.Dir(strings.TrimSuffix(e.Header.Name, "/")) + "/"
		if !seen[parent] {
			t.Fatalf("%s is before its directory", e.Header.Name)
		}
		if e.Header.Typeflag == tar.TypeLink && !seen[e.Header.Linkname] {
			t.Fatalf("%s is before its target %s", e.Header.Name, e.Header.Linkname)
		}
		seen[e.Header.Name] = true
	}
}

func TestFromDirLeavesOutWhatIsNoData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "data/a.ibd"), "rows")
	socket, err := net.Listen("unix", filepath.Join(dir, "data/mysql.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := unix.Mkfifo(filepath.Join(dir, "data/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"user.kept": "1", "trusted.dropped": "2"} {
		err := unix.Setxattr(filepath.Join(dir, "data/a.ibd"), name, []byte(value), 0)
		if err != nil && name == "user.kept" {
			t.Skip("the file system has no extended attributes")
		}
	}
	tr, err := tree.FromDir(dir, func(uid, gid int) (int, int) { return uid + 5, gid + 6 })
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if diff := cmp.Diff([]string{"data/", "data/a.ibd"}, names(tr)); diff != "" {
		t.Fatal(diff)
	}
	want := tar.Header{
		Typeflag: tar.TypeReg, Name: "data/a.ibd", Size: 4, Mode: 0o640, Uid: os.Getuid() + 5, Gid: os.Getgid() + 6,
		ModTime: tree.ModTime, PAXRecords: map[string]string{"SCHILY.xattr.user.kept": "1"},
	}
	if diff := cmp.Diff(want, tr.Entries[1].Header); diff != "" {
		t.Error(diff)
	}
}

func TestFromDirStaysInside(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	write(t, filepath.Join(dir, "sub/secret"), "mine")
	tr := fromDir(t, dir)
	// The directory is exchanged for a way out between listing and reading.
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "sub")), os.Symlink(outside, filepath.Join(dir, "sub"))); err != nil {
		t.Fatal(err)
	}
	if r, err := tr.Entries[1].Open(); err == nil {
		r.Close()
		t.Error("a symbolic link led out of the tree")
	}
}

// archive makes a tar of headers; regular files hold their size in "x".
func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFromTar(t *testing.T) {
	t.Parallel()
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 3} }
	link := func(name, to string) tar.Header { return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to} }
	for _, c := range []struct {
		name    string
		headers []tar.Header
		want    []string
		fails   string
	}{
		{
			name: "directories that are missing", headers: []tar.Header{file("/data/mysql/a")},
			want: []string{"data/", "data/mysql/", "data/mysql/a"},
		},
		{
			name: "the first name has the content, whichever had it", headers: []tar.Header{file("./b"), link("a", "b"), link("c", "./a")},
			want: []string{"a", "b -> a", "c -> a"},
		},
		{
			name: "a device", headers: []tar.Header{{Typeflag: tar.TypeChar, Name: "null"}, file("a")}, want: []string{"a"},
		},
		{name: "a way out", headers: []tar.Header{file("a/../../b")}, fails: `"a/../../b" leaves the tree`},
		{name: "a link out", headers: []tar.Header{file("a"), link("b", "../a")}, fails: `"../a" leaves the tree`},
		{name: "a link to nothing", headers: []tar.Header{link("b", "a")}, fails: `b: a hard link to "a", which is not in the stream`},
		{name: "twice", headers: []tar.Header{file("a"), file("./a")}, fails: "a twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tr, err := tree.FromTar(bytes.NewReader(archive(t, c.headers...)), dir)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("error %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			if diff := cmp.Diff(c.want, names(tr)); diff != "" {
				t.Error(diff)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) > 0 {
				t.Errorf("the spilled file has a name: %v %v", left, err)
			}
		})
	}
}

func TestFromTarBrokenOff(t *testing.T) {
	t.Parallel()
	all := archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: 100_000})
	_, err := tree.FromTar(bytes.NewReader(all[:50_000]), t.TempDir())
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want an unexpected end", err)
	}
	lost := errors.New("connection lost")
	_, err = tree.FromTar(io.MultiReader(bytes.NewReader(all[:50_000]), iotest.ErrReader(lost)), t.TempDir())
	if !errors.Is(err, lost) {
		t.Errorf("error %v, want %v", err, lost)
	}
}

func TestFromTarWithoutSpace(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a small file system needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no tmpfs can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	_, err := tree.FromTar(bytes.NewReader(archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: 1 << 20})), dir)
	var full *spill.FullError
	if !errors.As(err, &full) || full.Dir != dir || full.Need < 900_000 {
		t.Errorf("error %v, want one that names %s and how much is missing", err, dir)
	}
}
