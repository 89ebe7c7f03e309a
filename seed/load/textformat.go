package load

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/folder"
	"github.com/dbake/dbake/seed/rows"
)

// textFormat is how LOAD DATA reads the rows of a file.
type textFormat struct {
	into string // the statement from INTO TABLE on
	// For a file in which every column has its own character set: a column's
	// name whose characters may hold bytes that look like escapes, and whether
	// ASCII text has such bytes, too.
	unsafe string
	wide   bool
	// What filters want, once the columns are known: see sift.
	columns []string
	format  rows.Format
	first   rows.Rewriter // of those that need rows in order; nil: none
	rest    bool          // there are others
	// A column of such a file whose text is not UTF-8, until one has been seen.
	foreign string
}

// newTextFormat begins with what a file's character set and its table say.
func (t *target) newTextFormat(charset string) (*textFormat, error) {
	if escapesInside(charset) {
		return nil, fmt.Errorf("its text is in %s, where parts of characters look like escapes; make the dump in utf8mb4", charset)
	}
	format := &textFormat{}
	for _, c := range t.info.columns {
		format.look(c, charset)
	}
	return format, nil
}

// finish adds what the first rows tell.
func (f *textFormat) finish(t *target, file *folder.Rows, flavour string, fields int) error {
	columns, err := t.info.ofFile(file.Columns, flavour, fields)
	if err != nil {
		return err
	}
	charset := file.Charset
	var names, sets []string
	for i, c := range columns {
		variable, quoted := fmt.Sprintf("@dbake_%d", i), QuoteName(c.name)
		function := file.Decode[c.name]
		f.columns = append(f.columns, c.name)
		switch {
		case c.generated:
			names = append(names, variable)
			continue
		case function != "":
			sets = append(sets, quoted+"="+function+"("+variable+")")
		case charset == "binary" && c.column.Class == dump.JSONClass:
			// Such a column refuses what has no character set.
			sets = append(sets, quoted+"=CONVERT("+variable+" USING utf8mb4)")
		default:
			names = append(names, quoted)
			continue
		}
		names = append(names, variable)
	}
	if t.info.numbersItself(columns) {
		t.info.serial = true
	}
	d := file.Dialect
	f.into = "INTO TABLE " + t.qualified()
	if file.Partition != "" {
		f.into += " PARTITION (" + QuoteName(file.Partition) + ")"
	}
	f.into += " CHARACTER SET " + charset +
		" FIELDS TERMINATED BY " + hexText(d.FieldEnd) + " ESCAPED BY " + hexText(d.Escape) +
		" LINES TERMINATED BY " + hexText(d.RowEnd) + " (" + strings.Join(names, ",") + ")"
	if len(sets) > 0 {
		f.into += " SET " + strings.Join(sets, ",")
	}
	return nil
}

// hexText is a string literal that means the same in every sql_mode.
func hexText(s string) string { return fmt.Sprintf("0x%x", s) }

// look takes note of a column whose text cannot be told from escapes.
func (f *textFormat) look(c columnInfo, charset string) {
	if charset != "binary" || c.column.Class != dump.TextClass && c.column.Class != dump.ChoiceClass {
		return
	}
	switch name := c.column.Charset; name {
	case "utf8mb4", "utf8mb3", "utf8", "ascii":
	default:
		f.foreign = c.name
	}
	switch name := c.column.Charset; {
	case name == "ucs2", name == "utf16", name == "utf16le", name == "utf32":
		f.unsafe, f.wide = c.name, true
	case escapesInside(name):
		f.unsafe = c.name
	}
}

// escapesInside reports whether a character of this set may hold a backslash's
// byte.
func escapesInside(charset string) bool {
	switch charset {
	case "sjis", "cp932", "big5", "gbk", "gb18030":
		return true
	}
	return false
}

// check refuses rows of which only their writer knows what is escaped: it leaves
// the bytes within a character of several bytes as they are, escapes or not.
func (f *textFormat) check(rows []byte) error {
	if f.unsafe == "" {
		return nil
	}
	for i := 0; i < len(rows); i++ {
		n := bytes.IndexByte(rows[i:], '\\')
		if n < 0 {
			return nil
		}
		i += n
		if f.wide && !isNull(rows, i) || !f.wide && i > 0 && rows[i-1] >= 0x80 {
			return fmt.Errorf("the text of column %s may hold backslashes that are parts of characters, which mysqldump --tab does not tell from escapes: make a dump without --tab", f.unsafe)
		}
		i++ // what it escapes
	}
	return nil
}

// doubt reports, once, that rows are text in UTF-8 although a column has another
// character set: mysqldump writes that when it is told the character set, and
// says so nowhere; else the text is UTF-8 by chance, or was stored so.
func (f *textFormat) doubt(rows []byte) (column string) {
	if f.foreign == "" || !utf8.Valid(rows) || !bytes.ContainsFunc(rows, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return ""
	}
	column, f.foreign = f.foreign, ""
	return column
}

// isNull reports whether the backslash at i begins a field that is NULL.
func isNull(rows []byte, i int) bool {
	before := i == 0 || rows[i-1] == '\t' || rows[i-1] == '\n'
	return before && i+2 < len(rows) && rows[i+1] == 'N' && (rows[i+2] == '\t' || rows[i+2] == '\n')
}

// ofFile gives the columns of a file's fields. Where the file does not name
// them, the number of fields tells which of the columns that no INSERT needs
// are there: MariaDB's tool writes all visible ones, MySQL's leaves generated
// ones out and adds invisible ones.
func (info *tableInfo) ofFile(names []string, flavour string, fields int) ([]columnInfo, error) {
	if len(names) > 0 {
		columns, ok := info.pick(names)
		if !ok {
			return nil, fmt.Errorf("the dump names a column that the table has not: one of %s", strings.Join(names, ", "))
		}
		return columns, nil
	}
	var visible, stored, all []columnInfo
	for _, c := range info.columns {
		all = append(all, c)
		if !c.invisible {
			visible = append(visible, c)
		}
		if !c.generated {
			stored = append(stored, c)
		}
	}
	order := [][]columnInfo{stored, visible, all}
	if flavour == "mariadb" {
		order = [][]columnInfo{visible, all, stored}
	}
	for _, columns := range order {
		if len(columns) == fields {
			return columns, nil
		}
	}
	return nil, fmt.Errorf("its first row has %d fields, and the table %d columns; dbake reads the fields and lines that mysqldump --tab writes by default", fields, len(all))
}
