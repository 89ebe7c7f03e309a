package baker

import (
	"fmt"
	"strings"

	"github.com/dbake/dbake/baker/output"
)

// OutputKind is where an image goes.
type OutputKind string

// The kinds of outputs.
const (
	OutputPush   OutputKind = "push"   // to the registries of its tags
	OutputOCI    OutputKind = "oci"    // into an OCI layout directory
	OutputTar    OutputKind = "tar"    // into a tar file that "docker load" takes, and OCI tools too
	OutputDocker OutputKind = "docker" // into the Docker Engine
)

// Output is where an image goes; Path is that of the directory or file.
type Output struct {
	Kind OutputKind
	Path string
}

// ParseOutput reads the value of --output: push, docker, oci:DIR or tar:FILE.
func ParseOutput(s string) (Output, error) {
	kind, path, hasPath := strings.Cut(s, ":")
	o := Output{Kind: OutputKind(kind), Path: path}
	switch o.Kind {
	case OutputPush, OutputDocker:
		if hasPath {
			return o, fmt.Errorf("output %s takes no path; the tags (-t) say where the image goes", kind)
		}
	case OutputOCI, OutputTar:
		if path == "" {
			return o, fmt.Errorf("output %s needs a path: %s:PATH", kind, kind)
		}
	default:
		return o, fmt.Errorf("output %q is not known; it is push, docker, oci:DIR or tar:FILE", s)
	}
	return o, nil
}

// CheckTags fails when the output needs a tag and there is none.
func (o Output) CheckTags(refs []string) error {
	switch {
	case len(refs) > 0:
	case o.Kind == OutputPush:
		return ErrNoTag
	case o.Kind == OutputDocker:
		return ErrNoDockerTag
	}
	return nil
}

// check looks whether a file can come to be where the output wants it.
func (o Output) check() error {
	switch o.Kind {
	case OutputOCI:
		return output.CheckDirectory(o.Path)
	case OutputTar:
		return output.CheckTar(o.Path)
	case OutputPush, OutputDocker:
	}
	return nil
}

// String is the output as ParseOutput reads it.
func (o Output) String() string {
	if o.Path == "" {
		return string(o.Kind)
	}
	return string(o.Kind) + ":" + o.Path
}
