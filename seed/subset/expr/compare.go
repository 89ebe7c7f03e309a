package expr

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"
)

// comparer compares two values that are not NULL.
type comparer func(a, b value) (int, error)

// comparer finds out how the servers compare two operands ("Type Conversion in
// Expression Evaluation", MySQL manual), and converts constants once. ordered
// says that it is asked for more than equality.
func (c *compiler) comparer(n *node, a, b operand, ordered bool) (operand, operand, comparer, error) {
	if a.class == classText && b.class != classText { // the other order is the one looked at below
		b, a, compare, err := c.comparer(n, b, a, ordered)
		return a, b, flip(compare), err
	}
	for _, o := range [][2]*operand{{&a, &b}, {&b, &a}} {
		literal := o[1].constant && o[1].class == classInt && o[1].fixed.i >= 1901 && o[1].fixed.i <= 2155
		if o[0].year && !literal && !o[1].direct && o[1].class != classNull {
			return a, b, nil, fail(n.pos, "a YEAR is compared with a year, written with four digits and without quotes, or with another column")
		}
	}
	switch {
	case a.class == classNull || b.class == classNull:
		return a, b, func(value, value) (int, error) { return 0, nil }, nil
	case a.class == classText:
		a, b, coll, err := unite(n, a, b)
		return a, b, func(x, y value) (int, error) { return coll.compare(x.s, y.s, ordered) }, err
	case a.class.numeric() && b.class.numeric():
		return a, b, numbers(a.class, b.class), nil
	case a.class.numeric() && b.class == classText:
		b, err := numberText(n, a, b)
		return a, b, numbers(a.class, b.class), err
	case a.class.temporal() && b.class == classText && b.constant && b.opaque == "" && b.coll == nil:
		b, err := temporalText(n, a.class, b)
		return a, b, compareInts, err
	case a.class.temporal() && b.class.temporal() && (a.class == classClock) == (b.class == classClock):
		return a, b, compareInts, nil
	}
	return a, b, nil, fail(n.pos, "%s is compared with %s here, which is not supported; use DATE(), a literal such as '2024-01-31', or a number", a.class, b.class)
}

func flip(f comparer) comparer {
	return func(a, b value) (int, error) {
		r, err := f(b, a)
		return -r, err
	}
}

func compareInts(a, b value) (int, error) { return cmp.Compare(a.i, b.i), nil }

func numbers(a, b class) comparer {
	switch {
	case a == classInt && b == classInt:
		return compareInts
	case a <= classDec && b <= classDec:
		return func(x, y value) (int, error) { return asDecimal(a, x).compare(asDecimal(b, y)), nil }
	}
	return func(x, y value) (int, error) { return cmp.Compare(asFloat(a, x), asFloat(b, y)), nil }
}

// numberText prepares text to be compared with a number.
func numberText(n *node, a, b operand) (operand, error) {
	if b.opaque != "" { // a hex literal is a number beside numbers
		var d decimal
		for _, c := range b.fixed.s {
			d = d.mul(decimal{small: 256}).add(decimal{small: int64(c)})
		}
		if len(b.fixed.s) > 8 || !b.plain {
			return b, fail(n.pos, "a hex literal that stands for a number is written 0x… and has 8 bytes at most")
		}
		return fixed(classDec, value{d: d}), nil
	}
	if !b.constant {
		b.class = classFloat
		inner := b.eval
		b.eval = func(r *row) (value, error) {
			v, err := inner(r)
			if err == nil && !v.null {
				v.f = leadingFloat(v.s)
			}
			return v, err
		}
		return b, nil
	}
	d, ok := parseDecimal(b.fixed.s)
	if !ok || d.big != nil || abs(d.small) > 1<<53 {
		return b, fail(n.pos, "a number is compared with text that is not plainly a number; write the number without quotes")
	}
	if a.class == classInt || (a.class == classDec && a.unsigned) {
		return fixed(classDec, value{d: d}), nil
	}
	return fixed(classFloat, value{f: d.float()}), nil
}

// temporalText prepares a literal to be compared with a date or time.
func temporalText(n *node, c class, b operand) (operand, error) {
	if c == classClock {
		v, ok := parseTime(b.fixed.s)
		if !ok {
			return b, fail(n.pos, "a time is compared with a text that is no time; write it as '23:59:59'")
		}
		return fixed(classClock, value{i: v}), nil
	}
	v, hasTime, ok := parseDateTime(b.fixed.s)
	if _, exists := toTime(v); !ok || (!exists && v != 0) {
		return b, fail(n.pos, "a date is compared with a text that is no date; write it as '2024-01-31' or '2024-01-31 23:59:59'")
	}
	if hasTime {
		return fixed(classPoint, value{i: v}), nil
	}
	return fixed(classDate, value{i: v}), nil
}

