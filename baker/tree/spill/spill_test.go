package spill_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dbake/dbake/baker/tree/spill"
)

func TestZeroBlocksTakeNoSpace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, err := spill.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := spill.NewWriter(file, dir)
	contents := [][]byte{
		make([]byte, 3<<20),
		append(make([]byte, 1<<20), 1),
		[]byte("short"),
		nil,
		append(append(bytes.Repeat([]byte("x"), 5000), make([]byte, 100_000)...), "end"...),
		make([]byte, 10),
	}
	for i, content := range contents {
		offset, err := w.Append(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(file, offset, int64(len(content))))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("content %d came back as %d other bytes (%v)", i, len(got), err)
		}
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Blocks*512 > 128<<10 {
		t.Errorf("the file takes %d bytes", st.Blocks*512)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the file has a name: %v %v", left, err)
	}
}

func TestZero(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 7, 8, 4096} {
		b := make([]byte, n)
		if !spill.Zero(b) {
			t.Errorf("%d zeros are not seen", n)
		}
		for _, at := range []int{0, n / 2, n - 1} {
			b[at] = 1
			if spill.Zero(b) {
				t.Errorf("of %d bytes, number %d is not seen", n, at)
			}
			b[at] = 0
		}
	}
	if !spill.Zero(nil) {
		t.Error("nothing is zero")
	}
}

// A data directory must not be kept in memory, which may be smaller.
func TestFolderInMemoryIsNotTaken(t *testing.T) {
	const memory = "/dev/shm"
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	if got := spill.OnDisk(cache); got != cache {
		t.Errorf("in place of %s it is %s", cache, got)
	}
	if !spill.InMemory(memory) || spill.InMemory(cache) {
		t.Skip("needs a folder in memory and one on a disk")
	}
	if got, want := spill.OnDisk(memory), filepath.Join(cache, "dbake"); got != want {
		t.Errorf("in place of %s it is %s, want %s", memory, got, want)
	}
	t.Setenv("TMPDIR", memory)
	if got := spill.Dir(""); got != memory {
		t.Errorf("TMPDIR is %s, and it is %s", memory, got)
	}
	if got := spill.Dir(cache); got != cache {
		t.Errorf("%s was asked for, and it is %s", cache, got)
	}
}
