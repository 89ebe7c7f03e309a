// Package attest writes what is attached to a baked image: where it came from
// (SLSA provenance in an in-toto statement) and what is in it (an SPDX document).
// It makes bytes; the baker attaches them as OCI referrers.
package attest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
)

// Media types of the two documents, which are also their artifact types.
const (
	ProvenanceType = "application/vnd.in-toto+json"
	SBOMType       = "application/spdx+json"
)

// PredicateAnnotation names the kind of an in-toto statement on the manifest that
// carries it; PredicateProvenance is its value for provenance.
const (
	PredicateAnnotation = "in-toto.io/predicate-type"
	PredicateProvenance = "https://slsa.dev/provenance/v1"
)

// buildType says how externalParameters are to be read (SLSA v1, "buildType").
const buildType = "https://github.com/dbake/dbake/tree/main/docs/supply-chain.md#build-type-v1"

// Input is what both documents are made from. It holds no secret: no credential,
// no query string of an address, no build argument's value.
type Input struct {
	// Names are the image's repositories; Digest is the image's or index's.
	Names  []string
	Digest string
	// Platforms are as "linux/amd64".
	Platforms []string
	// Definition is the SHA-256 of the dbake.yaml, in hex; File its name.
	File, Definition string
	// Base and its digest ("sha256:…") for the platform that restored.
	Base, BaseDigest string
	// OtherBases are the base's digests for the image's other platforms.
	OtherBases map[string]string
	Resolved   plan.Resolved
	// Builder is the kind of builder ("local"); Version is dbake's own.
	Builder, Version string
	Started, Ended   time.Time
	// Packages are the base's, when they are known.
	Packages []Package
}

// Package is an operating system package in the base image.
type Package struct {
	Name, Version, Arch string
	// Type is that of its package URL: deb, apk, rpm. Distro is its namespace.
	Type, Distro string
}

// descriptor is an in-toto ResourceDescriptor
// (github.com/in-toto/attestation, spec/v1/resource_descriptor.md).
type descriptor struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]any    `json:"annotations,omitempty"`
}

type statement struct {
	Type          string       `json:"_type"`
	Subject       []descriptor `json:"subject"`
	PredicateType string       `json:"predicateType"`
	Predicate     predicate    `json:"predicate"`
}

type predicate struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string         `json:"buildType"`
	ExternalParameters   map[string]any `json:"externalParameters"`
	InternalParameters   map[string]any `json:"internalParameters,omitempty"`
	ResolvedDependencies []descriptor   `json:"resolvedDependencies"`
}

type runDetails struct {
	Builder  map[string]any `json:"builder"`
	Metadata metadata       `json:"metadata"`
}

type metadata struct {
	StartedOn  string `json:"startedOn"`
	FinishedOn string `json:"finishedOn"`
}

// Provenance is the statement of where the image came from: which dumps (bucket,
// key, version id, ETag), which base, which dbake.yaml.
func Provenance(in Input) ([]byte, error) {
	s := statement{
		Type:          "https://in-toto.io/Statement/v1",
		PredicateType: PredicateProvenance,
		Predicate: predicate{
			BuildDefinition: buildDefinition{
				BuildType: buildType,
				ExternalParameters: map[string]any{
					"definition": descriptor{Name: path.Base(in.File), Digest: map[string]string{"sha256": in.Definition}},
					"platforms":  in.Platforms,
				},
				InternalParameters:   map[string]any{"builder": in.Builder},
				ResolvedDependencies: append(in.bases(), in.dumps()...),
			},
			RunDetails: runDetails{
				Builder:  map[string]any{"id": "https://github.com/dbake/dbake", "version": map[string]string{"dbake": in.Version}},
				Metadata: metadata{StartedOn: stamp(in.Started), FinishedOn: stamp(in.Ended)},
			},
		},
	}
	if len(in.Names) == 0 { // of an OCI layout, say
		s.Subject = []descriptor{{Digest: digests(in.Digest)}}
	}
	for _, name := range in.Names {
		s.Subject = append(s.Subject, descriptor{Name: name, Digest: digests(in.Digest)})
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write provenance: %w", err)
	}
	return text, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// digests turns "sha256:abc" into {"sha256": "abc"}.
func digests(digest string) map[string]string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok {
		return nil
	}
	return map[string]string{algorithm: hex}
}

// bases are the base of the platform that restored, and those of the others.
func (in Input) bases() []descriptor {
	list := []descriptor{{Name: "base", URI: ociURL(in.Base, in.BaseDigest), Digest: digests(in.BaseDigest)}}
	for _, platform := range slices.Sorted(maps.Keys(in.OtherBases)) {
		digest := in.OtherBases[platform]
		list = append(list, descriptor{Name: "base " + platform, URI: ociURL(in.Base, digest), Digest: digests(digest)})
	}
	return list
}

// dumps are one descriptor for each dump. Its identity is what the store gave: an
// ETag is no digest of the content everywhere, so it is an annotation.
func (in Input) dumps() []descriptor {
	var list []descriptor
	for i, o := range plan.Dumps(in.Resolved.Objects) {
		d := descriptor{Name: fmt.Sprintf("dump[%d]", i), URI: imageconfig.LocationName(o.Location), Annotations: map[string]any{}}
		if o.VersionID != "" {
			d.Annotations["versionId"] = o.VersionID
		}
		if o.ETag != "" {
			d.Annotations["etag"] = strings.Trim(o.ETag, `"`)
		}
		if o.Size >= 0 {
			d.Annotations["size"] = o.Size
		}
		if !o.Modified.IsZero() {
			d.Annotations["lastModified"] = stamp(o.Modified)
		}
		list = append(list, d)
	}
	return list
}

// ociURL is an image as a package URL (github.com/package-url/purl-spec, type
// oci).
func ociURL(ref, digest string) string {
	repository := ref
	if i := strings.IndexByte(repository, '@'); i >= 0 {
		repository = repository[:i]
	}
	tag := ""
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository, tag = repository[:i], repository[i+1:]
	}
	u := "pkg:oci/" + strings.ToLower(path.Base(repository))
	if digest != "" {
		u += "@" + url.QueryEscape(digest)
	}
	query := "?repository_url=" + url.QueryEscape(repository)
	if tag != "" {
		query += "&tag=" + url.QueryEscape(tag)
	}
	return u + query
}
