package layer_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/baker/tree/spill"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var compressions = []layer.Compression{layer.Zstd, layer.Gzip, layer.EStargz, layer.None}

// small is a database of a few layers, with files of odd sizes.
var small = map[string]int64{
	"ibdata1": 500_000, "mysql.ibd": 100_001, "auto.cnf": 56, "ib_buffer_pool": 0,
	"app/events.ibd": 4<<20 + 512, "app/users.ibd": 114688, "app/orders.ibd": 2<<20 - 1, "app/old.MYD": 7, "app/old.MYI": 4096,
}

func writeAll(t testing.TB, parts []layer.Part, o layer.Options) []*layer.Layer {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	layers, err := layer.Write(t.Context(), parts, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, l := range layers {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return layers
}

// The same tree gives the same layers, however many cores make them, and what
// they say about themselves is true.
func TestWrite(t *testing.T) {
	t.Parallel()
	parts := split(t, datadir(t, small), 3)
	for _, c := range compressions {
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			one := writeAll(t, parts, layer.Options{Compression: c, Dir: dir, Workers: 1})
			two := writeAll(t, parts, layer.Options{Compression: c, Dir: dir, Workers: 7})
			for i, l := range one {
				check(t, l)
				a, _ := l.Descriptor()
				b, _ := two[i].Descriptor()
				if diff := cmp.Diff(a, b); diff != "" {
					t.Errorf("layer %d differs with more workers:\n%s", i, diff)
				}
				if l.Name != parts[i].Name {
					t.Errorf("layer %d is called %q, want %q", i, l.Name, parts[i].Name)
				}
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) > 0 {
				t.Errorf("layers have names on the disk: %v %v", left, err)
			}
		})
	}
}

// check compares what a layer says with its bytes.
func check(t *testing.T, l *layer.Layer) {
	t.Helper()
	digest, _ := l.Digest()
	diffID, _ := l.DiffID()
	size, _ := l.Size()
	for _, c := range []struct {
		open func() (io.ReadCloser, error)
		want v1.Hash
		size int64
	}{{l.Compressed, digest, size}, {l.Uncompressed, diffID, l.Length()}} {
		r, err := c.open()
		if err != nil {
			t.Error(err)
			continue
		}
		got, n, err := v1.SHA256(r)
		if err != nil || got != c.want || n != c.size {
			t.Errorf("%s: %d bytes with digest %s, it says %d and %s (%v)", l.Name, n, got, c.size, c.want, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Unpacked by GNU tar one over the other, in any order, the layers are the tree.
func TestLayersUnpackToTheTree(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("owners need root")
	}
	source := t.TempDir()
	realTree(t, source)
	tr, err := tree.FromDir(source, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	for _, c := range compressions {
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			to := t.TempDir()
			layers := writeAll(t, split(t, tr, 3), layer.Options{Compression: c})
			for i := range layers {
				unpack(t, layers[len(layers)-1-i], c, to)
			}
			if c == layer.EStargz {
				os.Remove(filepath.Join(to, estargz.TOCTarName))
			}
			back, err := tree.FromDir(to, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer back.Close()
			if diff := cmp.Diff(headers(tr), headers(back)); diff != "" {
				t.Errorf("unpacked (-tree +layers):\n%s", diff)
			}
			if out, err := exec.Command("diff", "-r", "--no-dereference", source, to).CombinedOutput(); err != nil {
				t.Errorf("content: %v\n%s", err, out)
			}
		})
	}
}

// realTree makes files with everything a header can hold.
func realTree(t *testing.T, dir string) {
	t.Helper()
	long := "data/mysql/app/" + strings.Repeat("long_", 30) + ".ibd"
	for name, size := range map[string]int64{
		"data/mysql/ibdata1": 3 << 20, "data/mysql/app/events.ibd": 5<<20 + 3, "data/mysql/app/users.ibd": 1 << 20,
		"data/mysql/app/orders.ibd": 2 << 20, long: 100, "usr/share/dbake/manifest.json": 2,
	} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, pages(name, size), 0o640), os.Chown(name, 999, 2_500_000)); err != nil {
			t.Fatal(err)
		}
	}
	pristine := filepath.Join(dir, "usr/share/dbake/datadir/app")
	if err := errors.Join(
		os.MkdirAll(pristine, 0o750), os.Chown(pristine, 999, 999),
		os.Link(filepath.Join(dir, "data/mysql/app/events.ibd"), filepath.Join(pristine, "events.ibd")),
		os.Symlink("events.ibd", filepath.Join(dir, "data/mysql/app/link.ibd")),
		os.Truncate(filepath.Join(dir, "data/mysql/ibdata1"), 9<<20), // a hole of more than a chunk
		os.Chmod(filepath.Join(dir, "data/mysql"), 0o1750),
		unix.Setxattr(filepath.Join(dir, "data/mysql/ibdata1"), "user.note", []byte("\x00kept"), 0),
	); err != nil {
		t.Fatal(err)
	}
}

