package imageconfig

import (
	"net/url"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// LocationName is a dump's address as it may be shown and kept: an https
// address loses its query string and user, where a presigned address carries
// its signature.
func LocationName(l spec.Location) string {
	switch l.Kind {
	case spec.KindS3Object, spec.KindS3Prefix:
		return "s3://" + l.Bucket + "/" + l.Key
	case spec.KindHTTPS:
		u, err := url.Parse(l.URL)
		if err != nil {
			return "https address"
		}
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
	case spec.KindContextFolder:
		return l.Path + "/"
	}
	return l.Path
}

// ObjectNames names the dumps that objects stand for.
func ObjectNames(objects []plan.Object) []string {
	var names []string
	for _, o := range plan.Dumps(objects) {
		names = append(names, LocationName(o.Location))
	}
	return names
}
