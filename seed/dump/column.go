package dump

import "strings"

// Class is what a column does with a value, as far as it decides whether a
// literal of an INSERT and a field of LOAD DATA come to the same.
type Class uint8

// The classes of columns.
const (
	UnknownClass  Class = iota // a type the encoder does not know: strings and NULL only
	SkippedClass               // no field is written: a generated column that has values in the dump
	IntegerClass               // TINYINT … BIGINT
	DecimalClass               // DECIMAL
	FloatClass                 // FLOAT, DOUBLE
	BitClass                   // BIT
	YearClass                  // YEAR
	TemporalClass              // DATE, TIME, DATETIME, TIMESTAMP
	TextClass                  // CHAR, VARCHAR, TEXT …
	ChoiceClass                // ENUM, SET
	BinaryClass                // BINARY, VARBINARY, BLOB …
	JSONClass                  // JSON as a type of its own (MySQL)
	GeometryClass              // GEOMETRY, POINT …
	VectorClass                // VECTOR
)

var classNames = [...]string{
	"unknown", "skipped", "integer", "decimal", "float", "bit", "year", "temporal", "text",
	"enum or set", "binary", "JSON", "geometry", "vector",
}

// String returns the class in words.
func (c Class) String() string { return classNames[c] }

// Column is what the encoder must know of a column that an INSERT fills.
type Column struct {
	Class Class
	// NotNull is true when the column is declared NOT NULL: a NULL means
	// different things to INSERT and LOAD DATA there.
	NotNull bool
	// AutoIncrement is true for the table's AUTO_INCREMENT column.
	AutoIncrement bool
	// Charset is the character set of a text, ENUM or SET column.
	Charset string
}

// ClassOf returns the class of a column from what the live server says in
// information_schema.columns: data_type, and character_set_name (empty when
// NULL). Types of plugins, such as MariaDB's uuid, are UnknownClass.
func ClassOf(dataType, charset string) Class {
	switch strings.ToLower(dataType) {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return IntegerClass
	case "decimal":
		return DecimalClass
	case "float", "double":
		return FloatClass
	case "bit":
		return BitClass
	case "year":
		return YearClass
	case "date", "time", "datetime", "timestamp":
		return TemporalClass
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		if charset == "" || charset == "binary" {
			return BinaryClass
		}
		return TextClass
	case "enum", "set":
		return ChoiceClass
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return BinaryClass
	case "json":
		return JSONClass
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring",
		"multipolygon", "geometrycollection", "geomcollection":
		return GeometryClass
	case "vector":
		return VectorClass
	}
	return UnknownClass
}

// wide reports whether ASCII text stands as other bytes in a character set.
func wide(charset string) bool {
	switch charset {
	case "ucs2", "utf16", "utf16le", "utf32", "swe7":
		return true
	}
	return false
}

// asciiSame reports whether ASCII text is the same in a character set, byte and
// character. In sjis and its like a backslash converts to something else.
func asciiSame(charset string) bool {
	return charset != "" && !wide(charset) && multibyteOf(charset) == nil
}

// sameBytes reports whether text of one character set, when it is valid, means
// the same characters in the other.
func sameBytes(from, to string) bool {
	if from == to {
		return true
	}
	return (from == "utf8" || from == "utf8mb3") && (to == "utf8" || to == "utf8mb3" || to == "utf8mb4")
}
