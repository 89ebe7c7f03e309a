package dump

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// layout decides, once for a table, how an Encoder's fields stand in the file.
//
// The servers check every field against the CHARACTER SET of the LOAD DATA
// statement: MySQL fails on bytes that are not valid in it (error 1300), and
// either server may take a field's last byte and the separator behind it for
// one character. So bytes that are no text need CHARACTER SET binary. But JSON
// columns refuse that one (error 3144), and text columns then get the field as
// it stands, unconverted. Hence two layouts:
//
//   - the binary file, when there are columns of raw bytes, none of JSON and
//     none of a type or character set that needs the server to convert;
//   - the session file, in the connection's character set, otherwise; columns of
//     raw bytes stand in it as hex digits, which UNHEX in the LOAD DATA
//     statement turns back.
type layout struct {
	session string // the connection's character set
	file    string // "binary" or the same as session
}

func newLayout(columns []Column, session string) layout {
	l := layout{session: session, file: session}
	raw := false
	for _, c := range columns {
		switch c.Class {
		case BinaryClass, BitClass, GeometryClass, VectorClass:
			raw = true
		case JSONClass, UnknownClass:
			return l
		case TextClass, ChoiceClass:
			if !asciiSame(c.Charset) {
				return l
			}
		}
	}
	if raw {
		l.file = "binary"
	}
	return l
}

// unhex reports whether a column's fields are hex digits.
func (l layout) unhex(c Class) bool { return c.rawBytes() && l.file != "binary" }

// rawBytes reports whether a column takes the bytes of a string as they are,
// whatever its character set.
func (c Class) rawBytes() bool {
	return c == BinaryClass || c == BitClass || c == GeometryClass || c == VectorClass
}

// check is what a field of a string without introducer must pass.
type check uint8

const (
	checkNothing check = iota
	checkUTF8
	checkUTF8MB3
	checkASCII
	checkNumber // ends in a digit: with space there the servers warn in a binary file only
)

// checkOf returns the check for a column's plain strings.
func (l layout) checkOf(c Column) check {
	if l.file == "binary" && l.file != l.session {
		if c.Class == TextClass || c.Class == ChoiceClass {
			if sameBytes(l.session, c.Charset) {
				return checkNothing // the column itself checks the bytes
			}
			return checkASCII
		}
		if isNumeric(c.Class) || c.Class == YearClass {
			return checkNumber
		}
		return checkNothing
	}
	switch l.file {
	case "utf8mb4":
		return checkUTF8
	case "utf8", "utf8mb3":
		return checkUTF8MB3
	}
	return checkNothing
}

// passes reports whether value meets the check.
func (k check) passes(value []byte) bool {
	switch k {
	case checkUTF8:
		return utf8.Valid(value)
	case checkUTF8MB3:
		return utf8.Valid(value) && !bytes.ContainsFunc(value, func(r rune) bool { return r > 0xFFFF })
	case checkASCII:
		return isASCII(value)
	case checkNumber:
		return len(value) > 0 && isDigit(value[len(value)-1])
	}
	return true
}

// loadable reports whether an Encoder can write a file in a character set. Of
// those with characters of several bytes only the UTF-8 ones can, because only
// they are checked here: in the others a stray byte could swallow a separator.
func loadable(charset string) bool {
	switch charset {
	case "ujis", "eucjpms", "euckr", "gb2312":
		return false
	}
	return asciiSame(charset)
}

// Format returns the end of a LOAD DATA statement that reads the Encoder's
// text, from CHARACTER SET on. names are the columns' names, one for each
// Column; the names of skipped ones are left out.
func (e *Encoder) Format(names []string) (string, error) {
	if len(names) != len(e.columns) {
		return "", fmt.Errorf("load rows: %d names for %d columns", len(names), len(e.columns))
	}
	var fields, sets []string
	hex := slices.ContainsFunc(e.columns, func(c column) bool { return c.unhex })
	for i, c := range e.columns {
		name := "`" + strings.ReplaceAll(names[i], "`", "``") + "`"
		switch {
		case c.Class == SkippedClass:
		case c.unhex:
			variable := fmt.Sprintf("@dbake_%d", i)
			fields = append(fields, variable)
			sets = append(sets, name+"=UNHEX("+variable+")")
		case c.AutoIncrement && hex:
			// A SET clause makes the servers forget that a field gave the
			// column its value, so that a 0 would be numbered anew in spite of
			// NO_AUTO_VALUE_ON_ZERO (seen on MariaDB 10.11).
			variable := fmt.Sprintf("@dbake_%d", i)
			fields = append(fields, variable)
			sets = append(sets, name+"="+variable)
		default:
			fields = append(fields, name)
		}
	}
	text := "CHARACTER SET " + e.layout.file + " " + LoadFormat + " (" + strings.Join(fields, ",") + ")"
	if len(sets) > 0 {
		text += " SET " + strings.Join(sets, ",")
	}
	return text, nil
}
