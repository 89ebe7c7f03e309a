package mask

import (
	"strings"
	"unicode/utf8"

	"github.com/dbake/dbake/seed/schema"
)

// family is what types of columns have in common.
type family uint8

const (
	otherFamily family = iota
	textFamily
	binaryFamily
	integerFamily
	decimalFamily
	floatFamily
	bitFamily
	dateFamily // date, datetime, timestamp
	timeFamily
	enumFamily
	setFamily
	jsonFamily
	uuidFamily
	inetFamily
)

// column is what a column can hold.
type column struct {
	full   string
	def    *schema.Column
	family family
	// chars and bytes limit texts; -1: no limit.
	chars, bytes int64
	charset      charset
	// min and max are those of an integer.
	min int64
	max uint64
}

// sizes are the lengths in bytes of types that have no other limit.
var sizes = map[string]int64{
	"tinytext": 1<<8 - 1, "text": 1<<16 - 1, "mediumtext": 1<<24 - 1, "longtext": 1<<32 - 1,
	"tinyblob": 1<<8 - 1, "blob": 1<<16 - 1, "mediumblob": 1<<24 - 1, "longblob": 1<<32 - 1,
}

func newColumn(t *schema.Table, def *schema.Column) *column {
	c := &column{full: fullName(t, def.Name), def: def, chars: -1, bytes: -1, charset: charsetOf(def.Charset)}
	if size, ok := sizes[def.Type]; ok {
		c.bytes = size
		if def.Length > 0 && strings.HasSuffix(def.Type, "text") {
			c.chars = def.Length
		}
	}
	switch def.Type {
	case "char", "varchar", "nchar", "nvarchar", "character":
		c.family, c.chars = textFamily, max(def.Length, 0)
		if def.Length < 0 {
			c.chars = 1
		}
	case "tinytext", "text", "mediumtext", "longtext":
		c.family = textFamily
	case "binary", "varbinary":
		c.family, c.bytes = binaryFamily, def.Length
		if def.Length < 0 {
			c.bytes = 1
		}
	case "tinyblob", "blob", "mediumblob", "longblob":
		c.family = binaryFamily
	case "decimal", "numeric", "dec", "fixed":
		c.family = decimalFamily
	case "float", "double", "real":
		c.family = floatFamily
	case "date", "datetime", "timestamp":
		c.family = dateFamily
	default:
		c.rare()
	}
	if c.family == textFamily && def.Charset == "binary" {
		c.family, c.bytes, c.chars = binaryFamily, max(c.bytes, c.chars), -1
	}
	return c
}

func (c *column) rare() {
	switch c.def.Type {
	case "tinyint", "bool", "boolean":
		c.integer(8)
	case "smallint":
		c.integer(16)
	case "mediumint":
		c.integer(24)
	case "int", "integer":
		c.integer(32)
	case "bigint":
		c.integer(64)
	case "year":
		c.family, c.min, c.max = integerFamily, 1901, 2155
	case "bit":
		c.family = bitFamily
	case "time":
		c.family = timeFamily
	case "enum":
		c.family = enumFamily
	case "set":
		c.family = setFamily
	case "json":
		c.family = jsonFamily
	case "uuid":
		c.family = uuidFamily
	case "inet4", "inet6":
		c.family = inetFamily
	}
}

func (c *column) integer(bits uint) {
	c.family = integerFamily
	c.min, c.max = -1<<(bits-1), 1<<(bits-1)-1
	if c.def.Unsigned {
		c.min, c.max = 0, 1<<bits-1
		if bits == 64 {
			c.max = ^uint64(0)
		}
	}
}

func (c *column) numeric() bool {
	return c.family == integerFamily || c.family == decimalFamily || c.family == floatFamily
}

// caseSensitive reports whether the column tells "a" from "A".
func (c *column) caseSensitive() bool {
	if c.family == binaryFamily {
		return true
	}
	collation := c.def.Collation
	return c.def.Charset == "binary" || strings.HasSuffix(collation, "_bin") ||
		strings.HasSuffix(collation, "_cs") || strings.Contains(collation, "_as_cs")
}

// blurred reports whether the column's collation takes some letters of ASCII for
// others, besides their case: i and j, u and v, i and y, m and n; or tells I from i.
// A test asks real servers.
func (c *column) blurred() bool {
	if c.family == binaryFamily || c.caseSensitive() && strings.HasSuffix(c.def.Collation, "_bin") {
		return false
	}
	for _, name := range []string{"turkish", "_tr_", "_roman_", "_la_", "lithuanian", "_lt_", "_lv_", "macce_"} {
		if strings.Contains(c.def.Collation, name) {
			return true
		}
	}
	return false
}

// cut shortens a text to what the column takes.
func (c *column) cut(text []byte) []byte {
	if c.chars >= 0 && int64(len(text)) > c.chars {
		count, at := int64(0), 0
		for at < len(text) && count < c.chars {
			_, n := utf8.DecodeRune(text[at:])
			at, count = at+n, count+1
		}
		text = text[:at]
	}
	for c.bytes >= 0 && int64(len(text)) > 0 && c.size(text) > c.bytes {
		_, n := utf8.DecodeLastRune(text)
		text = text[:len(text)-n]
	}
	return text
}

// size is a text's length in bytes as the column stores it.
func (c *column) size(text []byte) int64 {
	if c.family == binaryFamily {
		return int64(len(text))
	}
	return c.charset.size(text)
}
