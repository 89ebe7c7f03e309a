package baker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/baker/attest"
	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/layer"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// fakeBuilder restores a few files without a server: what is tested here comes
// behind the restore.
type fakeBuilder struct {
	etag     string
	restores atomic.Int64
	fail     error
	// during is called by Restore before it looks at the dumps; order is what it
	// was given last.
	during func()
	order  builder.Order
}

func (f *fakeBuilder) resolved(o builder.Order) plan.Resolved {
	return plan.Resolved{
		Objects: []plan.Object{{Location: o.File.Dump[0].Location, ETag: f.etag, Size: 10}},
		Base: plan.Base{
			Flavour: "mysql", Version: "9.7.0", Server: "/usr/sbin/mysqld", User: "mysql", UID: 999, GID: 999,
			OptionFile: "/etc/mysql/conf.d/zz-dbake.cnf",
		},
	}
}

func (f *fakeBuilder) Resolve(_ context.Context, o builder.Order, _ progress.Writer) (plan.Resolved, error) {
	return f.resolved(o), nil
}

const fakeManifest = `{"format":1,"dumps":[{"from":"s3://bucket/app.sql","size":10}],"server":{"flavour":"mysql","version":"9.7.0"},` +
	`"datadir":"/data/mysql","variables":{},"tables":[{"schema":"app","name":"users","rows":3,"bytes":9}],"rows":3,"statements":1}`

func (f *fakeBuilder) Restore(_ context.Context, o builder.Order, _ progress.Writer) (*builder.Restored, error) {
	f.restores.Add(1)
	f.order = o
	if f.during != nil {
		f.during()
	}
	if f.fail != nil {
		return nil, f.fail
	}
	t := &tree.Tree{Entries: []tree.Entry{
		folder("data/"), folder("data/mysql/"), file("data/mysql/ibdata1", "system"),
		folder("data/mysql/app/"), file("data/mysql/app/users.ibd", "rows of "+f.etag),
		folder("usr/"), folder("usr/share/"), folder("usr/share/dbake/"), file("usr/share/dbake/manifest.json", fakeManifest),
	}}
	return &builder.Restored{
		Resolved: f.resolved(o), Manifest: []byte(fakeManifest), Data: t, Close: func() error { return nil },
	}, nil
}

func folder(name string) tree.Entry {
	return tree.Entry{Header: tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}}
}

func file(name, text string) tree.Entry {
	return tree.Entry{
		Header: tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o640, Size: int64(len(text)), Uid: 999, Gid: 999},
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
}

// kitchen is a registry with a base in it, and options to bake with.
type kitchen struct {
	host    string
	builder *fakeBuilder
	options baker.Options
}

func newKitchen(t *testing.T) *kitchen {
	t.Helper()
	server := httptest.NewServer(ggcr.New(ggcr.WithReferrersSupport(true), ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	k := &kitchen{host: strings.TrimPrefix(server.URL, "http://"), builder: &fakeBuilder{etag: `"1"`}}
	k.host = strings.Replace(k.host, "127.0.0.1", "localhost", 1)
	base, err := random.Image(1000, 2)
	check(t, err)
	config, err := base.ConfigFile()
	check(t, err)
	config.OS, config.Architecture = "linux", "amd64"
	config.Config.Volumes = map[string]struct{}{"/var/lib/mysql": {}}
	config.Config.Cmd = []string{"mysqld"}
	base, err = mutate.ConfigFile(base, config)
	check(t, err)
	ref, err := name.ParseReference(k.host + "/base:1")
	check(t, err)
	check(t, remote.Write(ref, base))
	text := fmt.Sprintf("version: 1\nbase: %s/base:1\ndump: s3://bucket/app.sql\n", k.host)
	f, err := spec.Parse("dbake.yaml", []byte(text), nil)
	check(t, err)
	agent := t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		dir := filepath.Join(agent, "entrypoint", "linux_"+arch)
		check(t, os.MkdirAll(dir, 0o755))
		check(t, os.WriteFile(filepath.Join(dir, "dbake-entrypoint"), []byte("entrypoint for "+arch), 0o755))
	}
	check(t, os.MkdirAll(filepath.Join(agent, "bin"), 0o755))
	check(t, os.WriteFile(filepath.Join(agent, "bin", "dbake-seed"), []byte("agent"), 0o755))
	client := registry.New(registry.Options{})
	t.Cleanup(client.Close)
	k.options = baker.Options{
		File: f, Name: "dbake.yaml", Data: []byte(text), Builder: k.builder, BuilderName: "fake", Agent: agent,
		Registry: client, Refs: []string{k.host + "/app:1"}, Output: baker.Output{Kind: baker.OutputPush},
		Provenance: true, SBOM: true, Version: "test", TempDir: t.TempDir(),
		Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}},
		// What checks images here knows no zstd.
		Compression: layer.Gzip,
	}
	return k
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (k *kitchen) bake(t *testing.T) *baker.Result {
	t.Helper()
	r, err := baker.Bake(t.Context(), k.options, progress.Discard)
	check(t, err)
	left, err := os.ReadDir(k.options.TempDir)
	check(t, err)
	if len(left) > 0 {
		t.Errorf("left behind in the directory for temporary files: %v", left)
	}
	return r
}

