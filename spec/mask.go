package spec

import (
	"slices"
	"strconv"
)

// MaskColumns are the rules of mask.columns, in the order of the file.
type MaskColumns []MaskColumn

// MaskColumn is one rule: what becomes of the columns that match a pattern.
type MaskColumn struct {
	// Pattern is a glob over db.table.column.
	Pattern string `json:"pattern"`
	// Transform maps the name of one transform to its options, as the file has
	// them: texts, float64 for numbers, booleans, lists and mappings. Beside it
	// there may be MaskWhen and MaskScope. Transforms says what can be in it.
	Transform map[string]any `json:"transform"`
}

func (d *decoder) mask(n *node) *Mask {
	if !record[Mask](d, n) {
		return nil
	}
	var m Mask
	if v := n.get("key"); v != nil {
		m.Key = d.secret(v)
	}
	if v := n.get("columns"); v != nil && d.is(v, kindMapping) {
		for _, f := range v.fields {
			// The pattern is a key: the check wants it as a value.
			pattern := &node{kind: kindString, text: f.key, pos: f.pos, path: f.value.path}
			d.dottedGlob(pattern, "db.table.column")
			m.Columns = append(m.Columns, MaskColumn{Pattern: f.key, Transform: d.transform(f.value)})
		}
	}
	if v := n.get("sql"); v != nil {
		m.SQL = d.texts(v, d.contextPath)
	}
	if v := n.get("policy"); v != nil {
		m.Policy = d.policy(v)
	}
	return &m
}

func (d *decoder) policy(n *node) *MaskPolicy {
	if !record[MaskPolicy](d, n) {
		return nil
	}
	d.required(n, "require_decision")
	p := MaskPolicy{Columns: PolicyPersonal}
	if v := n.get("require_decision"); v != nil && d.is(v, kindBool) {
		p.RequireDecision = plain(v) == true
	}
	if v := n.get("columns"); v != nil {
		p.Columns = choice(d, v, PolicyPersonal, PolicyAll)
	}
	return &p
}

// transform decodes a mapping from one transform's name to its options.
func (d *decoder) transform(n *node) map[string]any {
	if !d.is(n, kindMapping) {
		return nil
	}
	values := make(map[string]any, len(n.fields))
	names := TransformNames()
	count := 0
	var t *Transform
	for _, f := range n.fields {
		switch {
		case slices.Contains(names, f.key):
			count++
			t = TransformNamed(f.key)
			d.options(t, f.value)
		case f.key == MaskWhen, f.key == MaskScope:
			d.text(f.value)
		default:
			count++
			d.add(f.pos, f.value.path, didYouMean(f.key, names), "unknown transform")
		}
		values[f.key] = plain(f.value)
	}
	switch v := n.get(MaskScope); {
	case count != 1:
		d.fail(n, "chain: joins several", "must hold exactly one transform, not %d", count)
	case v != nil && t != nil && !t.Keyed && !t.Nested && t.Name != "template":
		d.fail(v, "remove it", "a scope means nothing to %s, which uses no key", t.Name)
	}
	return values
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