// unite finds the collation in which two texts are compared.
func unite(n *node, a, b operand) (operand, operand, *collation, error) {
	coll := a.coll
	switch {
	case a.opaque == hexLiteral || b.opaque == hexLiteral, a.coll != nil && a.coll.bytes && !b.strong, b.coll != nil && b.coll.bytes && !a.strong:
		coll = collationOf("binary")
	case a.digits && onlyDigits(b), b.digits && onlyDigits(a):
		coll = &collation{name: "digits", pad: true}
	case a.coll == nil && b.coll == nil:
		return a, b, nil, fail(n.pos, "two literals are compared here; say how with COLLATE")
	case a.strong && b.strong && a.coll.name != b.coll.name:
		return a, b, nil, fail(n.pos, "the two sides name different collations")
	case a.coll == nil, b.strong:
		coll = b.coll
	case b.coll == nil, a.strong:
	case a.coll.name != b.coll.name:
		return a, b, nil, fail(n.pos, "the two sides have different collations, %s and %s; say which with COLLATE", a.coll.name, b.coll.name)
	}
	if coll.bytes {
		if !a.utf8 {
			a = asciiOnly(a)
		}
		if !b.utf8 {
			b = asciiOnly(b)
		}
	}
	return a, b, coll, nil
}

// onlyDigits reports whether a literal is of characters whose order and equality
// is the same in every collation.
func onlyDigits(o operand) bool {
	return o.constant && o.coll == nil && !bytes.ContainsFunc(o.fixed.s, func(r rune) bool {
		return r != '-' && r != ' ' && (r < '0' || r > '9')
	})
}

func (c *compiler) comparison(n *node, args []operand) (operand, error) {
	ordered := strings.ContainsAny(strings.TrimSuffix(n.op, "<=>"), "<>") && n.op != "<>"
	a, b, compare, err := c.comparer(n, args[0], args[1], ordered)
	if err != nil {
		return operand{}, err
	}
	test := map[string]func(int) bool{
		"=": func(r int) bool { return r == 0 }, "<=>": func(r int) bool { return r == 0 },
		"<>": func(r int) bool { return r != 0 },
		"<":  func(r int) bool { return r < 0 }, "<=": func(r int) bool { return r <= 0 },
		">": func(r int) bool { return r > 0 }, ">=": func(r int) bool { return r >= 0 },
	}[n.op]
	safe := n.op == "<=>"
	return three(func(r *row) (truth3, error) {
		x, err := a.eval(r)
		if err != nil || (x.null && !safe) {
			return unknown, err
		}
		y, err := b.eval(r)
		switch {
		case err != nil:
			return unknown, err
		case x.null && y.null && safe:
			return isTrue, nil
		case x.null || y.null:
			if safe {
				return isFalse, nil
			}
			return unknown, nil
		}
		result, err := compare(x, y)
		return known(test(result)), err
	}), nil
}

// uniform refuses lists that mix text and numbers, for which the servers choose
// one comparison for all.
func uniform(n *node, args []operand) error {
	text, number := false, false
	for _, a := range args[1:] {
		text = text || (a.class == classText && a.opaque == "")
		number = number || a.class.numeric() || a.opaque != ""
	}
	if text && number {
		return fail(n.pos, "text and numbers are mixed here; quote all values or none")
	}
	return nil
}

func (c *compiler) in(n *node, args []operand) (operand, error) {
	if err := uniform(n, args); err != nil {
		return operand{}, err
	}
	type item struct {
		left, right operand
		compare     comparer
	}
	var items []item
	for _, arg := range args[1:] {
		a, b, compare, err := c.comparer(n, args[0], arg, false)
		if err != nil {
			return operand{}, err
		}
		items = append(items, item{a, b, compare})
	}
	return three(func(r *row) (truth3, error) {
		found := isFalse
		for i := range items {
			x, err := items[i].left.eval(r)
			if err != nil || x.null {
				return unknown, err
			}
			y, err := items[i].right.eval(r)
			if err != nil {
				return unknown, err
			}
			if y.null {
				found = unknown
				continue
			}
			result, err := items[i].compare(x, y)
			if err != nil {
				return unknown, err
			}
			if result == 0 {
				found = isTrue
				break
			}
		}
		if n.not {
			found = -found
		}
		return found, nil
	}), nil
}