func (k *kitchen) pull(t *testing.T, ref string) v1.Image {
	t.Helper()
	r, err := name.ParseReference(ref)
	check(t, err)
	img, err := remote.Image(r)
	check(t, err)
	return img
}

func TestBakeIsACompleteImage(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	k.options.Refs = append(k.options.Refs, k.host+"/other/app:{{.Server}}")
	r := k.bake(t)
	for _, ref := range []string{k.host + "/app:1", k.host + "/other/app:mysql-9.7.0"} {
		img := k.pull(t, ref)
		check(t, validate.Image(img))
		if digest, err := img.Digest(); err != nil || digest != r.Digest {
			t.Errorf("%s is %v, %v, want %s", ref, digest, err, r.Digest)
		}
	}
	img := k.pull(t, k.host+"/app:1")
	config, err := img.ConfigFile()
	check(t, err)
	if len(config.Config.Volumes) > 0 {
		t.Errorf("the base's volumes are still there: %v", config.Config.Volumes)
	}
	if config.Config.Labels["io.dbake.source.etag"] != `"1"` {
		t.Errorf("labels: %v", config.Config.Labels)
	}
	if len(config.History) != len(config.RootFS.DiffIDs) {
		t.Errorf("%d lines of history for %d layers", len(config.History), len(config.RootFS.DiffIDs))
	}
	files := filesOf(t, img)
	for name, want := range map[string]string{
		"data/mysql/app/users.ibd":       `rows of "1"`,
		"usr/local/bin/dbake-entrypoint": "entrypoint for amd64",
		"usr/share/dbake/manifest.json":  fakeManifest,
	} {
		if files[name] != want {
			t.Errorf("%s holds %q, want %q", name, files[name], want)
		}
	}
	if !strings.Contains(files["etc/mysql/conf.d/zz-dbake.cnf"], "datadir=/data/mysql") {
		t.Errorf("the option file: %q", files["etc/mysql/conf.d/zz-dbake.cnf"])
	}
}

func filesOf(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	files := map[string]string{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		check(t, err)
		var text bytes.Buffer
		_, err = io.Copy(&text, tr)
		check(t, err)
		files[h.Name] = text.String()
	}
}

func TestSameInputIsTheSameImage(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	first := k.bake(t)
	k.options.NoCache = true
	if second := k.bake(t); second.Digest != first.Digest {
		t.Errorf("two bakes of the same dump are %s and %s", first.Digest, second.Digest)
	}
	if n := k.builder.restores.Load(); n != 2 {
		t.Errorf("%d restores, want 2", n)
	}
}

func TestUnchangedDataIsNotRestoredAgain(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	k.options.Reuse = []string{k.host + "/app:1"}
	first := k.bake(t)
	k.options.Labels = map[string]string{"team": "data"}
	second := k.bake(t)
	if n := k.builder.restores.Load(); n != 1 || second.Reused == "" {
		t.Fatalf("%d restores; reused %q", n, second.Reused)
	}
	if second.Digest == first.Digest {
		t.Error("the new label is not in the image")
	}
	check(t, validate.Image(k.pull(t, k.host+"/app:1")))
	if second.Manifest.Rows != 3 {
		t.Errorf("the manifest of reused layers has %d rows", second.Manifest.Rows)
	}
	k.builder.etag = `"2"`
	if third := k.bake(t); k.builder.restores.Load() != 2 || third.Reused != "" {
		t.Error("a changed dump was not restored")
	}
	k.builder.etag = ""
	for range 2 {
		if r := k.bake(t); r.Reused != "" {
			t.Error("data were taken although nobody knows whether the dump has changed")
		}
	}
	k.builder.etag = `"2"`
	k.bake(t)
	k.options.Compression = layer.Zstd
	if fourth := k.bake(t); fourth.Reused != "" {
		t.Error("layers in gzip were taken although zstd is asked for")
	}
	k.options.Compression = layer.Gzip
	k.bake(t)
	k.options.Compression = layer.EStargz
	if indexed := k.bake(t); indexed.Reused != "" {
		t.Error("layers in plain gzip were taken although eStargz is asked for")
	}
	if again := k.bake(t); again.Reused == "" {
		t.Error("layers in eStargz were not taken again")
	}
}

