package expr

import (
	"bytes"
	"cmp"
	"errors"
	"strings"
	"unicode/utf8"
)

// collation compares text as a collation of the servers does. Text is UTF-8,
// whatever the column's character set.
type collation struct {
	name string
	// weights is nil for binary collations, which compare code points.
	weights *weights
	// pad: a shorter text compares as if spaces were behind it (PAD SPACE).
	pad bool
	// bytes: the collation "binary", of bytes rather than characters.
	bytes bool
	// unordered: equality is that of the code points, the order is not.
	unordered bool
}

var (
	errNotText  = errors.New("a value is not valid in its character set; compare it with COLLATE binary")
	errUnknown  = errors.New("a value holds a character whose place in the column's collation is not known")
	errNotASCII = errors.New("a value that is not ASCII needs a column whose character set is utf8 or utf8mb4 here")
)

// collationOf finds a collation by its name in lower case; nil when it is not
// one that is known exactly.
func collationOf(name string) *collation {
	plain := strings.Replace(name, "_nopad", "", 1)
	nopad := plain != name || strings.Contains(name, "_0900_")
	c := &collation{name: name, pad: !nopad}
	switch {
	case name == "binary":
		return &collation{name: name, bytes: true}
	case strings.HasSuffix(plain, "_bin"):
		charset, _, _ := strings.Cut(plain, "_")
		c.unordered = !unicodeCharset(charset)
		return c
	}
	switch plain {
	case "utf8mb4_general_ci", "utf8mb3_general_ci", "utf8_general_ci", "ascii_general_ci":
		c.weights = &generalWeights
	case "utf8mb4_unicode_ci", "utf8mb3_unicode_ci", "utf8_unicode_ci":
		c.weights = &unicodeWeights
	case "utf8mb4_unicode_520_ci", "utf8mb3_unicode_520_ci", "utf8_unicode_520_ci":
		c.weights = &unicode520Weights
	case "utf8mb4_0900_ai_ci":
		c.weights = &uca0900Weights
	case "utf8mb4_uca1400_ai_ci", "utf8mb3_uca1400_ai_ci", "uca1400_ai_ci":
		c.weights = &uca1400Weights
	case "latin1_swedish_ci":
		c.weights = &latin1Weights
	default:
		return nil
	}
	return c
}

// unicodeCharset reports whether a character set's text is the same bytes in
// UTF-8.
func unicodeCharset(charset string) bool {
	switch charset {
	case "utf8mb4", "utf8mb3", "utf8", "ascii":
		return true
	}
	return false
}

// defaultCollation is that of a column whose dump names none: such dumps come
// from servers that leave out what is their character set's default.
func defaultCollation(charset string) string {
	switch charset {
	case "utf8mb4", "utf8mb3", "utf8", "ascii":
		return charset + "_general_ci"
	case "latin1":
		return "latin1_swedish_ci"
	case "binary":
		return "binary"
	}
	return ""
}

// compare orders two texts; ordered says that more than equality is asked for.
func (c *collation) compare(a, b []byte, ordered bool) (int, error) {
	switch {
	case c.bytes:
		return bytes.Compare(a, b), nil
	case c.weights != nil:
		return c.weights.compare(a, b, c.pad)
	case c.pad:
		return c.comparePadded(a, b, ordered)
	}
	return bytes.Compare(a, b), nil
}

// comparePadded compares code points, whose order is that of UTF-8's bytes,
// with spaces behind the shorter text.
func (c *collation) comparePadded(a, b []byte, ordered bool) (int, error) {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if ordered && c.unordered && ((i < len(a) && a[i] >= 0x80) || (i < len(b) && b[i] >= 0x80)) {
		return 0, errUnknown
	}
	if i < n {
		return cmp.Compare(a[i], b[i]), nil
	}
	for _, ch := range a[i:] {
		if ch != ' ' {
			return cmp.Compare(ch, ' '), nil
		}
	}
	for _, ch := range b[i:] {
		if ch != ' ' {
			return cmp.Compare(' ', ch), nil
		}
	}
	return 0, nil
}

// same reports whether two characters are equal in LIKE, which compares one
// with one.
func (c *collation) same(a, b rune) (bool, error) {
	if a == b || c.weights == nil {
		return a == b, nil
	}
	var x, y [2]uint16
	wa, err := c.weights.of(a, &x)
	if err != nil {
		return false, err
	}
	wb, err := c.weights.of(b, &y)
	if err != nil || len(wa) != len(wb) {
		return false, err
	}
	for i := range wa {
		if wa[i] != wb[i] {
			return false, nil
		}
	}
	return true, nil
}

// like matches text against the parts of a LIKE pattern.
func (c *collation) like(s []byte, pattern []likePart) (bool, error) {
	for len(pattern) > 0 {
		p := pattern[0]
		if p.many {
			for len(pattern) > 0 && pattern[0].many {
				pattern = pattern[1:]
			}
			if len(pattern) == 0 {
				return true, nil
			}
			for {
				ok, err := c.like(s, pattern)
				if ok || err != nil || len(s) == 0 {
					return ok, err
				}
				_, n := c.char(s)
				s = s[n:]
			}
		}
		if len(s) == 0 {
			return false, nil
		}
		r, n := c.char(s)
		if r == utf8.RuneError && n == 1 {
			return false, errNotText
		}
		if !p.one {
			same, err := c.same(r, p.r)
			if !same || err != nil {
				return false, err
			}
		}
		s, pattern = s[n:], pattern[1:]
	}
	return len(s) == 0, nil
}

func (c *collation) char(s []byte) (rune, int) {
	if c.bytes {
		return rune(s[0]), 1
	}
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	return utf8.DecodeRune(s)
}

// likePart is a character of a LIKE pattern, or one of its wildcards.
type likePart struct {
	r         rune
	one, many bool
}

// likeParts takes a pattern apart.
func (c *collation) likeParts(pattern string, escape string) []likePart {
	var parts []likePart
	s := []byte(pattern)
	for len(s) > 0 {
		r, n := c.char(s)
		s = s[n:]
		switch {
		case escape != "" && r == rune(escape[0]) && len(s) > 0:
			r, n = c.char(s)
			s = s[n:]
			parts = append(parts, likePart{r: r})
		case r == '%':
			parts = append(parts, likePart{many: true})
		case r == '_':
			parts = append(parts, likePart{one: true})
		default:
			parts = append(parts, likePart{r: r})
		}
	}
	return parts
}
