package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/seed/target"
	"github.com/dbake/dbake/spec"
)

// targetFlags say where a dump goes and what becomes of the ones before.
type targetFlags struct {
	to, compress   string
	latest         string
	keep, keepDays int

	// What check makes of them.
	name        target.Name
	bucket      string // empty: a file or standard output
	compression target.Compression
}

const (
	standardOutput = "-"
	defaultName    = "{{.Database}}-{{.Time}}.sql"
)

func (o *targetFlags) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.to, "to", "o", "", `where the dump goes: s3://bucket/prefix/, s3://bucket/key, a file, or "-"; may hold {{.Database}}, {{.Date}} and {{.Time}}`)
	f.StringVar(&o.compress, "compress", "", "zstd, gzip or none (default: what the name ends in; zstd below a prefix)")
	f.StringVar(&o.latest, "latest", "", `keep a copy of the newest dump under this name beside it; "latest" without a value`)
	f.Lookup("latest").NoOptDefVal = "latest"
	f.IntVar(&o.keep, "keep", 0, "after success, remove all but this many dumps that {{.Time}} or {{.Date}} named")
	f.IntVar(&o.keepDays, "keep-days", 0, "after success, remove such dumps that are older than this many days")
}

// check takes the flags apart.
func (o *targetFlags) check(dryRun bool, stdout io.Writer) error {
	if o.to == "" {
		if dryRun {
			return nil
		}
		return usageError{errors.New(`--to is missing: s3://bucket/prefix/, a file, or "-" for standard output`)}
	}
	name := o.to
	if strings.HasPrefix(o.to, "s3://") {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(o.to, "s3://"), "/")
		if _, err := spec.ParseLocation("s3://" + bucket); err != nil {
			return usageError{fmt.Errorf("--to: %w", err)}
		}
		o.bucket, name = bucket, key
	}
	o.compression = target.Compression(o.compress)
	if o.to != standardOutput && (name == "" || strings.HasSuffix(name, "/")) {
		if o.compression == "" {
			o.compression = target.Zstd
		}
		name += defaultName + o.compression.Extension()
	}
	if o.compression == "" {
		o.compression = target.CompressionOf(name)
	}
	if o.name = target.Name(name); o.to == standardOutput {
		o.name = ""
	}
	if err := o.name.Check(); err != nil {
		return usageError{fmt.Errorf("--to: %w", err)}
	}
	return o.checkRest(stdout)
}

func (o *targetFlags) checkRest(stdout io.Writer) error {
	if _, err := target.Compress(io.Discard, o.compression); err != nil {
		return usageError{fmt.Errorf("--compress: %w", err)}
	}
	if o.keep < 0 || o.keepDays < 0 {
		return usageError{errors.New("--keep and --keep-days count from 0")}
	}
	if o.latest != "" || o.keep > 0 || o.keepDays > 0 {
		switch {
		case o.bucket == "":
			return usageError{errors.New("--latest, --keep and --keep-days are for dumps in S3")}
		case !o.name.Timed():
			return usageError{errors.New("--latest, --keep and --keep-days need {{.Time}} or {{.Date}} in --to, or a prefix that ends in a slash")}
		case strings.Contains(o.latest, "/"):
			return usageError{errors.New("--latest is a name beside the dump, without slashes")}
		}
	}
	if f, ok := stdout.(*os.File); ok && o.to == standardOutput && term.IsTerminal(int(f.Fd())) {
		return usageError{errors.New("a dump is not written to a terminal; name a file by --to, or use a pipe")}
	}
	return nil
}

// destination is where one dump goes.
type destination struct {
	target.Writer
	// shown is the place for people; object is set for S3.
	shown  string
	object target.Object
}

// open begins a dump of what database stands for.
func (o *targetFlags) open(ctx context.Context, s3 *target.S3, database string, now time.Time, stdout io.Writer) (*destination, error) {
	if o.to == standardOutput {
		return &destination{Writer: target.Stream(stdout), shown: "standard output"}, nil
	}
	name := o.name.Expand(database, now)
	if o.bucket == "" {
		w, err := target.File(name)
		return &destination{Writer: w, shown: name}, err
	}
	object := target.Object{
		Bucket: o.bucket, Key: name, ContentType: o.compression.ContentType(),
		Metadata: map[string]string{"created-by": "dbake " + buildVersion(), "snapshot-begun": now.UTC().Format(time.RFC3339)},
	}
	return &destination{Writer: s3.Create(ctx, object), shown: "s3://" + o.bucket + "/" + name, object: object}, nil
}

// after keeps the copy of the newest dump and removes old ones, and gives what
// it removed.
func (o *targetFlags) after(ctx context.Context, s3 *target.S3, d *destination, database, sum string, now time.Time) ([]string, error) {
	if o.latest != "" {
		to := d.object
		ext := path.Ext(path.Base(to.Key))
		if e := o.compression.Extension(); e != "" && e == ext {
			ext = ".sql" + e
		}
		to.Key = path.Join(path.Dir(to.Key), strings.TrimSuffix(o.latest, ext)+ext)
		to.Metadata = map[string]string{"copy-of": d.object.Key, target.MetadataSHA256: sum}
		if err := s3.Copy(ctx, d.object, to); err != nil {
			return nil, fmt.Errorf("the dump is complete, but %s could not be made: %w", to.Key, err)
		}
	}
	r := target.Retention{Keep: o.keep, Age: time.Duration(o.keepDays) * 24 * time.Hour}
	if r == (target.Retention{}) {
		return nil, nil
	}
	removed, err := s3.Retain(ctx, o.bucket, o.name.Prefix(database), o.name.Pattern(database), r, now)
	if err != nil {
		return removed, fmt.Errorf("the dump is complete, but old ones could not be removed: %w", err)
	}
	return removed, nil
}

// newS3 makes the way to S3.
func newS3(warn func(string)) *target.S3 {
	source.CleanEnv()
	return &target.S3{Client: source.NewS3(8), Warn: warn}
}
