package spec

import (
	"slices"
	"strconv"
)

// transforms are the names a column of mask.columns can be given. Their
// options are checked by what carries them out.
var transforms = []string{
	"null", "constant", "template", "redact", "truncate", "regex", "hash",
	"email", "name", "first_name", "last_name", "username", "phone", "address", "city", "zip", "country",
	"company", "job", "credit_card", "iban", "ip", "mac", "url", "uuid",
	"shift", "noise", "shuffle", "choice", "password_hash", "json", "php", "unique", "chain", "sql",
}

// condition is the key that may stand beside a transform.
const condition = "when"

// Transforms lists the names of the transforms of mask.columns, and of the
// condition that may stand beside one of them.
func Transforms() (names []string, when string) { return slices.Clone(transforms), condition }

func (d *decoder) mask(n *node) *Mask {
	if !record[Mask](d, n) {
		return nil
	}
	var m Mask
	if v := n.get("key"); v != nil {
		m.Key = d.secret(v)
	}
	if v := n.get("columns"); v != nil && d.is(v, kindMapping) {
		m.Columns = make(map[string]map[string]any, len(v.fields))
		for _, f := range v.fields {
			// The pattern is a key: the check wants it as a value.
			pattern := &node{kind: kindString, text: f.key, pos: f.pos, path: f.value.path}
			d.dottedGlob(pattern, "db.table.column")
			m.Columns[f.key] = d.transform(f.value)
		}
	}
	if v := n.get("sql"); v != nil {
		m.SQL = d.texts(v, d.contextPath)
	}
	return &m
}

// transform decodes the value of a column: a mapping from one transform's
// name to its options.
func (d *decoder) transform(n *node) map[string]any {
	if !d.is(n, kindMapping) {
		return nil
	}
	options := make(map[string]any, len(n.fields))
	count := 0
	for _, f := range n.fields {
		switch {
		case slices.Contains(transforms, f.key):
			count++
		case f.key != condition:
			d.add(f.pos, f.value.path, didYouMean(f.key, transforms), "unknown transform")
			count++
		}
		options[f.key] = plain(f.value)
	}
	if count != 1 {
		d.fail(n, "chain: joins several", "must hold exactly one transform, not %d", count)
	}
	return options
}

// plain turns a node into what encoding/json would make of it.
func plain(n *node) any {
	switch n.kind {
	case kindBool:
		return n.text == "true" || n.text == "True" || n.text == "TRUE"
	case kindNumber:
		if f, err := strconv.ParseFloat(n.text, 64); err == nil {
			return f
		}
		return n.text
	case kindString:
		return n.text
	case kindList:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = plain(item)
		}
		return list
	case kindMapping:
		m := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			m[f.key] = plain(f.value)
		}
		return m
	case kindNull:
	}
	return nil
}
