package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry/content"
)

// Push brings one image, or one index of images, under all its tags. Blobs may be
// given one by one as soon as they exist; Commit sends what is missing and moves
// the tags. Its methods may be called from many goroutines.
type Push struct {
	client  *Client
	targets []target
	slots   chan struct{}

	attaching sync.Mutex // lists of referrers are read and written back

	mu    sync.Mutex
	blobs map[v1.Hash]*blobState
}

// target is a repository and its tags.
type target struct {
	repo name.Repository
	tags []name.Tag
}

// blobState makes one goroutine at a time work on a blob, and only until it is
// in all repositories.
type blobState struct {
	busy chan struct{} // holds one value while somebody works
	done bool
}

// Push prepares a push to tags, of one or more repositories of one or more
// registries. It does not talk to anyone yet.
func (c *Client) Push(refs []string) (*Push, error) {
	if len(refs) == 0 {
		return nil, errors.New("a push needs at least one tag")
	}
	p := &Push{client: c, slots: make(chan struct{}, c.options.Jobs), blobs: map[v1.Hash]*blobState{}}
	for _, ref := range refs {
		tag, err := c.tag(ref)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(p.targets, func(t target) bool { return t.repo.Name() == tag.Context().Name() })
		if i < 0 {
			p.targets = append(p.targets, target{repo: tag.Context()})
			i = len(p.targets) - 1
		}
		if !slices.ContainsFunc(p.targets[i].tags, func(t name.Tag) bool { return t.Name() == tag.Name() }) {
			p.targets[i].tags = append(p.targets[i].tags, tag)
		}
	}
	return p, nil
}

// Check logs in to all target repositories, and fails when it is certain that a push
// would: no credentials, or wrong ones, or no registry. What may pass is left to the
// push.
func (p *Push) Check(ctx context.Context) error {
	for _, t := range p.targets {
		_, _, err := p.session(t).headManifest(ctx, t.tags[0].TagStr())
		var refused *AuthError
		var answer *Error
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &refused), errors.Is(err, syscall.ECONNREFUSED), !errors.As(err, &answer) && !passing(err):
			return fmt.Errorf("nothing was restored, because the image could not be pushed: %w", err)
		}
	}
	return nil
}

func (p *Push) session(t target) *session { return p.client.session(t.repo, transport.PushScope) }

// registries groups the targets by registry, in the order they were given.
func (p *Push) registries() [][]target {
	var groups [][]target
	for _, t := range p.targets {
		i := slices.IndexFunc(groups, func(g []target) bool { return g[0].repo.RegistryStr() == t.repo.RegistryStr() })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], t)
	}
	return groups
}

// Blob brings a layer into all target repositories and returns when it is there.
// What exists is not sent again; a *remote.MountableLayer of the same registry is
// mounted; everything else is copied as it is. The layer's Compressed is called
// again for every try. Layers that must not be distributed are passed over.
func (p *Push) Blob(ctx context.Context, layer v1.Layer) error {
	mediaType, err := layer.MediaType()
	if err != nil {
		return fmt.Errorf("read the layer's media type: %w", err)
	}
	if !mediaType.IsDistributable() {
		return nil
	}
	b, err := newBlob(layer)
	if err != nil {
		return err
	}
	p.mu.Lock()
	state := p.blobs[b.digest]
	if state == nil {
		state = &blobState{busy: make(chan struct{}, 1)}
		p.blobs[b.digest] = state
	}
	p.mu.Unlock()
	if err := enter(ctx, state.busy); err != nil {
		return err
	}
	defer leave(state.busy)
	if state.done {
		return nil
	}
	if err := enter(ctx, p.slots); err != nil {
		return err
	}
	defer leave(p.slots)
	step := p.client.options.Progress.Start("push " + title(layer, b.digest))
	err = p.everywhere(ctx, b, step)
	step.Done(err)
	state.done = err == nil
	return err
}

// title is what progress calls a layer: by what it holds, if it says so with a
// method Title, and by its digest.
func title(layer v1.Layer, digest v1.Hash) string {
	if t, ok := layer.(interface{ Title() string }); ok && t.Title() != "" {
		return t.Title() + " (" + short(digest) + ")"
	}
	return short(digest)
}

// enter takes one of the places that a channel has.
func enter(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func leave(places chan struct{}) { <-places }

// everywhere brings a blob to all registries at once. Within one it goes into
// the first repository and is mounted from there into the others.
func (p *Push) everywhere(ctx context.Context, b blob, step *progress.Step) error {
	group, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	sentAny := false
	for _, targets := range p.registries() {
		group.Go(func() error {
			from := b.from
			if from != nil && from.RegistryStr() != targets[0].repo.RegistryStr() {
				from = nil
			}
			for _, t := range targets {
				how, err := p.session(t).put(ctx, b, from, meter(step, "to "+familiar(t.repo), b.size))
				if err != nil {
					return err
				}
				if how == uploaded {
					mu.Lock()
					sentAny = true
					mu.Unlock()
				}
				if from == nil {
					from = &t.repo
				}
			}
			return nil
		})
	}
	err := group.Wait()
	if err == nil && !sentAny {
		step.Cached()
	}
	return err
}

// meter passes on how much was sent, a few times a second.
func meter(step *progress.Step, id string, total int64) func(int64) {
	const every = 100 * time.Millisecond
	var mu sync.Mutex
	var last time.Time
	return func(sent int64) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if sent < total && now.Sub(last) < every {
			return
		}
		last = now
		step.Count(id, sent, total)
	}
}

// refuseChunks remembers that a registry takes a blob only in one piece.
func (c *Client) refuseChunks(repo name.Repository) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams[repo.RegistryStr()] = true
}

func (c *Client) refusesChunks(repo name.Repository) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[repo.RegistryStr()]
}

// all sends every blob of the nodes that is not there yet.
func (p *Push) all(ctx context.Context, nodes []content.Node) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, node := range nodes {
		for _, layer := range node.Blobs() {
			group.Go(func() error { return p.Blob(ctx, layer) })
		}
	}
	return group.Wait()
}
