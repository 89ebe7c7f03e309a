package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/jail"
	"github.com/dbake/dbake/baker/unpack/within"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// ignoreName is the file that keeps others out of the build context.
const ignoreName = ".dockerignore"

// contextFiles finds the files and dump folders that the restore reads. What is
// missing, or kept out by the context's ignore file, is an error at its place in
// the dbake.yaml, as in package frontend.
func contextFiles(o builder.Order) ([]jail.File, error) {
	names := o.File.ContextFiles()
	if len(names) == 0 {
		return nil, nil
	}
	patterns, err := ignorePatterns(o.Context)
	if err != nil {
		return nil, err
	}
	keys, folders := contextKeys(o.File)
	var files []jail.File
	for _, name := range names {
		clean := path.Clean(name)
		fail := func(format string, args ...any) error {
			return o.Fail(plan.Failure{Path: keys[name], Message: fmt.Sprintf(format, args...)})
		}
		at, err := within.Follow(o.Context, clean)
		if err != nil {
			return nil, fail("%v", err)
		}
		if ignored, err := patternmatcher.MatchesOrParentMatches(clean, patterns); err == nil && ignored {
			return nil, fail("%s is kept out of the build context by %s; add the line \"!%s\" to it", clean, ignoreName, clean)
		}
		from := filepath.Join(o.Context, at)
		info, err := os.Stat(from)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			what := "file"
			if folders[name] {
				what = "directory"
			}
			return nil, fail("there is no %s %s in the build context", what, clean)
		case err != nil:
			return nil, fail("%v", err)
		case info.IsDir() && !folders[name]:
			return nil, fail("%s is a directory of the build context; name a file, or write %s/ for a dump folder", clean, clean)
		case !info.IsDir() && folders[name]:
			return nil, fail("%s is no directory of the build context; name it without the slash at the end", clean)
		}
		files = append(files, jail.File{From: from, To: path.Join(plan.ContextDir, clean)})
	}
	return files, nil
}

// contextKeys gives the key that names each file of the context, and which of
// them are folders.
func contextKeys(f *spec.File) (keys map[string]string, folders map[string]bool) {
	keys, folders = map[string]string{}, map[string]bool{}
	for i, d := range f.Dump {
		keys[d.Location.Path] = fmt.Sprintf("dump[%d]", i)
		folders[d.Location.Path] = d.Location.Kind == spec.KindContextFolder
	}
	for i, name := range f.After {
		keys[name] = fmt.Sprintf("after[%d]", i)
	}
	if f.Mask != nil {
		for i, name := range f.Mask.SQL {
			keys[name] = fmt.Sprintf("mask.sql[%d]", i)
		}
	}
	return keys, folders
}

func ignorePatterns(dir string) ([]string, error) {
	file, err := os.Open(filepath.Join(dir, ignoreName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the build context: %w", err)
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("read the build context's %s: %w", ignoreName, err)
	}
	return patterns, nil
}
