package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// session talks to one repository, logged in for one action. It connects when
// it is first used. Its methods may be called from many goroutines.
type session struct {
	client *Client
	repo   name.Repository
	action string   // transport.PullScope or PushScope
	scopes []string // all that the token has to be good for
	login  *login

	mu         sync.Mutex
	http       *http.Client
	generation int // how often it connected
}

// session gives the session for an action; from are repositories that it also
// has to read.
func (c *Client) session(repo name.Repository, action string, from ...name.Repository) *session {
	scopes := []string{repo.Scope(action)}
	for _, r := range from {
		scopes = append(scopes, r.Scope(transport.PullScope))
	}
	key := repo.RegistryStr() + " " + strings.Join(scopes, " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[key]; s != nil {
		return s
	}
	l := c.logins[repo.Name()]
	if l == nil {
		l = &login{sources: c.sources, target: repo}
		c.logins[repo.Name()] = l
	}
	s := &session{client: c, repo: repo, action: action, scopes: scopes, login: l}
	c.sessions[key] = s
	return s
}

// connected is the HTTP client that is logged in, and its generation.
func (s *session) connected(ctx context.Context) (*http.Client, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		if err := s.connect(ctx); err != nil {
			return nil, 0, err
		}
	}
	return s.http, s.generation, nil
}

// connect learns what the registry wants and logs in; s.mu is held.
func (s *session) connect(ctx context.Context) error {
	for try := 1; ; try++ {
		age := s.login.age()
		authed, err := transport.NewWithContext(ctx, s.repo.Registry, s.login, s.client.transport, s.scopes)
		if err == nil {
			s.http = &http.Client{Transport: authed}
			s.generation++
			return nil
		}
		if !unauthorised(statusOf(err)) {
			return s.connectError(err)
		}
		// Each place may have credentials, and AWS always has other ones.
		if try > len(s.login.sources) || !s.login.renew(ctx, age) {
			return s.authError(err)
		}
	}
}

func (s *session) connectError(err error) error {
	op := "connect to the registry"
	var answer *transport.Error
	if errors.As(err, &answer) {
		return &Error{Op: op, Repository: familiar(s.repo), Status: answer.StatusCode}
	}
	return s.sendError(op, err)
}

func unauthorised(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// reconnect logs in with other credentials, unless another goroutine just did.
// It says whether there were others.
func (s *session) reconnect(ctx context.Context, refused, age int) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != refused {
		return true, nil
	}
	if !s.login.renew(ctx, age) {
		return false, nil
	}
	return true, s.connect(ctx)
}

// request is one request to a registry.
type request struct {
	op     string // for errors: "push the manifest"
	method string
	url    *url.URL
	header http.Header
	body   []byte
	// open, in place of body, gives length bytes. It is called again when the
	// same has to be sent with another login; what it gave before is not read
	// then.
	open   func() (io.ReadCloser, error)
	length int64
	want   []int // statuses that are no error
	once   bool  // a failure is for the caller to repeat
}

// url is an address of the repository: path is what follows /v2/NAME/.
func (s *session) url(path string, query url.Values) *url.URL {
	return &url.URL{
		Scheme: s.repo.Scheme(), Host: s.repo.RegistryStr(),
		Path:     "/v2/" + s.repo.RepositoryStr() + "/" + path,
		RawQuery: query.Encode(),
	}
}

// do sends a request and gives the answer, whose body the caller closes. Other
// statuses than the wanted are an *Error or, when credentials are the reason, an
// *AuthError, after one try with other credentials.
func (s *session) do(ctx context.Context, r request) (*http.Response, error) {
	for try := 1; ; try++ {
		client, generation, err := s.connected(ctx)
		if err != nil {
			return nil, err
		}
		age := s.login.age()
		answer, err := s.send(ctx, client, r)
		if err == nil {
			return answer, nil
		}
		if !unauthorised(statusOf(err)) {
			return nil, err
		}
		other := false
		if try == 1 {
			var rerr error
			if other, rerr = s.reconnect(ctx, generation, age); rerr != nil {
				return nil, rerr
			}
		}
		if !other {
			return nil, s.authError(err)
		}
	}
}

func (s *session) send(ctx context.Context, client *http.Client, r request) (*http.Response, error) {
	if r.once {
		ctx = context.WithValue(ctx, onceKey{}, true)
	}
	var body io.Reader = http.NoBody
	if r.body != nil {
		body = bytes.NewReader(r.body) // net/http knows how to read it again
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%s (%s): %w", r.op, familiar(s.repo), err)
	}
	if r.open != nil {
		req.GetBody, req.ContentLength = r.open, r.length
	}
	for key, values := range r.header {
		req.Header[key] = values
	}
	answer, err := client.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, s.sendError(r.op, err)
	}
	if !slices.Contains(r.want, answer.StatusCode) {
		defer answer.Body.Close()
		return nil, s.answerError(r.op, answer)
	}
	return answer, nil
}

// reply is an answer without its body.
type reply struct {
	status int
	header http.Header
	length int64    // of the body
	url    *url.URL // of the request, after redirects
}

// call is do for requests whose answer has no body of interest.
func (s *session) call(ctx context.Context, r request) (reply, error) {
	answer, err := s.do(ctx, r)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxErrorBody) // keeps the connection
	return reply{answer.StatusCode, answer.Header, answer.ContentLength, answer.Request.URL}, nil
}
