package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Keychain gives somebody else who is to pull, such as a Docker Engine, the
// credentials that the Client itself logs in with. The registry is asked first,
// so that a token of the Docker config that has expired is passed over for one of
// Amazon ECR.
func (c *Client) Keychain() authn.Keychain { return keychain{c} }

type keychain struct{ client *Client }

var _ authn.ContextKeychain = keychain{}

// Resolve implements authn.Keychain.
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain. The error is an *AuthError when
// the registry refuses all credentials there are.
func (k keychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	parsed, err := k.client.parse(target.String())
	if err != nil {
		return nil, err
	}
	repo := parsed.Context()
	s := k.client.session(repo, transport.PullScope)
	_, err = s.call(ctx, request{
		op: "log in", method: http.MethodGet, want: []int{http.StatusOK},
		url: &url.URL{Scheme: repo.Scheme(), Host: repo.RegistryStr(), Path: "/v2/"},
	})
	var refused *AuthError
	if errors.As(err, &refused) {
		return nil, err
	}
	// An engine elsewhere may reach a registry that this machine does not.
	config, err := s.login.AuthorizationContext(ctx)
	if err != nil {
		return nil, err
	}
	return authn.FromConfig(*config), nil
}
