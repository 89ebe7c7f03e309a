package attest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
)

// The parts of an SPDX 2.3 document that are used here
// (spdx.github.io/spdx-spec/v2.3).
type spdxDocument struct {
	Version       string         `json:"spdxVersion"`
	License       string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      spdxCreation   `json:"creationInfo"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []spdxRelation `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID           string          `json:"SPDXID"`
	Name         string          `json:"name"`
	Version      string          `json:"versionInfo,omitempty"`
	Location     string          `json:"downloadLocation"`
	Analysed     bool            `json:"filesAnalyzed"`
	Purpose      string          `json:"primaryPackagePurpose,omitempty"`
	Checksums    []spdxChecksum  `json:"checksums,omitempty"`
	ExternalRefs []spdxReference `json:"externalRefs,omitempty"`
	Comment      string          `json:"comment,omitempty"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxReference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelation struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const noAssertion = "NOASSERTION"

// SBOM is the SPDX 2.3 document of the image: the base and its packages, the
// server, and the dumps.
func SBOM(in Input) ([]byte, error) {
	sum := sha256.Sum256([]byte(in.Digest + in.Definition))
	d := &spdxDocument{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT",
		Name:      in.name(),
		Namespace: "https://github.com/dbake/dbake/spdx/" + hex.EncodeToString(sum[:]),
		Creation:  spdxCreation{Created: stamp(in.Ended), Creators: []string{"Tool: dbake-" + in.Version}},
	}
	image := spdxPackage{
		ID: "SPDXRef-Image", Name: in.name(), Version: in.Digest, Location: noAssertion,
		Purpose: "CONTAINER", Checksums: checksums(in.Digest),
	}
	d.Packages = append(d.Packages, image)
	d.relate(d.ID, "DESCRIBES", image.ID)
	base := d.addBase(in, image.ID, "SPDXRef-Base", in.BaseDigest)
	for _, platform := range slices.Sorted(maps.Keys(in.OtherBases)) {
		d.addBase(in, image.ID, "SPDXRef-Base-"+notInID.ReplaceAllString(platform, "-"), in.OtherBases[platform])
	}
	d.addServer(in, base)
	d.addDumps(in, image.ID)
	d.addPackages(in, base)
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write the SBOM: %w", err)
	}
	return text, nil
}

func (d *spdxDocument) relate(from, how, to string) {
	d.Relationships = append(d.Relationships, spdxRelation{from, how, to})
}

// name is what the image is called; without a tag that is its digest.
func (in Input) name() string {
	return cmp.Or(strings.Join(in.Names, ", "), in.Digest)
}

// addBase adds the base for one platform, and gives its id.
func (d *spdxDocument) addBase(in Input, image, id, digest string) string {
	d.Packages = append(d.Packages, spdxPackage{
		ID: id, Name: in.Base, Version: digest, Location: noAssertion, Purpose: "CONTAINER",
		Checksums: checksums(digest), ExternalRefs: purl(ociURL(in.Base, digest)),
	})
	d.relate(image, "DESCENDANT_OF", id)
	return id
}

func (d *spdxDocument) addServer(in Input, base string) {
	server := spdxPackage{
		ID: "SPDXRef-Server", Name: in.Resolved.Base.Flavour, Version: in.Resolved.Base.Version,
		Location: noAssertion, Purpose: "APPLICATION",
	}
	d.Packages = append(d.Packages, server)
	d.relate(base, "CONTAINS", server.ID)
}

func (d *spdxDocument) addDumps(in Input, image string) {
	for i, o := range plan.Dumps(in.Resolved.Objects) {
		dump := spdxPackage{
			ID: fmt.Sprintf("SPDXRef-Dump-%d", i), Name: imageconfig.LocationName(o.Location), Version: o.VersionID,
			Location: noAssertion, Purpose: "SOURCE",
		}
		if o.ETag != "" {
			dump.Comment = "ETag " + o.ETag
		}
		d.Packages = append(d.Packages, dump)
		d.relate(image, "GENERATED_FROM", dump.ID)
	}
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

func (d *spdxDocument) addPackages(in Input, base string) {
	for _, p := range in.Packages {
		pkg := spdxPackage{
			ID:   "SPDXRef-Package-" + notInID.ReplaceAllString(p.Type+"-"+p.Name+"-"+p.Version+"-"+p.Arch, "-"),
			Name: p.Name, Version: p.Version, Location: noAssertion, ExternalRefs: purl(p.URL()),
		}
		d.Packages = append(d.Packages, pkg)
		d.relate(base, "CONTAINS", pkg.ID)
	}
}

// URL is the package URL.
func (p Package) URL() string {
	u := "pkg:" + p.Type + "/"
	if p.Distro != "" {
		u += url.PathEscape(strings.ToLower(p.Distro)) + "/"
	}
	u += url.PathEscape(p.Name)
	if p.Version != "" {
		u += "@" + url.QueryEscape(p.Version)
	}
	if p.Arch != "" {
		u += "?arch=" + url.QueryEscape(p.Arch)
	}
	return u
}

func checksums(digest string) []spdxChecksum {
	if hex, ok := strings.CutPrefix(digest, "sha256:"); ok {
		return []spdxChecksum{{"SHA256", hex}}
	}
	return nil
}

func purl(locator string) []spdxReference {
	return []spdxReference{{"PACKAGE-MANAGER", "purl", locator}}
}
