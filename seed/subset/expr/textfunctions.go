package expr

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// textFunction finds a function of text.
func textFunction(name string) function {
	switch name {
	case "LOWER", "LCASE":
		return letters(unicode.ToLower)
	case "UPPER", "UCASE":
		return letters(unicode.ToUpper)
	case "TRIM":
		return simpleText(func(s []byte) []byte { return bytes.Trim(s, " ") })
	case "LTRIM":
		return simpleText(func(s []byte) []byte { return bytes.TrimLeft(s, " ") })
	case "RTRIM":
		return simpleText(func(s []byte) []byte { return bytes.TrimRight(s, " ") })
	case "LENGTH":
		return measure(true, func(s []byte) int64 { return int64(len(s)) })
	case "CHAR_LENGTH", "CHARACTER_LENGTH":
		return measure(false, nil)
	case "CRC32":
		return func(c *compiler, n *node, args []operand) (operand, error) {
			o, err := measure(true, crc)(c, n, args)
			o.unsigned = o.class == classInt
			return o, err
		}
	case "LEFT", "RIGHT", "SUBSTRING", "SUBSTR", "MID":
		return part
	case "CONCAT":
		return concat
	}
	return nil
}

// text takes an argument that is text, or can be used as such.
func text(n *node, a operand) (operand, error) {
	if a.opaque != "" {
		return operand{}, fail(n.pos, "%s does not take %s", n.text, a.opaque)
	}
	return written(n, a)
}

func simpleText(f func([]byte) []byte) function {
	return func(_ *compiler, n *node, args []operand) (operand, error) {
		if err := count(n, args, 1, 1); err != nil {
			return operand{}, err
		}
		a, err := text(n, args[0])
		if err != nil || a.class == classNull {
			return a, err
		}
		return mapped(a, a, func(v value) (value, error) { return value{s: f(v.s)}, nil }), nil
	}
}

// letters is LOWER and UPPER: letters of the Latin blocks, where both servers
// and Go agree; others are an error when they have cases.
func letters(to func(rune) rune) function {
	return func(_ *compiler, n *node, args []operand) (operand, error) {
		if err := count(n, args, 1, 1); err != nil {
			return operand{}, err
		}
		a, err := text(n, args[0])
		if err != nil || a.class == classNull {
			return a, err
		}
		if a.coll != nil && a.coll.bytes {
			return operand{}, fail(n.pos, "%s takes text with characters, not bytes", n.text)
		}
		return mapped(a, a, func(v value) (value, error) {
			out := make([]byte, 0, len(v.s))
			for s := v.s; len(s) > 0; {
				r, size := utf8.DecodeRune(s)
				s = s[size:]
				switch {
				case r == utf8.RuneError && size == 1:
					return value{}, errNotText
				case r < 0x80:
				case special(r) || (r >= 0x180 && (unicode.ToLower(r) != r || unicode.ToUpper(r) != r)):
					return value{}, errUnknown
				}
				out = utf8.AppendRune(out, to(r))
			}
			return value{s: out}, nil
		}), nil
	}
}

// special are letters whose other case is in another block, or that the servers
// treat in different ways.
func special(r rune) bool {
	switch r {
	case 0xB5, 0xDF, 0xFF, 0x130, 0x131, 0x138, 0x149, 0x178, 0x17F:
		return true
	}
	return false
}

// measure is a function that gives an integer for text; f is nil for the number
// of characters. inBytes says that it depends on the column's own bytes.
func measure(inBytes bool, f func([]byte) int64) function {
	return func(_ *compiler, n *node, args []operand) (operand, error) {
		if err := count(n, args, 1, 1); err != nil {
			return operand{}, err
		}
		a, err := text(n, args[0])
		if err != nil || a.class == classNull {
			return a, err
		}
		if inBytes && !a.utf8 {
			a = asciiOnly(a)
		}
		binary := a.coll != nil && a.coll.bytes
		return mapped(a, operand{class: classInt, plain: true}, func(v value) (value, error) {
			switch {
			case f != nil:
				return value{i: f(v.s)}, nil
			case binary:
				return value{i: int64(len(v.s))}, nil
			case !utf8.Valid(v.s):
				return value{}, errNotText
			}
			return value{i: int64(utf8.RuneCount(v.s))}, nil
		}), nil
	}
}

// part is LEFT, RIGHT and SUBSTRING.
func part(_ *compiler, n *node, args []operand) (operand, error) {
	most := 3
	if n.text == "LEFT" || n.text == "RIGHT" {
		most = 2
	}
	least := 2
	if n.text == "MID" {
		least = 3
	}
	if err := count(n, args, least, most); err != nil {
		return operand{}, err
	}
	a, err := text(n, args[0])
	if err != nil {
		return a, err
	}
	for i, arg := range args[1:] {
		if arg.class == classNull || a.class == classNull {
			return fixed(classNull, null), nil
		}
		if arg.class != classInt {
			return operand{}, fail(n.args[i+1].pos, "%s takes whole numbers behind the text", n.text)
		}
	}
	chars := a.coll == nil || !a.coll.bytes
	out := a
	out.constant = false
	out.eval = func(r *row) (value, error) {
		v, err := a.eval(r)
		if err != nil || v.null {
			return null, err
		}
		var at [2]int64
		for i, arg := range args[1:] {
			x, err := arg.eval(r)
			if err != nil || x.null {
				return null, err
			}
			at[i] = x.i
		}
		if chars && !utf8.Valid(v.s) {
			return value{}, errNotText
		}
		size := int64(len(v.s))
		if chars {
			size = int64(utf8.RuneCount(v.s))
		}
		from, to := partRange(n.text, size, at, len(args) == 3)
		return value{s: slice(v.s, from, to, chars)}, nil
	}
	return out, nil
}

// partRange gives what part of a text of some size a function asks for, counted
// from 0.
func partRange(name string, size int64, at [2]int64, hasLength bool) (from, to int64) {
	switch name {
	case "LEFT":
		return 0, min(max(at[0], 0), size)
	case "RIGHT":
		return size - min(max(at[0], 0), size), size
	}
	switch {
	case at[0] > 0 && at[0] <= size:
		from = at[0] - 1
	case at[0] < 0 && -at[0] <= size && at[0] != -1<<63:
		from = size + at[0]
	default:
		return 0, 0
	}
	if !hasLength {
		return from, size
	}
	return from, from + min(max(at[1], 0), size-from)
}

// slice cuts a text by characters or bytes.
func slice(s []byte, from, to int64, chars bool) []byte {
	if !chars {
		return s[from:to]
	}
	start, end, i := len(s), len(s), int64(0)
	for at := range string(s) {
		if i == from {
			start = at
		}
		if i == to {
			end = at
			break
		}
		i++
	}
	return s[start:max(start, end)]
}

func concat(_ *compiler, n *node, args []operand) (operand, error) {
	if len(args) == 0 {
		return operand{}, fail(n.pos, "CONCAT takes at least one argument")
	}
	parts := make([]operand, len(args))
	for i := range args {
		var err error
		if parts[i], err = text(n, args[i]); err != nil {
			return operand{}, err
		}
		if parts[i].class == classNull {
			return parts[i], nil
		}
		parts[i].digits = parts[i].digits && len(args) == 1
	}
	out, parts, err := unify(n, parts)
	if err != nil {
		return operand{}, err
	}
	out.constant = false
	out.eval = func(r *row) (value, error) {
		var s []byte
		for i := range parts {
			v, err := parts[i].eval(r)
			if err != nil || v.null {
				return null, err
			}
			s = append(s, v.s...)
		}
		return value{s: s}, nil
	}
	return out, nil
}
