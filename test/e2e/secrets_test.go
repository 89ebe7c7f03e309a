package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/klauspost/compress/zstd"

	"github.com/dbake/dbake/test/parts"
)

// foundMu guards the findings of one hunt, which looks at a blob as it is and
// decompressed at the same time.
var foundMu sync.Mutex

// needles are values to search for, by what they are.
type needles map[string][]byte

// hunt searches everything a reader gives, and also what it decompresses to,
// and gives the names of what it found.
func (n needles) hunt(t *testing.T, r io.Reader) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	n.scan(t, r, found, true)
	return found
}

// scan reads r piece by piece. Pieces overlap by the longest needle.
func (n needles) scan(t *testing.T, r io.Reader, found map[string]bool, unpack bool) {
	t.Helper()
	longest := 0
	for _, value := range n {
		longest = max(longest, len(value))
	}
	head := make([]byte, 4)
	count, _ := io.ReadFull(r, head)
	r = io.MultiReader(bytes.NewReader(head[:count]), r)
	if inner := decompressor(head[:count]); unpack && inner != nil {
		pr, pw := io.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			// Something that only looks compressed has been searched as it is.
			if text, err := inner(pr); err == nil {
				n.scan(t, text, found, false)
			}
			_, _ = io.Copy(io.Discard, pr)
		}()
		defer func() { pw.Close(); <-done }()
		r = io.TeeReader(r, pw)
	}
	var hits []string
	buffer := make([]byte, 1<<20+longest)
	kept := 0
	for {
		count, err := io.ReadFull(r, buffer[kept:])
		for what, value := range n {
			if bytes.Contains(buffer[:kept+count], value) {
				hits = append(hits, what)
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && unpack {
				t.Error(err)
			}
			break
		}
		kept = copy(buffer, buffer[kept+count-longest:kept+count])
	}
	foundMu.Lock()
	defer foundMu.Unlock()
	for _, what := range hits {
		found[what] = true
	}
}

func decompressor(head []byte) func(io.Reader) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) }
	}
	return nil
}

// secretBake is a bake in which everything that must stay out of the image has
// a value that nothing else has.
type secretBake struct {
	hidden  needles
	control []byte // a row's value, which the data layer must hold
	ref     string
	output  string
	cache   string // exported by --cache-to
}

func bakeSecrets(t *testing.T, flavour parts.Flavour) secretBake {
	t.Helper()
	s3, err := all.S3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	root, app, comment, zipComment, control := rand.Text(), rand.Text(), rand.Text(), rand.Text(), "ROW-"+rand.Text()
	text := header + "-- " + comment + "\n/* " + comment + " */\nCREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(99));\n" +
		"INSERT INTO item VALUES (1,'" + control + "'); # " + comment + "\n" + trailer
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	w.Comment = zipComment
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	middle := file.Bytes()[file.Len()/2 : file.Len()/2+40]
	b := secretBake{control: []byte(control), ref: newRef(t), cache: t.TempDir(), hidden: needles{
		"the AWS access key":                []byte(s3.AccessKey),
		"the AWS secret key":                []byte(s3.SecretKey),
		"root's password":                   []byte(root),
		"app's password":                    []byte(app),
		"a comment of the dump":             []byte(comment),
		"a header of the compressed dump":   []byte(zipComment),
		"bytes of the compressed dump":      middle,
		"a secret that has not been put in": []byte("{\"secret\":"),
	}}
	bucket := bucket(t, true, map[string][]byte{"app.sql.gz": file.Bytes()})
	p := newProject(t, flavour, "restore: {database: shop}\ndump: s3://"+bucket+"/app.sql.gz\n"+
		"accounts:\n  root: {password: {secret: root_pw}}\n  users: [{name: app, password: {secret: app_pw}, grants: [ALL ON shop.*]}]\n"+
		"verify: [SELECT COUNT(*) = 1 FROM item]\n").withS3()
	p.secret("root_pw", root)
	p.secret("app_pw", app)
	b.output, err = p.build("--tag", b.ref, "--push", "--attest", "type=provenance,mode=max",
		"--cache-to", "type=local,mode=max,dest="+b.cache)
	if err != nil {
		t.Fatalf("build: %v\n%s", err, b.output)
	}
	return b
}

