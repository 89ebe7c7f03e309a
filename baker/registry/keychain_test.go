package registry

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// What a Docker Engine gets is what the registry takes, also when the first source
// has an old password.
func TestKeychainForOthers(t *testing.T) {
	t.Parallel()
	if all == nil {
		t.Skip("needs root and Debian's docker-registry")
	}
	r, err := all.AuthRegistry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	repo, err := name.NewRepository(r.Host + "/app")
	if err != nil {
		t.Fatal(err)
	}
	old := source{"an old login", staticKeychain{authn.AuthConfig{Username: r.Username, Password: secret}}}
	now := source{"a new login", staticKeychain{authn.AuthConfig{Username: r.Username, Password: r.Password}}}
	c := newClient(t)
	c.sources = []source{old, now}
	got, err := authn.Resolve(t.Context(), c.Keychain(), repo)
	if err != nil {
		t.Fatal(err)
	}
	if config, err := authn.Authorization(t.Context(), got); err != nil || config.Password != r.Password {
		t.Errorf("another password than the registry's is given: %v", err)
	}
	c = newClient(t)
	c.sources = []source{old}
	var refused *AuthError
	if _, err := authn.Resolve(t.Context(), c.Keychain(), repo); !errors.As(err, &refused) || strings.Contains(err.Error(), secret) {
		t.Errorf("with an old password only: %v", err)
	}
}
