// Package engine is the Docker Engine as dbake uses it: its BuildKit, its images
// and its containers. It is the one package that imports the Docker client,
// whose types do not leave it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/client"
	"github.com/google/go-containerregistry/pkg/authn"
)

// ErrNotFound says that there is no such container or image.
var ErrNotFound = errors.New("not found")

// Options say which engine is spoken to, and how.
type Options struct {
	// Host is its address, as in DOCKER_HOST: unix://, tcp://, npipe:// or
	// ssh://. Empty: that of Context.
	Host string
	// Context is the name of a context of the docker command. Empty: DOCKER_HOST,
	// DOCKER_CONTEXT, the context that "docker context use" chose, or the
	// platform's usual address, whichever is first to be there.
	Context string
	// Keychain logs in to registries for Pull. Nil: the docker command's
	// configuration and credential helpers.
	Keychain authn.Keychain
}

// Client speaks to one engine. Its methods may be called from several
// goroutines.
type Client struct {
	api      *client.Client
	host     string
	keychain authn.Keychain
}

// New finds the engine and makes sure that it answers. The caller closes the
// Client.
func New(ctx context.Context, o Options) (*Client, error) {
	at, err := findEndpoint(o)
	if err != nil {
		return nil, err
	}
	opts, err := at.options()
	if err != nil {
		return nil, err
	}
	api, err := client.NewClientWithOpts(append(opts, client.WithAPIVersionNegotiation(), client.WithUserAgent("dbake"))...)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the Docker Engine at %s (%s): %w", at.host, at.from, err)
	}
	c := &Client{api: api, host: at.host, keychain: o.Keychain}
	if c.keychain == nil {
		c.keychain = authn.DefaultKeychain
	}
	if _, err := api.Ping(ctx); err != nil {
		_ = api.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, at.silent(err)
	}
	return c, nil
}

// Close closes the connections.
func (c *Client) Close() error { return c.api.Close() }

// Host is the engine's address.
func (c *Client) Host() string { return c.host }

// Info is what an engine says of itself.
type Info struct {
	// Version is the engine's, such as "28.5.2".
	Version string
	// OS and Architecture are in Go's words, such as "linux" and "amd64".
	OS, Architecture string
	// Containerd says that images are kept in containerd's store, which takes
	// zstd and OCI images as they are, and whose BuildKit merges layers.
	Containerd bool
}

// Info asks the engine for its version and how it keeps images.
func (c *Client) Info(ctx context.Context) (Info, error) {
	v, err := c.api.ServerVersion(ctx)
	if err != nil {
		return Info{}, c.failed("ask the engine for its version", err)
	}
	info, err := c.api.Info(ctx)
	if err != nil {
		return Info{}, c.failed("ask the engine how it keeps images", err)
	}
	i := Info{Version: v.Version, OS: v.Os, Architecture: v.Arch}
	for _, entry := range info.DriverStatus {
		if strings.HasPrefix(entry[1], "io.containerd.snapshotter.") {
			i.Containerd = true
		}
	}
	return i, nil
}

// failed words an error of the engine.
func (c *Client) failed(what string, err error) error {
	if cerrdefs.IsNotFound(err) {
		return fmt.Errorf("%s: %w: %s", what, ErrNotFound, said(err))
	}
	return fmt.Errorf("%s: %w", what, &apiError{err})
}

// said is the engine's own text, without the words around it.
func said(err error) string {
	return strings.TrimPrefix(err.Error(), "Error response from daemon: ")
}

// apiError is an error of the Docker client with the engine's own text.
type apiError struct{ err error }

func (e *apiError) Error() string { return said(e.err) }
func (e *apiError) Unwrap() error { return e.err }
