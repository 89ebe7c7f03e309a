package folder

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The format of MySQL Shell's dump utilities, versions 1.0.0 to 2.0.x, is
// described in its manual ("Instance Dump Utility, Schema Dump Utility, and
// Table Dump Utility") and by the JSON files themselves:
//
//	@.json                    the dump: schemas, character set, time zone
//	@.done.json               written last: sizes, and rows since 8.1
//	@.sql, @.post.sql         before and after everything else
//	@.users.sql               accounts
//	s.json, s.sql             a schema: its tables and views; CREATE DATABASE, routines, events
//	s@t.json, s@t.sql         a table: columns, dialect, partitions; CREATE TABLE
//	s@t.triggers.sql
//	s@v.pre.sql, s@v.sql      a view: a stand-in, and itself
//	s@t.tsv.zst               rows in one file, or in chunks
//	s@t@0.tsv.zst … s@t@@9.tsv.zst, of which the last has the double @
//	s@t@p@0.tsv.zst           chunks of one partition
//	….idx                     row positions, which a restore does not need

// shellDump is what a restore needs of @.json.
type shellDump struct {
	Version       string            `json:"version"`
	Schemas       []string          `json:"schemas"`
	Basenames     map[string]string `json:"basenames"`
	Charset       string            `json:"defaultCharacterSet"`
	UTC           bool              `json:"tzUtc"`
	ServerVersion string            `json:"serverVersion"`
	Capabilities  []struct {
		ID string `json:"id"`
	} `json:"capabilities"`
}

// shellDone is @.done.json.
type shellDone struct {
	Rows  map[string]map[string]int64 `json:"tableRows"`
	Bytes map[string]int64            `json:"chunkFileBytes"`
}

type shellSchema struct {
	IncludesDDL *bool             `json:"includesDdl"`
	Tables      []string          `json:"tables"`
	Views       []string          `json:"views"`
	Basenames   map[string]string `json:"basenames"`
}

type shellTable struct {
	Options struct {
		Columns         []string          `json:"columns"`
		Decode          map[string]string `json:"decodeColumns"`
		Charset         string            `json:"defaultCharacterSet"`
		FieldsEnd       *string           `json:"fieldsTerminatedBy"`
		FieldsEnclosed  string            `json:"fieldsEnclosedBy"`
		FieldsEscapedBy *string           `json:"fieldsEscapedBy"`
		LinesEnd        *string           `json:"linesTerminatedBy"`
	} `json:"options"`
	IncludesData *bool             `json:"includesData"`
	IncludesDDL  *bool             `json:"includesDdl"`
	Triggers     []string          `json:"triggers"`
	Extension    string            `json:"extension"`
	Partitions   []string          `json:"partitions"`
	Basenames    map[string]string `json:"basenames"`
}

func yes(b *bool) bool { return b == nil || *b }

// shell is a MySQL Shell folder while it is planned.
type shell struct {
	*listing
	dump  shellDump
	done  shellDone
	begin []string
	plan  *Plan
	// Steps by phase.
	tables, rows, views, triggers []Step
}

// shell plans a folder of MySQL Shell.
func (f *listing) shell() (*Plan, error) {
	s := &shell{listing: f, plan: &Plan{Kind: Shell, Rows: map[Table]int64{}}}
	if err := s.readDump(); err != nil {
		return nil, err
	}
	s.script("@.sql", "")
	for _, name := range s.dump.Schemas {
		if err := s.schema(name); err != nil {
			return nil, err
		}
	}
	for file, size := range s.done.Bytes {
		if size > 0 && !s.has[file] {
			return nil, truncated(Shell, fmt.Sprintf("the file %s, which @.done.json lists, is missing", file))
		}
	}
	for schema, tables := range s.done.Rows {
		for table, n := range tables {
			s.plan.Rows[Table{schema, table}] = n
		}
	}
	s.plan.Steps = slices.Concat(s.plan.Steps, s.tables, s.rows, s.triggers, s.views)
	s.script("@.users.sql", "")
	s.script("@.post.sql", "")
	return s.plan, nil
}

func (s *shell) readDump() error {
	if !s.has["@.done.json"] {
		return truncated(Shell, "it has no file @.done.json, which MySQL Shell writes last")
	}
	if err := s.json("@.json", &s.dump); err != nil {
		return err
	}
	if err := s.json("@.done.json", &s.done); err != nil {
		return err
	}
	if major, _, _ := strings.Cut(s.dump.Version, "."); major != "1" && major != "2" {
		return fmt.Errorf("the MySQL Shell dump has format version %q, and dbake knows 1 and 2", s.dump.Version)
	}
	for _, c := range s.dump.Capabilities {
		if c.ID != "partition_awareness" {
			return fmt.Errorf("the MySQL Shell dump needs the capability %q, which dbake does not know", c.ID)
		}
	}
	zone := ""
	if s.dump.UTC {
		zone = "+00:00"
	}
	s.dump.Charset = cmp.Or(s.dump.Charset, "utf8mb4")
	s.begin = session(s.dump.Charset, zone)
	h := &s.plan.Header
	h.Tool, h.ServerVersion, h.Flavour = "MySQL Shell", s.dump.ServerVersion, "mysql"
	if strings.Contains(h.ServerVersion, "MariaDB") {
		h.Flavour = "mariadb"
	}
	return nil
}

