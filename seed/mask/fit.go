package mask

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/dbake/dbake/seed/rows"
)

var errNotNull = errors.New("the column is NOT NULL")

// fit returns the value as the column takes it, or says why it does not. sound
// documents need no check.
func (c *column) fit(v value, sound bool) (value, error) {
	if v.kind == rows.Null {
		if c.def.NotNull {
			return v, errNotNull
		}
		return v, nil
	}
	switch c.family {
	case textFamily:
		v.kind = rows.Text
		return v, c.fitText(v.text)
	case binaryFamily:
		v.kind = rows.Bytes
		if c.bytes >= 0 && int64(len(v.text)) > c.bytes {
			return v, c.tooLong()
		}
		return v, nil
	case integerFamily, decimalFamily, floatFamily:
		v.kind = rows.Number
		return v, c.fitNumber(v.text)
	case bitFamily, otherFamily:
		return v, nil
	case jsonFamily:
		v.kind = rows.Text
		if !sound && !json.Valid(v.text) {
			return v, errors.New("the result is no JSON document")
		}
		return v, nil
	case enumFamily:
		v.kind = rows.Text
		if !c.member(string(v.text)) {
			return v, errors.New("the result is no member of the enum")
		}
		return v, nil
	case setFamily:
		v.kind = rows.Text
		return v, c.fitSet(v.text)
	case dateFamily:
		v.kind = rows.Text
		if _, ok := parseMoment(v.text); !ok {
			return v, errors.New("the result is no " + c.def.Type)
		}
		return v, nil
	case timeFamily, uuidFamily, inetFamily:
		v.kind = rows.Text
	}
	return v, nil
}

func (c *column) fitText(text []byte) error {
	if c.chars >= 0 && int64(len(text)) > c.chars {
		if int64(utf8.RuneCount(text)) > c.chars {
			return c.tooLong()
		}
	}
	if !c.charset.takes(text) {
		return fmt.Errorf("the result has characters that %s lacks", c.def.Charset)
	}
	if c.bytes >= 0 && (int64(len(text)) > c.bytes || c.charset.unit > 1) {
		if c.size(text) > c.bytes {
			return c.tooLong()
		}
	}
	return nil
}

// tooLong does not tell the length: it is that of a value, often.
func (c *column) tooLong() error {
	return fmt.Errorf("a result is longer than %s takes", c.def.FullType)
}

func (c *column) fitNumber(text []byte) error {
	if c.family == integerFamily {
		n, ok := parseWhole(text)
		switch {
		case !ok:
			return errors.New("a result is no whole number")
		case c.def.Type == "year" && n.magnitude == 0:
		case !n.within(c.min, c.max):
			return c.outOfRange()
		}
		return nil
	}
	if c.family == floatFamily {
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil || (c.def.Type == "float" && (f > 3.4e38 || f < -3.4e38)) || (c.def.Unsigned && f < 0) {
			return c.outOfRange()
		}
		return nil
	}
	d, ok := parseDecimal(text)
	digits, scale := c.precision()
	switch {
	case !ok:
		return errors.New("a result is no number")
	case len(d.whole) > digits-scale, len(d.fraction) > scale, c.def.Unsigned && d.negative:
		return c.outOfRange()
	}
	return nil
}

func (c *column) outOfRange() error {
	return fmt.Errorf("a result is out of the range of %s", c.def.FullType)
}

// precision returns the digits of a decimal, and how many are behind its point.
func (c *column) precision() (digits, scale int) {
	if c.def.Length < 0 {
		return 10, 0
	}
	return int(c.def.Length), int(c.def.Scale)
}

// member reports whether a text is a member of the enum or set; servers compare
// them by collation, which takes more texts than this.
func (c *column) member(text string) bool {
	for _, m := range c.def.Members {
		if m == text {
			return true
		}
	}
	return false
}

func (c *column) fitSet(text []byte) error {
	for start, i := 0, 0; len(text) > 0 && i <= len(text); i++ {
		if i == len(text) || text[i] == ',' {
			if !c.member(string(text[start:i])) {
				return errors.New("the result has no member of the set in it")
			}
			start = i + 1
		}
	}
	return nil
}
