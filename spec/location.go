package spec

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// LocationKind says where the bytes of a dump come from.
type LocationKind string

// The kinds of Location.
const (
	KindS3Object LocationKind = "s3"
	KindS3Prefix LocationKind = "s3-prefix"
	KindHTTPS    LocationKind = "https"
	KindContext  LocationKind = "context"
	// KindContextFolder is a folder of the build context that holds one dump
	// in many files.
	KindContextFolder LocationKind = "context-folder"
)

// Location is a dump's address, taken apart by ParseLocation.
type Location struct {
	Kind LocationKind `json:"kind"`
	// Bucket and Key are set for S3; Key ends in "/" (or is empty) for a
	// prefix.
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key,omitempty"`
	// VersionID is the S3 object version asked for; empty: the latest.
	VersionID string `json:"versionID,omitempty"`
	// URL is set for https, and for plain http.
	URL string `json:"url,omitempty"`
	// Path is slash-separated and relative to the build context's root.
	Path string `json:"path,omitempty"`
}

// InContext says whether the dump lies in the build context.
func (l Location) InContext() bool { return l.Kind == KindContext || l.Kind == KindContextFolder }

// Position is a place in a dbake.yaml; lines and columns count from 1,
// columns in characters.
type Position struct {
	Line, Column int
	// EndLine is the last line of the value that starts here.
	EndLine int
}

// ParseLocation takes a dump's address apart:
//
//	s3://bucket/key[?versionId=ID]   one object
//	s3://bucket[/prefix/]            the objects below a prefix
//	https://… or http://…            a file of a web server
//	anything else                    a path in the build context; one that ends
//	                                 in "/" is a folder that holds one dump
//
// S3 keys are taken as they are, without percent-decoding, as the AWS CLI
// does. Context paths are cleaned as Dockerfile COPY cleans them: a leading
// "./" or "/" means the context's root.
func ParseLocation(from string) (Location, error) {
	scheme, rest, found := strings.Cut(from, "://")
	if !found {
		kind := KindContext
		if name := strings.TrimRight(from, "/"); name != from && name != "" {
			kind, from = KindContextFolder, name
		}
		p, err := cleanContextPath(from)
		return Location{Kind: kind, Path: p}, err
	}
	switch strings.ToLower(scheme) {
	case "s3":
		return parseS3(rest)
	case "https", "http":
		return parseHTTP(from)
	default:
		return Location{}, fmt.Errorf("unknown scheme %q: a dump comes from s3://, https://, http:// "+
			"or a path in the build context", scheme+"://")
	}
}

func parseS3(rest string) (Location, error) {
	address, query, hasQuery := strings.Cut(rest, "?")
	bucket, key, _ := strings.Cut(address, "/")
	l := Location{Kind: KindS3Object, Bucket: bucket, Key: key}
	if err := checkBucket(bucket); err != nil {
		return Location{}, err
	}
	if len(key) > 1024 {
		return Location{}, errors.New("an S3 key has at most 1024 bytes")
	}
	if key == "" || strings.HasSuffix(key, "/") {
		l.Kind = KindS3Prefix
	}
	if !hasQuery {
		return l, nil
	}
	id, ok := strings.CutPrefix(query, "versionId=")
	switch {
	case !ok || strings.ContainsAny(id, "?&"):
		return Location{}, fmt.Errorf(`"?%s" is not known: only "?versionId=…" can follow an S3 key`, query)
	case id == "":
		return Location{}, errors.New("versionId is empty")
	case l.Kind == KindS3Prefix:
		return Location{}, errors.New("versionId needs an object, not a prefix")
	}
	l.VersionID = id
	return l, nil
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// checkBucket holds the naming rules of S3 for general-purpose buckets.
func checkBucket(name string) error {
	_, notAddress := netip.ParseAddr(name)
	switch {
	case name == "":
		return errors.New("the bucket is missing: write s3://bucket/key")
	case !bucketName.MatchString(name), strings.Contains(name, ".."), notAddress == nil:
		return fmt.Errorf("%q is not a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens", name)
	}
	return nil
}

// signatureParams mark URLs that carry a credential.
var signatureParams = []string{"X-Amz-Signature", "X-Amz-Security-Token", "X-Goog-Signature", "sig", "Signature"}

func parseHTTP(from string) (Location, error) {
	u, err := url.Parse(from)
	if err != nil {
		// The error of url.Parse repeats the address, and with it any password.
		return Location{}, errors.New("is not a valid URL")
	}
	switch {
	case u.Hostname() == "":
		return Location{}, errors.New("the URL has no host")
	case u.User != nil:
		return Location{}, errors.New("a URL must not hold a user name or password: " +
			"the address of a dump is kept in the image and in the build's records")
	case u.Fragment != "":
		return Location{}, fmt.Errorf("a URL with %q is not the address of a file", "#"+u.Fragment)
	case strings.Trim(u.Path, "/") == "":
		return Location{}, errors.New("the URL names no file")
	}
	for _, name := range signatureParams {
		if u.Query().Has(name) {
			return Location{}, fmt.Errorf("a presigned URL is a credential (it has %s=): "+
				"name the object by s3://bucket/key and give the build credentials as secrets", name)
		}
	}
	return Location{Kind: KindHTTPS, URL: from}, nil
}

// cleanContextPath checks and cleans the path of a file in the build context.
func cleanContextPath(s string) (string, error) {
	switch {
	case s == "":
		return "", errors.New("the path is empty")
	case strings.Contains(s, `\`):
		return "", fmt.Errorf(`%q: paths in the build context are written with "/"`, s)
	case strings.ContainsAny(s, "*?["), strings.HasPrefix(s, "!"):
		return "", fmt.Errorf("%q: wildcards are not supported; list the files", s)
	case strings.HasSuffix(s, "/"):
		return "", fmt.Errorf("%q names a directory, not a file", s)
	}
	p := path.Clean(strings.TrimLeft(s, "/"))
	switch {
	case p == ".." || strings.HasPrefix(p, "../"):
		return "", fmt.Errorf("%q lies outside of the build context", s)
	case p == ".":
		return "", fmt.Errorf("%q names a directory, not a file", s)
	}
	return p, nil
}
