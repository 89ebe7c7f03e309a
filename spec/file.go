package spec

import (
	"slices"
	"strings"
)

// Position returns where a value stands: "dump[0]", "base",
// "accounts.users[1].password". For a path that is not in the file it is the
// place of the nearest parent that is; for "" the whole file.
func (f *File) Position(path string) Position {
	for {
		if pos, ok := f.positions[path]; ok {
			return pos
		}
		if path == "dump[0]" {
			// A single dump is written without a list.
			path = "dump"
			continue
		}
		if rest, ok := strings.CutPrefix(path, "dump[0]."); ok {
			if pos, ok := f.positions["dump."+rest]; ok {
				return pos
			}
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			if path == "" {
				return Position{Line: 1, Column: 1, EndLine: 1}
			}
			cut = 0
		}
		path = path[:cut]
	}
}

// Secrets lists the names of the build secrets that the file refers to,
// sorted, each once.
func (f *File) Secrets() []string {
	var ids []string
	add := func(s *Secret) {
		if s != nil {
			ids = append(ids, s.Secret)
		}
	}
	if f.Mask != nil {
		add(f.Mask.Key)
	}
	if f.Accounts.Root != nil {
		add(f.Accounts.Root.Password)
	}
	for _, u := range f.Accounts.Users {
		add(u.Password)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ContextFiles lists the files and dump folders of the build context that the
// bake reads, sorted, each once, slash-separated and relative to the context's
// root.
func (f *File) ContextFiles() []string {
	var paths []string
	for _, d := range f.Dump {
		if d.Location.InContext() {
			paths = append(paths, d.Location.Path)
		}
	}
	paths = append(paths, f.After...)
	if f.Mask != nil {
		paths = append(paths, f.Mask.SQL...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
