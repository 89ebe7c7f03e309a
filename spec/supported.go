package spec

import "slices"

// Unsupported is something that is parsed and checked, and then refused,
// because nothing carries it out yet. Whoever builds it deletes its line below.
type Unsupported struct {
	// Path is the key.
	Path string
	// What is the part of its values that is refused; empty: all of them.
	What string
	// Hint says what to do instead; it may be empty.
	Hint string

	used func(*File) bool
}

var unsupported = []Unsupported{
	{"mask.columns", "sql", "the other transforms work while the rows pass", func(f *File) bool {
		return f.Mask != nil && slices.ContainsFunc(f.Mask.Columns, func(c MaskColumn) bool {
			_, uses := c.Transform["sql"]
			return uses
		})
	}},
	{"mask.sql", "", "", func(f *File) bool { return f.Mask != nil && len(f.Mask.SQL) > 0 }},
}

// NotSupported lists what Parse refuses although the format knows it.
func NotSupported() []Unsupported { return slices.Clone(unsupported) }

// refuseUnsupported reports every unsupported key that the file uses: a key
// is never ignored in silence.
func (f *File) refuseUnsupported(p *problems) {
	for _, u := range unsupported {
		known := slices.ContainsFunc(p.list, func(e *Error) bool { return e.Path == u.Path })
		if known || !u.used(f) {
			continue
		}
		what := "not supported yet"
		if u.What != "" {
			what = u.What + " is not supported yet"
		}
		p.add(f.Position(u.Path), u.Path, u.Hint, "%s", what)
	}
}
