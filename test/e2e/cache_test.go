package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/test/parts"
)

// numbered is a dump with one row that holds n.
func numbered(n int) string {
	return fmt.Sprintf("%sCREATE TABLE item (n INT PRIMARY KEY);\nINSERT INTO item VALUES (%d);\n%s", header, n, trailer)
}

// Builds with the same dump restore once; a dump that changed is noticed, also
// where nothing but its content changed.
func TestRestoreIsCachedUntilTheDumpChanges(t *testing.T) {
	t.Parallel()
	name := bucket(t, false, map[string][]byte{"app.sql.gz": gzipped(t, numbered(1))})
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: s3://"+name+"/app.sql.gz\n").withS3()
	p.restores(t, true)
	began := time.Now()
	output := p.restores(t, false)
	t.Logf("a build whose steps are all cached took %v", time.Since(began).Round(10*time.Millisecond))
	for _, name := range []string{"[base]", "[restore]", "[image] entrypoint and server settings", "[image] put the layers together"} {
		if !stepCached(output, name) {
			t.Errorf("step %s is not cached:\n%s", name, output)
		}
	}
	// The same object, written again with other content.
	put(t, name, "app.sql.gz", gzipped(t, numbered(2)))
	p.restores(t, true)
	p.restores(t, false)

	// What is not in the data directory does not restore again.
	p.restores(t, false, "--label", "stage=test")
	p.write("dbake.yaml", p.read("dbake.yaml")+"image: {labels: {team: data}}\n")
	p.restores(t, false)
	p.write("unrelated.txt", "not in the image")
	p.restores(t, false)
	// What is, does.
	p.write("dbake.yaml", p.read("dbake.yaml")+"verify: [SELECT n = 2 FROM item]\n")
	p.restores(t, true)
	p.restores(t, true, "--no-cache")
	p.restores(t, true, "--no-cache-filter", "restore")
}

// restores builds without output and checks whether that restored.
func (p *project) restores(t *testing.T, want bool, args ...string) string {
	t.Helper()
	output, err := p.build(args...)
	if err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	if stepRan(output, "[restore]") != want || stepCached(output, "[restore]") == want {
		t.Errorf("the build %v restores: %v, want %v:\n%s", args, !want, want, output)
	}
	if stepCached(output, "[resolve]") {
		t.Errorf("the build does not look at the dump:\n%s", output)
	}
	return output
}

func TestRestoreOfVersionedObject(t *testing.T) {
	t.Parallel()
	name := bucket(t, true, nil)
	first := put(t, name, "app.sql", []byte(numbered(1)))
	url := "s3://" + name + "/app.sql"
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: "+url+"\n").withS3()
	p.restores(t, true)
	p.restores(t, false)
	put(t, name, "app.sql", []byte(numbered(2)))
	p.restores(t, true)
	// The first version stays what it is.
	pinned := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: "+url+"?versionId="+first+"\n").withS3()
	row(t, pinned, 1)
	put(t, name, "app.sql", []byte(numbered(3)))
	if output := pinned.restores(t, false); t.Failed() {
		t.Log(output)
	}
}

func TestRestoreOfNewestObject(t *testing.T) {
	t.Parallel()
	name := bucket(t, false, map[string][]byte{"nightly/b.sql": []byte(numbered(1))})
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: s3://"+name+"/nightly/\n").withS3()
	row(t, p, 1)
	p.restores(t, false)
	// Some S3 servers keep times in whole seconds.
	time.Sleep(1100 * time.Millisecond)
	put(t, name, "nightly/a.sql", []byte(numbered(2)))
	row(t, p, 2)
}

// row builds an image's data directory and checks which dump is in it.
func row(t *testing.T, p *project, want int) {
	t.Helper()
	text := p.read("dbake.yaml")
	p.write("dbake.yaml", text+fmt.Sprintf("verify: [\"SELECT n = %d FROM item\"]\n", want))
	defer p.write("dbake.yaml", text)
	if output, err := p.build(); err != nil {
		t.Errorf("the row is not %d: %v\n%s", want, err, output)
	}
	p.write("dbake.yaml", text)
	if output, err := p.build(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// The cache travels through a registry to a builder that has none.
func TestCacheInRegistry(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: app.sql\n")
	p.write("app.sql", numbered(int(time.Now().UnixNano()%1e9)))
	cache := newRef(t)
	if output, err := p.build("--cache-to", "type=registry,mode=max,ref="+cache); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if _, err := all.Buildctl(t.Context(), "prune", "--all"); err != nil {
		t.Fatal(err)
	}
	output, err := p.build("--cache-from", "type=registry,ref="+cache, "--tag", newRef(t), "--push")
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	// A step that is pulled is not marked as cached, but it has no log.
	if log := strings.Join(step(output, "[restore]"), "\n"); log == "" || strings.Contains(log, "start the server") {
		t.Errorf("the restore is not taken from the registry:\n%s", output)
	}
}

// With SOURCE_DATE_EPOCH two bakes of one dump differ in the data only: the
// server's files hold times and numbers of their own.
func TestSameBuildTwice(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: app.sql\nimage: {labels: {team: data}}\n")
	p.write("app.sql", numbered(1))
	p.args = append(p.args, "--build-arg", "SOURCE_DATE_EPOCH=1700000000", "--no-cache", "--provenance=false")
	var configs [2]*v1.ConfigFile
	for i := range configs {
		ref := newRef(t)
		if output, err := p.build("--output", "type=image,push=true,rewrite-timestamp=true,name="+ref); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		configs[i] = imageConfig(t, ref)
	}
	a, b := configs[0], configs[1]
	last := len(a.RootFS.DiffIDs) - 1
	if len(b.RootFS.DiffIDs) != last+1 || last < 2 {
		t.Fatalf("%d and %d layers", last+1, len(b.RootFS.DiffIDs))
	}
	a.RootFS.DiffIDs[last], b.RootFS.DiffIDs[last] = v1.Hash{}, v1.Hash{}
	first, second := asJSON(t, a), asJSON(t, b)
	if first != second {
		t.Errorf("the configs differ:\n%s\n%s", first, second)
	}
	if want := time.Unix(1700000000, 0).UTC(); !a.Created.Time.Equal(want) {
		t.Errorf("the image is from %v, want %v", a.Created, want)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// read gives a file of the folder.
func (p *project) read(name string) string {
	p.t.Helper()
	var text string
	walk(p.t, filepath.Join(p.dir, name), func(_ string, r io.Reader) {
		data, err := io.ReadAll(r)
		if err != nil {
			p.t.Fatal(err)
		}
		text = string(data)
	})
	return text
}
