package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/dbake/dbake/test/parts"
)

// canaryForms are the forms in which a file may hold a text.
func canaryForms(text string) needles {
	var wide, ediw []byte
	for _, b := range []byte(text) {
		wide, ediw = append(wide, 0, b), append(ediw, b, 0)
	}
	n := needles{
		"a canary": []byte(text), "a canary in lower case": []byte(strings.ToLower(text)), "a canary in upper case": []byte(strings.ToUpper(text)),
		"a canary in UTF-16": wide, "a canary in UTF-16LE": ediw,
		"a canary in hex": []byte(hex.EncodeToString([]byte(text))), "a canary in HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(text)))),
	}
	for shift := range 3 {
		code := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))
		n[fmt.Sprintf("a canary in base64 (%d)", shift)] = []byte(code[4 : len(code)-4])
	}
	return n
}

// canaries is a dump whose every value of people and audit begins like the text,
// and whose table kept holds the control.
func canaries(text, control string) string {
	var people, audit strings.Builder
	for i := 1; i <= 2000; i++ {
		comma := ","
		if i == 1 {
			comma = ""
		}
		c := func(column string) string { return fmt.Sprintf("%s%s%05d", text, column, i) }
		fmt.Fprintf(&people, "%s(%d,'%s@real.example','%s',0x%X,_binary '%s','{\"name\": \"%s\"}')", comma, i, c("e"), c("n"), c("h"), c("b"), c("j"))
		fmt.Fprintf(&audit, "%s(%d,'%s')", comma, i, c("a"))
	}
	return header + "-- " + text + "\nCREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(200), KEY (what));\nINSERT INTO audit VALUES " + audit.String() + ";\n" +
		"CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(100) UNIQUE, name VARCHAR(99) CHARACTER SET utf16, hexed VARBINARY(99), photo BLOB, doc LONGTEXT, KEY (name), FULLTEXT KEY (doc));\n" +
		"INSERT INTO people VALUES " + people.String() + ";\n" +
		"CREATE TRIGGER tell AFTER UPDATE ON people FOR EACH ROW INSERT INTO audit (what) VALUES (OLD.doc);\n" +
		"CREATE TABLE kept (v VARCHAR(99));\nINSERT INTO kept VALUES ('" + control + "');\n" + trailer
}

// TestNoCanaryInWhatABakeLeaves masks values while they pass, by expressions and by
// a script, and looks for them in everything that a bake leaves: image, attestations,
// metadata, the builder's exported cache and all it printed.
func TestNoCanaryInWhatABakeLeaves(t *testing.T) {
	t.Parallel()
	const text, control = "KanarieVogelKaefig", "control-that-is-kept"
	k := newKitchen(t, parts.MariaDB, `dump: dump.sql
restore: {database: shop}
mask:
  key: {secret: mask_key}
  columns:
    shop.people.email: {email: {}}
    shop.people.name: {name: {}}
    shop.people.hexed: {sql: "NULL"}
    shop.people.photo: {sql: "'x'"}
  sql: [mask.sql]
verify: ["SELECT COUNT(*) = 2000 AND SUM(doc = '{}') = 2000 FROM people"]
`)
	k.write("dump.sql", canaries(text, control))
	k.write("mask.sql", "UPDATE people SET doc = '{}';\nDELETE FROM audit;\n")
	key := rand.Text()
	k.write("key", key+"\n")
	buildkit, err := all.BuildKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.env = append(k.env, "BUILDKIT_HOST="+buildkit)
	cache, layout, ref := t.TempDir(), filepath.Join(t.TempDir(), "layout"), newRef(t)
	args := []string{"bake", "--builder", "buildkit", "--secret", "id=mask_key,src=key", "--progress", "plain", "--tag", ref}
	first := k.must(append(args, "--output", "oci:"+layout, "--cache-to", "type=local,mode=max,dest="+cache, "--metadata-file", "meta.json")...)
	second := k.must(args...)
	inspected := k.run("inspect", ref)

	find := canaryForms(text)
	find["the control"] = []byte(control)
	find["the key"] = []byte(key)
	hasControl := map[string]bool{}
	look := func(what string, r io.Reader) {
		for name := range find.hunt(t, r) {
			if name == "the control" {
				hasControl[what] = true
				continue
			}
			t.Errorf("%s holds %s", what, name)
		}
	}
	known := baseLayers(t, parts.MariaDB)
	for what, dir := range map[string]string{"the image": layout, "the exported cache": cache} {
		walk(t, dir, func(name string, r io.Reader) {
			if !known[filepath.Base(name)] {
				look(what, r)
			}
		})
	}
	meta, err := os.ReadFile(filepath.Join(k.dir, "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	look("what was printed", strings.NewReader(first.stdout+first.stderr+second.stdout+second.stderr+inspected+string(meta)))
	attestations(t, second.stdout, look)
	if !hasControl["the image"] || !hasControl["the exported cache"] || len(hasControl) != 2 {
		t.Errorf("the row that is not masked is in: %v", hasControl)
	}
}

// baseLayers are the digests of the base's layers, in which there is nothing to find.
func baseLayers(t *testing.T, flavour parts.Flavour) map[string]bool {
	t.Helper()
	base, err := all.BaseImage(t.Context(), flavour)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(base)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, layer := range manifest.Layers {
		known[layer.Digest.Hex] = true
	}
	return known
}

// attestations looks at what is attached to a pushed image.
func attestations(t *testing.T, ref string, look func(string, io.Reader)) {
	t.Helper()
	digest, err := name.NewDigest(strings.Fields(ref)[0])
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Referrers(digest, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Manifests) < 2 {
		t.Errorf("%d documents are attached, want the SBOM and the provenance", len(list.Manifests))
	}
	for _, d := range list.Manifests {
		image, err := remote.Image(digest.Digest(d.Digest.String()), remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		for _, layer := range layers {
			r, err := layer.Compressed()
			if err != nil {
				t.Fatal(err)
			}
			look("an attestation", r)
			r.Close()
		}
	}
}
