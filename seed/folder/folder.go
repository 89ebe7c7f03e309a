// Package folder knows dumps that are folders of files: what mysqldump --tab,
// mydumper and MySQL Shell's dump utilities write. It says in which order the
// files are restored and how each is to be read; it opens none but the small
// ones that say so, through a function it is given.
package folder

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// Kind is what made a folder.
type Kind string

// The kinds.
const (
	Tab      Kind = "mysqldump --tab"
	Mydumper Kind = "mydumper"
	Shell    Kind = "MySQL Shell"
)

// Reader reads a small file of the folder whole, decompressed.
type Reader func(name string) ([]byte, error)

// Plan is how a folder is restored.
type Plan struct {
	Kind Kind
	// Header says of the folder what an SQL dump's header says of that.
	Header dump.Header
	// Steps are to be carried out in order; the rows of one table follow each
	// other.
	Steps []Step
	// Rows are how many rows a table must have in the end, where the folder
	// says so.
	Rows map[Table]int64
	// Warnings are what the user should know.
	Warnings []string
}

// Table names a table.
type Table struct{ Schema, Name string }

// Step is the reading of one file.
type Step struct {
	// File is the file's name.
	File string
	// Schema is the session's default schema while the file is read. Empty:
	// the file says so itself, or its header does.
	Schema string
	// Create makes Schema when it is not there.
	Create bool
	// Begin are statements that bring the session into the state which the
	// file takes for granted.
	Begin []string
	// Part says which statements of a script are meant.
	Part Part
	// LineEnds says that a statement of a script ends with ";" at the end of a
	// line, and not with every ";".
	LineEnds bool
	// Rows says how a file of rows is read; nil: it is a script.
	Rows *Rows
}

// Part is a part of a script.
type Part uint8

// The parts.
const (
	Everything  Part = iota
	NoTriggers       // all but triggers, which must not see rows being loaded
	TriggersAll      // triggers, and the session state that they need
)

// Rows is a file of rows as LOAD DATA reads it.
type Rows struct {
	Table Table
	// Partition is the only partition the rows belong to; empty: any.
	Partition string
	// Columns are the columns of the file's fields, in order. Empty: the file
	// does not say, and has the table's own.
	Columns []string
	// Decode has a function (UNHEX, FROM_BASE64) for each column whose fields
	// are encoded.
	Decode map[string]string
	// Charset is the character set of the text in the file; "binary": each
	// column's own.
	Charset string
	Dialect Dialect
	// Bytes is the size of the file's content, decompressed; -1: the folder
	// does not say.
	Bytes int64
}

// Dialect is where fields and rows end, as in LOAD DATA's clauses of the same
// names.
type Dialect struct {
	FieldEnd, RowEnd, Escape string
}

// DefaultDialect is LOAD DATA's own.
var DefaultDialect = Dialect{FieldEnd: "\t", RowEnd: "\n", Escape: `\`}

// New finds out what made a folder of files with these names, and plans how it
// is restored. A folder that was not finished, or from which files are missing,
// is an error.
func New(names []string, read Reader) (*Plan, error) {
	f := &listing{names: slices.Sorted(slices.Values(names)), has: map[string]bool{}, read: read}
	for _, name := range f.names {
		f.has[name] = true
	}
	switch {
	case f.has["@.json"] || f.has["@.done.json"]:
		return f.shell()
	case f.hasAny(func(name string) bool {
		return name == "metadata" || strings.HasPrefix(name, "metadata.") || strings.HasSuffix(plain(name), "-schema-create.sql")
	}):
		return f.mydumper()
	case f.hasAny(func(name string) bool { return f.find(textName(name)) != "" }):
		return f.tab()
	}
	return nil, errors.New("this is no dump folder that dbake knows: a folder of MySQL Shell has a file @.json, one of mydumper a file metadata, " +
		"one of mysqldump --tab a .txt file beside each table's script; several dumps in one folder are listed one by one in dbake.yaml")
}

// listing is a folder's files.
type listing struct {
	names []string
	has   map[string]bool
	read  Reader
}

func (f *listing) hasAny(is func(string) bool) bool { return slices.ContainsFunc(f.names, is) }

// find gives the file that has a name, as it is or compressed; empty if none.
func (f *listing) find(name string) string {
	if name == "" {
		return ""
	}
	for _, suffix := range append([]string{""}, suffixes...) {
		if f.has[name+suffix] {
			return name + suffix
		}
	}
	return ""
}

// suffixes are those of compressed files.
var suffixes = []string{".gz", ".zst", ".bz2", ".xz", ".lz4"}

// plain is a file's name without the suffix of its compression.
func plain(name string) string {
	for _, suffix := range suffixes {
		if cut, ok := strings.CutSuffix(name, suffix); ok {
			return cut
		}
	}
	return name
}

// truncated is the error for a dump whose end is missing.
func truncated(kind Kind, why string) error {
	return fmt.Errorf("the %s dump is not complete: %s; make the dump again, or copy its folder again when it is finished", kind, why)
}

// session is a new session's state for a file, whatever the file before it has
// left behind. An empty zone is the server's.
func session(charset, zone string) []string {
	if zone == "" {
		zone = "DEFAULT"
	} else {
		zone = "'" + zone + "'"
	}
	return []string{
		"SET NAMES " + charset,
		"SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, unique_checks = 0, time_zone = " + zone,
	}
}

// isSystem reports whether a schema belongs to the server.
func isSystem(schema string) bool {
	switch strings.ToLower(schema) {
	case "mysql", "sys", "performance_schema", "information_schema", "ndbinfo":
		return true
	}
	return false
}
