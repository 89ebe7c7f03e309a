package spec

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// options checks what stands below a transform's name.
func (d *decoder) options(t *Transform, n *node) {
	switch {
	case n.kind == kindNull:
		// "phone:" has no options.
		d.missing(t, n)
	case n.kind == kindMapping && !d.isMainMapping(t, n):
		for _, f := range n.fields {
			d.option(t, f)
		}
		d.missing(t, n)
	case n.kind == kindBroken:
	case t.Main != "":
		d.optionValue(t.Option(t.Main), n)
	default:
		d.is(n, kindMapping)
	}
}

// isMainMapping tells "choice: {a: 3, b: 1}" from "choice: {values: {…}}".
func (d *decoder) isMainMapping(t *Transform, n *node) bool {
	main := t.Option(t.Main)
	return main != nil && main.Kind == OptionWeights && len(n.fields) > 0 && n.get(main.Name) == nil
}

func (d *decoder) option(t *Transform, f field) {
	if t.Paths() && strings.HasPrefix(f.key, "$") {
		d.transform(f.value)
		return
	}
	o := t.Option(f.key)
	if o == nil || o.Kind == OptionPaths {
		var known []string
		for _, o := range t.Options {
			if o.Kind != OptionPaths {
				known = append(known, o.Name)
			}
		}
		hint := didYouMean(f.key, known)
		switch {
		case hint != "":
		case t.Paths():
			hint = "a path begins with $: $.address.city"
		case len(known) == 0:
			hint = t.Name + " has no options"
		default:
			hint = "known here: " + strings.Join(known, ", ")
		}
		d.add(f.pos, f.value.path, hint, "unknown option of %s", t.Name)
		return
	}
	d.optionValue(o, f.value)
}

// missing reports required options that are not there.
func (d *decoder) missing(t *Transform, n *node) {
	for _, o := range t.Options {
		if o.Required && n.get(o.Name) == nil {
			d.fail(n, "", "%s needs the option %q", t.Name, o.Name)
		}
	}
	if t.Paths() && !slices.ContainsFunc(n.fields, func(f field) bool { return strings.HasPrefix(f.key, "$") }) {
		d.fail(n, "write $.key: {redact: {}}", "%s needs a path", t.Name)
	}
}

func (d *decoder) optionValue(o *Option, n *node) {
	switch o.Kind {
	case OptionWhole, OptionNumber:
		d.optionNumber(o, n)
	case OptionBool:
		d.is(n, kindBool)
	case OptionScalar:
		d.scalar(n)
	case OptionScalars:
		d.scalars(n)
	case OptionWeights:
		d.weights(n)
	case OptionTransforms:
		if !d.is(n, kindList) {
			return
		}
		if len(n.items) == 0 {
			d.fail(n, "", "must hold a transform")
		}
		for _, item := range n.items {
			d.transform(item)
		}
	default:
		d.optionText(o, n)
	}
}

func (d *decoder) optionText(o *Option, n *node) {
	if o.Kind == OptionTextOrNone {
		d.is(n, kindString)
		return
	}
	if len(o.Values) > 0 {
		choice(d, n, o.Values...)
		return
	}
	s, ok := d.text(n)
	if !ok {
		return
	}
	switch o.Kind {
	case OptionRegexp:
		d.regexp(n, s)
	case OptionSpan:
		if !span.MatchString(s) {
			d.fail(n, "write a number and w, d, h, m or s: 30d", "%q is not a span of time", s)
		}
	case OptionExpression:
		if strings.Contains(s, ";") {
			d.fail(n, "", `must be an expression without ";"`)
		}
	case OptionCharacter:
		if utf8.RuneCountInString(s) != 1 {
			d.fail(n, "", "must be one character, not %q", s)
		}
	default:
	}
}

var span = regexp.MustCompile(`^[1-9][0-9]{0,8}[wdhms]$`)

func (d *decoder) regexp(n *node, s string) {
	_, err := syntax.Parse(s, syntax.Perl)
	if err == nil {
		_, err = regexp.Compile(s)
	}
	if err != nil {
		text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		d.fail(n, "see https://github.com/google/re2/wiki/Syntax", "not a regular expression: %s", text)
	}
}

func (d *decoder) optionNumber(o *Option, n *node) {
	var v float64
	if o.Kind == OptionWhole {
		i, ok := d.integer(n)
		if !ok {
			return
		}
		v = float64(i)
	} else {
		if !d.is(n, kindNumber) {
			return
		}
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil || f-f != 0 { // not a number, or infinite
			d.fail(n, "", "must be a number, not %s", n.text)
			return
		}
		v = f
	}
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	switch {
	case v < o.Min:
		d.fail(n, "", "must be %s or more, not %s", number(o.Min), n.text)
	case o.Max > 0 && v > o.Max:
		d.fail(n, "", "must be %s or less, not %s", number(o.Max), n.text)
	}
}

// scalar is a value for a column; a number must be one that stays what it is.
func (d *decoder) scalar(n *node) {
	switch n.kind {
	case kindString, kindBool, kindBroken:
	case kindNumber:
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil || strconv.FormatFloat(f, 'f', -1, 64) != n.text {
			d.fail(n, "put it in quotes: "+strconv.Quote(n.text), "a number written like this may change")
		}
	case kindNull:
		d.fail(n, "the transform null gives NULL", "must be a value")
	case kindList, kindMapping:
		d.fail(n, "", "must be text, a number or a boolean, not %s", n.kind)
	}
}

func (d *decoder) scalars(n *node) {
	if !d.is(n, kindList) {
		return
	}
	if len(n.items) == 0 {
		d.fail(n, "", "must hold a value")
	}
	for _, item := range n.items {
		d.scalar(item)
	}
}

func (d *decoder) weights(n *node) {
	if n.kind != kindMapping {
		d.scalars(n)
		return
	}
	for _, f := range n.fields {
		if d.is(f.value, kindNumber) {
			if w, err := strconv.ParseFloat(f.value.text, 64); err != nil || !(w > 0) || w-w != 0 {
				d.fail(f.value, "", "a weight must be above 0, not %s", f.value.text)
			}
		}
	}
}
