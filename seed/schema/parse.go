package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/charset"
	"github.com/dbake/dbake/seed/dump"
)

// Parse reads a CREATE TABLE statement, as servers and people write it. What is in
// version comments counts, whatever the version. Clauses that say nothing about the
// table's columns and keys are skipped, those of later servers included; so it is
// no judge of what a server takes. A table that is made like another one, or from a
// query without a list of columns, is an error.
func Parse(create []byte, mode dump.Mode) (*Table, error) {
	p := newParser(create, mode)
	if !p.accept("CREATE") {
		return nil, errors.New("this is no CREATE TABLE statement")
	}
	for p.accept("OR") || p.accept("REPLACE") || p.accept("TEMPORARY") {
	}
	if !p.accept("TABLE") {
		return nil, errors.New("this is no CREATE TABLE statement")
	}
	if p.accept("IF") {
		p.accept("NOT")
		p.accept("EXISTS")
	}
	t := p.table
	var ok bool
	if t.Schema, t.Name, ok = p.qualified(); !ok {
		return nil, errors.New("the CREATE TABLE statement names no table")
	}
	if !p.acceptByte('(') || p.peek().Is("LIKE") || p.peek().Is("SELECT") {
		return nil, fmt.Errorf("the CREATE TABLE statement of %s lists no columns", t.Name)
	}
	if err := p.definitions(); err != nil {
		return nil, fmt.Errorf("read the CREATE TABLE statement of %s: %w", t.Name, err)
	}
	p.options()
	p.finish()
	return t, nil
}

// parser reads one statement.
type parser struct {
	text    []byte
	mode    dump.Mode
	tokens  []dump.Token
	i       int
	table   *Table
	charset *charset.Charset // that the statement is in; nil: UTF-8, or what nobody knows
	inline  []Key            // keys declared with their columns
	primary []string         // columns of the primary key
	hex     []hexMember
}

func newParser(text []byte, mode dump.Mode) *parser {
	p := &parser{text: text, mode: mode, table: &Table{}}
	if c, ok := charset.Find(mode.Charset); ok && !c.Same() {
		p.charset = c
	}
	for tokens := dump.NewTokens(text, mode); ; {
		token, ok := tokens.Next()
		if !ok {
			return p
		}
		p.tokens = append(p.tokens, token)
	}
}

// peek gives the token ahead; the zero Token at the end.
func (p *parser) peek() dump.Token { return p.at(0) }

func (p *parser) at(n int) dump.Token {
	if p.i+n < len(p.tokens) {
		return p.tokens[p.i+n]
	}
	return dump.Token{Kind: dump.WordToken}
}

func (p *parser) end() bool { return p.i >= len(p.tokens) }

func (p *parser) accept(keywords ...string) bool {
	for _, k := range keywords {
		if p.peek().Is(k) {
			p.i++
			return true
		}
	}
	return false
}

func (p *parser) acceptByte(c byte) bool {
	if p.end() || !p.peek().IsByte(c) {
		return false
	}
	p.i++
	return true
}

// name takes an identifier.
func (p *parser) name() (string, bool) {
	t := p.peek()
	if p.end() || t.Kind != dump.WordToken && t.Kind != dump.NameToken {
		return "", false
	}
	p.i++
	raw := t.Raw
	if t.Kind == dump.NameToken {
		raw = raw[1:max(1, len(raw)-1)]
		q := string(t.Raw[:1])
		return p.decode([]byte(strings.ReplaceAll(string(raw), q+q, q))), len(raw) > 0
	}
	return p.decode(raw), true
}

func (p *parser) qualified() (schema, name string, ok bool) {
	name, ok = p.name()
	if ok && p.acceptByte('.') {
		schema = name
		name, ok = p.name()
	}
	return schema, name, ok
}

// decode gives a text of the statement as UTF-8, or as it is when it is none.
func (p *parser) decode(text []byte) string {
	if p.charset != nil {
		if out, ok := p.charset.Decode(nil, text); ok {
			return string(out)
		}
	}
	return string(text)
}

// str takes a string, decoded. Strings side by side are one.
func (p *parser) str() (string, bool) {
	var out strings.Builder
	found := false
	for !p.end() && p.peek().Kind == dump.TextToken {
		found = true
		raw := p.peek().Raw
		l := dump.Literal{Kind: dump.StringLiteral, Raw: raw[1:max(1, len(raw)-1)], Quote: raw[0]}
		out.WriteString(p.decode(l.AppendValue(nil, p.mode)))
		p.i++
	}
	return out.String(), found
}

