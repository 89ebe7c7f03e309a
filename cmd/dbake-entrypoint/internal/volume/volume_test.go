package volume

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

var then = time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)

// fixture is a small pristine copy and an empty volume for it.
func fixture(t *testing.T) DataDir {
	t.Helper()
	dir := t.TempDir()
	d := DataDir{
		Path: filepath.Join(dir, "data"), Pristine: filepath.Join(dir, "pristine"),
		As:  proc.Identity{UID: os.Geteuid(), GID: os.Getegid()},
		Say: t.Logf,
	}
	if os.Geteuid() == 0 {
		d.As = proc.Identity{UID: 999, GID: 998, Groups: []int{998}, Switch: true}
	}
	for _, sub := range []string{"data", "pristine/app"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, d.Pristine, "ibdata1", bytes.Repeat([]byte("page"), 1<<20))
	put(t, d.Pristine, "app/t.ibd", []byte("rows"))
	sparse, err := os.OpenFile(filepath.Join(d.Pristine, "app/holes.ibd"), os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	defer sparse.Close()
	if _, err := sparse.WriteAt([]byte("middle"), 8<<20); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		sparse.Truncate(64<<20),
		os.Symlink("app/t.ibd", filepath.Join(d.Pristine, "link")),
		os.Chmod(filepath.Join(d.Pristine, "app"), 0o750),
		os.Chtimes(filepath.Join(d.Pristine, "app"), then, then),
	); err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func TestFillMakesACopyThatIsTheServers(t *testing.T) {
	d := fixture(t)
	if err := os.Mkdir(filepath.Join(d.Path, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ibdata1", "app/t.ibd", "app/holes.ibd"} {
		want, _ := os.ReadFile(filepath.Join(d.Pristine, name))
		got, err := os.ReadFile(filepath.Join(d.Path, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
	for _, name := range []string{"ibdata1", "app/t.ibd", "app", "app/holes.ibd"} {
		want, _ := os.Stat(filepath.Join(d.Pristine, name))
		got, err := os.Stat(filepath.Join(d.Path, name))
		if err != nil {
			t.Fatal(err)
		}
		if got.Mode() != want.Mode() || !got.ModTime().Equal(want.ModTime()) || proc.Owner(got) != d.As.UID {
			t.Errorf("%s: %v %v uid %d, want %v %v", name, got.Mode(), got.ModTime(), proc.Owner(got), want.Mode(), want.ModTime())
		}
	}
	holes, _ := os.Stat(filepath.Join(d.Path, "app/holes.ibd"))
	if used := holes.Sys().(*syscall.Stat_t).Blocks * 512; used > 8<<20 {
		t.Errorf("a file with holes grew to %d bytes of disk", used)
	}
	if to, err := os.Readlink(filepath.Join(d.Path, "link")); err != nil || to != "app/t.ibd" {
		t.Errorf("symbolic link: %q, %v", to, err)
	}
	if exists(filepath.Join(d.Path, marker)) {
		t.Error("the marker is still there")
	}
	// Filled once, it is data like any other.
	put(t, d.Path, "app/t.ibd", []byte("new rows"))
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(d.Path, "app/t.ibd")); string(got) != "new rows" {
		t.Error("a second start filled the volume again")
	}
}

func TestInterruptedFillIsDoneAgain(t *testing.T) {
	d := fixture(t)
	put(t, d.Path, marker, nil)
	put(t, d.Path, "ibdata1", []byte("half"))
	put(t, d.Path, "stray", nil)
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(d.Path, "ibdata1")); err != nil || info.Size() != 4<<20 {
		t.Errorf("half a file was left: %v", err)
	}
	if exists(filepath.Join(d.Path, "stray")) || exists(filepath.Join(d.Path, marker)) {
		t.Error("leftovers of the interrupted filling are still there")
	}
}

func TestStoppedFillLeavesNothing(t *testing.T) {
	d := fixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	d.OnFill = cancel
	if err := d.Prepare(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if left, _ := os.ReadDir(d.Path); len(left) != 0 {
		t.Errorf("%d files are left, %s first", len(left), left[0].Name())
	}
}

func TestVolumeBeingFilledElsewhereIsLeftAlone(t *testing.T) {
	d := fixture(t)
	other, err := d.begin()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := d.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "another container") {
		t.Errorf("got %v", err)
	}
}

func TestPrepareRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(t *testing.T, d *DataDir)
		want  string
	}{
		{"other files", func(t *testing.T, d *DataDir) { t.Helper(); put(t, d.Path, "holiday.jpg", nil) }, "no database"},
		{"no copy", func(_ *testing.T, d *DataDir) { d.Pristine = "" }, "no copy to fill it from"},
		{"a file", func(t *testing.T, d *DataDir) { t.Helper(); put(t, d.Path, "x", nil); d.Path += "/x" }, "not a directory"},
		{"foreign data", func(t *testing.T, d *DataDir) {
			t.Helper()
			if os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			put(t, d.Path, "ibdata1", nil)
		}, "belongs to uid 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := fixture(t)
			c.alter(t, &d)
			if err := d.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestSmallVolumeIsRefusedAndLeftEmpty(t *testing.T) {
	d := fixture(t)
	for _, size := range []string{"1m", "6m"} {
		if err := syscall.Mount("none", d.Path, "tmpfs", 0, "size="+size); err != nil {
			t.Skip("needs mount(2):", err)
		}
		err := d.Prepare(t.Context())
		left, _ := os.ReadDir(d.Path)
		if err := syscall.Unmount(d.Path, 0); err != nil {
			t.Fatal(err)
		}
		if size == "1m" && (err == nil || !strings.Contains(err.Error(), "too small")) {
			t.Errorf("got %v", err)
		}
		if size == "6m" && err != nil {
			t.Errorf("a sparse file was taken for a full one: %v", err)
		}
		if size == "1m" && len(left) != 0 {
			t.Errorf("%d files are left", len(left))
		}
	}
}

func TestDiskThatFillsUpIsEmptiedAgain(t *testing.T) {
	d := fixture(t)
	if err := syscall.Mount("none", d.Path, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("needs mount(2):", err)
	}
	defer func() { _ = syscall.Unmount(d.Path, 0) }()
	_, files, _, err := d.list()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(d.Path, "app"), 0o700); err != nil {
		t.Fatal(err)
	}
	var done atomic.Int64
	err = d.explain(d.copyFiles(t.Context(), files, &done))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "too small") {
		t.Errorf("got %v", err)
	}
}
