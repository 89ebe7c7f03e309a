package e2e

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/dbake/dbake/test/parts"
)

// engine is a docker command that uses Docker Engine itself, also where the
// docker client hands builds to buildx.
func (p *project) engine(args ...string) *exec.Cmd {
	p.t.Helper()
	cmd, err := all.DockerCommand(p.t.Context(), args...)
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "BUILDX_BUILDER=default")
	cmd.Dir = p.dir
	return cmd
}

func TestBuildArgumentsAndLabels(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: ${DUMP}\nimage: {labels: {stage: \"${STAGE:-dev}\", team: data}}\n")
	p.write("app.sql", appDump)
	ref, output := p.push("--build-arg", "DUMP=app.sql", "--build-arg", "STAGE=test", "--build-arg", "TYPO=1", "--label", "team=other")
	holds(t, output, "TYPO is not used")
	labels := imageConfig(t, ref).Config.Labels
	for name, want := range map[string]string{"stage": "test", "team": "other", "io.dbake.source": "app.sql"} {
		if labels[name] != want {
			t.Errorf("label %s is %q, want %q", name, labels[name], want)
		}
	}
	if !strings.HasPrefix(labels["io.dbake.server"], "mariadb 10.") || !json.Valid([]byte(labels["io.dbake.manifest"])) {
		t.Errorf("the labels are %q", labels)
	}
	message, _ := p.fails("dump: ${DUMP}")
	holds(t, message, "dbake.yaml:5:7", "DUMP", "--build-arg")
}

func TestTargets(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "restore: {database: shop}\ndump: app.sql\n")
	p.write("app.sql", appDump)
	out := t.TempDir()
	if output, err := p.build("--target", "datadir", "--output", "type=local,dest="+out); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for name, want := range map[string]bool{
		"data/mysql/ibdata1": true, "data/mysql/shop/item.ibd": true, "usr/share/dbake/manifest.json": true,
		"usr/share/dbake/datadir": false, "etc": false,
	} {
		if _, err := os.Stat(filepath.Join(out, name)); (err == nil) != want {
			t.Errorf("%s in the target datadir: %v, want %v", name, err, want)
		}
	}
	out = t.TempDir()
	if output, err := p.build("--target", "manifest", "--output", "type=local,dest="+out); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	text, err := os.ReadFile(filepath.Join(out, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Rows   int
		Tables []struct{ Schema, Name string }
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Rows != 6 || len(manifest.Tables) != 3 {
		t.Errorf("the manifest has %d rows and the tables %v\n%s", manifest.Rows, manifest.Tables, text)
	}
	output, err := p.build("--target", "picture")
	if err == nil {
		t.Fatal("an unknown target can be built")
	}
	holds(t, p.oneError(output), `no target "picture"`, "image, datadir, manifest")
}

// One restore serves all platforms: a data directory is the same on each.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	base, err := all.BaseImage(t.Context(), parts.MariaDB)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := all.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	foreign := map[string]string{"amd64": "arm64", "arm64": "amd64"}[architecture]
	own := pulled(t, base)
	config, err := own.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	// The foreign base is the same in all but its name: nothing in it may run.
	config = config.DeepCopy()
	config.Architecture = foreign
	other, err := mutate.ConfigFile(own, config)
	if err != nil {
		t.Fatal(err)
	}
	var both v1.ImageIndex = empty.Index
	for name, image := range map[string]v1.Image{architecture: own, foreign: other} {
		both = mutate.AppendManifests(both, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: name}},
		})
	}
	ref, err := name.ParseReference(registry.Host + "/mariadb-both:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, both); err != nil {
		t.Fatal(err)
	}
	p := newProjectOn(t, ref.String(), "restore: {database: shop}\ndump: app.sql\n")
	p.write("app.sql", numbered(64))
	baked, output := p.push("--platform", "linux/amd64,linux/arm64", "--no-cache")
	if got := strings.Count(output, "start the server"); got != 1 {
		t.Errorf("a build for two platforms restores %d times:\n%s", got, output)
	}
	checkPlatforms(t, baked)
}

