package expr

import (
	"errors"
	"math"
	"strconv"
)

var (
	errRange    = errors.New("a result is out of range, for which the server gives an error")
	errLineEnds = errors.New("a value holds line ends that REGEXP treats in another way on each server")
)

func appendInt(dst []byte, i int64) []byte { return strconv.AppendInt(dst, i, 10) }

// arithmetic compiles + - * / % DIV and the minus sign.
func arithmetic(n *node, args []operand) (operand, error) {
	kind, unsigned, scale, whole := classInt, false, 0, true
	for i := range args {
		a := &args[i]
		switch {
		case a.class == classNull:
			return fixed(classNull, null), nil
		case a.class == classText && a.opaque == "" && !a.constant:
			b, err := numberText(n, operand{class: classFloat}, *a)
			if err != nil {
				return operand{}, err
			}
			*a = b
		case !a.class.numeric():
			return operand{}, fail(n.pos, "%s takes numbers, not %s; dates take + INTERVAL 1 DAY", n.op, a.class)
		}
		kind = max(kind, a.class)
		unsigned = unsigned || a.unsigned
		whole = whole && (a.class == classInt || a.unsigned)
		scale = max(scale, a.scale)
	}
	switch n.op {
	case "*":
		scale = args[0].scale + args[1].scale
	case "DIV":
		if scale, whole = 0, true; kind == classDec && !unsigned {
			kind = classInt
		}
	case "%":
		unsigned = args[0].unsigned
	case "NEG":
		unsigned = false
	}
	unsigned = unsigned && whole
	if scale > 30 {
		return operand{}, fail(n.pos, "the result has more than 30 digits behind the point")
	}
	if n.op == "/" && kind != classFloat {
		return operand{}, fail(n.pos, "the servers do not agree how the quotient of exact numbers is rounded; multiply the other side instead, or use DIV")
	}
	if n.op == "%" && kind != classInt && !whole {
		return operand{}, fail(n.pos, "MOD takes integers here")
	}
	if kind == classFloat {
		return floats(n, args)
	}
	return exact(n, args, operand{class: kind, unsigned: unsigned, scale: scale, plain: true}), nil
}

func floats(n *node, args []operand) (operand, error) {
	if n.op == "DIV" {
		return operand{}, fail(n.pos, "DIV takes integers and decimals here")
	}
	return operand{class: classFloat, eval: func(r *row) (value, error) {
		var f [2]float64
		for i := range args {
			v, err := args[i].eval(r)
			if err != nil || v.null {
				return null, err
			}
			f[i] = asFloat(args[i].class, v)
		}
		var result float64
		switch n.op {
		case "+":
			result = f[0] + f[1]
		case "-":
			result = f[0] - f[1]
		case "*":
			result = f[0] * f[1]
		case "NEG":
			result = -f[0]
		default:
			if f[1] == 0 {
				return null, nil
			}
			result = f[0] / f[1]
		}
		if math.IsInf(result, 0) || math.IsNaN(result) {
			return value{}, errRange
		}
		return value{f: result}, nil
	}}, nil
}

// exact computes with integers and decimals.
func exact(n *node, args []operand, out operand) operand {
	out.eval = func(r *row) (value, error) {
		var d [2]decimal
		for i := range args {
			v, err := args[i].eval(r)
			if err != nil || v.null {
				return null, err
			}
			d[i] = asDecimal(args[i].class, v)
		}
		var result decimal
		switch n.op {
		case "+":
			result = d[0].add(d[1])
		case "-":
			result = d[0].add(d[1].neg())
		case "*":
			result = d[0].mul(d[1])
		case "NEG":
			result = d[0].neg()
			if args[0].unsigned && result.big != nil {
				return value{}, errRange
			}
		default:
			if d[1].sign() == 0 {
				return null, nil
			}
			switch n.op {
			case "DIV":
				result, _ = d[0].quoRem(d[1])
			case "%":
				_, result = d[0].quoRem(d[1])
			}
		}
		return out.result(result)
	}
	return out
}

// result gives a number as a value of the operand's class.
func (o *operand) result(d decimal) (value, error) {
	if o.class == classDec && !o.unsigned {
		if d.tooLong() {
			return value{}, errRange
		}
		return value{d: d}, nil
	}
	if o.unsigned && d.sign() < 0 {
		return value{}, errRange
	}
	if o.class == classDec {
		if d.big != nil && d.big.BitLen() > 64 {
			return value{}, errRange
		}
		return value{d: d}, nil
	}
	if d.big != nil {
		return value{}, errRange
	}
	return value{i: d.small, d: d}, nil
}

// interval compiles a + INTERVAL n unit, and a minus.
func interval(n *node, args []operand) (operand, error) {
	base, count := args[0], args[1]
	if base.class == classNull || count.class == classNull {
		return fixed(classNull, null), nil
	}
	if base.class == classText && base.constant && base.opaque == "" {
		var err error
		if base, err = temporalText(n, classPoint, base); err != nil {
			return operand{}, err
		}
	}
	if base.class != classDate && base.class != classPoint {
		return operand{}, fail(n.pos, "an INTERVAL is added to a date here, not to %s", base.class)
	}
	if count.class == classText && count.constant {
		d, ok := parseDecimal(count.fixed.s)
		if ok && d.scale == 0 && d.big == nil {
			count = fixed(classInt, value{i: d.small})
		}
	}
	if count.class != classInt {
		return operand{}, fail(n.pos, "INTERVAL takes a whole number")
	}
	out := operand{class: classPoint, plain: true}
	if base.class == classDate && (months[n.text] > 0 || units[n.text] >= perDay) {
		out.class = classDate
	}
	out.eval = func(r *row) (value, error) {
		v, err := base.eval(r)
		if err != nil || v.null {
			return null, err
		}
		by, err := count.eval(r)
		if err != nil || by.null {
			return null, err
		}
		if n.not {
			by.i = -by.i
		}
		sum, ok := addInterval(v.i, by.i, n.text)
		if !ok {
			return null, nil
		}
		return value{i: sum}, nil
	}
	return out, nil
}
