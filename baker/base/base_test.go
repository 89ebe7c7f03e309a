package base_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"go.uber.org/goleak"

	"github.com/dbake/dbake/baker/base"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(10_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func open(t *testing.T, c base.Cache, img v1.Image) *base.Root {
	t.Helper()
	root, err := c.Open(t.Context(), img, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// files lists the regular files below a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestImageFromARegistryIsUnpackedOnce(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New())
	defer server.Close()
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/base:1")
	if err != nil {
		t.Fatal(err)
	}
	transport := remote.DefaultTransport.(interface{ CloseIdleConnections() })
	defer transport.CloseIdleConnections()
	if err := remote.Write(ref, newImage(t), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	c := base.Cache{Dir: filepath.Join(t.TempDir(), "cache")}
	for _, cached := range []bool{false, true} {
		img, err := remote.Image(ref, remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		root := open(t, c, img)
		if root.Cached != cached || root.Report.Files != 3 || len(files(t, root.Dir)) != 3 {
			t.Errorf("cached %v, want %v; %+v", root.Cached, cached, root.Report)
		}
	}
	if size, err := c.Size(); err != nil || size < 30_000 {
		t.Errorf("the cache takes %d bytes, %v", size, err)
	}
}

func TestManyWantTheSameImage(t *testing.T) {
	t.Parallel()
	c := base.Cache{Dir: t.TempDir()}
	img := newImage(t)
	var made atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			root, err := c.Open(t.Context(), img, nil, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if !root.Cached {
				made.Add(1)
			}
			if len(files(t, root.Dir)) != 3 {
				t.Error("the root filesystem is not complete")
			}
			root.Close()
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("it was unpacked %d times", made.Load())
	}
}

func TestChangedOrInterruptedEntriesAreMadeAnew(t *testing.T) {
	t.Parallel()
	for what, damage := range map[string]func(entry, file string) error{
		"a file's content": func(_, file string) error { return os.WriteFile(file, []byte("other"), 0o644) },
		"a file's mode":    func(_, file string) error { return os.Chmod(file, 0o777) },
		"a missing file":   func(_, file string) error { return os.Remove(file) },
		"a new file":       func(_, file string) error { return os.WriteFile(file+"x", nil, 0o644) },
		"no record":        func(entry, _ string) error { return os.Remove(filepath.Join(entry, "entry.json")) },
		"a broken record": func(entry, _ string) error {
			return os.WriteFile(filepath.Join(entry, "entry.json"), []byte("{"), 0o644)
		},
		"what was begun": func(entry, _ string) error { return os.Rename(entry, entry+".new-123") },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := base.Cache{Dir: t.TempDir()}
			img := newImage(t)
			root, err := c.Open(t.Context(), img, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			root.Close()
			if err := damage(filepath.Dir(root.Dir), files(t, root.Dir)[0]); err != nil {
				t.Fatal(err)
			}
			if again := open(t, c, img); again.Cached || len(files(t, again.Dir)) != 3 {
				t.Errorf("cached %v, files %v", again.Cached, files(t, again.Dir))
			}
			if left, _ := filepath.Glob(filepath.Join(c.Dir, "*.new-*")); len(left) > 0 {
				t.Errorf("still there: %v", left)
			}
		})
	}
}

func TestCancelledLeavesNothing(t *testing.T) {
	t.Parallel()
	c := base.Cache{Dir: t.TempDir()}
	gone := errors.New("the user went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := c.Open(ctx, newImage(t), func(read, total int64) {
		if read > total/2 {
			cancel(gone)
		}
	}, nil)
	if !errors.Is(err, gone) {
		t.Errorf("error %v, want the cause", err)
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil || len(entries) != 1 || filepath.Ext(entries[0].Name()) != ".lock" {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestBrokenImage(t *testing.T) {
	t.Parallel()
	img := newImage(t)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.RootFS.DiffIDs[1] = config.RootFS.DiffIDs[0]
	broken, err := mutate.ConfigFile(img, config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = base.Cache{Dir: t.TempDir()}.Open(t.Context(), broken, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "unpack layer 2 of 3") {
		t.Errorf("error %v", err)
	}
}

func TestPruneRemovesWhatIsUnusedAndOld(t *testing.T) {
	t.Parallel()
	c := base.Cache{Dir: t.TempDir()}
	used := open(t, c, newImage(t))
	old, err := c.Open(t.Context(), newImage(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	old.Close()
	if n, err := c.Prune(time.Hour); n != 0 || err != nil {
		t.Errorf("removed %d young entries, %v", n, err)
	}
	long := time.Now().Add(-2 * time.Hour)
	for _, root := range []*base.Root{used, old} {
		if err := os.Chtimes(filepath.Dir(root.Dir)+".lock", long, long); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.Prune(time.Hour); n != 1 || err != nil {
		t.Errorf("removed %d entries, %v; want the unused one", n, err)
	}
	if len(files(t, used.Dir)) != 3 {
		t.Error("an entry in use was removed")
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}
