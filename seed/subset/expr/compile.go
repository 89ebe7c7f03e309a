package expr

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// row is what a condition is evaluated on.
type row struct {
	cells []rows.Cell
}

const hexLiteral = "a hex literal"

// operand is a part of a condition, compiled.
type operand struct {
	class class
	eval  func(*row) (value, error)
	// coll is the collation of text; nil for a literal, which takes the other
	// side's. strong: it was named by COLLATE.
	coll   *collation
	strong bool
	// constant operands have their value in fixed.
	constant bool
	fixed    value
	// unsigned is that of an integer; scale that of a decimal.
	unsigned bool
	scale    int
	// utf8: text whose bytes are the column's own.
	utf8 bool
	// opaque values can be asked for NULL only; kind says what they are.
	opaque string
	// plain: the text of a number is what the servers would make of it.
	plain bool
	// digits: text made of a number or a date, which has no collation of its own.
	digits bool
	// year: a YEAR column, beside which the servers change constants.
	year bool
	// direct: a column itself.
	direct bool
}

func fixed(c class, v value) operand {
	return operand{class: c, constant: true, fixed: v, utf8: true, plain: true, eval: func(*row) (value, error) { return v, nil }}
}

// compiler makes operands of nodes for one table.
type compiler struct {
	table   *schema.Table
	columns []string
	now     int64
	uses    []bool
}

func (c *compiler) compile(n *node) (operand, error) {
	switch n.op {
	case "NULL":
		return fixed(classNull, null), nil
	case "TRUE":
		return fixed(classInt, boolean(true)), nil
	case "FALSE":
		return fixed(classInt, boolean(false)), nil
	case opNumber:
		return number(n)
	case opString:
		return fixed(classText, value{s: []byte(n.text)}), nil
	case opHex:
		o := fixed(classText, value{s: []byte(n.text)})
		o.coll = collationOf("binary")
		o.opaque, o.plain = hexLiteral, !n.not
		return o, nil
	case opColumn:
		return c.column(n)
	}
	args := make([]operand, len(n.args))
	for i, a := range n.args {
		var err error
		if args[i], err = c.compile(a); err != nil {
			return operand{}, err
		}
	}
	switch n.op {
	case "AND", "OR", "XOR", "NOT", "IS TRUE", "IS FALSE":
		return c.logic(n, args)
	case "IS NULL":
		return isNull(n, args[0]), nil
	case "COLLATE":
		return collate(n, args[0])
	}
	for i := range args {
		if args[i].opaque != "" && args[i].opaque != hexLiteral {
			return operand{}, fail(n.args[i].pos, "%s can only be asked for NULL", args[i].opaque)
		}
	}
	switch n.op {
	case "=", "<=>", "<", "<=", ">", ">=", "<>":
		return c.comparison(n, args)
	case "IN":
		return c.in(n, args)
	case "BETWEEN":
		return c.between(n, args)
	case "LIKE":
		return like(n, args)
	case "REGEXP":
		return regexpMatch(n, args)
	case "+", "-", "*", "/", "%", "DIV", "NEG":
		return arithmetic(n, args)
	case opInterval:
		return interval(n, args)
	case opCall:
		return lookup(n.text)(c, n, args)
	}
	return operand{}, fail(n.pos, "%s is not supported", n.op)
}

func number(n *node) (operand, error) {
	if strings.ContainsAny(n.text, "eE") {
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			return operand{}, fail(n.pos, "the number is out of range")
		}
		return fixed(classFloat, value{f: f}), nil
	}
	d, ok := parseDecimal([]byte(n.text))
	if !ok || d.tooLong() || d.scale > 30 {
		return operand{}, fail(n.pos, "a number has %d digits at most, 30 of them behind the point", maxDigits)
	}
	if d.scale == 0 && d.big == nil && !strings.Contains(n.text, ".") {
		return fixed(classInt, value{i: d.small}), nil
	}
	o := fixed(classDec, value{d: d})
	o.scale = d.scale
	return o, nil
}

