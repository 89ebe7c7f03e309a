package spec

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// kind is a YAML value's type.
type kind string

const (
	kindNull    kind = "nothing"
	kindBool    kind = "a boolean"
	kindNumber  kind = "a number"
	kindString  kind = "text"
	kindList    kind = "a list"
	kindMapping kind = "a mapping"
	// kindBroken is a value with a reported fault; nothing more is said of it.
	kindBroken kind = "unreadable"
)

// node is a YAML value with anchors and merge keys followed and build
// arguments replaced, so that nothing after it deals with YAML itself.
type node struct {
	kind   kind
	path   string
	pos    Position
	text   string // of a scalar, as written (for text: its value)
	items  []*node
	fields []field
}

// field is one entry of a mapping.
type field struct {
	key   string
	pos   Position // of the key
	value *node
}

// get returns the value of a key, or nil.
func (n *node) get(key string) *node {
	for i := range n.fields {
		if n.fields[i].key == key {
			return n.fields[i].value
		}
	}
	return nil
}

// treeBuilder makes nodes of an AST.
type treeBuilder struct {
	*problems
	lines     []string
	args      map[string]string
	anchors   map[string]ast.Node
	open      map[string]bool // anchors whose value is being built
	positions map[string]Position
	nodes     int
	depth     int
	full      bool
}

func buildTree(p *problems, root ast.Node, data []byte, args map[string]string) (*node, map[string]Position) {
	b := &treeBuilder{
		problems: p, lines: strings.Split(string(data), "\n"), args: args,
		anchors: map[string]ast.Node{}, open: map[string]bool{}, positions: map[string]Position{},
	}
	n := b.build(root, "")
	whole := Position{Line: 1, Column: 1, EndLine: max(1, len(b.lines))}
	if b.lines[whole.EndLine-1] == "" && whole.EndLine > 1 {
		whole.EndLine--
	}
	b.positions[""] = whole
	return n, b.positions
}

// fault reports a problem with n and keeps everything else quiet about it.
func (b *treeBuilder) fault(n *node, hint, format string, args ...any) {
	b.add(n.pos, n.path, hint, format, args...)
	n.kind = kindBroken
}

// build makes the node of one value and notes where it stands. It always
// returns a node: one of kindBroken after an error.
func (b *treeBuilder) build(v ast.Node, path string) *node {
	b.nodes++
	b.depth++
	defer func() { b.depth-- }()
	n := &node{kind: kindNull, path: path, pos: Position{Line: 1, Column: 1, EndLine: 1}}
	if v == nil {
		return n
	}
	n.pos = at(v.GetToken())
	if b.nodes > maxNodes || b.depth > maxDepth {
		if !b.full {
			b.add(n.pos, path, "", "the file becomes too large or too deep when its aliases are followed")
		}
		b.full, n.kind = true, kindBroken
		return n
	}
	b.fill(n, v)
	b.positions[path] = n.pos
	return n
}

func (b *treeBuilder) fill(n *node, v ast.Node) {
	switch v := v.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		n.kind, n.text = kindBool, v.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.kind, n.text = kindNumber, v.GetToken().Value
	case *ast.StringNode:
		n.pos.EndLine += newlines(v.Token)
		b.fillText(n, v.Value, n.pos)
	case *ast.LiteralNode:
		n.pos = at(v.Start)
		start := Position{Line: n.pos.Line + 1, Column: 1, EndLine: n.pos.Line + 1}
		if v.Value != nil {
			n.pos.EndLine += 1 + strings.Count(strings.TrimRight(v.Value.Token.Origin, " \r\n"), "\n")
			start.EndLine = n.pos.EndLine
			b.fillText(n, v.Value.Value, start)
		}
	case *ast.SequenceNode:
		b.fillList(n, v)
	case *ast.MappingNode:
		b.fillMapping(n, v.Values)
		if v.IsFlowStyle && v.End != nil {
			n.pos = Position{Line: v.Start.Position.Line, Column: v.Start.Position.Column, EndLine: v.End.Position.Line}
		}
	case *ast.MappingValueNode:
		b.fillMapping(n, []*ast.MappingValueNode{v})
	case *ast.AnchorNode:
		b.fillAnchor(n, v)
	case *ast.AliasNode:
		b.fillAlias(n, v)
	case *ast.TagNode:
		b.fillTag(n, v)
	default:
		b.fault(n, "", "%s is not supported here", strings.ToLower(v.Type().YAMLName()))
	}
}

func (b *treeBuilder) fillText(n *node, text string, start Position) {
	n.kind = kindString
	var faults []reference
	n.text, faults = expand(text, b.args)
	for _, f := range faults {
		b.add(locate(b.lines, start, f.nth), n.path, f.hint, "%s", f.msg)
		n.kind = kindBroken
	}
}

