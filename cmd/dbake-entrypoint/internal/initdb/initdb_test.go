package initdb

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

func me() proc.Identity { return proc.Identity{UID: os.Geteuid(), GID: os.Getegid()} }

func TestPending(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"b.sql": 0o644, "B.sql.gz": 0o644, "a.sh": 0o755, "10.sh": 0o644, "x.sql.zst": 0o644, "notes.txt": 0o644, ".hidden.sql": 0o644,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	// As a mounted config map has it.
	if err := os.Symlink(filepath.Join(dir, "b.sql"), filepath.Join(dir, "c.sql")); err != nil {
		t.Fatal(err)
	}
	scripts, ignored, err := Pending(dir, data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range scripts {
		names = append(names, s.Name())
		if s.Shell != (s.Name() == "a.sh" || s.Name() == "10.sh") || s.Executable != (s.Name() == "a.sh") {
			t.Errorf("wrong kind: %+v", s)
		}
	}
	if want := []string{"10.sh", "B.sql.gz", "a.sh", "b.sql", "c.sql", "x.sql.zst"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if !slices.Equal(ignored, []string{"notes.txt"}) {
		t.Errorf("ignored %q", ignored)
	}
	if err := Done(data, me()); err != nil {
		t.Fatal(err)
	}
	if scripts, _, err := Pending(dir, data); len(scripts) != 0 || err != nil {
		t.Errorf("%d scripts would run again, %v", len(scripts), err)
	}
	if scripts, _, err := Pending("/no/such/dir", t.TempDir()); len(scripts) != 0 || err != nil {
		t.Errorf("no directory: %d scripts, %v", len(scripts), err)
	}
}

func TestLoginFileIsForOneUserAndHasNoName(t *testing.T) {
	f, err := Login{User: "root", Password: "a\"b\\c\n'#"}.file(me())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if exists, err := os.Stat(f.Name()); err == nil {
		t.Errorf("it is a file with a name: %v", exists.Name())
	}
	got, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<10))
	want := "[client]\nuser=\"root\"\npassword=\"a\\\"b\\\\c\\n\\'#\"\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, want %q (%v)", got, want, err)
	}
}