// column finds the column and how its values are read.
func (c *compiler) column(n *node) (operand, error) {
	names := []string{c.table.Name, c.table.Schema}
	for i, q := range slices.Backward(n.qualifier) {
		if want := names[len(n.qualifier)-1-i]; !strings.EqualFold(q, want) && want != "" {
			return operand{}, fail(n.pos, "%s.%s is not a column of %s; a condition sees one table only", strings.Join(n.qualifier, "."), n.text, c.table.Name)
		}
	}
	col := c.table.Column(n.text)
	if col == nil {
		return operand{}, fail(n.pos, "table %s has no column %q", c.table.Name, n.text)
	}
	index := slices.IndexFunc(c.columns, func(s string) bool { return strings.EqualFold(s, col.Name) })
	if index < 0 && col.Generated {
		return operand{}, fail(n.pos, "%s is a generated column, which has no value in the dump; use what it is generated from", col.Name)
	}
	if index < 0 {
		return operand{}, fail(n.pos, "the dump's rows have no value for the column %s", col.Name)
	}
	o, read := c.reader(col)
	o.direct, c.uses[index] = true, true
	if o.class == classText && o.coll == nil && o.opaque == "" {
		name := col.Collation
		if name == "" {
			name = defaultCollation(col.Charset)
		}
		if o.coll = collationOf(name); o.coll == nil {
			o.coll = &collation{name: name, unordered: true}
			o.opaque = fmt.Sprintf("text in the collation %q, which is not known exactly (add COLLATE and a _bin collation or one that docs/subsetting.md lists),", name)
		} else if err := o.coll.load(); err != nil {
			return operand{}, err
		}
	}
	o.eval = func(r *row) (value, error) {
		cell := &r.cells[index]
		if cell.Kind == rows.Null {
			return null, nil
		}
		v, err := read(cell)
		if err != nil {
			return value{}, fmt.Errorf("column %s: %w", col.Name, err)
		}
		return v, nil
	}
	return o, nil
}

func (c *collation) load() error {
	if c.weights == nil {
		return nil
	}
	return c.weights.load()
}

var errForm = errors.New("a value is not written as a value of the column's type")

type reader = func(*rows.Cell) (value, error)

// reader decides by a column's type what its values are.
func (c *compiler) reader(col *schema.Column) (operand, reader) {
	zerofill := strings.Contains(strings.ToLower(col.FullType), "zerofill")
	switch col.Type {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "boolean", "bool":
		if col.Type == "bigint" && col.Unsigned {
			return operand{class: classDec, unsigned: true, plain: !zerofill}, readDecimal
		}
		return operand{class: classInt, unsigned: col.Unsigned || col.Type == "year", year: col.Type == "year", plain: !zerofill}, readInt
	case "decimal", "numeric", "dec", "fixed":
		return operand{class: classDec, scale: int(col.Scale), plain: !zerofill}, readDecimal
	case "float":
		return operand{class: classFloat}, readFloat(32)
	case "double", "real", "double precision":
		return operand{class: classFloat}, readFloat(64)
	case "bit":
		return operand{class: classDec, unsigned: true}, readBit
	case "date":
		return operand{class: classDate}, readDate
	case "datetime", "timestamp":
		return operand{class: classPoint}, readDate
	case "time":
		return operand{class: classClock}, func(cell *rows.Cell) (value, error) {
			v, ok := parseTime(cell.Value)
			return formed(value{i: v, s: cell.Value}, ok)
		}
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "nchar", "nvarchar":
		if col.Charset == "binary" {
			break
		}
		return operand{class: classText, utf8: unicodeCharset(col.Charset)}, readText
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
	default:
		return operand{class: classText, opaque: "a column of type " + col.Type}, readText
	}
	return operand{class: classText, utf8: true, coll: collationOf("binary")}, func(cell *rows.Cell) (value, error) {
		return value{s: cell.Value}, nil
	}
}

func formed(v value, ok bool) (value, error) {
	if !ok {
		return value{}, errForm
	}
	return v, nil
}

