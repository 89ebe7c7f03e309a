package expr

import "strings"

// node is a part of a parsed condition.
type node struct {
	// op is an operator or function in upper case, or one of the words below.
	op  string
	pos int
	// text is a literal's or the column's text, a collation's name, or the
	// unit of an INTERVAL.
	text string
	// qualifier holds the names before the column's.
	qualifier []string
	args      []*node
	not       bool // NOT IN, NOT LIKE, NOT BETWEEN, IS NOT; a hex literal that is no number
}

// The words of node.op that are no operators.
const (
	opColumn   = "column"
	opNumber   = "number"
	opString   = "string"
	opHex      = "hex"
	opCall     = "call" // text is the function
	opInterval = "INTERVAL"
)

// maxDepth keeps a condition from using up the stack.
const maxDepth = 200

// parser follows the grammar of the servers' expressions: expr, boolean_primary,
// predicate, bit_expr and simple_expr ("Expressions", MySQL manual).
type parser struct {
	lexer lexer
	tok   token
	depth int
	err   error
}

func (p *parser) parse() (*node, error) {
	p.advance()
	n := p.or()
	if p.err == nil && p.tok.kind != tokEnd {
		p.fault(p.tok.pos, "a condition cannot go on with %s here", p.tok.show())
	}
	return n, p.err
}

func (t token) show() string {
	switch t.kind {
	case tokEnd:
		return "its end"
	case tokString, tokHex:
		return "a literal"
	default:
		return `"` + t.text + `"`
	}
}

// fault keeps the first error.
func (p *parser) fault(pos int, format string, args ...any) {
	if p.err == nil {
		p.err = fail(pos, format, args...)
	}
	p.tok = token{kind: tokEnd, pos: pos}
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	tok, err := p.lexer.next()
	if err != nil {
		p.err = err
		tok = token{kind: tokEnd}
	}
	p.tok = tok
}

// take advances over one of some words.
func (p *parser) take(words ...string) bool {
	if !p.tok.is(words...) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(word string) {
	if !p.take(word) {
		p.fault(p.tok.pos, "%q is expected here, not %s", word, p.tok.show())
	}
}

func (p *parser) binary(next func() *node, op string, words ...string) *node {
	left := next()
	for p.err == nil && p.tok.is(words...) {
		pos := p.tok.pos
		p.advance()
		left = &node{op: op, pos: pos, args: []*node{left, next()}}
	}
	return left
}

func (p *parser) or() *node {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.fault(p.tok.pos, "the condition is nested too deeply")
		return &node{}
	}
	return p.binary(p.xor, "OR", "OR", "||")
}

func (p *parser) xor() *node { return p.binary(p.and, "XOR", "XOR") }
func (p *parser) and() *node { return p.binary(p.not, "AND", "AND", "&&") }

func (p *parser) not() *node {
	if p.tok.is("NOT") {
		pos := p.tok.pos
		p.depth++
		defer func() { p.depth-- }()
		if p.depth > maxDepth {
			p.fault(pos, "the condition is nested too deeply")
			return &node{}
		}
		p.advance()
		return &node{op: "NOT", pos: pos, args: []*node{p.not()}}
	}
	return p.comparison()
}

// comparison is boolean_primary, and IS TRUE behind it.
func (p *parser) comparison() *node {
	left := p.predicate()
	for p.err == nil {
		pos := p.tok.pos
		switch {
		case p.take("IS"):
			not := p.take("NOT")
			word := p.tok.upper
			if !p.take("NULL", "TRUE", "FALSE", "UNKNOWN") {
				p.fault(p.tok.pos, "NULL, TRUE or FALSE is expected behind IS")
			}
			if word == "UNKNOWN" {
				word = "NULL"
			}
			left = &node{op: "IS " + word, pos: pos, not: not, args: []*node{left}}
		case p.tok.is("=", "<=>", "<", "<=", ">", ">=", "<>", "!="):
			op := p.tok.text
			if op == "!=" {
				op = "<>"
			}
			p.advance()
			if p.tok.is("ANY", "ALL", "SOME") {
				p.fault(p.tok.pos, "subqueries are not taken here")
			}
			left = &node{op: op, pos: pos, args: []*node{left, p.predicate()}}
		default:
			return left
		}
	}
	return left
}

