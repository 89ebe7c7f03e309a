package expr

import (
	"bytes"
	"math"
	"strconv"
)

// class is the type of a part of a condition, which is known before the first row.
type class uint8

const (
	classNull  class = iota // always NULL
	classInt                // value.i
	classDec                // value.d
	classFloat              // value.f
	classText               // value.s, and operand.coll
	classDate               // value.i, packed, without a time of day
	classPoint              // DATETIME, TIMESTAMP: value.i, packed
	classClock              // TIME: value.i in microseconds
)

var classNames = [...]string{"NULL", "an integer", "a decimal", "a float", "text", "a date", "a date with time", "a time"}

func (c class) String() string { return classNames[c] }

func (c class) numeric() bool  { return c >= classInt && c <= classFloat }
func (c class) temporal() bool { return c >= classDate }

// value is what a part of a condition comes to for a row; its class says which
// field counts. s is valid until the next row.
type value struct {
	null bool
	i    int64
	f    float64
	d    decimal
	s    []byte
}

var null = value{null: true}

func boolean(b bool) value {
	if b {
		return value{i: 1}
	}
	return value{}
}

// truth is a value of a numeric or text class that is not NULL as a condition.
func truth(c class, v value) bool {
	switch c {
	case classInt:
		return v.i != 0
	case classDec:
		return v.d.sign() != 0
	case classFloat:
		return v.f != 0
	default:
		return leadingFloat(v.s) != 0
	}
}

// leadingFloat is the number that a text begins with, or 0, as the servers
// convert text.
func leadingFloat(s []byte) float64 {
	s = bytes.TrimLeft(s, " \t\n\v\f\r")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	start := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	count := i - start
	if i < len(s) && s[i] == '.' {
		i++
		for i < len(s) && isDigit(s[i]) {
			i++
			count++
		}
	}
	if count == 0 {
		return 0
	}
	if j := i; j < len(s) && s[j]|0x20 == 'e' {
		j++
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		if j < len(s) && isDigit(s[j]) {
			for j < len(s) && isDigit(s[j]) {
				j++
			}
			i = j
		}
	}
	f, _ := strconv.ParseFloat(string(s[:i]), 64) // out of range: ±Inf
	if math.IsInf(f, 0) {
		return math.Copysign(math.MaxFloat64, f)
	}
	return f
}

// asFloat converts a value of a numeric or text class that is not NULL.
func asFloat(c class, v value) float64 {
	switch c {
	case classInt:
		return float64(v.i)
	case classDec:
		return v.d.float()
	case classFloat:
		return v.f
	default:
		return leadingFloat(v.s)
	}
}

// asDecimal converts a value of an exact class that is not NULL.
func asDecimal(c class, v value) decimal {
	if c == classInt {
		return decimal{small: v.i}
	}
	return v.d
}
