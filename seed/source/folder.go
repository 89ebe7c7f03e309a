package source

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// resolveFolder lists the objects that lie directly below a prefix, as the
// files of one dump folder. What the list says of an object pins it: a folder
// may have tens of thousands, too many to ask for each.
func (s *Source) resolveFolder(ctx context.Context, loc spec.Location) ([]plan.Object, error) {
	access, err := s.access(ctx)
	if err != nil {
		return nil, s.s3Error("ListObjectsV2", loc, err)
	}
	var objects []plan.Object
	deeper := ""
	err = s.eachObject(ctx, access, loc, func(o types.Object) {
		key := aws.ToString(o.Key)
		name := strings.TrimPrefix(key, loc.Key)
		if folder, _, below := strings.Cut(name, "/"); below {
			deeper = folder
			return
		}
		objects = append(objects, plan.Object{
			Location: spec.Location{Kind: spec.KindS3Object, Bucket: loc.Bucket, Key: key},
			File:     name,
			ETag:     aws.ToString(o.ETag),
			Size:     aws.ToInt64(o.Size),
			Modified: aws.ToTime(o.LastModified).UTC(),
		})
	})
	switch {
	case err != nil:
		return nil, s.s3Error("ListObjectsV2", loc, err)
	case len(objects) > 0:
		return objects, nil
	case deeper == "":
		return nil, emptyPrefix(loc)
	}
	return nil, &Error{
		Op: "ListObjectsV2", URL: displayLocation(loc),
		Hint: fmt.Sprintf("name the dump's own folder, such as %s%s/", displayLocation(loc), deeper),
		Err:  &cause{kind: ErrNotFound, text: "there are only folders below this prefix, and no files of a dump"},
	}
}

// ListFolder lists the files of a dump folder of the build context, in the
// order of their names. Folders in it are left out.
func (s *Source) ListFolder(obj plan.Object) ([]plan.Object, error) {
	url := Display(obj)
	fail := func(text, hint string, err error) error {
		return &Error{Op: "list", URL: url, Hint: hint, Err: &cause{text: text, err: err}}
	}
	dir, err := os.OpenInRoot(s.cfg.ContextDir, filepath.FromSlash(obj.Location.Path))
	if err != nil {
		return nil, fail(fmt.Sprintf("the folder of the build context cannot be opened: %v", reasonOf(err)),
			"paths count from the context's root; look whether .dockerignore leaves the folder out", err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return nil, fail(fmt.Sprintf("it cannot be listed: %v", reasonOf(err)), "a dump that is one file is named without the slash at the end", err)
	}
	objects, err := filesOf(obj, entries)
	if err == nil && len(objects) == 0 {
		return nil, fail("there is no file in this folder of the build context", "look whether .dockerignore leaves the files out", nil)
	}
	return objects, err
}

func filesOf(folder plan.Object, entries []fs.DirEntry) ([]plan.Object, error) {
	var names []string
	sizes := map[string]int64{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, &Error{Op: "list", URL: Display(folder), Err: reasonOf(err)}
		}
		names = append(names, e.Name())
		sizes[e.Name()] = info.Size()
		if !info.Mode().IsRegular() {
			sizes[e.Name()] = -1 // a link; Open follows it
		}
	}
	var objects []plan.Object
	for _, name := range sorted(names) {
		objects = append(objects, plan.Object{
			Dump:     folder.Dump,
			Location: spec.Location{Kind: spec.KindContext, Path: path.Join(folder.Location.Path, name)},
			File:     name,
			Size:     sizes[name],
		})
	}
	return objects, nil
}
