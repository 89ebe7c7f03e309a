// Package registry pulls base images from and pushes baked images to image
// registries, by the OCI distribution specification
// (https://github.com/opencontainers/distribution-spec/blob/main/spec.md).
//
// It stands on go-containerregistry for names, credentials and the login; the
// transfers are its own, because they have to survive what happens within a push
// of many gigabytes: an upload goes on where it broke off, a token that expired
// is replaced, and tags move together when everything they point to is there.
package registry

import (
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/dbake/dbake/baker/progress"
)

// Options say how a Client works. The zero value is what most users want.
type Options struct {
	// Keychain replaces the usual places for credentials: the Docker config
	// with its credential helpers, then AWS for Amazon ECR.
	Keychain authn.Keychain
	// Insecure are the hosts (with their port) that may be talked to without
	// TLS, or with a certificate that nobody vouches for. localhost always may.
	Insecure []string
	// Transport replaces the HTTP transport to all hosts.
	Transport http.RoundTripper
	// UserAgent begins the User-Agent header; default "dbake".
	UserAgent string
	// ChunkBytes is how much of a blob one request carries: larger blobs are
	// sent in chunks, so that a broken connection costs no more than a chunk.
	// Default 64 MiB.
	ChunkBytes int64
	// Retries is how often something that fails without getting any further is
	// tried again; default 5, negative for never.
	Retries int
	// FirstWait is the wait before the first retry, it doubles with each;
	// default 500 ms.
	FirstWait time.Duration
	// Stall is for how long a transfer may stand still; default 2 minutes.
	Stall time.Duration
	// Jobs is how many blobs are uploaded at a time; default 4.
	Jobs int
	// Progress gets a step per blob; default: nothing is told.
	Progress progress.Writer
}

// Client talks to registries. It logs in when it first has to, keeps logins and
// connections, and may be used from many goroutines.
type Client struct {
	options   Options
	patience  patience
	hosts     *hosts
	transport http.RoundTripper
	sources   []source

	mu       sync.Mutex
	sessions map[string]*session
	logins   map[string]*login // by repository
	streams  map[string]bool   // registries that refuse chunks
}

// New makes a Client. It does not talk to anyone yet.
func New(o Options) *Client {
	setDefault(&o.UserAgent, "dbake")
	setDefault(&o.ChunkBytes, 64<<20)
	setDefault(&o.Retries, 5)
	setDefault(&o.FirstWait, 500*time.Millisecond)
	setDefault(&o.Stall, 2*time.Minute)
	setDefault(&o.Jobs, 4)
	if o.Progress == nil {
		o.Progress = progress.Discard
	}
	c := &Client{
		options:  o,
		patience: patience{tries: max(0, o.Retries), first: o.FirstWait},
		hosts:    newHosts(o.Insecure, o.Transport),
		sources:  sources(o.Keychain),
		sessions: map[string]*session{},
		logins:   map[string]*login{},
		streams:  map[string]bool{},
	}
	c.transport = transport.NewUserAgent(&retrying{inner: c.hosts, patience: c.patience}, o.UserAgent)
	return c
}

func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Close closes connections that are kept for later. The Client may be used on.
func (c *Client) Close() { c.hosts.close() }
