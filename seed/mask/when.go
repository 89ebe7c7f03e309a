package mask

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/dbake/dbake/seed/rows"
)

// condition is the value of when: comparisons of the row's columns with constants,
// joined by and, or, not and parentheses.
type condition struct{ root *expression }

// expression is a node of a condition: a comparison when column is not empty,
// else an operator over parts.
type expression struct {
	column   string
	operator string // and, or, not; =, !=, <, <=, >, >=, null, in, matches
	parts    []*expression
	values   []string
	pattern  *regexp.Regexp
}

// truth is a truth value of SQL.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

// around makes a step that leaves values alone where the condition is false. A
// row for which it is neither true nor false, because of a NULL, is masked.
func (c *condition) around(s step, b *binder) (step, error) {
	w := &conditional{step: s, root: c.root, cells: map[string]int{}}
	err := w.find(c.root, b)
	return w, err
}

type conditional struct {
	step
	root  *expression
	cells map[string]int
}

func (w *conditional) find(e *expression, b *binder) error {
	if e.column != "" {
		i, err := b.cell(e.column)
		if err != nil {
			return fmt.Errorf("when: %w", err)
		}
		w.cells[e.column] = i
	}
	for _, p := range e.parts {
		if err := w.find(p, b); err != nil {
			return err
		}
	}
	return nil
}

func (w *conditional) apply(r *row, v value) (value, error) {
	if w.decide(w.root, r) == no {
		return v, nil
	}
	return w.step.apply(r, v)
}

func (w *conditional) decide(e *expression, r *row) truth {
	switch e.operator {
	case "not":
		return yes - w.decide(e.parts[0], r)
	case "and", "or":
		result := w.decide(e.parts[0], r)
		for _, p := range e.parts[1:] {
			t := w.decide(p, r)
			if (e.operator == "and") == (t < result) {
				result = t
			}
		}
		return result
	}
	return e.compare(&r.cells[w.cells[e.column]])
}

