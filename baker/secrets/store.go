package secrets

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/dbake/dbake/baker/builder"
)

// MaxSize is the length of the longest secret in bytes; BuildKit's is the same.
const MaxSize = 500 << 10

// Secrets that need not be named on the command line.
const (
	AccessKeyID     = "AWS_ACCESS_KEY_ID"
	SecretAccessKey = "AWS_SECRET_ACCESS_KEY"
	SessionToken    = "AWS_SESSION_TOKEN"
	Region          = "AWS_REGION"
	// CredentialsFile is a whole credentials file of the AWS SDK.
	CredentialsFile = "aws"
)

// credentials are the ids that belong together.
var credentials = []string{AccessKeyID, SecretAccessKey, SessionToken}

// Options say which secrets there are.
type Options struct {
	// Sources are the secrets of the command line. Any of the AWS credentials
	// among them replaces all that this machine has.
	Sources []Source
	// Profile is the AWS profile to use; empty: AWS_PROFILE, or "default".
	Profile string
	// NoAWS leaves this machine's own AWS credentials alone.
	NoAWS bool
}

// Store implements builder.Secrets. What AWS credentials this machine has (in its
// environment, a profile with keys, SSO, a process or a role, a container's or
// an instance's role) is found out at the first question for one of them or for
// Region, which is then the configured region.
type Store struct {
	sources map[string]Source
	// pipes are the sources that can be read only once, as of a shell's <(…):
	// their values are kept.
	pipes map[string]func() ([]byte, error)
	aws   *chain // nil: not used
}

// New makes a store. It fails when a source's file or variable does not exist.
func New(o Options) (*Store, error) {
	s := &Store{sources: map[string]Source{}, pipes: map[string]func() ([]byte, error){}}
	for _, source := range o.Sources {
		if _, twice := s.sources[source.ID]; twice {
			return nil, fmt.Errorf("secret %s is given twice", source.ID)
		}
		if err := source.check(); err != nil {
			return nil, err
		}
		s.sources[source.ID] = source
		if source.isPipe() {
			s.pipes[source.ID] = sync.OnceValues(source.read)
		}
	}
	own := !o.NoAWS && !slices.ContainsFunc(append(slices.Clone(credentials), CredentialsFile), func(id string) bool {
		_, given := s.sources[id]
		return given
	})
	if own {
		s.aws = &chain{profile: o.Profile}
	}
	return s, nil
}

// Secret reads a secret. Without one the error is builder.ErrNoSecret.
func (s *Store) Secret(ctx context.Context, id string) ([]byte, error) {
	if read, ok := s.pipes[id]; ok {
		value, err := read()
		return slices.Clone(value), err
	}
	if source, ok := s.sources[id]; ok {
		return source.read()
	}
	if s.aws == nil || id != Region && !slices.Contains(credentials, id) {
		return nil, builder.ErrNoSecret
	}
	return s.aws.value(ctx, id)
}

// isPipe says that the source is neither a variable nor a file on a disk.
func (s Source) isPipe() bool {
	if s.Env != "" {
		return false
	}
	info, err := os.Stat(s.File)
	return err == nil && !info.Mode().IsRegular()
}

func (s Source) read() ([]byte, error) {
	if s.Env != "" {
		return []byte(os.Getenv(s.Env)), nil
	}
	file, err := os.Open(s.File)
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", s.ID, err)
	}
	defer file.Close()
	value, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", s.ID, err)
	}
	if len(value) > MaxSize {
		return nil, fmt.Errorf("secret %s: %s has more than %d bytes", s.ID, s.File, MaxSize)
	}
	return value, nil
}

var _ builder.Secrets = (*Store)(nil)