func TestIndexOfPlatformsFromOneRestore(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	k.options.Platforms = []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
	// The base is an image of one platform: the other one is not to be had.
	if _, err := baker.Bake(t.Context(), k.options, progress.Discard); err == nil || !strings.Contains(err.Error(), "dbake.yaml:2:") {
		t.Fatalf("a base without arm64: %v", err)
	}
	k.indexBase(t)
	r := k.bake(t)
	if n := k.builder.restores.Load(); n != 1 {
		t.Errorf("%d restores for two platforms", n)
	}
	ref, err := name.ParseReference(k.host + "/app:1")
	check(t, err)
	idx, err := remote.Index(ref)
	check(t, err)
	check(t, validate.Index(idx))
	// A builder on another platform finds its own base there.
	base, err := name.ParseReference(k.builder.order.BaseRef)
	check(t, err)
	_, err = remote.Index(base)
	check(t, err)
	if !slices.Equal(r.Platforms, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("platforms %v", r.Platforms)
	}
	m, err := idx.IndexManifest()
	check(t, err)
	var data []v1.Hash
	for _, d := range m.Manifests {
		img, err := idx.Image(d.Digest)
		check(t, err)
		if got, want := filesOf(t, img)["usr/local/bin/dbake-entrypoint"], "entrypoint for "+d.Platform.Architecture; got != want {
			t.Errorf("%s has the %s", d.Platform, got)
		}
		layers, err := img.Layers()
		check(t, err)
		last, err := layers[len(layers)-1].Digest()
		check(t, err)
		data = append(data, last)
	}
	if len(data) != 2 || data[0] != data[1] {
		t.Errorf("the platforms do not share their data layer: %v", data)
	}
}

// indexBase replaces the base by an index of two platforms.
func (k *kitchen) indexBase(t *testing.T) {
	t.Helper()
	idx, err := random.Index(0, 0, 0)
	check(t, err)
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := random.Image(100, 1)
		check(t, err)
		config, err := img.ConfigFile()
		check(t, err)
		config.OS, config.Architecture = "linux", arch
		img, err = mutate.ConfigFile(img, config)
		check(t, err)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	ref, err := name.ParseReference(k.host + "/base:1")
	check(t, err)
	check(t, remote.WriteIndex(ref, idx))
}

func TestAttestationsAreFoundFromTheImage(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	r := k.bake(t)
	ref, err := name.NewDigest(k.host + "/app@" + r.Digest.String())
	check(t, err)
	idx, err := remote.Referrers(ref)
	check(t, err)
	m, err := idx.IndexManifest()
	check(t, err)
	listed := map[string]bool{}
	for _, d := range m.Manifests {
		listed[d.Digest.String()] = true
	}
	for _, kind := range []string{attest.ProvenanceType, attest.SBOMType} {
		if !listed[r.Attached[kind]] {
			t.Errorf("the %s, %s, is not listed: %v", kind, r.Attached[kind], listed)
		}
	}
}

func TestFailedBakeMovesNoTag(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	first := k.bake(t)
	k.builder.etag, k.builder.fail = `"2"`, errors.New("dump[0]: the dump is cut off")
	if _, err := baker.Bake(t.Context(), k.options, progress.Discard); err == nil {
		t.Fatal("no error")
	}
	if digest, err := k.pull(t, k.host+"/app:1").Digest(); err != nil || digest != first.Digest {
		t.Errorf("the tag moved to %s, %v", digest, err)
	}
	left, err := os.ReadDir(k.options.TempDir)
	check(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	k.bake(t)
	in, err := baker.Inspect(t.Context(), k.options.Registry, k.host+"/app:1", v1.Platform{OS: "linux", Architecture: "amd64"})
	check(t, err)
	if in.Manifest.Rows != 3 || in.DataBytes == 0 || in.DataBytes >= in.Bytes {
		t.Errorf("inspection: %+v", in)
	}
	if _, err := baker.Inspect(t.Context(), k.options.Registry, k.host+"/base:1", v1.Platform{OS: "linux", Architecture: "amd64"}); !errors.Is(err, baker.ErrNotBaked) {
		t.Errorf("an image that is not baked: %v", err)
	}
}
