package spec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Set changes one value in the text of a dbake.yaml: "restore.definer=strip",
// "dump[0].from=…". The value is read as YAML; keys on the way that are missing
// are added. Comments stay; lines behind the value may move when it has another
// number of them. What the value means is not checked: Parse does.
func Set(data []byte, assignment string) ([]byte, error) {
	key, value, given := strings.Cut(assignment, "=")
	key = strings.TrimSpace(key)
	if !given || key == "" {
		return nil, fmt.Errorf("%q is no assignment; write key=value, such as restore.definer=strip", assignment)
	}
	if strings.ContainsAny(key, "$*?{}") {
		return nil, fmt.Errorf("%q is no key; write names joined by dots, such as restore.definer", key)
	}
	if _, err := parser.ParseBytes([]byte(value), 0); err != nil {
		return nil, fmt.Errorf("the value of %s is not YAML; put it in quotes", key)
	}
	file, err := parser.ParseBytes(data, parser.ParseComments)
	if err != nil || len(file.Docs) == 0 {
		return data, nil //nolint:nilerr // Parse says what is wrong with the file, and where
	}
	if err := setPath(file, strings.Split(key, "."), value); err != nil {
		return nil, fmt.Errorf("%s cannot be set: %w", key, err)
	}
	return []byte(file.String()), nil
}

// setPath replaces the value at names, or adds what is missing of them below the
// deepest one that is there.
func setPath(file *ast.File, names []string, value string) error {
	for known := len(names); known >= 0; known-- {
		text := "$"
		if known > 0 {
			text += "." + strings.Join(names[:known], ".")
		}
		at, err := yaml.PathString(text)
		if err != nil {
			return errors.New("it is not a path of names and [numbers] joined by dots")
		}
		if n, err := at.FilterFile(file); err != nil || n == nil {
			continue
		}
		if known == len(names) {
			return at.ReplaceWithReader(file, strings.NewReader(value))
		}
		if strings.Contains(strings.Join(names[known:], ""), "[") {
			return errors.New("the list has no such entry")
		}
		return at.MergeFromReader(file, strings.NewReader(nest(names[known:], value)))
	}
	return errors.New("the file is not a mapping")
}

// nest is value below names, as YAML.
func nest(names []string, value string) string {
	return "{" + strings.Join(names, ": {") + ": " + flow(value) + strings.Repeat("}", len(names))
}

// flow is a value as it may stand between braces.
func flow(value string) string {
	if value == "" || strings.ContainsAny(value, "[{\"'") {
		return value
	}
	if strings.ContainsAny(value, ",]}:#&*!|>%@`") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	}
	return value
}
