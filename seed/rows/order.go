package rows

import "github.com/dbake/dbake/seed/schema"

// Orderer is what Filters may be besides, when they look at rows in the order of
// the dump: a limit of the first hundred, say. Filters that are no Orderer may be
// given the stretches of a table's rows in any order, and several at once.
type Orderer interface {
	// Ordered reports whether the filters of a table must see its rows in
	// order, each row once, from one goroutine.
	Ordered(t *schema.Table) bool
}

// Selective is what a Filter may be besides, when it looks at some columns only:
// the others need not be taken apart, which most of the time of a pass goes into.
type Selective interface {
	// Uses has, for each column that For was told of, whether Row looks at its
	// cell or changes it; nil: all. The cells of the others hold nothing.
	Uses() []bool
}

// Split divides the filters for a table into those that need its rows in order,
// with everything that comes before them in a Chain, and those that do not. Either
// may be nil.
func Split(f Filters, t *schema.Table) (ordered, rest Filters) {
	chain, ok := f.(Chain)
	if !ok {
		if isOrdered(f, t) {
			return f, nil
		}
		return nil, f
	}
	n := 0
	for i, filters := range chain {
		if isOrdered(filters, t) {
			n = i + 1
		}
	}
	if n > 0 {
		ordered = chain[:n]
	}
	if n < len(chain) {
		rest = chain[n:]
	}
	return ordered, rest
}

func isOrdered(f Filters, t *schema.Table) bool {
	o, ok := f.(Orderer)
	return ok && o.Ordered(t)
}

// Ordered reports whether one of the chain's filters needs a table's rows in
// order.
func (c Chain) Ordered(t *schema.Table) bool {
	for _, f := range c {
		if isOrdered(f, t) {
			return true
		}
	}
	return false
}

var _ Orderer = Chain(nil)

// Uses joins what the chain's filters look at; nil: everything.
func (c chain) Uses() []bool {
	var all []bool
	for _, f := range c {
		s, ok := f.(Selective)
		if !ok {
			return nil
		}
		uses := s.Uses()
		if uses == nil {
			return nil
		}
		if all == nil {
			all = make([]bool, len(uses))
		}
		for i, used := range uses {
			all[i] = all[i] || used
		}
	}
	return all
}
