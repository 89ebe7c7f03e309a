package baker

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/baker/output"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/registry/content"
)

// Loader takes images as "docker load" does: package engine's Client is one.
type Loader interface {
	Load(ctx context.Context, archive io.Reader) ([]string, error)
}

// fileSink stores the image when it is complete: in a directory, a tar file or the
// Docker Engine.
type fileSink struct {
	output Output
	refs   []string
	loader Loader
	step   func(name string, f func() error) error
}

func (s *fileSink) blob(v1.Layer) error { return nil }

func (s *fileSink) close() {}

func (s *fileSink) finish(ctx context.Context, m content.Manifest, attachments []registry.Attachment) error {
	img := output.Image{Manifest: m, Names: s.refs, Attachments: attachments}
	switch s.output.Kind {
	case OutputOCI:
		return s.step("write "+s.output.Path, func() error { return output.Directory(ctx, s.output.Path, img) })
	case OutputTar:
		return s.step("write "+s.output.Path, func() error { return output.Tar(ctx, s.output.Path, img) })
	default:
		return s.step("load the image into Docker", func() error { return s.load(ctx, img) })
	}
}

// load streams the image to the engine.
func (s *fileSink) load(ctx context.Context, img output.Image) error {
	if s.loader == nil {
		return errors.New("there is no Docker Engine to load the image into")
	}
	r, w := io.Pipe()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := output.Write(ctx, w, img)
		w.CloseWithError(err)
		return err
	})
	group.Go(func() error {
		_, err := s.loader.Load(ctx, r)
		r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
		return err
	})
	return group.Wait()
}
