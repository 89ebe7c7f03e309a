package registry

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
)

// source is a place where credentials come from.
type source struct {
	name     string // "the Docker config"
	keychain authn.Keychain
}

// sources are where credentials are looked for, in order.
func sources(given authn.Keychain) []source {
	if given != nil {
		return []source{{"the given keychain", given}}
	}
	return []source{
		{"the Docker config", authn.DefaultKeychain},
		{"AWS (GetAuthorizationToken)", ECRKeychain()},
	}
}

// login finds the credentials for one repository when they are first needed,
// keeps them, and looks for others when they are refused: tokens expire within
// a long push, and what is in the Docker config may be old.
type login struct {
	sources []source
	target  authn.Resource

	mu       sync.Mutex
	renewals int
	found    bool
	current  authn.AuthConfig
	from     string // where current is from; empty for none
	refused  []authn.AuthConfig
	problems []error
}

var (
	_ authn.Authenticator        = (*login)(nil)
	_ authn.ContextAuthenticator = (*login)(nil)
)

// Authorization implements authn.Authenticator.
func (l *login) Authorization() (*authn.AuthConfig, error) {
	return l.AuthorizationContext(context.Background())
}

// AuthorizationContext implements authn.ContextAuthenticator.
func (l *login) AuthorizationContext(ctx context.Context) (*authn.AuthConfig, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.found {
		l.find(ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		l.found = true // also when there are none: the registry may be public
	}
	config := l.current
	return &config, nil
}

// age counts the renewals; it is read before a request and given to renew.
func (l *login) age() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewals
}

// renew is called when the registry refused the credentials of that age. It says
// whether there are others now, also when somebody else has just found them.
func (l *login) renew(ctx context.Context, age int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.renewals != age {
		return true
	}
	if l.from != "" {
		l.refused = append(l.refused, l.current)
	}
	before := l.current
	if l.find(ctx) {
		l.found = true
		l.renewals++
		return true
	}
	l.current = before // for the error, from is kept
	return false
}

// find takes the first credentials that were not refused. A source that fails
// is passed over: the registry may not want any. What failed is told when it
// does.
func (l *login) find(ctx context.Context) bool {
	l.problems = nil
	for _, s := range l.sources {
		config, err := resolve(ctx, s.keychain, l.target)
		if err != nil {
			l.problems = append(l.problems, fmt.Errorf("credentials from %s: %w", s.name, err))
			continue
		}
		if config == (authn.AuthConfig{}) || slices.Contains(l.refused, config) {
			continue
		}
		l.current, l.from = config, s.name
		return true
	}
	return false
}

func (l *login) state() (from string, problems []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from, l.problems
}

// resolve asks one keychain; the result is zero when it has no credentials.
func resolve(ctx context.Context, keychain authn.Keychain, target authn.Resource) (authn.AuthConfig, error) {
	authenticator, err := authn.Resolve(ctx, keychain, target)
	if err != nil || authenticator == authn.Anonymous {
		return authn.AuthConfig{}, err
	}
	config, err := authn.Authorization(ctx, authenticator)
	if err != nil {
		return authn.AuthConfig{}, err
	}
	return *config, nil
}
