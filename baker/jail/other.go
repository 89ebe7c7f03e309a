//go:build !linux

package jail

import (
	"context"
	"fmt"
	"runtime"
)

// Jail needs Linux.
type Jail struct{}

func unsupported() error {
	return fmt.Errorf("%w: it needs Linux, and this is %s; bake with --builder buildkit or --builder docker", ErrImpossible, runtime.GOOS)
}

// Main has nothing to do: it is of use on Linux.
func Main() (status int, inside bool) { return 0, false }

// Detect fails.
func Detect(context.Context) (level Level, reason string, err error) { return "", "", unsupported() }

// New fails.
func New(context.Context, Config) (*Jail, error) { return nil, unsupported() }

// Level is empty.
func (*Jail) Level() Level { return "" }

// Reason is empty.
func (*Jail) Reason() string { return "" }

// Path is empty.
func (*Jail) Path(string) string { return "" }

// Run fails.
func (*Jail) Run(context.Context, Command) error { return unsupported() }

// Close has nothing to do.
func (*Jail) Close() error { return nil }

// KillBelow has nothing to do.
func KillBelow(string) error { return nil }
