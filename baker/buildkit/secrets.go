package buildkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	bksecrets "github.com/moby/buildkit/session/secrets"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/secrets"
)

// store answers BuildKit's questions for secrets, which come over the build's
// session, from those of the order.
type store struct {
	secrets builder.Secrets
	// profile is the AWS profile that the steps are told to use.
	profile string

	mu     sync.Mutex
	failed string // the secret that could not be had
	err    error
}

// awsIDs are the secrets that make up a credentials file.
var awsIDs = []string{secrets.AccessKeyID, secrets.SecretAccessKey, secrets.SessionToken, secrets.Region}

// GetSecret implements BuildKit's SecretStore. Of the error BuildKit passes on
// only the text, so that it is kept for failure, too.
func (s *store) GetSecret(ctx context.Context, id string) ([]byte, error) {
	value, err := s.secret(ctx, id)
	switch {
	case errors.Is(err, builder.ErrNoSecret):
		return nil, bksecrets.ErrNotFound
	case err != nil && ctx.Err() == nil:
		s.mu.Lock()
		s.failed, s.err = id, err
		s.mu.Unlock()
	}
	return value, err
}

// failure is the secret that could not be had, if there was one, and why.
func (s *store) failure() (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed, s.err
}

func (s *store) secret(ctx context.Context, id string) ([]byte, error) {
	if s.secrets == nil {
		return nil, builder.ErrNoSecret
	}
	value, err := s.secrets.Secret(ctx, id)
	if id == secrets.CredentialsFile && errors.Is(err, builder.ErrNoSecret) {
		return s.credentialsFile(ctx)
	}
	return value, err
}

// credentialsFile is a credentials file of the AWS SDK with the credentials of
// the order: a BuildKit that knows no secrets as environment (that of Docker
// Engine 20.10) brings them into a step as a file only. It also has the
// region, which thereby is not in the step's cache key, and a profile of the
// name that the steps are told to use.
func (s *store) credentialsFile(ctx context.Context) ([]byte, error) {
	var lines []byte
	for _, entry := range []struct {
		key, id  string
		required bool
	}{
		{"aws_access_key_id", secrets.AccessKeyID, true},
		{"aws_secret_access_key", secrets.SecretAccessKey, true},
		{"aws_session_token", secrets.SessionToken, false},
		{"region", secrets.Region, false},
	} {
		value, err := s.secrets.Secret(ctx, entry.id)
		if errors.Is(err, builder.ErrNoSecret) && !entry.required {
			continue
		}
		if err != nil {
			return nil, err
		}
		value = bytes.TrimSpace(value)
		if bytes.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("the secret %s has several lines", entry.id)
		}
		lines = fmt.Appendf(lines, "%s = %s\n", entry.key, value)
	}
	file := slices.Concat([]byte("[default]\n"), lines)
	if s.profile != "" && s.profile != "default" {
		file = slices.Concat(file, []byte("["+s.profile+"]\n"), lines)
	}
	return file, nil
}

var _ bksecrets.SecretStore = (*store)(nil)
