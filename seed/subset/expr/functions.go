package expr

import (
	"hash/crc32"
	"math"
)

// function compiles a call.
type function = func(c *compiler, n *node, args []operand) (operand, error)

// functionNames are the functions that lookup knows, and those that the parser
// takes apart itself.
const functionNames = "ABS, ADDDATE, CEIL, CEILING, CHAR_LENGTH, CHARACTER_LENGTH, COALESCE, CONCAT, CRC32, CURDATE, " +
	"CURRENT_DATE, CURRENT_TIMESTAMP, DATE, DATEDIFF, DATE_ADD, DATE_SUB, DAY, DAYOFMONTH, FLOOR, IF, IFNULL, LCASE, " +
	"LEFT, LENGTH, LOWER, LTRIM, MID, MOD, MONTH, NOW, NULLIF, RIGHT, RTRIM, SUBDATE, SUBSTR, SUBSTRING, " +
	"TIMESTAMP, TRIM, UCASE, UPPER, UTC_DATE, UTC_TIMESTAMP, YEAR"

// lookup finds a function by its name in upper case; nil when there is none.
func lookup(name string) function {
	switch name {
	case "NOW", "CURRENT_TIMESTAMP", "UTC_TIMESTAMP":
		return now(classPoint)
	case "CURDATE", "CURRENT_DATE", "UTC_DATE":
		return now(classDate)
	case "YEAR", "MONTH", "DAY", "DAYOFMONTH":
		return datePart
	case "DATE", "TIMESTAMP":
		return toTemporal
	case "DATEDIFF":
		return dateDiff
	case "COALESCE", "IFNULL":
		return coalesce
	case "IF":
		return ifThen
	case "NULLIF":
		return nullIf
	case "MOD":
		return func(_ *compiler, n *node, args []operand) (operand, error) {
			if err := count(n, args, 2, 2); err != nil {
				return operand{}, err
			}
			return arithmetic(&node{op: "%", pos: n.pos, args: n.args}, args)
		}
	case "ABS", "FLOOR", "CEIL", "CEILING":
		return rounding
	}
	return textFunction(name)
}

// count checks how many arguments a call has.
func count(n *node, args []operand, least, most int) error {
	if len(args) < least || len(args) > most {
		if least == most {
			return fail(n.pos, "%s takes %d arguments", n.text, least)
		}
		return fail(n.pos, "%s takes %d to %d arguments", n.text, least, most)
	}
	return nil
}

func now(kind class) function {
	return func(c *compiler, n *node, args []operand) (operand, error) {
		if err := count(n, args, 0, 1); err != nil {
			return operand{}, err
		}
		if len(args) == 1 && (!args[0].constant || args[0].class != classInt || args[0].fixed.i < 0 || args[0].fixed.i > 6) {
			return operand{}, fail(n.pos, "%s takes a number of digits from 0 to 6, or nothing", n.text)
		}
		v := c.now
		if kind == classDate {
			v = dayPart(v)
		}
		return fixed(kind, value{i: v}), nil
	}
}

// dateOf takes an argument that has a date, or a literal that says one.
func dateOf(n *node, a operand) (operand, error) {
	if a.class == classText && a.constant && a.opaque == "" {
		return temporalText(n, classPoint, a)
	}
	if a.class != classNull && a.class != classDate && a.class != classPoint {
		return operand{}, fail(n.pos, "%s takes a date here, not %s", n.text, a.class)
	}
	return a, nil
}

// mapped is an operand computed from another one, NULL for NULL.
func mapped(a, out operand, f func(v value) (value, error)) operand {
	inner := a.eval
	out.constant, out.year, out.direct = false, false, false
	out.eval = func(r *row) (value, error) {
		v, err := inner(r)
		if err != nil || v.null {
			return null, err
		}
		return f(v)
	}
	return out
}

func datePart(_ *compiler, n *node, args []operand) (operand, error) {
	if err := count(n, args, 1, 1); err != nil {
		return operand{}, err
	}
	a, err := dateOf(n, args[0])
	if err != nil || a.class == classNull {
		return a, err
	}
	name := n.text
	return mapped(a, operand{class: classInt, plain: true, unsigned: name == "YEAR"}, func(v value) (value, error) {
		y, m, d := dateParts(v.i)
		switch name {
		case "YEAR":
			return value{i: int64(y)}, nil
		case "MONTH":
			return value{i: int64(m)}, nil
		}
		return value{i: int64(d)}, nil
	}), nil
}

// toTemporal is DATE(x) and TIMESTAMP(x).
func toTemporal(_ *compiler, n *node, args []operand) (operand, error) {
	if err := count(n, args, 1, 1); err != nil {
		return operand{}, err
	}
	a, err := dateOf(n, args[0])
	if err != nil || a.class == classNull {
		return a, err
	}
	if n.text == "TIMESTAMP" {
		return mapped(a, operand{class: classPoint, plain: true}, func(v value) (value, error) { return value{i: v.i}, nil }), nil
	}
	return mapped(a, operand{class: classDate, plain: true}, func(v value) (value, error) { return value{i: dayPart(v.i)}, nil }), nil
}

