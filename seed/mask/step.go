package mask

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// value is what a step takes and gives.
type value struct {
	kind rows.Kind
	text []byte
}

// same reports whether two values are one and the same, not only equal: a mask
// may give the value it got by chance.
func (v value) same(w value) bool {
	return v.kind == w.kind && len(v.text) == len(w.text) &&
		(v.kind == rows.Null || len(v.text) == 0 || &v.text[0] == &w.text[0])
}

// step computes masks. It belongs to one goroutine; its result is valid until
// its next call, and it never changes the text it is given.
type step interface {
	apply(r *row, v value) (value, error)
}

// traits say what can be relied on.
type traits struct {
	// injective: different values, as the column's collation sees them, have
	// different masks.
	injective bool
	// free: the mask does not depend on the value, so it breaks no promise that
	// masks of one value are the same everywhere.
	free bool
	// null: all masks are NULL.
	null bool
	// cut: a result that is too long may be cut.
	cut bool
	// sound: a document that was valid is valid.
	sound bool
}

// definition is a transform with its options, before it is known for which
// column.
type definition interface {
	bind(b *binder) (step, traits, error)
}

// binder is what a definition is told of the column.
type binder struct {
	keys    *keys
	table   *schema.Table
	columns []string
	// column is the column that is masked; nil inside of documents. model is the
	// one it refers to, or column: a mask is the same on both ends.
	column, model *column
	scope         string
}

// nested is the binder for a value inside of a document, which has no type.
func (b *binder) nested() *binder {
	n := *b
	n.column, n.model = nil, nil
	return &n
}

// cell returns the index of another column of the row.
func (b *binder) cell(name string) (int, error) {
	for i, c := range b.columns {
		if strings.EqualFold(c, name) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the rows have no column %q", name)
}

// wants refuses columns of other families; a value in a document is text.
func (b *binder) wants(families ...family) error {
	if b.column == nil {
		return nil
	}
	for _, f := range families {
		if b.column.family == f {
			return nil
		}
	}
	return fmt.Errorf("this gives no value of the type %s", b.column.def.FullType)
}

// wantsText is for transforms that give any text.
func (b *binder) wantsText() error {
	err := b.wants(textFamily, binaryFamily)
	switch {
	case err == nil:
		return nil
	case b.column.family == jsonFamily:
		return fmt.Errorf("%w: use json: {$.path: {…}}", err)
	case b.column.numeric():
		return fmt.Errorf("%w: use noise or unique", err)
	case b.column.family == dateFamily:
		return fmt.Errorf("%w: use shift", err)
	case b.column.family == enumFamily:
		return fmt.Errorf("%w: use shuffle or choice", err)
	}
	return err
}

// folded reports whether the column's collation can take two different letters
// of ASCII for the same one, other than by case.
func (b *binder) folded() bool { return b.column != nil && b.column.blurred() }

// valued wraps steps that leave NULL and empty texts alone.
type valued struct{ step }

func (s valued) apply(r *row, v value) (value, error) {
	if v.kind == rows.Null || len(v.text) == 0 {
		return v, nil
	}
	return s.step.apply(r, v)
}

// fold brings spellings of one value together: the case of letters and blanks at
// the ends do not count, as for most collations. The result is dst or text.
func fold(dst, text []byte) []byte {
	text = bytes.Trim(text, " ")
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 0x80 {
			// ToLower allocates, but only where there is something to lower.
			return bytes.ToLower(text)
		}
		if c >= 'A' && c <= 'Z' {
			return lowerASCII(dst[:0], text)
		}
	}
	return text
}

func lowerASCII(dst, text []byte) []byte {
	for _, c := range text {
		if c >= 0x80 {
			return bytes.ToLower(text)
		}
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

func lower(s string) string { return strings.ToLower(s) }

// fullName is the column's name in errors and patterns.
func fullName(t *schema.Table, column string) string {
	return t.Schema + "." + t.Name + "." + column
}