func (c *compiler) between(n *node, args []operand) (operand, error) {
	if err := uniform(n, args); err != nil {
		return operand{}, err
	}
	// One floating-point bound makes the servers compare with both as such.
	if args[0].class != classFloat && (args[1].class == classFloat) != (args[2].class == classFloat) {
		return operand{}, fail(n.pos, "one bound of BETWEEN is a floating-point number and the other is not; write the condition with >= and <=")
	}
	low, err := c.comparison(&node{op: ">=", pos: n.pos}, args[:2])
	if err != nil {
		return operand{}, err
	}
	high, err := c.comparison(&node{op: "<=", pos: n.pos}, []operand{args[0], args[2]})
	if err != nil {
		return operand{}, err
	}
	both, err := c.logic(&node{op: "AND", args: n.args[:2]}, []operand{low, high})
	if err != nil || !n.not {
		return both, err
	}
	return c.logic(&node{op: "NOT", args: n.args[:1]}, []operand{both})
}

// written gives an operand as text, where it is what the servers make of it.
func written(n *node, a operand) (operand, error) {
	switch {
	case a.class == classText || a.class == classNull:
		return a, nil
	case a.class == classInt && a.plain, a.class == classDec && a.plain, a.class.temporal() && !a.constant && !a.plain:
	default:
		return operand{}, fail(n.pos, "%s cannot be used as text here", a.class)
	}
	inner, class := a.eval, a.class
	out := operand{class: classText, utf8: true, digits: true, eval: func(r *row) (value, error) {
		v, err := inner(r)
		switch {
		case err != nil || v.null:
		case class == classInt:
			v.s = appendInt(nil, v.i)
		case class == classDec:
			v.s = []byte(v.d.String())
		}
		return v, err
	}}
	return out, nil
}

func like(n *node, args []operand) (operand, error) {
	a, err := written(n, args[0])
	if err != nil {
		return operand{}, err
	}
	if args[1].class == classNull || a.class == classNull {
		return fixed(classInt, null), nil
	}
	if args[1].class != classText || !args[1].constant || args[1].opaque != "" {
		return operand{}, fail(n.pos, "LIKE takes a literal as its pattern here")
	}
	coll := &collation{name: "digits"}
	if !a.digits || !isASCII(args[1].fixed.s) {
		if a, _, coll, err = unite(n, a, args[1]); err != nil {
			return operand{}, err
		}
	}
	if err := coll.load(); err != nil {
		return operand{}, err
	}
	pattern := coll.likeParts(string(args[1].fixed.s), n.text)
	return three(func(r *row) (truth3, error) {
		v, err := a.eval(r)
		if err != nil || v.null {
			return unknown, err
		}
		ok, err := coll.like(v.s, pattern)
		return known(ok != n.not), err
	}), nil
}

// simplePattern is the part of the regular expressions that means the same in
// both servers and here.
var simplePattern = regexp.MustCompile(`^(?:[A-Za-z0-9 _@,:;=<>/!"'%&~#-]|\\[.+*?|()\[\]{}^$-]|[.^$|()]|[*+?]|\{[0-9]+(?:,[0-9]*)?\}|\[\^?[A-Za-z0-9 _@.,:;=/+-]+\])*$`)

func regexpMatch(n *node, args []operand) (operand, error) {
	a := args[0]
	if args[1].class == classNull || a.class == classNull {
		return fixed(classInt, null), nil
	}
	if a.class != classText || a.opaque != "" || a.coll == nil || a.coll.bytes {
		return operand{}, fail(n.pos, "REGEXP takes text with a collation on its left")
	}
	if args[1].class != classText || !args[1].constant || args[1].opaque != "" {
		return operand{}, fail(n.pos, "REGEXP takes a literal as its pattern here")
	}
	pattern := string(args[1].fixed.s)
	if !simplePattern.MatchString(pattern) || strings.Contains(pattern, "(?") || pattern == "" {
		return operand{}, fail(n.pos, "only simple patterns are supported: ASCII characters, . [a-z] ( ) | ^ $ * + ? {1,3}")
	}
	pattern = endOfText(pattern)
	if a.coll.weights != nil {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return operand{}, fail(n.pos, "the pattern is not a regular expression")
	}
	return three(func(r *row) (truth3, error) {
		v, err := a.eval(r)
		if err != nil || v.null {
			return unknown, err
		}
		if bytes.ContainsAny(v.s, "\r\u0085\u2028\u2029\v\f") {
			return unknown, errLineEnds
		}
		return known(re.Match(v.s) != n.not), nil
	}), nil
}

// endOfText lets $ match before a line end at the end, too, as in the servers.
func endOfText(pattern string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			b.WriteString(pattern[i : i+2])
			i++
			continue
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '$' && !class:
			b.WriteString(`(?:\n?\z)`)
			continue
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}