func dateDiff(_ *compiler, n *node, args []operand) (operand, error) {
	if err := count(n, args, 2, 2); err != nil {
		return operand{}, err
	}
	a, err := dateOf(n, args[0])
	if err != nil {
		return operand{}, err
	}
	b, err := dateOf(n, args[1])
	if err != nil {
		return operand{}, err
	}
	return operand{class: classInt, plain: true, eval: func(r *row) (value, error) {
		x, err := a.eval(r)
		if err != nil || x.null {
			return null, err
		}
		y, err := b.eval(r)
		if err != nil || y.null {
			return null, err
		}
		days, ok := daysBetween(x.i, y.i)
		return value{i: days, null: !ok}, nil
	}}, nil
}

// unify gives operands one class, for functions that return one of several.
func unify(n *node, args []operand) (operand, []operand, error) {
	out := operand{class: classNull, plain: true, unsigned: true, utf8: true}
	args = append([]operand(nil), args...)
	for _, a := range args {
		switch {
		case a.class == classNull:
			continue
		case a.opaque != "":
			return out, nil, fail(n.pos, "%s does not take %s", n.text, a.opaque)
		case out.class == classNull:
			out.class, out.coll, out.strong, out.scale = a.class, a.coll, a.strong, a.scale
			out.unsigned, out.plain, out.utf8 = a.unsigned, a.plain, a.utf8
			continue
		case a.class == classText && out.class == classText:
			_, _, coll, err := unite(n, out, a)
			if err != nil && (out.coll != nil || a.coll != nil) {
				return out, nil, err
			}
			out.coll, out.strong, out.utf8 = coll, out.strong || a.strong, out.utf8 && a.utf8
		case a.class.numeric() && out.class.numeric():
			out.plain = out.plain && a.plain && a.class == out.class && a.scale == out.scale
			out.class, out.unsigned, out.scale = max(a.class, out.class), out.unsigned && a.unsigned, max(a.scale, out.scale)
		case a.class != out.class:
			return out, nil, fail(n.pos, "%s has %s and %s as its values here; the servers do not agree what that makes", n.text, out.class, a.class)
		}
	}
	for i, a := range args {
		if a.class == classNull || a.class == out.class {
			continue
		}
		target := out.class
		args[i] = mapped(a, operand{class: target}, func(v value) (value, error) {
			if target == classFloat {
				return value{f: asFloat(a.class, v)}, nil
			}
			return value{d: asDecimal(a.class, v)}, nil
		})
	}
	return out, args, nil
}

func coalesce(_ *compiler, n *node, args []operand) (operand, error) {
	least, most := 1, math.MaxInt
	if n.text == "IFNULL" {
		least, most = 2, 2
	}
	if err := count(n, args, least, most); err != nil {
		return operand{}, err
	}
	out, args, err := unify(n, args)
	if err != nil {
		return operand{}, err
	}
	out.eval = func(r *row) (value, error) {
		for i := range args {
			v, err := args[i].eval(r)
			if err != nil || !v.null {
				return v, err
			}
		}
		return null, nil
	}
	return out, nil
}

func ifThen(c *compiler, n *node, args []operand) (operand, error) {
	if err := count(n, args, 3, 3); err != nil {
		return operand{}, err
	}
	test, err := c.truthOf(args[0], n.args[0])
	if err != nil {
		return operand{}, err
	}
	out, either, err := unify(n, args[1:])
	if err != nil {
		return operand{}, err
	}
	out.eval = func(r *row) (value, error) {
		v, err := test.eval(r)
		if err != nil {
			return null, err
		}
		if !v.null && truth(test.class, v) {
			return either[0].eval(r)
		}
		return either[1].eval(r)
	}
	return out, nil
}

func nullIf(c *compiler, n *node, args []operand) (operand, error) {
	if err := count(n, args, 2, 2); err != nil {
		return operand{}, err
	}
	equal, err := c.comparison(&node{op: "=", pos: n.pos}, args)
	if err != nil {
		return operand{}, err
	}
	out := args[0]
	out.constant, out.year, out.direct = false, false, false
	out.eval = func(r *row) (value, error) {
		v, err := equal.eval(r)
		if err != nil || (!v.null && v.i != 0) {
			return null, err
		}
		return args[0].eval(r)
	}
	return out, nil
}

// rounding is ABS, FLOOR and CEIL.
func rounding(_ *compiler, n *node, args []operand) (operand, error) {
	if err := count(n, args, 1, 1); err != nil {
		return operand{}, err
	}
	a := args[0]
	if a.class == classNull {
		return a, nil
	}
	if !a.class.numeric() {
		return operand{}, fail(n.pos, "%s takes a number, not %s", n.text, a.class)
	}
	name := n.text
	out := a
	if name != "ABS" {
		out.scale = 0
	}
	return mapped(a, out, func(v value) (value, error) {
		switch {
		case a.class == classFloat && name == "ABS":
			return value{f: math.Abs(v.f)}, nil
		case a.class == classFloat && name == "FLOOR":
			return value{f: math.Floor(v.f)}, nil
		case a.class == classFloat:
			return value{f: math.Ceil(v.f)}, nil
		}
		d := asDecimal(a.class, v)
		switch {
		case name == "FLOOR":
			d = d.floor()
		case name != "ABS":
			d = d.neg().floor().neg()
		case d.sign() < 0:
			d = d.neg()
		}
		if a.class == classDec {
			return value{d: d}, nil
		}
		return out.result(d)
	}), nil
}

func crc(s []byte) int64 { return int64(crc32.ChecksumIEEE(s)) }
