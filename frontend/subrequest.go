package frontend

import (
	"context"

	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	subtargets "github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/pb"

	"github.com/dbake/dbake/spec"
)

// subrequests answers "docker buildx build --call=…" without building.
func subrequests(dc *dockerui.Client, src *dockerui.Source) dockerui.RequestHandler {
	parse := func() (*spec.File, error) {
		return spec.Parse(src.Filename, src.Data, dc.BuildArgs)
	}
	return dockerui.RequestHandler{
		Outline: func(context.Context) (*outline.Outline, error) {
			tgt, err := findTarget(dc.Target)
			if err != nil {
				return nil, err
			}
			file, err := parse()
			if err != nil {
				return nil, specError(src.SourceMap, err)
			}
			return outlineOf(source{Source: src, file: file}, tgt, dc.BuildArgs), nil
		},
		ListTargets: func(context.Context) (*subtargets.List, error) {
			return listTargets(), nil
		},
		Lint: func(context.Context) (*lint.LintResults, error) {
			_, err := parse()
			return lintResults(src, err), nil
		},
	}
}

// outlineOf lists the build arguments that the file refers to, those that
// steer the steps, and the secrets.
func outlineOf(src source, tgt target, args map[string]string) *outline.Outline {
	o := &outline.Outline{Name: tgt.name, Description: tgt.description, Sources: [][]byte{src.Data}}
	for _, r := range references(src.Data) {
		value := args[r.name]
		if value == "" {
			value = r.fallback
		}
		o.Args = append(o.Args, outline.Arg{Name: r.name, Value: value, Location: lineLocation(r.line)})
	}
	for _, name := range stepEnv {
		o.Args = append(o.Args, outline.Arg{Name: name, Value: args[name], Description: stepEnvDescription})
	}
	b := &bake{src: src, file: src.file}
	for _, id := range src.file.Secrets() {
		o.Secrets = append(o.Secrets, outline.Secret{Name: id, Required: true, Location: location(src.ranges(b.secretKey(id)))})
	}
	if b.hasRemoteDump() {
		for _, id := range append([]string{awsSecret}, credentialEnv...) {
			o.Secrets = append(o.Secrets, outline.Secret{Name: id})
		}
	}
	return o
}

const stepEnvDescription = "how S3 is reached"

func lineLocation(line int) *pb.Location {
	return location(sourceRange(spec.Position{Line: line, Column: 1}))
}

func location(ranges []*pb.Range) *pb.Location {
	if ranges == nil {
		return nil
	}
	return &pb.Location{Ranges: ranges}
}

func listTargets() *subtargets.List {
	list := &subtargets.List{}
	for i, t := range targets {
		list.Targets = append(list.Targets, subtargets.Target{Name: t.name, Default: i == 0, Description: t.description})
	}
	return list
}

// lintResults reports the file's problems: the first as the error that a build
// would end with, the others as warnings, which is how clients show several.
func lintResults(src *dockerui.Source, err error) *lint.LintResults {
	results := &lint.LintResults{}
	index := results.AddSource(src.SourceMap)
	for i, p := range specProblems(err) {
		loc := pb.Location{SourceIndex: int32(index), Ranges: sourceRange(p.Pos)}
		if i == 0 {
			results.Error = &lint.BuildError{Message: p.Error(), Location: pb.Location{SourceIndex: loc.SourceIndex, Ranges: loc.Ranges}}
			continue
		}
		results.Warnings = append(results.Warnings, lint.Warning{
			RuleName: lintRule, Description: "The file is not a valid dbake.yaml", Detail: p.Text(), Location: &pb.Location{SourceIndex: loc.SourceIndex, Ranges: loc.Ranges},
		})
	}
	return results
}

const lintRule = "InvalidSpec"