// unpack is what a container engine does, with the programs that are here.
func unpack(t *testing.T, l *layer.Layer, c layer.Compression, to string) {
	t.Helper()
	r, err := l.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	program := map[layer.Compression]string{layer.Zstd: "zstd", layer.Gzip: "gzip", layer.EStargz: "gzip"}[c]
	if _, err := exec.LookPath(program); program == "" || err != nil {
		if r, err = l.Uncompressed(); err != nil {
			t.Fatal(err)
		}
		program = "cat"
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", `{ [ "$1" = cat ] && cat || "$1" -dc; } | `+
		`tar -C "$2" -x --numeric-owner --same-owner --same-permissions --xattrs --xattrs-include='*' --warning=no-timestamp`, "sh", program, to)
	cmd.Stdin = r
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v\n%s", err, out)
	}
}

func headers(tr *tree.Tree) []tar.Header {
	var all []tar.Header
	for _, e := range tr.Entries {
		all = append(all, e.Header)
	}
	return all
}

func TestEStargz(t *testing.T) {
	t.Parallel()
	parts := split(t, datadir(t, small), 3)
	for i, l := range writeAll(t, parts, layer.Options{Compression: layer.EStargz}) {
		r, err := l.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		size, _ := l.Size()
		at, ok := r.(io.ReaderAt)
		if !ok {
			t.Fatal("a layer cannot be read at an offset")
		}
		blob := io.NewSectionReader(at, 0, size)
		stargz, err := estargz.Open(blob)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := l.Descriptor()
		verifier, err := stargz.VerifyTOC(digest.Digest(d.Annotations["containerd.io/snapshot/stargz/toc.digest"]))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := d.Annotations["io.containers.estargz.uncompressed-size"], fmt.Sprint(l.Length()); got != want {
			t.Errorf("uncompressed size %s, want %s", got, want)
		}
		for _, e := range parts[i].Entries {
			checkStargz(t, stargz, verifier, e)
		}
	}
}