// json reads a JSON file of the folder.
func (s *shell) json(name string, into any) error {
	if !s.has[name] {
		return truncated(Shell, fmt.Sprintf("the file %s is missing", name))
	}
	text, err := s.read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// script adds a script that runs at once, when it is there.
func (s *shell) script(name, schema string) {
	if s.has[name] {
		s.plan.Steps = append(s.plan.Steps, Step{File: name, Schema: schema, Begin: s.begin})
	}
}

// need makes a step of a script that must be there.
func (s *shell) need(name, schema string) (Step, error) {
	if !s.has[name] {
		return Step{}, truncated(Shell, fmt.Sprintf("the file %s is missing", name))
	}
	return Step{File: name, Schema: schema, Begin: s.begin}, nil
}

func (s *shell) schema(name string) error {
	base := cmp.Or(s.dump.Basenames[name], name)
	var info shellSchema
	if err := s.json(base+".json", &info); err != nil {
		return err
	}
	if yes(info.IncludesDDL) {
		step, err := s.need(base+".sql", "")
		if err != nil {
			return err
		}
		s.plan.Steps = append(s.plan.Steps, step)
	}
	for _, table := range info.Tables {
		if err := s.table(Table{name, table}, cmp.Or(info.Basenames[table], base+"@"+table)); err != nil {
			return err
		}
	}
	for _, view := range info.Views {
		base := cmp.Or(info.Basenames[view], base+"@"+view)
		before, err := s.need(base+".pre.sql", name)
		if err != nil {
			return err
		}
		itself, err := s.need(base+".sql", name)
		if err != nil {
			return err
		}
		s.tables, s.views = append(s.tables, before), append(s.views, itself)
	}
	return nil
}

func (s *shell) table(name Table, base string) error {
	var info shellTable
	if err := s.json(base+".json", &info); err != nil {
		return err
	}
	if yes(info.IncludesDDL) {
		step, err := s.need(base+".sql", name.Schema)
		if err != nil {
			return err
		}
		s.tables = append(s.tables, step)
	}
	if len(info.Triggers) > 0 {
		step, err := s.need(base+".triggers.sql", name.Schema)
		if err != nil {
			return err
		}
		s.triggers = append(s.triggers, step)
	}
	if !yes(info.IncludesData) {
		return nil
	}
	format, err := info.format(name)
	if err != nil {
		return err
	}
	format.Charset = cmp.Or(format.Charset, s.dump.Charset)
	if len(info.Partitions) == 0 {
		return s.chunks(base, info.Extension, format)
	}
	for _, partition := range info.Partitions {
		part := format
		part.Partition = partition
		if err := s.chunks(cmp.Or(info.Basenames[partition], base+"@"+partition), info.Extension, part); err != nil {
			return err
		}
	}
	return nil
}

// format says how the rows of a table are written.
func (t *shellTable) format(name Table) (Rows, error) {
	o := t.Options
	r := Rows{Table: name, Columns: o.Columns, Decode: o.Decode, Charset: o.Charset, Dialect: DefaultDialect}
	for value, field := range map[*string]*string{
		o.FieldsEnd: &r.Dialect.FieldEnd, o.LinesEnd: &r.Dialect.RowEnd, o.FieldsEscapedBy: &r.Dialect.Escape,
	} {
		if value != nil {
			*field = *value
		}
	}
	if o.FieldsEnclosed != "" || len(r.Dialect.Escape) != 1 || r.Dialect.RowEnd == "" || r.Dialect.FieldEnd == "" {
		return r, fmt.Errorf("table %s.%s of the MySQL Shell dump is written in a CSV dialect with quotes or without escapes, which dbake does not read: dump without the dialect option", name.Schema, name.Name)
	}
	for column, function := range o.Decode {
		if function != "UNHEX" && function != "FROM_BASE64" {
			return r, fmt.Errorf("column %s of %s.%s of the MySQL Shell dump is decoded by %q, which dbake does not know", column, name.Schema, name.Name, function)
		}
	}
	return r, nil
}

// chunks adds the files of one table or partition: one file, or chunks whose
// last is marked, so that none can be missing unnoticed.
func (s *shell) chunks(base, extension string, format Rows) error {
	add := func(file string) {
		rows := format
		rows.Bytes = -1
		if size, ok := s.done.Bytes[file]; ok {
			rows.Bytes = size
		}
		s.rows = append(s.rows, Step{File: file, Begin: s.begin, Rows: &rows})
	}
	if file := base + "." + extension; s.has[file] {
		add(file)
		return nil
	}
	for i := 0; ; i++ {
		number := strconv.Itoa(i)
		if last := base + "@@" + number + "." + extension; s.has[last] {
			add(last)
			return nil
		}
		file := base + "@" + number + "." + extension
		if !s.has[file] {
			return truncated(Shell, fmt.Sprintf("the rows of %s.%s lack the file %s or one behind it", format.Table.Schema, format.Table.Name, file))
		}
		add(file)
	}
}
