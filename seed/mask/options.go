package mask

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dbake/dbake/spec"
)

// options are what stands below a transform's name, checked against package
// spec's description of it: what a getter returns has the option's type.
type options struct {
	values map[string]any
	path   string
}

func newTransform(raw map[string]any, at string) (*transform, error) {
	t := &transform{path: at, raw: raw}
	var description *spec.Transform
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if name == spec.MaskWhen || name == spec.MaskScope {
			continue
		}
		if description != nil {
			return nil, &Error{Path: at, Msg: "must hold exactly one transform"}
		}
		if description = spec.TransformNamed(name); description == nil {
			return nil, &Error{Path: at + "." + name, Msg: "unknown transform"}
		}
	}
	if description == nil {
		return nil, &Error{Path: at, Msg: "must hold exactly one transform"}
	}
	t.name = description.Name
	t.path += "." + t.name
	if err := t.beside(raw, at); err != nil {
		return nil, err
	}
	o, err := newOptions(description, raw[t.name], t.path)
	if err != nil {
		return nil, err
	}
	t.keyed = description.Keyed
	t.definition, err = define(t, o)
	return t, err
}

// beside reads what may stand beside a transform.
func (t *transform) beside(raw map[string]any, at string) error {
	if v, ok := raw[spec.MaskScope]; ok {
		if t.scope, ok = v.(string); !ok {
			return &Error{Path: at + "." + spec.MaskScope, Msg: "must be text"}
		}
	}
	v, ok := raw[spec.MaskWhen]
	if !ok {
		return nil
	}
	at += "." + spec.MaskWhen
	text, ok := v.(string)
	if !ok {
		return &Error{Path: at, Msg: "must be text"}
	}
	if t.name == "sql" {
		return &Error{Path: at, Msg: "a condition means nothing to sql", Hint: "write CASE WHEN … THEN … ELSE … END"}
	}
	var err error
	if t.when, err = parseCondition(text); err != nil {
		return &Error{Path: at, Msg: err.Error(), Hint: "it looks like: country = 'JP' and deleted_at is null"}
	}
	return nil
}

// bind makes the step of a transform, with its condition around it.
func (t *transform) bind(b *binder) (step, traits, error) {
	own := *b
	if t.scope != "" {
		own.scope = t.scope
	}
	s, has, err := t.definition.bind(&own)
	if err != nil || t.when == nil {
		return s, has, err
	}
	// Masks may equal values that stay, unless they are NULL, which equals nothing.
	has.injective, has.null = has.null, false
	s, err = t.when.around(s, &own)
	return s, has, err
}

func newOptions(t *spec.Transform, raw any, at string) (options, error) {
	o := options{path: at, values: map[string]any{}}
	m, isMap := raw.(map[string]any)
	main := t.Option(t.Main)
	_, named := m[t.Main]
	switch {
	case raw == nil:
	case main != nil && (!isMap || (main.Kind == spec.OptionWeights && len(m) > 0 && !named)):
		o.values[t.Main] = raw
	case !isMap:
		return o, &Error{Path: at, Msg: "must be a mapping"}
	default:
		o.values = m
	}
	for _, name := range slices.Sorted(maps.Keys(o.values)) {
		if t.Paths() && strings.HasPrefix(name, "$") {
			continue
		}
		option := t.Option(name)
		if option == nil || option.Kind == spec.OptionPaths {
			return o, &Error{Path: at + "." + name, Msg: "unknown option of " + t.Name}
		}
		if fault := faultOf(option, o.values[name]); fault != "" {
			return o, &Error{Path: at + "." + name, Msg: fault}
		}
	}
	for _, option := range t.Options {
		if _, given := o.values[option.Name]; option.Required && !given {
			return o, &Error{Path: at, Msg: fmt.Sprintf("%s needs the option %q", t.Name, option.Name)}
		}
	}
	return o, nil
}

// faultOf says what is wrong with an option's value, if anything.
func faultOf(o *spec.Option, v any) string {
	switch o.Kind {
	case spec.OptionWhole, spec.OptionNumber:
		f, ok := number(v)
		switch {
		case !ok, f-f != 0, o.Kind == spec.OptionWhole && f != float64(int64(f)):
			return "must be a " + string(o.Kind) + " number"
		case f < o.Min, o.Max > 0 && f > o.Max:
			return "is out of its range"
		}
	case spec.OptionBool:
		if _, ok := v.(bool); !ok {
			return "must be a boolean"
		}
	case spec.OptionScalar:
		if _, ok := scalar(v); !ok {
			return "must be text, a number or a boolean"
		}
	case spec.OptionScalars, spec.OptionWeights:
		return faultOfValues(o, v)
	case spec.OptionTransforms:
		if list, ok := v.([]any); !ok || len(list) == 0 {
			return "must be a list of transforms"
		}
	default:
		return faultOfText(o, v)
	}
	return ""
}

func faultOfValues(o *spec.Option, v any) string {
	if m, ok := v.(map[string]any); ok && o.Kind == spec.OptionWeights {
		for _, w := range m {
			if f, ok := number(w); !ok || !(f > 0) || f-f != 0 {
				return "every weight must be above 0"
			}
		}
		return ""
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return "must be a list of values"
	}
	for _, item := range list {
		if _, ok := scalar(item); !ok {
			return "must be a list of texts, numbers or booleans"
		}
	}
	return ""
}

var spanForm = regexp.MustCompile(`^[1-9][0-9]{0,8}[wdhms]$`)

func faultOfText(o *spec.Option, v any) string {
	s, ok := v.(string)
	switch {
	case !ok:
		return "must be text"
	case s == "" && o.Kind != spec.OptionTextOrNone:
		return "must not be empty"
	case len(o.Values) > 0 && !slices.Contains(o.Values, s):
		return "must be one of " + strings.Join(o.Values, ", ")
	case o.Kind == spec.OptionCharacter && utf8.RuneCountInString(s) != 1:
		return "must be one character"
	case o.Kind == spec.OptionSpan && !spanForm.MatchString(s):
		return "must be a span of time such as 30d"
	}
	return ""
}

// number takes what YAML and JSON readers make of numbers.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	}
	return 0, false
}

// scalar is a value as a column has it; booleans are 1 and 0, as in SQL.
func scalar(v any) (string, bool) {
	switch s := v.(type) {
	case string:
		return s, true
	case bool:
		if s {
			return "1", true
		}
		return "0", true
	}
	f, ok := number(v)
	return strconv.FormatFloat(f, 'f', -1, 64), ok
}

// text returns a text, or what holds when it is not given.
func (o options) text(name, otherwise string) string {
	if s, ok := o.values[name].(string); ok {
		return s
	}
	return otherwise
}

func (o options) whole(name string, otherwise int) int {
	if f, ok := number(o.values[name]); ok {
		return int(f)
	}
	return otherwise
}

func (o options) number(name string, otherwise float64) float64 {
	if f, ok := number(o.values[name]); ok {
		return f
	}
	return otherwise
}

func (o options) flag(name string) bool {
	b, _ := o.values[name].(bool)
	return b
}

func (o options) has(name string) bool { _, ok := o.values[name]; return ok }

// scalars returns a list of values as texts.
func (o options) scalars(name string) []string {
	list, _ := o.values[name].([]any)
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i], _ = scalar(v)
	}
	return texts
}

func (o options) fail(name, hint, format string, args ...any) error {
	at := o.path
	if name != "" {
		at += "." + name
	}
	return &Error{Path: at, Msg: fmt.Sprintf(format, args...), Hint: hint}
}
