package frontend

import (
	"context"
	"errors"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/dbake/dbake/spec"
)

// source is the dbake.yaml as BuildKit knows it, so that errors, warnings and
// steps point at its lines.
type source struct {
	*dockerui.Source
	file *spec.File
}

// ranges is where a path such as "dump[0]" stands in the file; nil when the
// path is empty.
func (s source) ranges(path string) []*pb.Range {
	if path == "" || s.file == nil {
		return nil
	}
	return sourceRange(s.file.Position(path))
}

// at makes err point at the place of path in the file. The place is in the text
// too, as in the errors of package spec, because old clients and builders drop
// the annotation. In the frontend's own process it is a *spec.Error.
func (s source) at(path string, err error) error {
	ranges := s.ranges(path)
	if err == nil || ranges == nil {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	// err itself is not wrapped: on the wire, a status inside of it would
	// replace the text around it.
	located := &spec.Error{File: s.Filename, Pos: s.file.Position(path), Msg: err.Error()}
	if step := new(StepError); errors.As(err, &step) {
		located.Err = step
	}
	err = located
	return withSource(s.SourceMap, err, ranges)
}

// location makes a step point at the place of path in the file.
func (s source) location(path string) llb.ConstraintsOpt {
	ranges := s.ranges(path)
	if ranges == nil {
		return llb.WithDescription(nil)
	}
	return s.Location(ranges)
}

// warn shows a warning that belongs to path, or to the file as a whole when
// path is empty. Builders that know no warnings drop it.
func (s source) warn(ctx context.Context, path, text string) {
	s.Warn(ctx, text, gwclient.WarnOpts{Range: s.ranges(path)})
}

// specError makes every problem of the file point at its line. BuildKit shows
// the innermost source first, so the first problem is wrapped first.
func specError(sm *llb.SourceMap, err error) error {
	for _, p := range specProblems(err) {
		if ranges := sourceRange(p.Pos); ranges != nil {
			err = withSource(sm, err, ranges)
		}
	}
	return err
}

// specProblems returns the problems that err consists of.
func specProblems(err error) []*spec.Error {
	var list spec.ErrorList
	if errors.As(err, &list) {
		return list
	}
	var one *spec.Error
	if errors.As(err, &one) {
		return []*spec.Error{one}
	}
	return nil
}

// sourceRange is p in BuildKit's terms: lines from 1, characters from 0.
func sourceRange(p spec.Position) []*pb.Range {
	if p.Line < 1 {
		return nil
	}
	return []*pb.Range{{
		Start: &pb.Position{Line: int32(p.Line), Character: int32(max(p.Column-1, 0))},
		End:   &pb.Position{Line: int32(max(p.EndLine, p.Line))},
	}}
}

func withSource(sm *llb.SourceMap, err error, ranges []*pb.Range) error {
	return errdefs.WithSource(err, &errdefs.Source{Info: sourceInfo(sm), Ranges: ranges})
}

func sourceInfo(sm *llb.SourceMap) *pb.SourceInfo {
	return &pb.SourceInfo{
		Data:       sm.Data,
		Filename:   sm.Filename,
		Language:   sm.Language,
		Definition: sm.Definition.ToPB(),
	}
}
