package spec_test

import (
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dbake/dbake/spec"
)

func TestParseLocation(t *testing.T) {
	t.Parallel()
	s3 := func(bucket, key string) spec.Location {
		return spec.Location{Kind: spec.KindS3Object, Bucket: bucket, Key: key}
	}
	prefix := func(bucket, key string) spec.Location {
		return spec.Location{Kind: spec.KindS3Prefix, Bucket: bucket, Key: key}
	}
	context := func(path string) spec.Location { return spec.Location{Kind: spec.KindContext, Path: path} }
	for from, want := range map[string]spec.Location{
		"s3://acme-backup/mysql.sql.gz":    s3("acme-backup", "mysql.sql.gz"),
		"S3://acme.backup/a b%20c/日本.sql":  s3("acme.backup", "a b%20c/日本.sql"),
		"s3://acme-backup//odd//key.sql":   s3("acme-backup", "/odd//key.sql"),
		"s3://acme-backup/../a.sql":        s3("acme-backup", "../a.sql"),
		"s3://acme-backup/nightly/":        prefix("acme-backup", "nightly/"),
		"s3://acme-backup/":                prefix("acme-backup", ""),
		"s3://acme-backup":                 prefix("acme-backup", ""),
		"s3://acme-backup/a?versionId=a=b": {Kind: spec.KindS3Object, Bucket: "acme-backup", Key: "a", VersionID: "a=b"},
		"HTTPS://h.example/a.sql?x=1":      {Kind: spec.KindHTTPS, URL: "HTTPS://h.example/a.sql?x=1"},
		"http://[::1]:9000/a.sql":          {Kind: spec.KindHTTPS, URL: "http://[::1]:9000/a.sql"},
		"dump.sql":                         context("dump.sql"),
		"./dumps/../a b.sql":               context("a b.sql"),
		"/dumps//a.sql":                    context("dumps/a.sql"),
		"..a/b..sql":                       context("..a/b..sql"),
		"dumps/":                           {Kind: spec.KindContextFolder, Path: "dumps"},
		"/./dumps/nightly//":               {Kind: spec.KindContextFolder, Path: "dumps/nightly"},
	} {
		got, err := spec.ParseLocation(from)
		if err != nil {
			t.Errorf("%s: %v", from, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", from, diff)
		}
	}
}

func TestParseLocationRefuses(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"":                                  "empty",
		"../":                               "outside of the build context",
		"s3:///key":                         "bucket is missing",
		"s3://ab/key":                       "not a bucket name",
		"s3://192.168.0.1/key":              "not a bucket name",
		"s3://a..b/key":                     "not a bucket name",
		"s3://user:pw@bucket/key":           "not a bucket name",
		"s3://bucket/" + long(1025):         "1024 bytes",
		"s3://bucket/a?versionId=x&y=z":     "versionId",
		"s3://bucket?versionId=x":           "needs an object",
		"https:///a.sql":                    "no host",
		"https://h/":                        "names no file",
		"https://h/a.sql#frag":              "not the address of a file",
		"https://h/%zz":                     "valid URL",
		"https://h/a?sig=x":                 "credential",
		"ftp://h/a.sql":                     "unknown scheme",
		"file:///a.sql":                     "unknown scheme",
		"..":                                "outside",
		"a/../../b":                         "outside",
		"/../b":                             "outside",
		"/":                                 "directory",
		".":                                 "directory",
		"./":                                "directory",
		"a[1].sql":                          "wildcards",
		"!a.sql":                            "wildcards",
		`c:\dumps\a.sql`:                    `written with "/"`,
		"https://u:p@h/a.sql":               "user name or password",
		"https://h/a?X-Goog-Signature=abcd": "presigned",
	} {
		if l, err := spec.ParseLocation(from); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: location %+v, error %v, want one with %q", from, l, err, want)
		}
	}
}

func long(n int) string { return strings.Repeat("k", n) }

// TestContextPathsStayInside checks that no path leaves the build context and
// that cleaning a clean path changes nothing.
func TestContextPathsStayInside(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		from := rapid.StringMatching(`([./a ]|\.\.){1,12}`).Draw(rt, "path")
		l, err := spec.ParseLocation(from)
		if err != nil {
			return
		}
		if l.Path != path.Clean(l.Path) || strings.HasPrefix(l.Path, "/") || l.Path == ".." ||
			strings.HasPrefix(l.Path, "../") || l.Path == "." {
			rt.Fatalf("%q became %q", from, l.Path)
		}
		name := l.Path
		if l.Kind == spec.KindContextFolder {
			name += "/"
		}
		again, err := spec.ParseLocation(name)
		if err != nil || again != l {
			rt.Fatalf("%q became %+v, then %+v, %v", from, l, again, err)
		}
	})
}
