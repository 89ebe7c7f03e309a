// Package target is where the bytes of a dump go: an object in S3, a file or an
// open stream. What is written appears only when it is complete.
package target

import (
	"context"
	"io"
)

// Writer is one object being written. Nothing is visible under its name until
// Commit returns nil; Abort (also after a failed Commit, and after a Commit,
// where it does nothing) removes whatever was written.
type Writer interface {
	io.Writer
	// Commit makes the object appear, with metadata that was not known at its
	// beginning, such as the SHA-256 of its content.
	Commit(ctx context.Context, metadata map[string]string) error
	Abort() error
}
