// Package schemagen makes the JSON Schema of dbake.yaml from the types of
// package spec. Only its test runs it: the result is checked in.
package schemagen

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/dbake/dbake/spec"
)

// Generate returns the schema. The folder of package spec's source is needed
// for its comments; it is relative to the working directory, and base is the
// import path of the working directory.
func Generate(base, folder string) ([]byte, error) {
	r := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true}
	if err := r.AddGoComments(base, folder, jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("read the comments of package spec: %w", err)
	}
	s := r.Reflect(&spec.File{})
	s.Title = "dbake.yaml"
	s.Description = "What dbake restores into which image."
	unions(s.Definitions)
	walk(s, refine)
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("render the schema: %w", err)
	}
	return append(out, '\n'), nil
}

// unions rewrites the definitions of types that the file spells in a way of
// its own.
func unions(defs jsonschema.Definitions) {
	one := []*jsonschema.Schema{{Type: "string"}, {Ref: "#/$defs/Dump"}}
	dumps := defs["Dumps"]
	*dumps = jsonschema.Schema{
		Description: dumps.Description,
		AnyOf: append(slices.Clone(one), &jsonschema.Schema{
			Type: "array", MinItems: ptr(1), Items: &jsonschema.Schema{AnyOf: one},
		}),
	}
	settings := defs["Settings"]
	*settings = jsonschema.Schema{
		Description:   settings.Description,
		Type:          "object",
		PropertyNames: &jsonschema.Schema{Pattern: "^[a-z][a-z0-9_.-]*$"},
		AdditionalProperties: &jsonschema.Schema{
			AnyOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}},
		},
	}
	delete(defs, "Setting")
	column := &jsonschema.Schema{Type: "string", Pattern: `^[^.]+\.[^.]+\.[^.]+$`}
	names := defs["Columns"]
	*names = jsonschema.Schema{
		Description: names.Description,
		AnyOf:       []*jsonschema.Schema{column, {Type: "array", MinItems: ptr(1), Items: column}},
	}
	defs["Selection"].MinProperties = ptr(1)

	labels, _ := defs["Image"].Properties.Get("labels")
	labels.PropertyNames = &jsonschema.Schema{
		Pattern: `^[^=\s]+$`,
		Not:     &jsonschema.Schema{Pattern: "^" + strings.ReplaceAll(spec.ReservedLabels, ".", `\.`)},
	}
	columns := defs["MaskColumns"]
	*columns = jsonschema.Schema{
		Description:          columns.Description,
		Type:                 "object",
		PropertyNames:        &jsonschema.Schema{Pattern: `^[^.]+\..*[^.]+\.[^.]+$`},
		AdditionalProperties: &jsonschema.Schema{Ref: transformRef},
	}
	delete(defs, "MaskColumn")
	defs["Transform"] = transform()
}

// refine adds what holds for all texts: they are not empty, and where only
// some are allowed, a reference to a build argument is, too.
func refine(s *jsonschema.Schema) {
	s.Description = strings.Join(strings.Fields(s.Description), " ")
	if s.Properties != nil {
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			p.Value.Description = byKey(p.Key, p.Value.Description)
		}
	}
	if s.Type != "string" {
		return
	}
	if s.MinLength == nil {
		s.MinLength = ptr(1)
	}
	if s.Enum == nil && s.Pattern == "" && s.MaxLength == nil {
		return
	}
	plain := &jsonschema.Schema{Enum: s.Enum, Pattern: s.Pattern, MaxLength: s.MaxLength}
	s.Enum, s.Pattern, s.MaxLength = nil, "", nil
	s.AnyOf = []*jsonschema.Schema{plain, {Pattern: `\$\{`}}
}

// byKey makes a Go comment speak of the key instead of the field.
func byKey(key, comment string) string {
	field, rest, _ := strings.Cut(comment, " ")
	if strings.EqualFold(field, strings.ReplaceAll(key, "_", "")) {
		return key + " " + rest
	}
	return comment
}

// walk calls visit for s and every schema below it that describes values of
// keys; values of labels and settings may be empty and are left out.
func walk(s *jsonschema.Schema, visit func(*jsonschema.Schema)) {
	if s == nil {
		return
	}
	visit(s)
	walk(s.Items, visit)
	if s.Properties != nil {
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			walk(p.Value, visit)
		}
	}
	for _, list := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
		for _, c := range list {
			walk(c, visit)
		}
	}
	for _, d := range s.Definitions {
		walk(d, visit)
	}
}

func ptr(n uint64) *uint64 { return &n }
