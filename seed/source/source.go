// Package source is where the bytes of a dump come from: an object in S3, the
// objects below an S3 prefix, a web server or a file of the build context, all
// of them raw or compressed.
//
// Resolve pins what a dump stands for, Open streams the bytes of what was
// pinned, and Decompress turns them into SQL text. An object that is not the
// pinned one any more is an error, never a silent mix of two dumps. Memory is
// bounded whatever a dump's size, and no credential and no query string of a
// URL gets into an error's text.
package source

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// Defaults of Config.
const (
	DefaultPartSize = 8 << 20 // bytes
	DefaultParallel = 6       // so that parts take at most 48 MiB
)

// Config says where a Source finds local things and how much it holds in
// memory. The zero value is right inside a build step; what concerns S3 comes
// from the environment (see CleanEnv).
type Config struct {
	// ContextDir is the root of the build context; plan.ContextDir if empty.
	ContextDir string
	// SecretDir has one file per secret; plan.SecretDir if empty. A file
	// named "aws" in it is read as AWS credentials file.
	SecretDir string
	// PartSize is the size in bytes of one ranged S3 request and Parallel the
	// number of them in flight; each stream buffers up to their product.
	PartSize int64
	Parallel int
}

// Source opens dumps. It is safe for use by many goroutines.
type Source struct {
	cfg   Config
	retry backoff
	web   *http.Client

	mu sync.Mutex
	s3 *s3Access
}

// Stream is the raw bytes of one object, in order. Close ends everything that
// reads for it, may be called twice, and may be called while another goroutine
// is in Read, which then returns an error.
type Stream interface {
	io.ReadCloser
	// Position is the number of bytes Read has delivered. Any goroutine may
	// ask at any time.
	Position() int64
	// Size is the number of bytes there are; -1 when nobody said.
	Size() int64
}

// New returns a Source. It touches neither network nor disk.
func New(cfg Config) *Source {
	if cfg.ContextDir == "" {
		cfg.ContextDir = plan.ContextDir
	}
	if cfg.SecretDir == "" {
		cfg.SecretDir = plan.SecretDir
	}
	if cfg.PartSize <= 0 {
		cfg.PartSize = DefaultPartSize
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = DefaultParallel
	}
	return &Source{
		cfg:   cfg,
		web:   newWebClient(),
		retry: backoff{attempts: 8, base: 250 * time.Millisecond, max: 15 * time.Second, stall: 60 * time.Second},
	}
}

// Close drops idle connections. Streams that are open go on.
func (s *Source) Close() error {
	s.web.CloseIdleConnections()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s3 != nil {
		s.s3.closeIdle()
	}
	return nil
}

// Resolve finds out what each dump stands for, in the order in which the
// objects are to be restored: an S3 prefix gives one object or many, everything
// else one. A file or folder of the build context is part of the build's own cache key,
// so its object has a Location and a Size of -1 and nothing else.
//
// Errors are of type *Error and say which dump is at fault.
func (s *Source) Resolve(ctx context.Context, dumps []spec.Dump) ([]plan.Object, error) {
	var all []plan.Object
	for i, d := range dumps {
		objects, err := s.resolve(ctx, d)
		if err != nil {
			return nil, withPath(err, i)
		}
		all = append(all, objects...)
	}
	return all, nil
}

func (s *Source) resolve(ctx context.Context, d spec.Dump) ([]plan.Object, error) {
	var obj plan.Object
	var err error
	switch loc := d.Location; loc.Kind {
	case spec.KindS3Prefix:
		if d.Pick == spec.PickFolder {
			return s.resolveFolder(ctx, loc)
		}
		return s.resolvePrefix(ctx, loc, d.Pick)
	case spec.KindS3Object:
		obj, err = s.statS3(ctx, loc)
	case spec.KindHTTPS:
		obj, err = s.statWeb(ctx, loc)
	case spec.KindContext, spec.KindContextFolder:
		obj = plan.Object{Location: loc, Size: -1}
	default:
		err = unknownKind(loc)
	}
	if err != nil {
		return nil, err
	}
	return []plan.Object{obj}, nil
}

// Open streams an object that Resolve returned. When obj has an identity (a
// version, an ETag, a size) and the object found has another one, Open or a
// Read fails with ErrChanged. Cancelling ctx ends the stream.
//
// Errors of Open and of Read are of type *Error.
func (s *Source) Open(ctx context.Context, obj plan.Object) (Stream, error) {
	switch obj.Location.Kind {
	case spec.KindS3Object:
		return s.openS3(ctx, obj)
	case spec.KindHTTPS:
		return s.openWeb(ctx, obj)
	case spec.KindContext:
		return s.openFile(ctx, obj)
	default:
		return nil, unknownKind(obj.Location)
	}
}

func unknownKind(loc spec.Location) error {
	return &Error{Op: "open", URL: displayLocation(loc), Err: fmt.Errorf("dbake cannot read a location of kind %q", loc.Kind)}
}

// Display names an object for people: its address without anything secret, so
// without the query string and the user info of a URL, which is where signed
// URLs keep their signature.
func Display(obj plan.Object) string {
	loc := obj.Location
	if obj.VersionID != "" {
		loc.VersionID = obj.VersionID
	}
	return displayLocation(loc)
}

func displayLocation(loc spec.Location) string {
	switch loc.Kind {
	case spec.KindS3Object, spec.KindS3Prefix:
		text := "s3://" + loc.Bucket + "/" + loc.Key
		if loc.VersionID != "" {
			text += "?versionId=" + loc.VersionID
		}
		return text
	case spec.KindHTTPS:
		return redactURL(loc.URL)
	case spec.KindContextFolder:
		return loc.Path + "/"
	default:
		return loc.Path
	}
}

// DisplayFolder names the dump folder that an object is a file of.
func DisplayFolder(obj plan.Object) string {
	return strings.TrimSuffix(displayLocation(obj.Location), obj.File)
}

// redactURL takes user info, query and fragment off a URL.
func redactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		// Whatever it is, it can hold a secret behind the question mark.
		raw, _, _ = strings.Cut(raw, "?")
		scheme, _, _ := strings.Cut(raw, "//")
		return scheme + "//…"
	}
	redacted := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	text := redacted.String()
	if u.RawQuery != "" {
		text += "?…"
	}
	return text
}
