package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// opener is a layer that can be read from an offset on. Of all others the bytes
// before the offset are read and dropped.
type opener interface {
	OpenAt(offset int64) (io.ReadCloser, error)
}

// blob is something to upload.
type blob struct {
	digest v1.Hash
	size   int64
	layer  v1.Layer
	// from is the repository that the layer is in already, if known.
	from *name.Repository
}

func newBlob(layer v1.Layer) (blob, error) {
	b := blob{layer: layer}
	if m, ok := layer.(*remote.MountableLayer); ok {
		repo := m.Reference.Context()
		b.layer, b.from = m.Layer, &repo
	}
	var err error
	if b.digest, err = layer.Digest(); err != nil {
		return b, fmt.Errorf("read the layer's digest: %w", err)
	}
	if b.size, err = layer.Size(); err != nil {
		return b, fmt.Errorf("read the layer's size: %w", err)
	}
	return b, nil
}

// open reads the blob from an offset on.
func (b blob) open(offset int64) (io.ReadCloser, error) {
	if o, ok := b.layer.(opener); ok {
		return o.OpenAt(offset)
	}
	r, err := b.layer.Compressed()
	if err != nil || offset == 0 {
		return r, err
	}
	if seeker, ok := r.(io.Seeker); ok {
		_, err = seeker.Seek(offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, r, offset)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// outcome is how a blob came into a repository.
type outcome int

const (
	uploaded outcome = iota
	existed
	mounted
)

// put brings a blob into the session's repository. from, if not nil, is another
// repository of the registry that has it.
func (s *session) put(ctx context.Context, b blob, from *name.Repository, sent func(int64)) (outcome, error) {
	exists, err := s.headBlob(ctx, b.digest)
	if err != nil {
		return uploaded, err
	}
	if exists {
		return existed, nil
	}
	u := &upload{session: s, blob: b, sent: sent, chunked: b.size > s.client.options.ChunkBytes && !s.client.refusesChunks(s.repo)}
	if from != nil && from.RegistryStr() == s.repo.RegistryStr() && from.Name() != s.repo.Name() {
		done, err := u.mount(ctx, *from)
		if err != nil {
			return uploaded, err
		}
		if done {
			return mounted, nil
		}
	}
	err = u.run(ctx)
	u.closeSource()
	if err != nil {
		u.abandon(ctx)
		return uploaded, err
	}
	return uploaded, nil
}

// upload is one blob on its way into one repository. There are three ways, tried
// in this order: one PUT for what fits into a chunk; a PATCH per chunk and an
// empty PUT for what does not, which can go on after the last chunk that arrived;
// and, for registries that refuse these, one PATCH with everything and an empty
// PUT.
type upload struct {
	session *session
	blob    blob
	chunked bool
	stream  bool // the third way
	sent    func(int64)

	location *url.URL // of the upload; nil when it has to be started
	offset   int64    // what the registry has
	highest  int64    // what it ever had
	clean    bool     // nothing failed since the upload was started
	lost     int      // how often the registry forgot the upload

	source   io.ReadCloser
	position int64
}

// mount asks the registry to take the blob from another of its repositories. A
// registry that does not do so has started an upload instead. Any refusal is no
// error: the blob can be copied.
func (u *upload) mount(ctx context.Context, from name.Repository) (bool, error) {
	s := u.session.client.session(u.session.repo, transport.PushScope, from)
	answer, err := s.call(ctx, request{
		op: "mount the blob " + short(u.blob.digest), method: http.MethodPost,
		url:  s.url("blobs/uploads/", url.Values{"mount": {u.blob.digest.String()}, "from": {from.RepositoryStr()}}),
		want: []int{http.StatusCreated, http.StatusAccepted},
	})
	if err != nil {
		return false, context.Cause(ctx)
	}
	if answer.status == http.StatusCreated {
		return true, nil
	}
	return false, u.started(answer)
}

// run uploads the blob, again and again until it is there or nothing more comes
// of it. Tries are counted from the last one that got further than all before.
func (u *upload) run(ctx context.Context) error {
	p := u.session.client.patience
	for failed := 1; ; failed++ {
		before := u.highest
		err := u.attempt(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case u.fallBack(err):
			failed = 0
			continue
		case !u.recoverable(err):
			return err
		}
		if u.highest > before {
			failed = 1
		}
		if failed > p.tries {
			return fmt.Errorf("gave up after %d tries: %w", failed, err)
		}
		u.clean = false
		if err := p.wait(ctx, failed, askedWait(err)); err != nil {
			return err
		}
		// The last answer may have been lost when all had arrived.
		exists, err := u.session.headBlob(ctx, u.blob.digest)
		if err != nil || exists {
			return err
		}
		if err := u.resync(ctx); err != nil {
			return err
		}
	}
}

// attempt goes on from where the upload is.
func (u *upload) attempt(ctx context.Context) error {
	if u.location == nil {
		if err := u.start(ctx); err != nil {
			return err
		}
	}
	switch {
	case u.stream:
		if err := u.patch(ctx, u.blob.size); err != nil {
			return err
		}
	case u.chunked:
		for u.offset < u.blob.size {
			if err := u.patch(ctx, min(u.session.client.options.ChunkBytes, u.blob.size-u.offset)); err != nil {
				return err
			}
		}
	default:
		return u.commit(ctx, u.blob.size)
	}
	return u.commit(ctx, 0)
}

func (u *upload) op() string { return "upload the blob " + short(u.blob.digest) }

// start asks for an upload.
func (u *upload) start(ctx context.Context) error {
	answer, err := u.session.call(ctx, request{
		op: u.op(), method: http.MethodPost, url: u.session.url("blobs/uploads/", nil), want: []int{http.StatusAccepted},
	})
	if err != nil {
		return &startError{err}
	}
	return u.started(answer)
}

// startError is an upload that could not even be started.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

func (u *upload) started(answer reply) error {
	u.offset, u.clean = 0, true
	u.sent(0)
	return u.moved(answer)
}

// moved notes where the upload goes on.
func (u *upload) moved(answer reply) error {
	location, err := answer.url.Parse(answer.header.Get("Location"))
	if err != nil || answer.header.Get("Location") == "" {
		return fmt.Errorf("%s (%s): the registry does not say where the upload goes on", u.op(), familiar(u.session.repo))
	}
	u.location = location
	return nil
}

// patch sends the next length bytes.
func (u *upload) patch(ctx context.Context, length int64) error {
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if u.chunked {
		header.Set("Content-Range", fmt.Sprintf("%d-%d", u.offset, u.offset+length-1))
	}
	answer, err := u.transfer(ctx, request{
		op: u.op(), method: http.MethodPatch, url: u.location, header: header, length: length,
		want: []int{http.StatusAccepted, http.StatusNoContent, http.StatusCreated},
	})
	if err != nil {
		return err
	}
	has := u.offset + length
	if end, ok := rangeEnd(answer.header); ok && u.chunked {
		if end <= u.offset || end > has {
			return fmt.Errorf("%s (%s): %w: the registry has %d bytes of %d", u.op(), familiar(u.session.repo), errTorn, end, has)
		}
		has = end
	}
	u.advance(has)
	return u.moved(answer)
}

func (u *upload) advance(offset int64) {
	u.offset, u.highest = offset, max(u.highest, offset)
	u.sent(offset)
}

// commit ends the upload; length is 0 when the registry has all bytes.
func (u *upload) commit(ctx context.Context, length int64) error {
	location := *u.location
	query := location.Query()
	query.Set("digest", u.blob.digest.String())
	location.RawQuery = query.Encode()
	r := request{
		op: u.op(), method: http.MethodPut, url: &location, length: length,
		header: http.Header{"Content-Type": {"application/octet-stream"}},
		want:   []int{http.StatusCreated, http.StatusNoContent}, once: true,
	}
	var err error
	if length == 0 {
		_, err = u.session.call(ctx, r)
	} else {
		_, err = u.transfer(ctx, r)
	}
	if err == nil {
		u.advance(u.blob.size)
	}
	return err
}

// transfer sends a request with r.length bytes of the blob from u.offset on.
func (u *upload) transfer(ctx context.Context, r request) (reply, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(context.Canceled)
	var current *body
	var failure error
	// The transport may still be reading a body that it needs no more; from
	// here on it gets nothing.
	stop := func() {
		if current != nil {
			read, err := current.stop()
			u.position += read
			failure = cmp.Or(failure, err)
			current = nil
		}
	}
	r.once = true
	r.open = func() (io.ReadCloser, error) {
		stop()
		if err := u.seek(); err != nil {
			failure = err
			return nil, err
		}
		current = newBody(u.source, r.length, u.session.client.options.Stall, func() { cancel(errStalled) },
			func(n int64) { u.sent(u.offset + n) })
		return current, nil
	}
	answer, err := u.session.call(ctx, r)
	stop()
	if failure != nil {
		u.closeSource()
		if err != nil {
			err = &sourceError{fmt.Errorf("read the blob %s: %w", short(u.blob.digest), failure)}
		}
	}
	return answer, err
}

// sourceError is a blob that cannot be read: nothing is wrong with the registry.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// seek makes u.source stand at u.offset.
func (u *upload) seek() error {
	if u.source != nil && u.position == u.offset {
		return nil
	}
	u.closeSource()
	source, err := u.blob.open(u.offset)
	if err != nil {
		return err
	}
	u.source, u.position = source, u.offset
	return nil
}

func (u *upload) closeSource() {
	if u.source != nil {
		u.source.Close()
		u.source = nil
	}
}

// fallBack changes to the way that every registry understands, when the error
// shows that the registry refuses the present one. It says whether it did.
func (u *upload) fallBack(err error) bool {
	var start *startError
	var source *sourceError
	status := statusOf(err)
	if u.stream || errors.As(err, &start) || errors.As(err, &source) || unauthorised(status) || passingStatus(status) || status < 400 {
		return false
	}
	if status == http.StatusNotFound {
		// It happens to any upload. Of a registry that is several behind one
		// address each may know only its own uploads, though.
		u.lost++
		if u.lost < 3 {
			return false
		}
	} else if !u.clean {
		return false // the registry is confused by what failed before
	}
	if u.chunked {
		u.session.client.refuseChunks(u.session.repo)
	}
	u.chunked, u.stream, u.location = false, true, nil
	return true
}

// recoverable says whether another try makes sense.
func (u *upload) recoverable(err error) bool {
	var start *startError
	var source *sourceError
	var auth *AuthError
	switch status := statusOf(err); {
	case errors.As(err, &auth), errors.As(err, &source), errors.As(err, &start): // a start was repeated already
		return false
	case passing(err):
		return true
	case status == 0:
		return false
	default:
		// The registry forgot the upload, has something else than was sent, or
		// was confused by an earlier failure: a new upload helps. When nothing
		// had failed, it means what it says.
		return status == http.StatusNotFound || !u.clean
	}
}

// resync asks the registry how much it has. When it does not tell, or only whole
// uploads count, the upload starts again.
func (u *upload) resync(ctx context.Context) error {
	if u.location == nil || !u.chunked {
		u.location = nil
		return nil
	}
	answer, err := u.session.call(ctx, request{
		op: u.op(), method: http.MethodGet, url: u.location, want: []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted},
	})
	if err != nil {
		u.location = nil
		return context.Cause(ctx)
	}
	end, ok := rangeEnd(answer.header)
	if !ok || end > u.blob.size {
		u.location = nil
		return nil
	}
	if answer.header.Get("Location") != "" {
		if err := u.moved(answer); err != nil {
			return err
		}
	}
	u.advance(end)
	return nil
}

// abandon tells the registry that nothing more comes. It keeps uploads for days
// otherwise.
func (u *upload) abandon(ctx context.Context) {
	if u.location == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// A registry that cannot be reached will find out by itself.
	_, _ = u.session.call(ctx, request{
		op: u.op(), method: http.MethodDelete, url: u.location, want: []int{http.StatusNoContent, http.StatusAccepted, http.StatusOK},
	})
}

// rangeEnd reads a Range header as uploads have it, "0-1023" for 1024 bytes, and
// "0-0" for none: one byte cannot be told from it.
func rangeEnd(h http.Header) (int64, bool) {
	first, last, ok := strings.Cut(strings.TrimPrefix(h.Get("Range"), "bytes="), "-")
	if !ok || first != "0" {
		return 0, false
	}
	end, err := strconv.ParseInt(last, 10, 64)
	if err != nil || end < 0 {
		return 0, false
	}
	if end == 0 {
		return 0, true
	}
	return end + 1, true
}