// checkStargz reads a file back by the index alone.
func checkStargz(t *testing.T, r *estargz.Reader, v estargz.TOCEntryVerifier, e tree.Entry) {
	t.Helper()
	h := e.Header
	toc, ok := r.Lookup(strings.TrimSuffix(h.Name, "/"))
	if !ok {
		t.Errorf("the index lacks %s", h.Name)
		return
	}
	if h.Typeflag != tar.TypeReg {
		return
	}
	if toc.Size != h.Size || toc.UID != h.Uid || toc.Mode != h.Mode {
		t.Errorf("the index says %+v of %+v", toc, h)
	}
	file, err := r.OpenFile(h.Name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(file)
	if err != nil || !bytes.Equal(data, pages(h.Name, h.Size)) {
		if !strings.HasPrefix(h.Name, "usr/share/dbake/datadir/") {
			t.Errorf("%s has other content (%v)", h.Name, err)
		}
	}
	if got := digest.FromBytes(data).String(); got != toc.Digest {
		t.Errorf("the index says %s of %s, want %s", toc.Digest, h.Name, got)
	}
	for at := int64(0); at < h.Size; {
		chunk, ok := r.ChunkEntryForOffset(h.Name, at)
		if !ok {
			t.Fatalf("%s has no chunk at %d", h.Name, at)
		}
		check, err := v.Verifier(chunk)
		if err != nil {
			t.Fatal(err)
		}
		n := chunk.ChunkSize
		check.Write(data[at : at+n])
		if !check.Verified() {
			t.Errorf("the chunk of %s at %d has another digest", h.Name, at)
		}
		at += n
	}
}

// A layer is uploaded while the next is made, is read twice when an upload is
// tried again, and by several at once.
func TestDoneComesEarly(t *testing.T) {
	t.Parallel()
	first := make(chan struct{})
	late := entry("data/mysql/app/b.ibd", 4<<20)
	late.Open = func() (io.ReadCloser, error) {
		<-first // done for layer 0 comes although layer 1 cannot go on
		return io.NopCloser(bytes.NewReader(pages("b", 4<<20))), nil
	}
	a := entry("data/mysql/app/a.ibd", 4<<20)
	parts := []layer.Part{{Name: "a", Entries: []tree.Entry{a}, Size: 4 << 20}, {Name: "b", Entries: []tree.Entry{late}, Size: 4 << 20}}
	var order []int
	layers, err := layer.Write(t.Context(), parts, layer.Options{Dir: t.TempDir(), Workers: 2}, func(i int, l *layer.Layer) error {
		order = append(order, i)
		if i == 0 {
			defer close(first)
			var readers sync.WaitGroup
			for range 4 {
				readers.Go(func() { check(t, l) })
			}
			readers.Wait()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 1}, order); diff != "" {
		t.Error(diff)
	}
	for _, l := range layers {
		l.Close()
	}
}

func TestWriteFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk broke")
	refused := errors.New("registry refused")
	with := func(open func() (io.ReadCloser, error)) []layer.Part {
		tr := datadir(t, small)
		for i, e := range tr.Entries {
			if strings.HasSuffix(e.Header.Name, "app/orders.ibd") && e.Open != nil {
				tr.Entries[i].Open = open
			}
		}
		return split(t, tr, 3)
	}
	reader := func(r io.Reader) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return io.NopCloser(r), nil }
	}
	for _, c := range []struct {
		name  string
		parts []layer.Part
		done  func(int, *layer.Layer) error
		is    error
		says  string
	}{
		{
			name: "a file cannot be opened", parts: with(func() (io.ReadCloser, error) { return nil, broken }),
			is: broken, says: "data/mysql/app/orders.ibd",
		},
		{name: "a file cannot be read", parts: with(reader(iotest.ErrReader(broken))), is: broken, says: "data/mysql/app/orders.ibd"},
		{name: "a file shrank", parts: with(reader(bytes.NewReader(make([]byte, 1000)))), says: "nothing may write to the tree"},
		{name: "a file grew", parts: with(reader(bytes.NewReader(make([]byte, 3<<20)))), says: "nothing may write to the tree"},
		{
			name: "the caller has enough", parts: split(t, datadir(t, small), 3),
			done: func(int, *layer.Layer) error { return refused }, is: refused, says: "refused",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, compression := range []layer.Compression{layer.Zstd, layer.EStargz} {
				var given []*layer.Layer
				layers, err := layer.Write(t.Context(), c.parts, layer.Options{Compression: compression, Dir: t.TempDir()}, func(i int, l *layer.Layer) error {
					given = append(given, l)
					if c.done != nil {
						return c.done(i, l)
					}
					return nil
				})
				if err == nil || layers != nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("%s: error %v, want one with %q", compression, err, c.says)
				}
				for _, l := range given {
					if err := l.Close(); !errors.Is(err, os.ErrClosed) {
						t.Errorf("a layer that done got is still open (%v)", err)
					}
				}
			}
		})
	}
}

