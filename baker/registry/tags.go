package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/registry/content"
)

// restoreTimeout bounds how long tags are put back after a failure, also when it
// was the user who stopped the push.
const restoreTimeout = 30 * time.Second

// TagState is where a tag was left.
type TagState struct {
	// Tag is the reference, with its registry.
	Tag string
	// Digest is what it points to; zero when there is no such tag, or Err is
	// not nil.
	Digest v1.Hash
	// New says that it points to the image of the push.
	New bool
	// Err is why it could not be found out or put back.
	Err error
}

// TagsError says that not all tags could be moved.
type TagsError struct {
	Err  error
	Tags []TagState
}

// Error implements error.
func (e *TagsError) Error() string {
	states := make([]string, len(e.Tags))
	for i, t := range e.Tags {
		switch {
		case t.Err != nil && t.New:
			states[i] = fmt.Sprintf("%s points to the new image and could not be put back (%v)", t.Tag, t.Err)
		case t.Err != nil:
			states[i] = fmt.Sprintf("%s is in an unknown state (%v)", t.Tag, t.Err)
		case t.New:
			states[i] = t.Tag + " points to the new image, as before"
		case t.Digest == (v1.Hash{}):
			states[i] = t.Tag + " does not exist, as before"
		default:
			states[i] = fmt.Sprintf("%s points to %s, as before", t.Tag, short(t.Digest))
		}
	}
	return fmt.Sprintf("move the tags: %v; %s", e.Err, strings.Join(states, "; "))
}

// Unwrap gives the reason.
func (e *TagsError) Unwrap() error { return e.Err }

// tagMove is one tag on its way.
type tagMove struct {
	tag     name.Tag
	session *session
	old     v1.Descriptor // zero when there was no such tag
	oldRaw  []byte
	touched bool // a request to move it was sent
}

// moveTags makes all tags point to a manifest that is there, or none.
func (p *Push) moveTags(ctx context.Context, to content.Node) error {
	var moves []*tagMove
	for _, t := range p.targets {
		for _, tag := range t.tags {
			m := &tagMove{tag: tag, session: p.session(t)}
			if err := m.remember(ctx); err != nil {
				return fmt.Errorf("no tag was moved: %w", err)
			}
			moves = append(moves, m)
		}
	}
	// New tags go last: not every registry can remove them again.
	order := slices.SortedStableFunc(slices.Values(moves), func(a, b *tagMove) int {
		return cmp.Compare(min(len(b.oldRaw), 1), min(len(a.oldRaw), 1))
	})
	for _, m := range order {
		if m.old.Digest == to.Descriptor.Digest {
			continue
		}
		m.touched = true
		_, err := m.session.putManifest(ctx, m.tag.TagStr(), to.Raw, to.Descriptor.MediaType)
		if err != nil {
			return &TagsError{Err: err, Tags: putBack(ctx, moves, to.Descriptor.Digest)}
		}
	}
	return nil
}

// putBack undoes the moves, also when the context has ended.
func putBack(ctx context.Context, moves []*tagMove, moved v1.Hash) []TagState {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTimeout)
	defer cancel()
	var states []TagState
	for _, m := range moves {
		states = append(states, m.putBack(ctx, moved))
	}
	return states
}

// remember reads what the tag points to now.
func (m *tagMove) remember(ctx context.Context) error {
	raw, desc, err := m.session.manifest(ctx, m.tag.TagStr())
	if statusOf(err) == http.StatusNotFound {
		return nil
	}
	m.oldRaw, m.old = raw, desc
	return err
}

// putBack makes the tag point to what it pointed to before.
func (m *tagMove) putBack(ctx context.Context, moved v1.Hash) TagState {
	state := TagState{Tag: docker(m.tag.RegistryStr()) + "/" + m.tag.RepositoryStr() + ":" + m.tag.TagStr()}
	if !m.touched {
		state.Digest, state.New = m.old.Digest, m.old.Digest == moved
		return state
	}
	// A failed request may have moved it all the same.
	now, exists, err := m.session.headManifest(ctx, m.tag.TagStr())
	if err != nil {
		state.Err = err
		return state
	}
	state.Digest = now.Digest
	if !exists || now.Digest != moved {
		return state
	}
	if m.oldRaw != nil {
		_, err = m.session.putManifest(ctx, m.tag.TagStr(), m.oldRaw, m.old.MediaType)
	} else {
		err = m.remove(ctx)
	}
	if err != nil {
		state.New, state.Err = true, err
		return state
	}
	state.Digest = m.old.Digest
	return state
}

// remove deletes a tag that was not there before. The manifest itself is left:
// deleting it would take every other tag that points to it along.
func (m *tagMove) remove(ctx context.Context) error {
	_, err := m.session.call(ctx, request{
		op: "remove the tag " + m.tag.TagStr(), method: http.MethodDelete, url: m.session.url("manifests/"+m.tag.TagStr(), nil),
		want: []int{http.StatusAccepted, http.StatusOK, http.StatusNoContent, http.StatusNotFound},
	})
	if err != nil && len(codes(err)) > 0 {
		return errors.New("the registry does not remove tags")
	}
	return err
}
