package attest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

func input(t *testing.T) Input {
	t.Helper()
	s3, err := spec.ParseLocation("s3://acme-backup/mysql/app.sql.gz")
	if err != nil {
		t.Fatal(err)
	}
	web, err := spec.ParseLocation("https://dumps.example.com/app.sql?token=geheim")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 3, 4, 5, 0, time.UTC)
	return Input{
		Names: []string{"registry.example.com/team/app-data"}, Digest: "sha256:" + strings.Repeat("a", 64),
		Platforms: []string{"linux/amd64", "linux/arm64"}, File: "db/dbake.yaml", Definition: strings.Repeat("d", 64),
		Base: "mysql:8.4", BaseDigest: "sha256:" + strings.Repeat("b", 64),
		OtherBases: map[string]string{"linux/arm64": "sha256:" + strings.Repeat("c", 64)},
		Resolved: plan.Resolved{
			Objects: []plan.Object{
				{Dump: 0, Location: s3, VersionID: "v1", ETag: `"0123-4"`, Size: 1234, Modified: at},
				{Dump: 1, Location: web, Size: -1},
			},
			Base: plan.Base{Flavour: "mysql", Version: "8.4.3"},
		},
		Builder: "local", Version: "v0.1.0", Started: at, Ended: at.Add(time.Minute),
		Packages: []Package{{Name: "libc6", Version: "2.36-9+deb12u13", Arch: "amd64", Type: "deb", Distro: "debian"}},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(Input) ([]byte, error){"provenance.json": Provenance, "sbom.json": SBOM} {
		text, err := write(input(t))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("geheim")) {
			t.Errorf("%s holds the query string of a dump's address", name)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, text, "", "  "); err != nil {
			t.Fatal(err)
		}
		indented.WriteByte('\n')
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, indented.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), indented.String()); diff != "" {
			t.Errorf("%s (-want +got; -update writes it anew):\n%s", name, diff)
		}
	}
}

// An image in an OCI layout needs no name.
func TestImageWithoutAName(t *testing.T) {
	t.Parallel()
	in := input(t)
	in.Names = nil
	text, err := Provenance(in)
	if want := `"subject":[{"digest":{"sha256":"` + strings.Repeat("a", 64); err != nil || !bytes.Contains(text, []byte(want)) {
		t.Errorf("%v: the provenance has no %s:\n%s", err, want, text)
	}
	text, err = SBOM(in)
	if want := `"name":"` + in.Digest; err != nil || !bytes.Contains(text, []byte(want)) {
		t.Errorf("%v: the SBOM has no %s:\n%s", err, want, text)
	}
}

// TestSBOMHangsTogether follows the rules of SPDX that readers trip over: ids are
// unique, and every relationship is between elements that exist.
func TestSBOMHangsTogether(t *testing.T) {
	t.Parallel()
	text, err := SBOM(input(t))
	if err != nil {
		t.Fatal(err)
	}
	var d spdxDocument
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{d.ID: true}
	for _, p := range d.Packages {
		if ids[p.ID] {
			t.Errorf("two elements have the id %s", p.ID)
		}
		ids[p.ID] = true
	}
	for _, r := range d.Relationships {
		if !ids[r.Element] || !ids[r.Related] {
			t.Errorf("%s %s %s: no such element", r.Element, r.Type, r.Related)
		}
	}
}

func TestOCIURL(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"mysql:8.4":                  "pkg:oci/mysql?repository_url=mysql&tag=8.4",
		"localhost:5000/a/B":         "pkg:oci/b?repository_url=localhost%3A5000%2Fa%2FB",
		"r.io/a/b:1@sha256:0123":     "pkg:oci/b?repository_url=r.io%2Fa%2Fb&tag=1",
		"r.example.com:443/mysql:9":  "pkg:oci/mysql?repository_url=r.example.com%3A443%2Fmysql&tag=9",
		"r.example.com:443/no/tag/x": "pkg:oci/x?repository_url=r.example.com%3A443%2Fno%2Ftag%2Fx",
	} {
		if got := ociURL(ref, ""); got != want {
			t.Errorf("ociURL(%q) = %s, want %s", ref, got, want)
		}
	}
}
