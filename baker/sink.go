package baker

import (
	"context"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/registry/content"
)

// sink is where an image goes.
type sink interface {
	// blob says that a layer of the image is ready. It does not wait for it to
	// be stored; what goes wrong is the error of finish, or of the next blob,
	// so that no more layers are made in vain.
	blob(l v1.Layer) error
	// finish stores the image, or the index of images, and makes it visible.
	finish(ctx context.Context, m content.Manifest, attachments []registry.Attachment) error
	// close ends what is under way and waits for it.
	close()
}

// openSink prepares the output, and fails when it is certain that it could not take
// the image: a restore may last for hours.
func (b *bake) openSink(ctx context.Context, refs []string) (sink, error) {
	if b.Output.Kind != OutputPush {
		if err := b.Output.check(); err != nil {
			return nil, err
		}
		step := func(name string, f func() error) error {
			return b.progress.Run(name, func(*progress.Step) error { return f() })
		}
		return &fileSink{output: b.Output, refs: refs, loader: b.Loader, step: step}, nil
	}
	push, err := b.Registry.Push(refs)
	if err != nil {
		return nil, err
	}
	if err := push.Check(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	return &pushSink{push: push, ctx: ctx, cancel: cancel, group: group, started: map[v1.Hash]bool{}}, nil
}

// pushSink pushes blobs while later ones are being made.
type pushSink struct {
	push   *registry.Push
	ctx    context.Context //nolint:containedctx // of the uploads, which outlive the calls that start them
	cancel context.CancelFunc
	group  *errgroup.Group

	mu      sync.Mutex
	started map[v1.Hash]bool
}

func (s *pushSink) blob(l v1.Layer) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	s.group.Go(func() error {
		digest, err := l.Digest()
		if err != nil {
			return fmt.Errorf("describe a layer: %w", err)
		}
		s.mu.Lock()
		known := s.started[digest]
		s.started[digest] = true
		s.mu.Unlock()
		if known {
			return nil
		}
		return s.push.Blob(s.ctx, l)
	})
	return nil
}

func (s *pushSink) finish(ctx context.Context, m content.Manifest, attachments []registry.Attachment) error {
	if err := s.group.Wait(); err != nil {
		return err
	}
	return s.push.Commit(ctx, m, attachments...)
}

func (s *pushSink) close() {
	s.cancel()
	_ = s.group.Wait() // finish has told, or the bake has failed for another reason
}
