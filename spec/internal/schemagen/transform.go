package schemagen

import (
	"encoding/json"
	"strconv"

	"github.com/invopop/jsonschema"

	"github.com/dbake/dbake/spec"
)

const transformRef = "#/$defs/Transform"

// transform is the schema of one transform, with what may stand beside it.
func transform() *jsonschema.Schema {
	s := &jsonschema.Schema{
		Description:          "A transform's name with its options.",
		Type:                 "object",
		Properties:           jsonschema.NewProperties(),
		AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, t := range spec.Transforms() {
		s.Properties.Set(t.Name, options(t))
		s.OneOf = append(s.OneOf, &jsonschema.Schema{Required: []string{t.Name}})
	}
	s.Properties.Set(spec.MaskWhen, &jsonschema.Schema{
		Type: "string", Description: "The transform is for rows for which this condition over their columns is not false.",
	})
	s.Properties.Set(spec.MaskScope, &jsonschema.Schema{
		Type: "string", Description: "Equal values of different scopes get different masks.",
	})
	return s
}

// options is the schema of what stands below a transform's name.
func options(t spec.Transform) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, o := range t.Options {
		if o.Kind == spec.OptionPaths {
			s.PatternProperties = map[string]*jsonschema.Schema{`^\$`: {Ref: transformRef}}
			s.MinProperties = ptr(1)
			continue
		}
		v := option(o)
		v.Description = o.About
		s.Properties.Set(o.Name, v)
		if o.Required {
			s.Required = append(s.Required, o.Name)
		}
	}
	forms := []*jsonschema.Schema{s}
	main := t.Option(t.Main)
	if main != nil {
		forms = append(forms, option(*main))
	}
	if len(s.Required) == 0 && !t.Paths() {
		forms = append(forms, &jsonschema.Schema{Type: "null"})
	}
	if len(forms) == 1 {
		s.Description = t.About
		return s
	}
	return &jsonschema.Schema{Description: t.About, AnyOf: forms}
}

// option is the schema of one option's value.
func option(o spec.Option) *jsonschema.Schema {
	s := new(jsonschema.Schema)
	switch o.Kind {
	case spec.OptionWhole, spec.OptionNumber:
		s.Type = "number"
		if o.Kind == spec.OptionWhole {
			s.Type = "integer"
		}
		s.Minimum = number(o.Min)
		if o.Max > 0 {
			s.Maximum = number(o.Max)
		}
	case spec.OptionBool:
		s.Type = "boolean"
	case spec.OptionScalar:
		return scalar()
	case spec.OptionScalars:
		return scalars()
	case spec.OptionWeights:
		s.AnyOf = []*jsonschema.Schema{scalars(), {
			Type: "object", MinProperties: ptr(1),
			AdditionalProperties: &jsonschema.Schema{Type: "number", ExclusiveMinimum: number(0)},
		}}
	case spec.OptionTransforms:
		return &jsonschema.Schema{Type: "array", MinItems: ptr(1), Items: &jsonschema.Schema{Ref: transformRef}}
	case spec.OptionTextOrNone:
		s.Type, s.MinLength = "string", ptr(0)
	case spec.OptionSpan:
		s.Type, s.Pattern = "string", "^[1-9][0-9]{0,8}[wdhms]$"
	case spec.OptionExpression:
		s.Type, s.Pattern = "string", "^[^;]+$"
	case spec.OptionCharacter:
		s.Type, s.MaxLength = "string", ptr(1)
	default:
		s.Type = "string"
		for _, v := range o.Values {
			s.Enum = append(s.Enum, v)
		}
	}
	return s
}

func scalar() *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "string", MinLength: ptr(0)}, {Type: "number"}, {Type: "boolean"},
	}}
}

func scalars() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", MinItems: ptr(1), Items: scalar()}
}

func number(f float64) json.Number {
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}