func (b *treeBuilder) fillList(n *node, v *ast.SequenceNode) {
	n.kind = kindList
	for i, item := range v.Values {
		c := b.build(item, fmt.Sprintf("%s[%d]", n.path, i))
		n.items = append(n.items, c)
		n.pos.EndLine = max(n.pos.EndLine, c.pos.EndLine)
	}
	if v.End != nil {
		n.pos.EndLine = max(n.pos.EndLine, v.End.Position.Line)
	}
}

func (b *treeBuilder) fillMapping(n *node, entries []*ast.MappingValueNode) {
	n.kind = kindMapping
	var merges []*ast.MappingValueNode
	lines := map[string]int{} // of the keys
	for i, e := range entries {
		key, pos, ok := b.key(n, e.Key)
		if i == 0 {
			n.pos.Line, n.pos.Column = pos.Line, pos.Column
		}
		n.pos.EndLine = max(n.pos.EndLine, pos.EndLine)
		if !ok {
			continue
		}
		if e.Key.IsMergeKey() {
			merges = append(merges, e)
			continue
		}
		path := join(n.path, key)
		if first, twice := lines[key]; twice {
			b.add(pos, path, "", "key is given twice; the first is on line %d", first)
			continue
		}
		lines[key] = pos.Line
		value := b.build(e.Value, path)
		b.widen(value, pos)
		n.fields = append(n.fields, field{key, pos, value})
		n.pos.EndLine = max(n.pos.EndLine, value.pos.EndLine)
	}
	for _, e := range merges {
		b.merge(n, e.Value, lines)
	}
}

// widen lets an empty or a block value begin at its key: "restore:" is where
// a reader looks for the section, not the line below it.
func (b *treeBuilder) widen(value *node, key Position) {
	later := value.pos.Line > key.Line && (value.kind == kindList || value.kind == kindMapping)
	if later || value.kind == kindNull {
		value.pos.Line, value.pos.Column = key.Line, key.Column
		b.positions[value.path] = value.pos
	}
}

func (b *treeBuilder) key(n *node, k ast.MapKeyNode) (string, Position, bool) {
	pos := at(k.GetToken())
	switch k := k.(type) {
	case *ast.StringNode, *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.MergeKeyNode:
		return k.GetToken().Value, pos, true
	default:
		b.add(pos, n.path, "", "a key must be plain text")
		return "", pos, false
	}
}

// merge adds the fields of "<<: value" that n does not have itself; lines
// holds those it has.
func (b *treeBuilder) merge(n *node, v ast.Node, lines map[string]int) {
	m := b.build(v, n.path)
	sources := []*node{m}
	if m.kind == kindList {
		sources = m.items
	}
	for _, s := range sources {
		if s.kind != kindMapping {
			if s.kind != kindBroken {
				b.add(s.pos, n.path, "", `"<<" merges mappings, not %s`, s.kind)
			}
			continue
		}
		for _, f := range s.fields {
			if _, has := lines[f.key]; !has {
				lines[f.key] = f.pos.Line
				f.value = b.rebase(f.value, join(n.path, f.key))
				n.fields = append(n.fields, f)
			}
		}
	}
}

// rebase gives a value that was built elsewhere the path it is used under.
func (b *treeBuilder) rebase(n *node, path string) *node {
	n.path = path
	b.positions[path] = n.pos
	for i, item := range n.items {
		b.rebase(item, fmt.Sprintf("%s[%d]", path, i))
	}
	for _, f := range n.fields {
		b.rebase(f.value, join(path, f.key))
	}
	return n
}

func (b *treeBuilder) fillAnchor(n *node, v *ast.AnchorNode) {
	name := v.Name.GetToken().Value
	b.anchors[name] = v.Value
	b.open[name] = true
	b.replace(n, b.build(v.Value, n.path))
	delete(b.open, name)
}

func (b *treeBuilder) fillAlias(n *node, v *ast.AliasNode) {
	name := v.Value.GetToken().Value
	target, known := b.anchors[name]
	switch {
	case b.open[name]:
		b.fault(n, "", "alias *%s is inside of what it stands for", name)
	case !known:
		b.fault(n, "an anchor must stand above its aliases", "there is no anchor &%s", name)
	default:
		pos := n.pos
		b.replace(n, b.build(target, n.path))
		n.pos = pos
	}
}

func (b *treeBuilder) fillTag(n *node, v *ast.TagNode) {
	if v.GetToken().Value != "!!str" {
		b.fault(n, "remove the tag", "YAML tag %s is not supported", v.GetToken().Value)
		return
	}
	b.replace(n, b.build(v.Value, n.path))
	if n.kind == kindBool || n.kind == kindNumber {
		n.kind = kindString
	}
}

// replace makes n what other is, at the place where n stands.
func (b *treeBuilder) replace(n, other *node) {
	pos := n.pos
	*n = *other
	n.pos = pos
	n.pos.EndLine = max(pos.EndLine, other.pos.EndLine)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// newlines counts the line ends inside a plain or quoted scalar as written.
func newlines(tk *token.Token) int {
	return strings.Count(strings.TrimSpace(tk.Origin), "\n")
}
