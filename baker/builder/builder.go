// Package builder says what a builder is: whatever can find out what the dumps
// of a dbake.yaml are right now, and restore them into a data directory.
//
// Builders are in packages of their own: local (no daemon), buildkit and docker.
// What they restore is the same; the baker puts the image together.
package builder

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// ErrNoSecret is what Secrets.Secret returns for a secret that nobody gave.
var ErrNoSecret = errors.New("no such secret")

// Secrets gives the values of secrets by id. It may be called from several
// goroutines. AWS credentials are the secrets AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; they are found when first asked
// for and are fresh at every call.
type Secrets interface {
	Secret(ctx context.Context, id string) ([]byte, error)
}

// Order is what a builder works on.
type Order struct {
	// File is the dbake.yaml, parsed with Args. Name and Data are the file
	// itself, for builders that hand it on.
	File *spec.File
	Name string
	Data []byte
	// Args are the values of ${NAME} in the file and of AWS_REGION and the
	// like (frontend's build arguments). None is a secret.
	Args map[string]string
	// Context is the directory on this machine that holds the dump files and
	// scripts which the file names; its own .dockerignore counts.
	Context string
	Secrets Secrets
	// Base is the base image for this machine's platform; BaseRef is its
	// reference, pinned by the digest of the index it is in, or its own, so that
	// a builder on another platform has its own image of it.
	Base    v1.Image
	BaseRef string
	// Resolved is what Resolve said a moment ago. Restore may take it instead of
	// asking again; an object that has changed since is a failure then.
	Resolved *plan.Resolved
	// NoCache restores although nothing changed.
	NoCache bool
}

// Restored is a restored data directory.
type Restored struct {
	Resolved plan.Resolved
	// Manifest is the manifest as compact JSON (seed/manifest).
	Manifest []byte
	// Data has every file of the data layer at its path in the image: the data
	// directory, plan.ManifestPath and plan.PristineDir.
	Data *tree.Tree
	// Close removes everything that the builder made for the restore. Call it
	// once, when Data is not needed any more.
	Close func() error
}

// Builder restores. Its methods may be called at the same time.
//
// When the context ends, a builder stops its work, removes what it made, and
// returns the context's cause. A failure that belongs to a place in the
// dbake.yaml is a *spec.Error (Order.Fail).
type Builder interface {
	// Resolve says what the dumps are right now and what server the base has.
	Resolve(ctx context.Context, o Order, w progress.Writer) (plan.Resolved, error)
	// Restore restores what Resolve would say now, or Order.Resolved. The caller closes what it
	// returns.
	Restore(ctx context.Context, o Order, w progress.Writer) (*Restored, error)
}

// Fail is a step's failure as an error: a *spec.Error, when it belongs to a place
// in the dbake.yaml.
func (o Order) Fail(f plan.Failure) error {
	if f.Path == "" {
		return errors.New(f.Message)
	}
	return &spec.Error{File: o.Name, Pos: o.File.Position(f.Path), Path: f.Path, Msg: f.Message}
}
