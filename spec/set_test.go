package spec_test

import (
	"strings"
	"testing"

	"github.com/dbake/dbake/spec"
)

const setFile = `# syntax=registry.example.com/dbake-frontend:1
version: 1
base: mysql:8.4 # the server
dump:
  - s3://bucket/a.sql
  - from: s3://bucket/b/
    pick: all
restore:
  definer: keep
`

func TestSet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		assignment string
		check      func(*spec.File) bool
	}{
		{"base=mariadb:11.8", func(f *spec.File) bool { return f.Base == "mariadb:11.8" }},
		{"restore.definer=strip", func(f *spec.File) bool { return f.Restore.Definer == "strip" }},
		{"restore.database=app", func(f *spec.File) bool { return f.Restore.Database == "app" && f.Restore.Definer == "keep" }},
		{"dump[1].from=s3://bucket/c/", func(f *spec.File) bool { return f.Dump[1].From == "s3://bucket/c/" && f.Dump[1].Pick == spec.PickAll }},
		{"dump=s3://bucket/x.sql?versionId=1", func(f *spec.File) bool { return len(f.Dump) == 1 && f.Dump[0].From == "s3://bucket/x.sql?versionId=1" }},
		{"image.labels.team=data", func(f *spec.File) bool { return f.Image.Labels["team"] == "data" }},
		{"server.max_allowed_packet=64M", func(f *spec.File) bool { return len(f.Server) == 1 && f.Server[0].Value == "64M" }},
		{"verify=[SELECT 1]", func(f *spec.File) bool { return len(f.Verify) == 1 }},
		{"datadir=/data/a:b", nil},
	} {
		t.Run(tt.assignment, func(t *testing.T) {
			t.Parallel()
			data, err := spec.Set([]byte(setFile), tt.assignment)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(data), "# syntax=registry.example.com/dbake-frontend:1\n") {
				t.Errorf("the first line is lost:\n%s", data)
			}
			f, err := spec.Parse("dbake.yaml", data, nil)
			if tt.check == nil {
				if err == nil {
					t.Error("a bad value passed")
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			if !tt.check(f) {
				t.Errorf("not set:\n%s", data)
			}
		})
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	for assignment, want := range map[string]string{
		"base":            "write key=value",
		"=x":              "write key=value",
		"dump[7].from=x":  "no such entry",
		"base=[":          "not YAML",
		"$..base=x":       "is no key",
		"base.name=mysql": "cannot be set",
	} {
		_, err := spec.Set([]byte(setFile), assignment)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Set(%q) = %v, want an error with %q", assignment, err, want)
		}
	}
}