func (e *expression) compare(c *rows.Cell) truth {
	if e.operator == "null" {
		return truthOf(c.Kind == rows.Null)
	}
	if c.Kind == rows.Null {
		return unknown
	}
	switch e.operator {
	case "matches":
		return truthOf(e.pattern.Match(c.Value))
	case "in":
		for _, v := range e.values {
			if order(c.Value, v) == 0 {
				return yes
			}
		}
		return no
	}
	o := order(c.Value, e.values[0])
	switch e.operator {
	case "=":
		return truthOf(o == 0)
	case "!=":
		return truthOf(o != 0)
	case "<":
		return truthOf(o < 0)
	case "<=":
		return truthOf(o <= 0)
	case ">":
		return truthOf(o > 0)
	}
	return truthOf(o >= 0)
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// order compares as numbers when both are, else as texts.
func order(a []byte, b string) int {
	x, ok := parseDecimal(a)
	if ok {
		if y, ok := parseDecimal([]byte(b)); ok {
			return x.compare(y)
		}
	}
	return bytes.Compare(a, []byte(b))
}

// conditionParser reads a condition.
type conditionParser struct {
	tokens []conditionToken
	depth  int
}

type conditionToken struct {
	text string
	kind byte // w: word, n: name in backquotes, v: value, o: operator, e: end
}

func parseCondition(text string) (*condition, error) {
	tokens, err := conditionTokens(text)
	if err != nil {
		return nil, err
	}
	p := &conditionParser{tokens: append(tokens, conditionToken{kind: 'e'})}
	root, err := p.either()
	if err != nil {
		return nil, err
	}
	if t := p.tokens[0]; t.kind != 'e' {
		return nil, fmt.Errorf("the condition ends before %q", t.text)
	}
	return &condition{root}, nil
}

var conditionWord = regexp.MustCompile("^(?:(`[^`]+`)|('(?:[^']|'')*')|([0-9.+-][0-9.eE]*)|([\\pL_$][\\pL\\pN_$]*)|(<=|>=|<>|!=|=|<|>|\\(|\\)|,))")

func conditionTokens(text string) ([]conditionToken, error) {
	var tokens []conditionToken
	for {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		if text == "" {
			return tokens, nil
		}
		m := conditionWord.FindStringSubmatch(text)
		switch {
		case m == nil:
			return nil, fmt.Errorf("cannot read the condition from %q on", text)
		case m[1] != "":
			tokens = append(tokens, conditionToken{m[1][1 : len(m[1])-1], 'n'})
		case m[2] != "":
			tokens = append(tokens, conditionToken{strings.ReplaceAll(m[2][1:len(m[2])-1], "''", "'"), 'v'})
		case m[3] != "":
			tokens = append(tokens, conditionToken{m[3], 'v'})
		case m[4] != "":
			tokens = append(tokens, conditionToken{m[4], 'w'})
		default:
			tokens = append(tokens, conditionToken{m[5], 'o'})
		}
		text = text[len(m[0]):]
	}
}

// word takes a keyword or operator when it is next.
func (p *conditionParser) word(s string) bool {
	t := p.tokens[0]
	if (t.kind == 'w' || t.kind == 'o') && strings.EqualFold(t.text, s) {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *conditionParser) either() (*expression, error) { return p.list("or", p.both) }

func (p *conditionParser) both() (*expression, error) { return p.list("and", p.negation) }

func (p *conditionParser) list(operator string, part func() (*expression, error)) (*expression, error) {
	e := &expression{operator: operator}
	for {
		one, err := part()
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, one)
		if !p.word(operator) {
			break
		}
	}
	if len(e.parts) == 1 {
		return e.parts[0], nil
	}
	return e, nil
}

const maxConditionDepth = 50

func (p *conditionParser) negation() (*expression, error) {
	if p.depth++; p.depth > maxConditionDepth {
		return nil, errors.New("the condition is nested too deeply")
	}
	defer func() { p.depth-- }()
	if p.word("not") {
		e, err := p.negation()
		return &expression{operator: "not", parts: []*expression{e}}, err
	}
	if p.word("(") {
		e, err := p.either()
		if err == nil && !p.word(")") {
			err = errors.New("a ) is missing")
		}
		return e, err
	}
	return p.comparison()
}

func (p *conditionParser) comparison() (*expression, error) {
	t := p.tokens[0]
	if t.kind != 'w' && t.kind != 'n' {
		return nil, fmt.Errorf("there must be a column's name, not %q", t.text)
	}
	p.tokens = p.tokens[1:]
	e := &expression{column: t.text}
	if p.word("is") {
		e.operator = "null"
		negated := p.word("not")
		if !p.word("null") {
			return nil, errors.New(`after "is" there must be null or not null`)
		}
		return e.negate(negated), nil
	}
	negated := p.word("not")
	switch {
	case p.word("matches"):
		return p.matches(e, negated)
	case p.word("in"):
		return p.in(e, negated)
	case negated:
		return nil, fmt.Errorf("after %q not there must be in or matches", e.column)
	}
	for _, operator := range []string{"=", "!=", "<>", "<=", ">=", "<", ">"} {
		if p.word(operator) {
			if e.operator = operator; operator == "<>" {
				e.operator = "!="
			}
			return e, p.value(e)
		}
	}
	return nil, fmt.Errorf("after %q there must be =, !=, <, <=, >, >=, is null, in or matches", e.column)
}

func (e *expression) negate(negated bool) *expression {
	if negated {
		return &expression{operator: "not", parts: []*expression{e}}
	}
	return e
}

func (p *conditionParser) value(e *expression) error {
	t := p.tokens[0]
	if t.kind != 'v' {
		return fmt.Errorf("there must be a number or a text in single quotes, not %q", t.text)
	}
	p.tokens = p.tokens[1:]
	e.values = append(e.values, t.text)
	return nil
}

func (p *conditionParser) matches(e *expression, negated bool) (*expression, error) {
	e.operator = "matches"
	if err := p.value(e); err != nil {
		return nil, err
	}
	var err error
	e.pattern, err = regexp.Compile(e.values[0])
	return e.negate(negated), err
}

func (p *conditionParser) in(e *expression, negated bool) (*expression, error) {
	e.operator = "in"
	if !p.word("(") {
		return nil, errors.New(`after "in" there must be a list in parentheses`)
	}
	for {
		if err := p.value(e); err != nil {
			return nil, err
		}
		if p.word(")") {
			return e.negate(negated), nil
		}
		if !p.word(",") {
			return nil, errors.New("a ) is missing")
		}
	}
}
