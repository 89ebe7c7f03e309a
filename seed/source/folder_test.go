package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

func TestListFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{"dumps/b.txt", "dumps/a.sql", "dumps/below/c.sql", "empty/below/d.sql"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := source.New(source.Config{ContextDir: root})
	defer s.Close()
	list := func(path string) ([]plan.Object, error) {
		return s.ListFolder(plan.Object{Dump: 2, Location: spec.Location{Kind: spec.KindContextFolder, Path: path}})
	}
	objects, err := list("dumps")
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 2 || objects[0].File != "a.sql" || objects[1].File != "b.txt" || objects[0].Dump != 2 ||
		objects[0].Location.Path != "dumps/a.sql" || objects[0].Size != int64(len("dumps/a.sql")) {
		t.Errorf("%+v", objects)
	}
	if whole := plan.Dumps(objects); len(whole) != 1 || source.Display(whole[0]) != "dumps/" || whole[0].Size != 22 {
		t.Errorf("%+v", whole)
	}
	for path, want := range map[string]string{
		"empty":        "no file in this folder",
		"gone":         "cannot be opened",
		"dumps/a.sql":  "without the slash",
		"../elsewhere": "cannot be opened",
	} {
		if _, err := list(path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), root) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]source.Format{
		"t.txt": source.FormatNone, "s@t@@0.tsv.zst": source.FormatZstd, "t.txt.gz": source.FormatGzip, "gz": source.FormatNone,
	} {
		if got, _ := source.FormatOf(name); got != want {
			t.Errorf("%s is %s, not %s", name, got, want)
		}
	}
}
