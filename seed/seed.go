// Package seed turns dumps into a data directory. It is the engine behind every
// builder: Resolve finds out what the dumps and the base are, Restore makes the
// data directory. Both run inside the base image's root filesystem.
package seed

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/source"
)

// Dirs are the directories a step works with. The zero value of a field stands
// for the path that package plan gives it.
type Dirs struct {
	Context string // files of the build context
	Secrets string // one file per secret
	Out     string // becomes the data layer
	Work    string // socket, log and temporary files; on a disk
}

// Tuning changes how a restore works and nothing of what comes out. The zero
// value is right but for tests and benchmarks.
type Tuning struct {
	Lanes      int // how many lanes load at once
	ChunkBytes int // load.Options.ChunkBytes
}

// withDefaults fills in what is empty.
func (d Dirs) withDefaults() Dirs {
	for _, f := range []struct {
		field *string
		path  string
	}{
		{&d.Context, plan.ContextDir},
		{&d.Secrets, plan.SecretDir},
		{&d.Out, plan.OutDir},
		{&d.Work, filepath.Join(filepath.Dir(plan.OutDir), "work")},
	} {
		if *f.field == "" {
			*f.field = f.path
		}
	}
	return d
}

// PathError is an error that one key of dbake.yaml is to blame for.
type PathError struct {
	// Path is as "dump[0]" or "verify[1]".
	Path string
	Err  error
}

// Error gives the error's own text; the path is for whoever shows the file.
func (e *PathError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *PathError) Unwrap() error { return e.Err }

func at(path string, err error) error {
	if err == nil {
		return nil
	}
	return &PathError{Path: path, Err: err}
}

// FailureOf turns an error into what is shown to the user.
func FailureOf(err error) plan.Failure {
	f := plan.Failure{Message: err.Error()}
	// The innermost path says most: the condition rather than the dump.
	for p := (*PathError)(nil); errors.As(err, &p); err = p.Err {
		f.Path = p.Path
	}
	return f
}

// Resolve finds the identity of the dumps and the facts of the base it runs
// in. Errors of one dump are *PathError.
func Resolve(ctx context.Context, q plan.Resolve, dirs Dirs, emit event.Sink) (*plan.Resolved, error) {
	dirs = dirs.withDefaults()
	emit(event.Phase{Name: "look at the base"})
	base, err := mysqld.Probe(ctx)
	if err != nil {
		return nil, at("base", err)
	}
	src := source.New(source.Config{ContextDir: dirs.Context, SecretDir: dirs.Secrets})
	defer src.Close()
	out := &plan.Resolved{Base: base, Objects: []plan.Object{}}
	if q.MaskKey != "" {
		key, err := dirs.maskKey(q.MaskKey)
		if err != nil {
			return nil, at("mask.key", err)
		}
		out.KeyCheck = keyCheck(key)
	}
	for i, d := range q.Dumps {
		emit(event.Phase{Name: "look at the dump", Detail: source.Display(plan.Object{Location: d.Location})})
		objects, err := src.Resolve(ctx, q.Dumps[i:i+1])
		if err != nil {
			return nil, at(fmt.Sprintf("dump[%d]", i), err)
		}
		for _, o := range objects {
			o.Dump = i
			out.Objects = append(out.Objects, o)
		}
	}
	return out, nil
}
