package seed

import (
	"errors"

	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// newMasker makes the filters of the mask section.
func (r *restore) newMasker(key []byte) (rows.Filters, error) {
	masker, err := mask.New(r.order.Mask, key)
	if err != nil {
		return nil, atMask(err)
	}
	r.filter.define = func(t *schema.Table) error {
		masker.Relations([]*schema.Table{t})
		return nil
	}
	return masker, nil
}

// atMask gives an error of the mask section its place.
func atMask(err error) error {
	var e *mask.Error
	if errors.As(err, &e) {
		return at(e.Path, err)
	}
	return at("mask", err)
}