func readInt(cell *rows.Cell) (value, error) {
	b := cell.Value
	i, negative := 0, len(b) > 0 && b[0] == '-'
	if negative {
		i = 1
	}
	if len(b)-i == 0 || len(b)-i > 18 {
		n, err := strconv.ParseInt(string(b), 10, 64)
		return formed(value{i: n, s: b}, err == nil)
	}
	var n int64
	for _, c := range b[i:] {
		if !isDigit(c) {
			return value{}, errForm
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return value{i: n, s: b}, nil
}

func readDecimal(cell *rows.Cell) (value, error) {
	d, ok := parseDecimal(cell.Value)
	return formed(value{d: d, s: cell.Value}, ok)
}

func readFloat(bits int) reader {
	return func(cell *rows.Cell) (value, error) {
		f, err := strconv.ParseFloat(string(cell.Value), bits)
		return formed(value{f: f}, err == nil || !math.IsInf(f, 0))
	}
}

// readBit takes a BIT as the number or as the bytes that a dump has for it.
func readBit(cell *rows.Cell) (value, error) {
	if cell.Kind == rows.Number {
		return readDecimal(cell)
	}
	var d decimal
	for _, c := range cell.Value {
		d = d.mul(decimal{small: 256}).add(decimal{small: int64(c)})
	}
	return value{d: d}, nil
}

func readDate(cell *rows.Cell) (value, error) {
	v, _, ok := parseDateTime(cell.Value)
	return formed(value{i: v, s: cell.Value}, ok)
}

func readText(cell *rows.Cell) (value, error) {
	if cell.Kind == rows.Bytes && !isASCII(cell.Value) {
		return value{s: cell.Value}, errNotText
	}
	return value{s: cell.Value}, nil
}

func isASCII(s []byte) bool {
	return !bytes.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// truthOf checks that an operand can stand where true or false is expected.
func (c *compiler) truthOf(o operand, n *node) (operand, error) {
	switch {
	case o.class.temporal():
		return operand{}, fail(n.pos, "%s is neither true nor false; compare it with something", o.class)
	case o.opaque != "":
		return operand{}, fail(n.pos, "%s is neither true nor false; compare it with something", o.opaque)
	}
	return o, nil
}

// logic compiles AND, OR, XOR, NOT, IS TRUE and IS FALSE.
func (c *compiler) logic(n *node, args []operand) (operand, error) {
	for i := range args {
		if _, err := c.truthOf(args[i], n.args[i]); err != nil {
			return operand{}, err
		}
		if n.op == "XOR" && args[i].class > classInt {
			return operand{}, fail(n.args[i].pos, "XOR takes conditions and integers, not %s", args[i].class)
		}
	}
	test := func(o operand) func(*row) (truth3, error) {
		return func(r *row) (truth3, error) {
			v, err := o.eval(r)
			switch {
			case err != nil || v.null:
				return unknown, err
			case truth(o.class, v):
				return isTrue, nil
			}
			return isFalse, nil
		}
	}
	a := test(args[0])
	switch n.op {
	case "NOT":
		return three(func(r *row) (truth3, error) {
			x, err := a(r)
			return -x, err
		}), nil
	case "IS TRUE", "IS FALSE":
		want := isTrue
		if n.op == "IS FALSE" {
			want = isFalse
		}
		return three(func(r *row) (truth3, error) {
			x, err := a(r)
			return known((x == want) != n.not), err
		}), nil
	}
	b := test(args[1])
	return three(func(r *row) (truth3, error) {
		x, err := a(r)
		if err != nil || (n.op == "AND" && x == isFalse) || (n.op == "OR" && x == isTrue) {
			return x, err
		}
		y, err := b(r)
		switch n.op {
		case "AND":
			return min(x, y), err
		case "OR":
			return max(x, y), err
		}
		return -x * y, err // XOR
	}), nil
}

// truth3 is a truth value of SQL's three-valued logic: AND is the minimum, OR the
// maximum, NOT the sign.
type truth3 int8

const (
	isFalse truth3 = iota - 1
	unknown
	isTrue
)

func known(b bool) truth3 {
	if b {
		return isTrue
	}
	return isFalse
}

// three makes an operand of a truth value.
func three(f func(*row) (truth3, error)) operand {
	return operand{class: classInt, plain: true, eval: func(r *row) (value, error) {
		x, err := f(r)
		if x == unknown || err != nil {
			return null, err
		}
		return boolean(x == isTrue), nil
	}}
}

func isNull(n *node, a operand) operand {
	return three(func(r *row) (truth3, error) {
		v, err := a.eval(r)
		if errors.Is(err, errNotText) {
			err = nil // whatever it is, it is not NULL
		}
		return known(v.null != n.not), err
	})
}

func collate(n *node, a operand) (operand, error) {
	coll := collationOf(n.text)
	switch {
	case coll == nil:
		return operand{}, fail(n.pos, "the collation %q is not supported in conditions; docs/subsetting.md lists those that are", n.text)
	case a.class != classText:
		return operand{}, fail(n.pos, "only text has a collation, not %s", a.class)
	case coll.bytes && !a.utf8 && a.coll != nil:
		a = asciiOnly(a)
	}
	if err := coll.load(); err != nil {
		return operand{}, err
	}
	if strings.HasPrefix(a.opaque, "text in") {
		a.opaque = ""
	}
	a.coll, a.strong = coll, true
	if !coll.bytes {
		return a, nil
	}
	inner := a.eval
	a.eval = func(r *row) (value, error) {
		v, err := inner(r)
		if errors.Is(err, errNotText) {
			err = nil
		}
		return v, err
	}
	return a, nil
}

// asciiOnly refuses values whose bytes in the column are not those in UTF-8.
func asciiOnly(a operand) operand {
	inner := a.eval
	a.eval = func(r *row) (value, error) {
		v, err := inner(r)
		if err == nil && !v.null && !isASCII(v.s) {
			err = errNotASCII
		}
		return v, err
	}
	a.utf8 = true
	return a
}
