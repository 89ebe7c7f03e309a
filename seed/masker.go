package seed

import (
	"errors"

	"github.com/dbake/dbake/seed/rows"
)

// newMasker makes the filters of the mask section.
func (r *restore) newMasker([]byte) (rows.Filters, error) {
	return nil, at("mask", errors.New("masks are not supported yet"))
}
