package mask

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// docPath is a path into a document: $.a.b[*].c, $["a b"][0], $.*, $..c.
type docPath []docStep

// docStep goes one level down.
type docStep struct {
	key   string
	index int  // of a list; -1: key
	any   bool // * or [*]
	deep  bool // .. before it: at any depth
}

func parsePath(text string) (docPath, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("the path %q does not begin with $", text)
	}
	var p docPath
	for rest != "" {
		var s docStep
		var err error
		if s.deep = strings.HasPrefix(rest, "..") || strings.HasPrefix(rest, "**"); s.deep {
			rest = rest[1:] // of ".." one dot goes on as the dot of a key
			if rest[0] == '*' {
				rest = rest[1:]
			} else if strings.HasPrefix(rest, ".[") {
				rest = rest[1:]
			}
			if rest == "" {
				return nil, fmt.Errorf("the path %q ends too early", text)
			}
		}
		switch rest[0] {
		case '.':
			s, rest, err = keyStep(s, rest[1:])
		case '[':
			s, rest, err = bracketStep(s, rest[1:])
		default:
			err = fmt.Errorf("there must be . or [ before %q", rest)
		}
		if err != nil {
			return nil, err
		}
		p = append(p, s)
	}
	return p, nil
}

func keyStep(s docStep, rest string) (docStep, string, error) {
	s.index = -1
	if strings.HasPrefix(rest, `"`) {
		return quotedStep(s, rest)
	}
	end := strings.IndexAny(rest, ".[")
	if strings.HasPrefix(rest, "*") {
		end = 1
	}
	if end < 0 {
		end = len(rest)
	}
	if s.key = rest[:end]; s.key == "" {
		return s, "", fmt.Errorf("a key is missing before %q", rest)
	}
	s.any = s.key == "*"
	return s, rest[end:], nil
}

func bracketStep(s docStep, rest string) (docStep, string, error) {
	s.index = -1
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		s, rest, err := quotedStep(s, rest)
		if err == nil && !strings.HasPrefix(rest, "]") {
			err = fmt.Errorf("a ] is missing before %q", rest)
		}
		return s, strings.TrimPrefix(rest, "]"), err
	}
	inner, after, closed := strings.Cut(rest, "]")
	switch {
	case !closed:
		return s, "", fmt.Errorf("a ] is missing")
	case inner == "*":
		s.any = true
	default:
		n, err := strconv.Atoi(inner)
		if err != nil || n < 0 {
			return s, "", fmt.Errorf("[%s] is no index", inner)
		}
		s.index = n
	}
	return s, after, nil
}

func quotedStep(s docStep, rest string) (docStep, string, error) {
	end := strings.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return s, "", fmt.Errorf("a quote is missing")
	}
	s.key = rest[1 : 1+end]
	return s, rest[2+end:], nil
}

// matches reports whether the step leads to a member of an object or, when key is
// empty, to an item of a list.
func (s *docStep) matches(key string, index int) bool {
	switch {
	case s.any:
		return true
	case index >= 0:
		return s.index == index
	}
	return s.index < 0 && s.key == key
}

// position is how far paths have come on the way to a value: a set of steps that
// are still to be matched. All belong to the rules of one document.
type position []progress

// progress is a rule's path from step next on; next is the path's length when the
// value is one that the rule is for.
type progress struct{ rule, next int }

// documentRule is a path with its transform.
type documentRule struct {
	path      docPath
	transform *transform
}

// document is a transform of values in documents: the first rule in the order of
// the paths' text that matches counts. Paths with keep have no rule, so that none of
// them keeps what another path masks.
type document struct {
	rules   []documentRule
	invalid string
}

func newDocument(t *transform, o options) (document, error) {
	d, paths := document{invalid: o.text("invalid", "fail")}, 0
	for _, name := range slices.Sorted(maps.Keys(o.values)) {
		if !strings.HasPrefix(name, "$") {
			continue
		}
		at := o.path + "." + name
		path, err := parsePath(name)
		if err != nil {
			return d, &Error{Path: at, Msg: err.Error(), Hint: `it looks like $.a.b[*]."c d"`}
		}
		raw, ok := o.values[name].(map[string]any)
		if !ok {
			return d, &Error{Path: at, Msg: "must be a mapping"}
		}
		inner, err := nestedTransform(t, raw, at)
		if err != nil {
			return d, err
		}
		if paths++; inner.name != "keep" {
			d.rules = append(d.rules, documentRule{path, inner})
		}
	}
	if paths == 0 {
		return d, &Error{Path: o.path, Msg: t.name + " needs a path", Hint: "write $.key: {redact: {}}"}
	}
	return d, nil
}

// bindAll makes the steps of the rules.
func (d document) bindAll(b *binder) ([]step, error) {
	if b.column != nil && d.invalid == "null" && b.column.def.NotNull {
		return nil, fmt.Errorf("invalid: null: %w", errNotNull)
	}
	steps := make([]step, len(d.rules))
	for i, r := range d.rules {
		var err error
		if steps[i], _, err = r.transform.bind(b.nested()); err != nil {
			return nil, fmt.Errorf("%s: %w", r.transform.path, err)
		}
	}
	return steps, nil
}

// start is the position of a document's root.
func (d *document) start(to position) position {
	for i := range d.rules {
		to = append(to[:i], progress{i, 0})
	}
	return to
}

// down returns the position of a member (index -1) or item of the value at from;
// it is appended to to.
func (d *document) down(from, to position, key string, index int) position {
	for _, p := range from {
		path := d.rules[p.rule].path
		if p.next >= len(path) {
			continue
		}
		s := &path[p.next]
		if s.deep {
			to = append(to, p)
		}
		if s.matches(key, index) {
			to = append(to, progress{p.rule, p.next + 1})
		}
	}
	return to
}

// at returns the rule for the value at a position, or -1.
func (d *document) at(p position) int {
	found := -1
	for _, one := range p {
		if one.next == len(d.rules[one.rule].path) && (found < 0 || one.rule < found) {
			found = one.rule
		}
	}
	return found
}
