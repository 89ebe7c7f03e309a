package baker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/spec"
)

func TestTagsSayWhatWasRestored(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	k.options.Refs = []string{k.host + "/app:{{.ETag}}"}
	k.builder.during = func() { k.builder.etag = `"2"` }
	if _, err := baker.Bake(t.Context(), k.options, progress.Discard); err == nil || !strings.Contains(err.Error(), "the dump has changed") {
		t.Errorf("the error is %v", err)
	}
}

// Of a file in the build context only its content tells whether it is another one,
// also when the dbake.yaml names a link to it.
func TestLinkToAnotherDumpIsAnotherDump(t *testing.T) {
	t.Parallel()
	for _, dump := range []string{"latest.sql", "folder/"} {
		t.Run(dump, func(t *testing.T) {
			t.Parallel()
			k := newKitchen(t)
			dir := t.TempDir()
			check(t, os.MkdirAll(filepath.Join(dir, "folder"), 0o755))
			link := filepath.Join(dir, "latest.sql")
			if dump == "folder/" {
				link = filepath.Join(dir, "folder", "app.sql")
			}
			for _, name := range []string{"monday.sql", "sunday.sql"} {
				check(t, os.WriteFile(filepath.Join(filepath.Dir(link), name), []byte("rows of "+name[:3]+"\n"), 0o600))
			}
			point := func(to string) {
				t.Helper()
				_ = os.Remove(link)
				check(t, os.Symlink(to, link))
			}
			text := strings.Replace(string(k.options.Data), "s3://bucket/app.sql", dump, 1)
			f, err := spec.Parse("dbake.yaml", []byte(text), nil)
			check(t, err)
			k.options.File, k.options.Data, k.options.Context = f, []byte(text), dir
			k.options.Reuse = k.options.Refs

			point("sunday.sql")
			// What changes while the dump is restored has not been restored.
			k.builder.during = func() { point("monday.sql") }
			k.bake(t)
			k.builder.during = nil
			if r := k.bake(t); r.Reused != "" {
				t.Error("the data of another file were taken")
			}
			if r := k.bake(t); r.Reused == "" {
				t.Error("the data of the same file were not taken")
			}
		})
	}
}