// checkPlatforms checks that the images of both platforms share the data and
// have the entrypoint of their own machine.
func checkPlatforms(t *testing.T, ref string) {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	var data []v1.Hash
	for arch, machine := range map[string]byte{"amd64": 0x3e, "arm64": 0xb7} { // e_machine of ELF
		image, err := remote.Image(parsed, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		last := len(layers) - 1
		digest, err := layers[last].Digest()
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, digest)
		header := fileIn(t, layers[last-1], "usr/local/bin/dbake-entrypoint")
		if len(header) < 20 || header[18] != machine {
			t.Errorf("the entrypoint for %s is for another machine", arch)
		}
	}
	if data[0] != data[1] {
		t.Errorf("the data layers differ: %v", data)
	}
}

// fileIn gives the content of a file in a layer.
func fileIn(t *testing.T, layer v1.Layer, file string) []byte {
	t.Helper()
	r, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("the layer has no %s", file)
		}
		if err != nil {
			t.Fatal(err)
		}
		if path.Clean(header.Name) != file {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
}

func TestBaseFromABuildContext(t *testing.T) {
	t.Parallel()
	base, err := all.BaseImage(t.Context(), parts.MariaDB)
	if err != nil {
		t.Fatal(err)
	}
	p := newProjectOn(t, "mysql:8.4", "restore: {database: shop}\ndump: app.sql\n")
	p.write("app.sql", appDump)
	ref, _ := p.push("--build-context", "mysql:8.4=docker-image://"+base)
	if got := imageConfig(t, ref).Config.Labels["io.dbake.server"]; !strings.HasPrefix(got, "mariadb") {
		t.Errorf("the image was made with the server %q, not with the one of the build context", got)
	}
}

func TestQuestionsThatBuildNothing(t *testing.T) {
	t.Parallel()
	p := newProject(t, parts.MariaDB, "dump: s3://backup/${NAME:-app}.sql\naccounts: {root: {password: {secret: root_pw}}}\n")
	for call, want := range map[string][]string{
		"outline": {"NAME", "app", "AWS_REGION", "root_pw", "AWS_SECRET_ACCESS_KEY"},
		"targets": {"image (default)", "datadir", "manifest"},
		"check":   {"no warnings"},
	} {
		output, err := p.build("--call=" + call)
		if err != nil {
			t.Errorf("--call=%s: %v\n%s", call, err, output)
		}
		holds(t, strings.ReplaceAll(output, "Check complete, no warnings found.", "no warnings"), want...)
		if strings.Contains(output, "[resolve]") {
			t.Errorf("--call=%s builds:\n%s", call, output)
		}
	}
	p.write("dbake.yaml", p.read("dbake.yaml")+"verfy: []\n")
	output, err := p.build("--call=check")
	if err == nil {
		t.Errorf("--call=check finds nothing wrong:\n%s", output)
	}
	holds(t, output, "verfy", `did you mean "verify"?`, ":6")
}

// The repository's own images are made by docker-bake.hcl. The stage that
// compiles is replaced by programs that are compiled already: there is no
// image with Go in it here.
func TestImagesOfTheRepository(t *testing.T) {
	t.Parallel()
	repo, err := all.Repo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	registry, err := all.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.FrontendImage(t.Context()); err != nil { // makes dist
		t.Fatal(err)
	}
	p := &project{t: t, dir: repo}
	cmd := p.buildx(t.Context(), "bake", "--progress=plain", "--push",
		"--set", "*.contexts.build="+filepath.Join(all.Dir(), "dist"), "--allow=fs.read="+all.Dir(), "--provenance=false")
	cmd.Env = append(cmd.Env, "REGISTRY="+registry.Host+"/own", "TAG=1")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for image, entrypoint := range map[string]string{"dbake-frontend": "/bin/dbake-frontend", "dbake": "/bin/dbake"} {
		config := imageConfig(t, registry.Host+"/own/"+image+":1").Config
		if len(config.Entrypoint) != 1 || config.Entrypoint[0] != entrypoint {
			t.Errorf("the entrypoint of %s is %q", image, config.Entrypoint)
		}
	}
	for _, target := range []string{"test", "lint"} {
		if output, err := p.buildx(t.Context(), "bake", "--print", target).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", target, err, output)
		}
	}
}
