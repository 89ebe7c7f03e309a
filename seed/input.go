package seed

import (
	"fmt"
	"io"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

// input is a dump being read.
type input struct {
	io.Closer
	scanner *dump.Scanner
}

func openDump(stream source.Stream, name string) (*input, error) {
	text, _, err := source.Decompress(stream)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &input{Closer: text, scanner: dump.NewScanner(text)}, nil
}

// skipsSystem decides whether accounts and system tables are left out.
// restore.system: auto keeps them within one series of one flavour, where they
// fit, and leaves them out otherwise, where they would break the server.
func (r *restore) skipsSystem(h dump.Header) bool {
	switch r.order.Options.System {
	case spec.SystemKeep:
		return false
	case spec.SystemSkip:
		return true
	}
	from, err := mysqld.ParseVersion(h.ServerVersion)
	if err != nil {
		return false // it does not say what it was made from; the server will
	}
	base, err := mysqld.ParseVersion(r.order.Base.Version)
	return err != nil || from.Series() != base.Series() || h.Flavour != r.order.Base.Flavour
}
