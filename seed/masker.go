package seed

import (
	"errors"
	"fmt"

	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// newMasker makes the filters of the mask section.
func (r *restore) newMasker(key []byte) (rows.Filters, error) {
	masker, err := mask.New(r.order.Mask, key)
	if err != nil {
		return nil, atMask(err)
	}
	r.filter.masker = masker
	masker.Relations(nil, mask.Declared(r.order.Options.Subset)...)
	net := policy.New(r.order.Mask.Policy, masker, r.picksTable)
	r.filter.define = func(t *schema.Table) error {
		masker.Relations([]*schema.Table{t})
		if net != nil {
			net.Declare(t)
		}
		return masker.Late(t)
	}
	if net == nil {
		return masker, nil
	}
	r.filter.policy = net
	return rows.Chain{net, masker}, nil
}

// checkRules makes sure that each rule that names a column has one: a name that is
// misspelt would let values pass. Patterns may be for other dumps.
func (r *restore) checkRules() error {
	if r.filter.masker == nil {
		return nil
	}
	for _, u := range r.filter.masker.Unmatched() {
		path := "mask.columns." + u.Pattern
		if u.Exact {
			return at(path, fmt.Errorf("no dump has the column %s, and a name that is misspelt would let values pass (mind the case of databases and tables)", u.Pattern))
		}
		r.warn(path, fmt.Sprintf("no column matches %q", u.Pattern))
	}
	return nil
}

// checkPolicy makes sure that somebody has decided about every column that
// mask.policy is about.
func (r *restore) checkPolicy() error {
	if r.filter.policy == nil {
		return nil
	}
	err := r.filter.policy.Check()
	var e *policy.Error
	if errors.As(err, &e) {
		return at(e.Path, err)
	}
	return err
}

// atMask gives an error of the mask section its place.
func atMask(err error) error {
	var e *mask.Error
	if errors.As(err, &e) {
		return at(e.Path, err)
	}
	return at("mask", err)
}

// isExpression reports whether a rule is for the server.
func isExpression(c spec.MaskColumn) bool {
	_, is := c.Transform["sql"]
	return is
}