// skipGroup skips what an opening parenthesis ahead begins, and reports whether
// one was there.
func (p *parser) skipGroup() bool {
	if p.end() || !p.peek().IsByte('(') {
		return false
	}
	for depth := 0; !p.end(); {
		switch t := p.peek(); {
		case t.IsByte('('):
			depth++
		case t.IsByte(')'):
			depth--
		}
		p.i++
		if depth == 0 {
			break
		}
	}
	return true
}

// definitions takes columns and keys up to the closing parenthesis.
func (p *parser) definitions() error {
	for {
		if err := p.definition(); err != nil {
			return err
		}
		p.skipTo(',', ')')
		switch {
		case p.acceptByte(','):
		case p.acceptByte(')'):
			if len(p.table.Columns) == 0 {
				return errors.New("it lists no columns")
			}
			return nil
		default:
			return errors.New("the list of columns has no end")
		}
	}
}

// skipTo moves to the next of the given bytes outside parentheses.
func (p *parser) skipTo(stops ...byte) {
	for !p.end() {
		t := p.peek()
		if t.Kind == dump.ByteToken && slices.Contains(stops, t.Raw[0]) {
			return
		}
		if !p.skipGroup() {
			p.i++
		}
	}
}

// definition takes one column, key or constraint.
func (p *parser) definition() error {
	name := ""
	if p.accept("CONSTRAINT") && !p.isConstraint() {
		name, _ = p.name()
	}
	switch first, next := p.peek(), p.at(1); {
	case first.Is("PRIMARY"), first.Is("UNIQUE"), first.Is("FULLTEXT"), first.Is("SPATIAL"),
		first.Is("KEY"), first.Is("INDEX"), first.Is("VECTOR") && (next.Is("KEY") || next.Is("INDEX")):
		return p.key(name)
	case first.Is("FOREIGN"):
		p.i++
		p.accept("KEY")
		if p.accept("IF") {
			p.accept("NOT")
			p.accept("EXISTS")
		}
		if own, ok := p.name(); ok && name == "" {
			name = own
		}
		columns, _, ok := p.parts()
		if !ok {
			return errors.New("a foreign key lists no columns")
		}
		return p.references(name, columns)
	case first.Is("CHECK") && next.IsByte('('), first.Is("PERIOD") && next.Is("FOR"):
		return nil // skipped by the caller
	}
	return p.column()
}

// isConstraint reports whether the word ahead says what a constraint is, rather
// than what it is called.
func (p *parser) isConstraint() bool {
	t := p.peek()
	return t.Is("PRIMARY") || t.Is("UNIQUE") || t.Is("FOREIGN") || t.Is("CHECK")
}

// key takes an index.
func (p *parser) key(constraint string) error {
	k := Key{Name: constraint}
	switch {
	case p.accept("PRIMARY"):
		k.Primary, k.Unique, constraint = true, true, "PRIMARY"
		k.Name = constraint
	case p.accept("UNIQUE"):
		k.Unique = true
	default:
		p.accept("FULLTEXT", "SPATIAL", "VECTOR")
	}
	p.accept("KEY", "INDEX")
	if p.accept("IF") {
		p.accept("NOT")
		p.accept("EXISTS")
	}
	if !p.peek().IsByte('(') && !p.isUsing() {
		if own, ok := p.name(); ok && !k.Primary {
			k.Name = own
		}
	}
	if p.isUsing() {
		p.i += 2
	}
	var ok bool
	if k.Columns, k.Partial, ok = p.parts(); !ok {
		return errors.New("a key lists no columns")
	}
	p.table.Keys = append(p.table.Keys, k)
	if k.Primary {
		p.primary = append(p.primary, k.Columns...)
	}
	return nil
}

func (p *parser) isUsing() bool {
	if !p.peek().Is("USING") && !p.peek().Is("TYPE") {
		return false
	}
	next := p.at(1)
	return next.Is("BTREE") || next.Is("HASH") || next.Is("RTREE")
}

// parts takes the parts of a key. partial is true when there is more to it than
// columns: expressions, prefixes, periods.
func (p *parser) parts() (columns []string, partial, ok bool) {
	if !p.acceptByte('(') {
		return nil, false, false
	}
	for {
		name, named := p.name()
		switch {
		case !named || p.peek().Is("WITHOUT"), p.peek().Kind == dump.ByteToken && p.peek().IsByte('.'):
			partial = true // an expression, or a period
		default:
			columns = append(columns, name)
			partial = p.skipGroup() || partial
		}
		p.skipTo(',', ')')
		switch {
		case p.acceptByte(','):
		case p.acceptByte(')'):
			return columns, partial, true
		default:
			return nil, false, false
		}
	}
}

