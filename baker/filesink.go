package baker

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/registry/content"
)

// fileSink writes the image when it is complete: into a directory, a tar file or
// the Docker Engine.
type fileSink struct {
	bake *bake
	refs []string
}

func (s *fileSink) blob(v1.Layer) {}

func (s *fileSink) close() {}

func (s *fileSink) finish(context.Context, content.Manifest, []registry.Attachment) error {
	return errors.New("not yet")
}