// blobs calls visit for everything the registry has of an image: indexes,
// manifests, configs, attestations and layers.
func blobs(t *testing.T, ref string, visit func(what string, r io.Reader)) {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(parsed, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := index.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	visit("the index", bytes.NewReader(raw))
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 2 {
		t.Errorf("the index has %d manifests, want the image's and the provenance's", len(manifest.Manifests))
	}
	for _, descriptor := range manifest.Manifests {
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		what := "the image"
		if descriptor.Platform != nil && descriptor.Platform.OS == "unknown" {
			what = "the provenance"
		}
		for part, get := range map[string]func() ([]byte, error){"manifest": image.RawManifest, "config": image.RawConfigFile} {
			raw, err := get()
			if err != nil {
				t.Fatal(err)
			}
			visit(what+"'s "+part, bytes.NewReader(raw))
		}
		layers, err := image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		for i, layer := range layers {
			r, err := layer.Compressed()
			if err != nil {
				t.Fatal(err)
			}
			name := what + "'s layer"
			if i == len(layers)-1 {
				name = what + "'s last layer"
			}
			visit(name, r)
			r.Close()
		}
	}
}

// No credential and no byte of the dump file is in anything that a bake leaves
// behind.
func TestNoSecretInWhatABakeLeaves(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		b := bakeSecrets(t, flavour)
		find := needles{"the row": b.control}
		for what, value := range b.hidden {
			find[what] = value
		}
		hasRow := map[string]bool{}
		look := func(what string, r io.Reader) {
			found := find.hunt(t, r)
			hasRow[what] = hasRow[what] || found["the row"]
			for name := range b.hidden {
				if found[name] {
					t.Errorf("%s holds %s", what, name)
				}
			}
		}
		blobs(t, b.ref, look)
		look("the build's output", strings.NewReader(b.output))
		look("docker history", strings.NewReader(dockerHistory(t, b.ref)))
		for what, text := range buildRecords(t) {
			look(what, strings.NewReader(text))
		}
		walk(t, b.cache, func(_ string, r io.Reader) { look("the exported cache", r) })
		// The search finds what is there.
		for what, has := range hasRow {
			if want := what == "the image's last layer" || what == "the exported cache"; has != want {
				t.Errorf("%s holds the row: %v, want %v", what, has, want)
			}
		}
	})
}

func dockerHistory(t *testing.T, ref string) string {
	t.Helper()
	docker(t, "pull", "--quiet", ref)
	return docker(t, "history", "--no-trunc", ref) + docker(t, "image", "inspect", ref)
}

var digestPattern = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// buildRecords is what the builder itself keeps about builds.
func buildRecords(t *testing.T) map[string]string {
	t.Helper()
	buildctl := func(args ...string) string {
		out, err := all.Buildctl(t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	histories := buildctl("debug", "histories", "--format", "{{json .}}")
	records := map[string]string{
		"buildctl debug histories": histories,
		"buildctl du --verbose":    buildctl("du", "--verbose"),
	}
	refs := regexp.MustCompile(`"Ref":"([^"]+)"`).FindAllStringSubmatch(histories, -1)
	if len(refs) == 0 {
		t.Fatalf("the builder has no records of builds: %s", histories)
	}
	for _, m := range refs {
		records["buildctl debug logs"] += buildctl("debug", "logs", m[1])
	}
	for _, digest := range digestPattern.FindAllString(histories, -1) {
		// Not all of these digests are of blobs that the builder keeps.
		if blob, err := all.Buildctl(t.Context(), "debug", "get", digest); err == nil && len(blob) < 1<<20 {
			records["buildctl debug get"] += blob
		}
	}
	if !strings.Contains(records["buildctl debug get"], "slsa") {
		t.Error("the builder's records have no provenance")
	}
	return records
}

func walk(t *testing.T, dir string, visit func(name string, r io.Reader)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		visit(name, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The data directory knows nothing of the place where it was made, and has no
// identity that all containers would share.
func TestDataDirIsAnyServersOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, flavour parts.Flavour) {
		ref := baked(t, flavour)
		layers := imageLayers(t, ref)
		r, err := layers[len(layers)-1].Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		places := needles{"a path of the build": []byte("/run/dbake"), "a private key": []byte("PRIVATE KEY-----")}
		files := 0
		for archive := tar.NewReader(r); ; {
			file, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			base := path.Base(file.Name)
			if base == "auto.cnf" || strings.HasSuffix(base, ".pem") || strings.HasSuffix(base, ".pid") || strings.HasSuffix(base, ".sock") {
				t.Errorf("the data layer holds %s", file.Name)
			}
			if !strings.HasPrefix(file.Name, "data/") {
				continue
			}
			files++
			for what := range places.hunt(t, archive) {
				t.Errorf("%s holds %s", file.Name, what)
			}
			if base == "mysql" && file.Typeflag == tar.TypeDir && file.Uid != 999 {
				t.Errorf("%s belongs to %d:%d, want 999", file.Name, file.Uid, file.Gid)
			}
		}
		if files < 10 {
			t.Errorf("the data layer has %d files below /data", files)
		}
	})
}

func pulled(t *testing.T, ref string) v1.Image {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(parsed, remote.WithContext(t.Context()), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func imageLayers(t *testing.T, ref string) []v1.Layer {
	t.Helper()
	layers, err := pulled(t, ref).Layers()
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

func imageConfig(t *testing.T, ref string) *v1.ConfigFile {
	t.Helper()
	config, err := pulled(t, ref).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}
