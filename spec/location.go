package spec

// LocationKind says where the bytes of a dump come from.
type LocationKind string

// The kinds of Location.
const (
	KindS3Object LocationKind = "s3"
	KindS3Prefix LocationKind = "s3-prefix"
	KindHTTPS    LocationKind = "https"
	KindContext  LocationKind = "context"
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
	// URL is set for https.
	URL string `json:"url,omitempty"`
	// Path is slash-separated and relative to the build context's root.
	Path string `json:"path,omitempty"`
}

// Position is a place in a dbake.yaml; lines and columns count from 1.
type Position struct {
	Line, Column int
	// EndLine is the last line of the value that starts here.
	EndLine int
}
