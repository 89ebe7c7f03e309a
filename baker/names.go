package baker

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"text/template"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/dbake/dbake/seed/plan"
)

// TagFields are what a tag template can say: -t repo:{{.DumpDate}}-{{.GitSHA}}.
type TagFields struct {
	// DumpDate is the day of the newest dump as 2026-11-21, in UTC.
	DumpDate string
	// DumpTime is its time as 20261121T030000Z.
	DumpTime string
	// ETag and VersionID are the first dump's, made fit for a tag.
	ETag, VersionID string
	// Server is as mysql-9.7.0.
	Server string
	// GitSHA is the commit of the directory that the dbake.yaml is in, 40
	// digits; GitShort its first 7.
	GitSHA, GitShort string
}

// tagFields reads the fields from what the dumps are right now. Files of the
// build context have no date and no ETag.
func tagFields(r plan.Resolved, gitSHA string) TagFields {
	f := TagFields{GitSHA: gitSHA, Server: r.Base.Flavour + "-" + r.Base.Version}
	if len(gitSHA) >= 7 {
		f.GitShort = gitSHA[:7]
	}
	var newest time.Time
	for _, o := range r.Objects {
		if o.Modified.After(newest) {
			newest = o.Modified
		}
	}
	if !newest.IsZero() {
		f.DumpDate, f.DumpTime = newest.UTC().Format(time.DateOnly), newest.UTC().Format("20060102T150405Z")
	}
	if len(r.Objects) > 0 {
		f.ETag, f.VersionID = tagText(r.Objects[0].ETag), tagText(r.Objects[0].VersionID)
	}
	return f
}

// tagText keeps of s what a tag may hold.
func tagText(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return -1
	}, s), ".-")
}

// expandRef fills a reference's templates in and adds the suffix to its tag. A
// field that is empty is an error: a tag must say what it promises.
func expandRef(ref, suffix string, fields TagFields) (name.Tag, error) {
	if i := strings.LastIndexByte(ref, '@'); i >= 0 && !strings.Contains(ref[i:], "}") {
		return name.Tag{}, fmt.Errorf("tag %s: a digest cannot be chosen; leave out %s", ref, ref[i:])
	}
	text := ref
	if suffix != "" {
		if !strings.Contains(path.Base(ref), ":") {
			text += ":latest"
		}
		text += suffix
	}
	expanded, err := expand(text, fields)
	if err != nil {
		return name.Tag{}, fmt.Errorf("tag %s: %w", text, err)
	}
	tag, err := name.NewTag(expanded)
	if err != nil {
		return name.Tag{}, fmt.Errorf("tag %s is no image reference such as registry.example.com/team/app-data:latest: %w", expanded, err)
	}
	return tag, nil
}

func expand(text string, fields TagFields) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	t, err := template.New("tag").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("not a template: %w", err)
	}
	values := map[string]string{
		"DumpDate": fields.DumpDate, "DumpTime": fields.DumpTime, "ETag": fields.ETag, "VersionID": fields.VersionID,
		"Server": fields.Server, "GitSHA": fields.GitSHA, "GitShort": fields.GitShort,
	}
	for field, value := range values {
		if value == "" && strings.Contains(text, "."+field+"}") || value == "" && strings.Contains(text, "."+field+" ") {
			return "", fmt.Errorf("{{.%s}} is not known here: %s", field, missingField(field))
		}
	}
	var out strings.Builder
	if err := t.Execute(&out, values); err != nil {
		return "", errors.New("the fields are DumpDate, DumpTime, ETag, VersionID, Server, GitSHA and GitShort")
	}
	return out.String(), nil
}

func missingField(field string) string {
	if strings.HasPrefix(field, "Git") {
		return "the dbake.yaml is in no Git work tree, or git is not installed"
	}
	return "the store of the dump does not say it (files of the build context have no date, ETag or version)"
}
