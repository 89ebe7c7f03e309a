package mask

import (
	"fmt"
	"strings"

	"github.com/dbake/dbake/seed/schema"
)

// checkKeys refuses masks that could give two rows the same value of a unique key.
func checkKeys(t *schema.Table, masks map[string]*bound) error {
	for i := range t.Keys {
		k := &t.Keys[i]
		if !k.Unique && !k.Primary {
			continue
		}
		culprit := culpritOf(t, k, masks)
		if culprit == nil || safeWithin(t, k, masks) {
			continue
		}
		if k.Partial {
			return fmt.Errorf("mask %s: the unique key %q is over a part of the value or an expression, which masks can make equal "+
				"(take the key off in the dump, or use null or keep)", culprit.column.full, k.Name)
		}
		return fmt.Errorf("mask %s: two values of the unique key %q could get the same mask (%s)",
			culprit.column.full, k.Name, hint(culprit))
	}
	return nil
}

func hint(b *bound) string {
	switch {
	case b.when != nil:
		return "masks of some rows can equal values of others: leave out when"
	case b.column.blurred():
		return "its collation takes different letters for one: unique: {as: code}"
	}
	return "use unique: {}, or a transform that gives every value its own mask, such as email, username, uuid"
}

// culpritOf returns a mask that keeps rows from being told apart by the key, or
// nil. NULL never equals anything in a unique key.
func culpritOf(t *schema.Table, k *schema.Key, masks map[string]*bound) *bound {
	var first *bound
	for _, name := range k.Columns {
		b := masks[strings.ToLower(name)]
		if b == nil {
			continue
		}
		if c := t.Column(name); b.traits.null && c != nil && !c.NotNull {
			return nil
		}
		if first == nil && (k.Partial || !b.traits.injective) {
			first = b
		}
	}
	return first
}

// safeWithin reports whether columns of the key alone are a unique key that stays
// one, whatever becomes of the others.
func safeWithin(t *schema.Table, k *schema.Key, masks map[string]*bound) bool {
	for i := range t.Keys {
		other := &t.Keys[i]
		if other == k || other.Partial || (!other.Unique && !other.Primary) || len(other.Columns) >= len(k.Columns) {
			continue
		}
		within := true
		for _, name := range other.Columns {
			c := t.Column(name)
			b := masks[strings.ToLower(name)]
			within = within && c != nil && c.NotNull && contains(k.Columns, name) && (b == nil || b.traits.injective)
		}
		if within {
			return true
		}
	}
	return false
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
