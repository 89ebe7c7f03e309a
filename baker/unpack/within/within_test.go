package within_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbake/dbake/baker/unpack/within"
)

// newTree makes a tree with links of all kinds.
func newTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"usr/lib", "run", "var", "a/b"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "usr/file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"lib": "usr/lib", "var/run": "/run", "a/up": "../../../..", "out": "/../../etc",
		"loop": "loop", "ping": "pong", "pong": "ping", "a/b/back": "../../usr", "abs": "/var/run",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPathsStayWithin(t *testing.T) {
	t.Parallel()
	dir := newTree(t)
	for _, c := range []struct{ name, followed, located string }{
		{"", ".", "."},
		{"/", ".", "."},
		{"../..", ".", "."},
		{"lib", "usr/lib", "lib"},
		{"lib/x/y", "usr/lib/x/y", "usr/lib/x/y"},
		{"/var/run/mysqld", "run/mysqld", "run/mysqld"},
		{"var/run", "run", "var/run"},
		{"a/up", ".", "a/up"},
		{"a/up/usr", "usr", "usr"},
		{"out/passwd", "etc/passwd", "etc/passwd"},
		{"a/b/back/lib/z", "usr/lib/z", "usr/lib/z"},
		{"lib/../x", "usr/x", "x"}, // a name is taken as text, a link as the kernel would
		{"abs", "run", "abs"},
		{"usr/file/x", "usr/file/x", "usr/file/x"},
		{"none/../../x", "x", "x"},
	} {
		if got, err := within.Follow(dir, c.name); err != nil || got != c.followed {
			t.Errorf("Follow(%q) = %q, %v; want %q", c.name, got, err, c.followed)
		}
		if got, err := within.Locate(dir, c.name); err != nil || got != c.located {
			t.Errorf("Locate(%q) = %q, %v; want %q", c.name, got, err, c.located)
		}
	}
	for _, name := range []string{"loop", "ping/x"} {
		if _, err := within.Follow(dir, name); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("Follow(%q): %v, want ELOOP", name, err)
		}
	}
}

// Whatever is asked for, the answer has no link in it and does not lead out.
func TestAnyPathStaysWithin(t *testing.T) {
	t.Parallel()
	dir := newTree(t)
	part := rapid.SampledFrom([]string{"..", ".", "", "lib", "var", "run", "a", "up", "out", "b", "back", "abs", "usr", "x"})
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Join(rapid.SliceOfN(part, 0, 12).Draw(t, "parts"), "/")
		got, err := within.Follow(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if !filepath.IsLocal(got) {
			t.Fatalf("Follow(%q) = %q leads out", name, got)
		}
		if again, err := within.Follow(dir, got); err != nil || again != got {
			t.Fatalf("Follow(%q) = %q, which stands for %q, %v", name, got, again, err)
		}
	})
}