// references takes what a foreign key refers to.
func (p *parser) references(name string, columns []string) error {
	if !p.accept("REFERENCES") {
		return errors.New("a foreign key refers to nothing")
	}
	f := ForeignKey{Name: name, Columns: columns}
	var ok bool
	if f.RefSchema, f.RefTable, ok = p.qualified(); !ok {
		return errors.New("a foreign key refers to no table")
	}
	if p.peek().IsByte('(') {
		if f.RefColumns, _, ok = p.parts(); !ok {
			return errors.New("a foreign key refers to no columns")
		}
	}
	for p.accept("MATCH") || p.accept("ON") {
		p.i++ // FULL, PARTIAL, SIMPLE, DELETE, UPDATE
		if p.accept("SET") || p.accept("NO") {
			p.i++ // NULL, DEFAULT, ACTION
			continue
		}
		p.accept("RESTRICT", "CASCADE")
	}
	p.table.ForeignKeys = append(p.table.ForeignKeys, f)
	return nil
}

// options takes what stands behind the columns, up to the partitions.
func (p *parser) options() {
	for !p.end() && !p.peek().Is("PARTITION") && !p.peek().Is("SELECT") && !p.peek().Is("AS") {
		switch {
		case p.accept("ENGINE"), p.accept("TYPE"):
			p.table.Engine = p.setting()
		case p.accept("CHARSET"), p.acceptCharacterSet():
			p.table.Charset = p.setting()
		case p.accept("COLLATE"):
			p.table.Collation = p.setting()
		case p.skipGroup():
		default:
			p.i++
		}
	}
	if p.table.Charset == "" {
		p.table.Charset = charsetOf(p.table.Collation)
	}
}

func (p *parser) acceptCharacterSet() bool {
	if (p.peek().Is("CHARACTER") || p.peek().Is("CHAR")) && p.at(1).Is("SET") {
		p.i += 2
		return true
	}
	return false
}

// setting takes the name that an option is set to, in lower case; empty for
// DEFAULT.
func (p *parser) setting() string {
	p.acceptByte('=')
	if p.accept("DEFAULT") {
		return ""
	}
	if text, ok := p.str(); ok {
		return strings.ToLower(text)
	}
	name, _ := p.name()
	return strings.ToLower(name)
}

// charsetOf gives the character set that a collation belongs to.
func charsetOf(collation string) string {
	name, _, _ := strings.Cut(collation, "_")
	return name
}

// finish fills in what one part of the statement says about another.
func (p *parser) finish() {
	t := p.table
	for i := range t.Columns {
		c := &t.Columns[i]
		if slices.ContainsFunc(p.primary, func(name string) bool { return equalFold(name, c.Name) }) {
			c.NotNull = true
		}
		if c.characters() {
			c.inherit(t)
		} else {
			c.Charset, c.Collation = "", ""
		}
	}
	p.decodeMembers()
	t.Keys = append(t.Keys, p.inline...)
	p.inline = nil
	slices.SortStableFunc(t.Keys, func(a, b Key) int {
		switch {
		case a.Primary == b.Primary:
			return 0
		case a.Primary:
			return -1
		}
		return 1
	})
	nameKeys(t.Keys)
}

// inherit gives a column of characters the table's character set, unless it has
// its own.
func (c *Column) inherit(t *Table) {
	switch {
	case c.Charset == "" && c.Collation == "":
		c.Charset, c.Collation = t.Charset, t.Collation
	case c.Charset == "":
		c.Charset = charsetOf(c.Collation)
	}
}

// nameKeys gives keys without a name that of their first column, numbered where it
// is taken, as servers do ("CREATE TABLE Statement" in the MySQL manual).
func nameKeys(keys []Key) {
	taken := map[string]bool{}
	for _, k := range keys {
		taken[strings.ToLower(k.Name)] = true
	}
	for i := range keys {
		if keys[i].Name != "" {
			continue
		}
		base := "functional_index"
		if len(keys[i].Columns) > 0 {
			base = keys[i].Columns[0]
		}
		name := base
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		keys[i].Name = name
		taken[strings.ToLower(name)] = true
	}
}
