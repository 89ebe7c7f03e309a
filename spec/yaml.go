package spec

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits that keep a hostile file from costing more than a moment: the YAML
// parser recurses, and takes time quadratic in the number of keys.
const (
	maxFileSize = 1 << 20 // bytes
	maxTokens   = 30_000
	maxDepth    = 64
	maxNodes    = 20_000 // after aliases are followed
)

// yamlRoot reads data as one YAML document and returns its root, or nil after
// it reported what is wrong.
func yamlRoot(p *problems, data []byte) ast.Node {
	if !checkText(p, data) {
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if !checkTokens(p, tokens) {
		return nil
	}
	file, err := parseTokens(tokens)
	if err != nil {
		syntaxError(p, data, err)
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if root != nil {
			p.add(at(doc.Body.GetToken()), "", `keep one, and remove the "---" between them`,
				"the file holds more than one YAML document")
			return nil
		}
		root = doc.Body
	}
	if root == nil || root.Type() == ast.NullType {
		p.add(Position{Line: 1, Column: 1, EndLine: 1}, "", "start with version, base and dump", "the file is empty")
		return nil
	}
	return root
}

// parseTokens calls the YAML parser; a panic of it becomes an error, because
// a file must never take down the tool that reads it.
func parseTokens(tokens token.Tokens) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("the YAML parser gave up on it: %v", r)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// checkText refuses what is no text: too much of it, other encodings, control
// characters.
func checkText(p *problems, data []byte) bool {
	if len(data) > maxFileSize {
		p.add(Position{Line: 1, Column: 1, EndLine: 1}, "", "is this the dump instead of the dbake.yaml?",
			"the file has %d bytes; a dbake.yaml has at most %d", len(data), maxFileSize)
		return false
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			p.add(positionOf(data, i), "", "save it as UTF-8", "byte 0x%02x is not UTF-8 text", data[i])
			return false
		case (r < ' ' && r != '\t' && r != '\n' && r != '\r') || r == 0x7f:
			p.add(positionOf(data, i), "", "", "control character 0x%02x is not allowed", data[i])
			return false
		case r == '\r' && !bytes.HasPrefix(data[i:], []byte("\r\n")):
			// YAML takes it for a line end, and almost nothing else does.
			p.add(positionOf(data, i), "", "end lines with a line feed", "a carriage return stands alone")
			return false
		}
		i += size
	}
	return true
}

// checkTokens refuses nesting and sizes that no dbake.yaml needs, before the
// parser recurses into them.
func checkTokens(p *problems, tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		p.add(at(tokens[maxTokens]), "", "is this a dbake.yaml?", "the file holds too many values")
		return false
	}
	flow, run := 0, 0
	for _, tk := range tokens {
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			run++
		default:
			run = 0
		}
		if flow > maxDepth || run > maxDepth {
			p.add(at(tk), "", "", "values are nested too deeply")
			return false
		}
	}
	return true
}

// syntaxError turns an error of the YAML parser into a problem.
func syntaxError(p *problems, data []byte, err error) {
	pos := Position{Line: 1, Column: 1, EndLine: 1}
	msg, hint := err.Error(), ""
	var ye yaml.Error
	if errors.As(err, &ye) {
		pos, msg = at(ye.GetToken()), ye.GetMessage()
	}
	lines := bytes.Split(data, []byte("\n"))
	line := ""
	if pos.Line <= len(lines) {
		line = string(lines[pos.Line-1])
	}
	switch {
	case strings.Contains(msg, "character '\t'"):
		msg, hint = "a tab cannot indent", "indent with spaces"
	case strings.Contains(line, "${") && strings.Contains(msg, "must be specified"):
		hint = `inside { } and [ ] a value with ${…} needs quotes: "${NAME}"`
	case strings.Contains(msg, "mapping value is not allowed"):
		hint = `a value that contains ": " needs quotes`
	case strings.Contains(msg, "is a reserved character"):
		hint = "put the value in quotes"
	}
	p.add(pos, "", hint, "not valid YAML: %s", msg)
}

// at is where a token begins.
func at(tk *token.Token) Position {
	if tk == nil || tk.Position == nil {
		return Position{Line: 1, Column: 1, EndLine: 1}
	}
	line, col := max(tk.Position.Line, 1), max(tk.Position.Column, 1)
	return Position{Line: line, Column: col, EndLine: line}
}

// positionOf is the position of the byte at offset; columns count characters.
func positionOf(data []byte, offset int) Position {
	before := data[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	col := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return Position{Line: line, Column: col, EndLine: line}
}