func (p *parser) predicate() *node {
	left := p.additive()
	pos, not := p.tok.pos, false
	if p.tok.is("NOT") {
		p.advance()
		not = true
	}
	switch {
	case p.take("IN"):
		p.expect("(")
		return &node{op: "IN", pos: pos, not: not, args: append([]*node{left}, p.list()...)}
	case p.take("BETWEEN"):
		low := p.additive()
		p.expect("AND")
		return &node{op: "BETWEEN", pos: pos, not: not, args: []*node{left, low, p.predicate()}}
	case p.take("LIKE"):
		n := &node{op: "LIKE", pos: pos, not: not, text: `\`, args: []*node{left, p.simple()}}
		if p.take("ESCAPE") {
			n.text = p.tok.text
			if p.tok.kind != tokString || len(n.text) > 1 {
				p.fault(p.tok.pos, "ESCAPE takes a string of one ASCII character")
			}
			p.advance()
		}
		return n
	case p.take("REGEXP", "RLIKE"):
		return &node{op: "REGEXP", pos: pos, not: not, args: []*node{left, p.additive()}}
	case not:
		p.fault(p.tok.pos, "IN, BETWEEN, LIKE or REGEXP is expected behind NOT")
	}
	return left
}

func (p *parser) list() []*node {
	var list []*node
	for p.err == nil {
		list = append(list, p.or())
		if !p.take(",") {
			break
		}
	}
	p.expect(")")
	return list
}

func (p *parser) additive() *node {
	left := p.multiplicative()
	for p.err == nil && p.tok.is("+", "-") {
		op, pos := p.tok.text, p.tok.pos
		p.advance()
		if p.tok.is("INTERVAL") {
			left = &node{op: opInterval, pos: pos, not: op == "-", args: []*node{left}}
			p.interval(left)
			continue
		}
		left = &node{op: op, pos: pos, args: []*node{left, p.multiplicative()}}
	}
	return left
}

// interval reads INTERVAL n unit into n.
func (p *parser) interval(n *node) {
	p.expect("INTERVAL")
	n.args = append(n.args, p.or())
	n.text = p.tok.upper
	if !p.take("MICROSECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR") {
		p.fault(p.tok.pos, "a unit is expected here: SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER or YEAR")
	}
}

func (p *parser) multiplicative() *node {
	left := p.simple()
	for p.err == nil && p.tok.is("*", "/", "%", "DIV", "MOD") {
		op, pos := strings.ToUpper(p.tok.text), p.tok.pos
		if op == "MOD" {
			op = "%"
		}
		p.advance()
		left = &node{op: op, pos: pos, args: []*node{left, p.simple()}}
	}
	return left
}

func (p *parser) simple() *node {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.fault(p.tok.pos, "the condition is nested too deeply")
		return &node{}
	}
	n := p.primary()
	for p.err == nil {
		pos := p.tok.pos
		switch {
		case p.take("COLLATE"):
			n = &node{op: "COLLATE", pos: pos, text: strings.ToLower(p.tok.text), args: []*node{n}}
			if p.tok.kind != tokName && p.tok.kind != tokString {
				p.fault(p.tok.pos, "the name of a collation is expected here")
			}
			p.advance()
		case p.tok.is("->", "->>"):
			p.fault(pos, "JSON paths are not supported in conditions")
		default:
			return n
		}
	}
	return n
}

func (p *parser) primary() *node {
	tok := p.tok
	switch {
	case p.err != nil:
		return &node{}
	case tok.kind == tokNumber:
		p.advance()
		return &node{op: opNumber, pos: tok.pos, text: tok.text}
	case tok.kind == tokString:
		p.advance()
		return &node{op: opString, pos: tok.pos, text: tok.text}
	case tok.kind == tokHex:
		p.advance()
		return &node{op: opHex, pos: tok.pos, text: tok.text, not: tok.noNumber}
	case p.take("("):
		if p.tok.is("SELECT") {
			p.fault(p.tok.pos, "subqueries are not taken here; restore.subset follows foreign keys")
		}
		n := p.or()
		p.expect(")")
		return n
	case p.take("-"):
		return &node{op: "NEG", pos: tok.pos, args: []*node{p.simple()}}
	case p.take("+"):
		return p.simple()
	case p.take("!"):
		return &node{op: "NOT", pos: tok.pos, args: []*node{p.simple()}}
	case p.take("BINARY"):
		return &node{op: "COLLATE", pos: tok.pos, text: "binary", args: []*node{p.simple()}}
	case p.take("NULL"), p.take("TRUE"), p.take("FALSE"):
		return &node{op: tok.upper, pos: tok.pos}
	case tok.kind == tokName || tok.kind == tokQuoted:
		p.advance()
		return p.named(tok)
	}
	p.fault(tok.pos, "a value is expected here, not %s", tok.show())
	return &node{}
}

// bare are the functions that may stand without parentheses.
var bare = map[string]bool{"CURRENT_TIMESTAMP": true, "CURRENT_DATE": true, "UTC_TIMESTAMP": true, "UTC_DATE": true}

// reserved are words that cannot be columns without backticks.
var reserved = map[string]bool{
	"SELECT": true, "CASE": true, "EXISTS": true, "INTERVAL": true, "ROW": true, "FROM": true, "WHERE": true,
	"AND": true, "OR": true, "XOR": true, "IS": true, "IN": true, "LIKE": true, "BETWEEN": true, "NOT": true,
	"DIV": true, "REGEXP": true, "RLIKE": true, "MATCH": true, "COLLATE": true, "WHEN": true, "THEN": true, "ELSE": true,
}

// named is a column, a function call, or a literal such as DATE '2024-01-31'.
func (p *parser) named(tok token) *node {
	word := tok.upper
	switch {
	case tok.kind == tokName && p.tok.kind == tokString && (word == "DATE" || word == "TIMESTAMP"):
		n := &node{op: opCall, pos: tok.pos, text: word, args: []*node{{op: opString, pos: p.tok.pos, text: p.tok.text}}}
		p.advance()
		return n
	case tok.kind == tokName && p.tok.kind == tokString && strings.HasPrefix(word, "_"):
		p.fault(tok.pos, "introducers such as %s are not taken here; leave it out", tok.text)
		return &node{}
	case tok.kind == tokName && p.tok.is("("):
		return p.call(tok)
	case tok.kind == tokName && bare[word]:
		return &node{op: opCall, pos: tok.pos, text: word}
	case tok.kind == tokName && reserved[word]:
		p.fault(tok.pos, "%s is not taken here", word)
		return &node{}
	}
	n := &node{op: opColumn, pos: tok.pos, text: tok.text}
	for p.take(".") {
		if p.tok.kind != tokName && p.tok.kind != tokQuoted {
			p.fault(p.tok.pos, "a name is expected behind the dot")
			return n
		}
		n.qualifier = append(n.qualifier, n.text)
		n.text = p.tok.text
		p.advance()
	}
	if len(n.qualifier) > 2 {
		p.fault(n.pos, "a column has two names before its own at most: db.table.column")
	}
	return n
}

func (p *parser) call(tok token) *node {
	n := &node{op: opCall, pos: tok.pos, text: tok.upper}
	sum := n.text == "DATE_ADD" || n.text == "DATE_SUB" || n.text == "ADDDATE" || n.text == "SUBDATE"
	if !sum && lookup(n.text) == nil {
		p.fault(tok.pos, "the function %s is not supported in conditions (known here: %s)", n.text, functionNames)
		return n
	}
	p.advance() // over the parenthesis
	if sum {
		first := p.or()
		p.expect(",")
		sum := &node{op: opInterval, pos: tok.pos, not: n.text == "DATE_SUB" || n.text == "SUBDATE", args: []*node{first}}
		p.interval(sum)
		p.expect(")")
		return sum
	}
	if p.take(")") {
		return n
	}
	n.args = p.list()
	return n
}