// Cancelled at any moment, Write ends at once and says so.
func TestWriteCancelled(t *testing.T) {
	t.Parallel()
	endless := entry("data/mysql/app/a.ibd", 1<<40)
	endless.Open = func() (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }
	parts := []layer.Part{{Name: "a", Entries: []tree.Entry{endless}, Size: 1 << 40}, {Name: "b", Entries: []tree.Entry{endless}, Size: 1 << 40}}
	for i, c := range compressions {
		for wait := range 3 {
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("enough")
			time.AfterFunc(time.Duration(wait*(i+7))*time.Millisecond, func() { cancel(why) })
			began := time.Now()
			if c == layer.None {
				continue // it would fill the disk
			}
			_, err := layer.Write(ctx, parts, layer.Options{Compression: c, Dir: t.TempDir()}, nil)
			if !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: error %v, want %v", c, err, why)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: it took %v to end", c, took)
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestWriteWithoutSpace(t *testing.T) {
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
	for _, c := range compressions {
		_, err := layer.Write(t.Context(), split(t, datadir(t, small), 3), layer.Options{Compression: c, Dir: dir}, nil)
		var full *spill.FullError
		if !errors.As(err, &full) || full.Dir != dir || full.Need < 100_000 {
			t.Errorf("%s: error %v, want one that names %s and how much is missing", c, err, dir)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	parts := split(t, datadir(t, map[string]int64{"ibdata1": 10}), 0)
	for _, c := range []struct {
		compression layer.Compression
		docker      bool
		want        types.MediaType
	}{
		{"", false, types.OCILayerZStd},
		{layer.Zstd, false, types.OCILayerZStd},
		{layer.Gzip, false, types.OCILayer},
		{layer.Gzip, true, types.DockerLayer},
		{layer.EStargz, false, types.OCILayer},
		{layer.EStargz, true, types.DockerLayer},
		{layer.None, false, types.OCIUncompressedLayer},
	} {
		l := writeAll(t, parts, layer.Options{Compression: c.compression, Docker: c.docker})[0]
		if got, _ := l.MediaType(); got != c.want {
			t.Errorf("%s, docker %t: %s, want %s", c.compression, c.docker, got, c.want)
		}
	}
	for _, o := range []layer.Options{
		{Compression: layer.Zstd, Docker: true}, {Compression: "lzma"}, {Level: 23}, {Compression: layer.Gzip, Level: 10},
	} {
		_, err := layer.Write(t.Context(), parts, o, nil)
		var unsupported *layer.UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.Hint == "" {
			t.Errorf("%+v: error %v, want one with a hint", o, err)
		}
	}
}

func TestFromFiles(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, 5, 4, 3, 2, 1, 999, time.UTC)
	l, err := layer.FromFiles(t.Context(), "entrypoint", []layer.File{
		{Path: "/usr/local/bin/dbake-entrypoint", Mode: 0o755, Size: 4, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("\x7fELF")), nil
		}},
		{Path: "/etc/my.cnf", Mode: 0o644, Data: []byte("[mysqld]\n")},
	}, layer.Options{Compression: layer.Gzip, Epoch: epoch, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	check(t, l)
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []string
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(tr)
		got = append(got, fmt.Sprintf("%s %o %d:%d %s %q", h.Name, h.Mode, h.Uid, h.Gid, h.ModTime.UTC().Format(time.RFC3339Nano), data))
	}
	want := []string{
		`etc/ 755 0:0 2026-05-04T03:02:01Z ""`,
		`etc/my.cnf 644 0:0 2026-05-04T03:02:01Z "[mysqld]\n"`,
		`usr/ 755 0:0 2026-05-04T03:02:01Z ""`,
		`usr/local/ 755 0:0 2026-05-04T03:02:01Z ""`,
		`usr/local/bin/ 755 0:0 2026-05-04T03:02:01Z ""`,
		`usr/local/bin/dbake-entrypoint 755 0:0 2026-05-04T03:02:01Z "\x7fELF"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := layer.FromFiles(t.Context(), "x", []layer.File{{Path: "relative"}}, layer.Options{}); err == nil {
		t.Error("a relative path was taken")
	}
}

// Each layer is a step of the progress that ends complete.
func TestProgress(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	steps := map[string]*client.Vertex{}
	var complete int
	writeAll(t, split(t, datadir(t, small), 3), layer.Options{Progress: func(s *client.SolveStatus) {
		mu.Lock()
		defer mu.Unlock()
		for _, v := range s.Vertexes {
			steps[v.Name] = v
		}
		for _, c := range s.Statuses {
			if c.Completed != nil {
				complete++
			}
		}
	}})
	v, ok := steps["compress layer 1/3: system"]
	if len(steps) != 3 || !ok || v.Completed == nil || complete != 3 {
		t.Errorf("%d steps, %d complete: %v", len(steps), complete, steps)
	}
}
