package folder

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mydumper plans a folder of mydumper. Its files are, for a schema s and a table
// t, and perhaps compressed:
//
//	metadata                       ends with "Finished dump at" when it is whole
//	s-schema-create.sql            makes the schema
//	s.t-schema-sequence.sql        makes a sequence
//	s.t-schema.sql                 makes the table, or a table in a view's place
//	s.t.sql, s.t.00000.sql, s.t.00000.00000.sql: rows as INSERT statements
//	s.t-schema-view.sql            makes the view
//	s.t-schema-triggers.sql, s-schema-triggers.sql
//	s-schema-post.sql              routines and events
//
// Names that suit no file are replaced by mydumper_N; then the scripts and the
// metadata have the real ones.
func (f *listing) mydumper() (*Plan, error) {
	meta, err := f.mydumperMetadata()
	if err != nil {
		return nil, err
	}
	m := &mydumper{listing: f, real: map[string]string{}}
	if err := m.readSchemas(); err != nil {
		return nil, err
	}
	phases := make([][]mydumperFile, len(phaseSuffixes)+1)
	system := 0
	for _, name := range f.names {
		file, ok, err := m.classify(name)
		switch {
		case err != nil:
			return nil, err
		case !ok:
		case isSystem(file.schema):
			system++
		default:
			phases[file.phase] = append(phases[file.phase], file)
		}
	}
	p := &Plan{Kind: Mydumper, Rows: m.rows(meta)}
	p.Header.Tool = "mydumper"
	if system > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("left out %d files about system tables; declare the accounts the image needs under accounts: in dbake.yaml", system))
	}
	for phase, files := range phases {
		if phase == dataPhase {
			slices.SortStableFunc(files, compareParts)
		}
		for _, file := range files {
			p.Steps = append(p.Steps, m.step(file))
		}
	}
	return p, nil
}

type mydumper struct {
	*listing
	real    map[string]string // schemas by their names in file names
	schemas []string          // names in file names, the longest first
}

// mydumperFile is a file that is carried out.
type mydumperFile struct {
	name   string
	phase  int
	schema string
	table  string // as in the file's name
	parts  []int  // numbers behind it
}

// phaseSuffixes are the kinds of files by how their names end, in the order of
// a restore: sequences come before the tables that count by them, and routines
// before the views that call them.
var phaseSuffixes = []string{
	"-schema-create.sql", "-schema-sequence.sql", "-schema.sql", ".sql",
	"-schema-post.sql", "-schema-view.sql", "-schema-triggers.sql",
}

const (
	createPhase = 0
	dataPhase   = 3
)

// mydumperMetadata reads the file that is renamed or ends with a line only when
// the dump is whole.
func (f *listing) mydumperMetadata() ([]byte, error) {
	if !f.has["metadata"] {
		if f.has["metadata.partial"] {
			return nil, truncated(Mydumper, "it has a file metadata.partial, which mydumper renames when it is done")
		}
		return nil, truncated(Mydumper, "it has no file metadata, which mydumper writes last")
	}
	text, err := f.read("metadata")
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(text, []byte("Finished dump at")) {
		return nil, truncated(Mydumper, `its file metadata has no line "Finished dump at"`)
	}
	return text, nil
}

var createDatabase = regexp.MustCompile("(?i)CREATE\\s+DATABASE\\s+(?:/\\*!\\d+\\s*IF NOT EXISTS\\s*\\*/\\s*|IF NOT EXISTS\\s+)?[`\"]((?:[^`\"]|``|\"\")+)[`\"]")

// readSchemas finds the schemas, and the real names of those that file names
// only number.
func (m *mydumper) readSchemas() error {
	for _, name := range m.names {
		schema, ok := strings.CutSuffix(plain(name), "-schema-create.sql")
		if !ok {
			continue
		}
		m.schemas = append(m.schemas, schema)
		m.real[schema] = schema
		if !strings.HasPrefix(schema, "mydumper_") {
			continue
		}
		text, err := m.read(name)
		if err != nil {
			return err
		}
		if found := createDatabase.FindSubmatch(text); found != nil {
			m.real[schema] = strings.ReplaceAll(string(found[1]), "``", "`")
		}
	}
	slices.SortFunc(m.schemas, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return nil
}

// classify says what a file is; not ok are files that say nothing to a restore.
func (m *mydumper) classify(name string) (mydumperFile, bool, error) {
	text := plain(name)
	file := mydumperFile{name: name, phase: -1}
	for phase, suffix := range phaseSuffixes {
		if phase != dataPhase && strings.HasSuffix(text, suffix) {
			file.phase, text = phase, strings.TrimSuffix(text, suffix)
			break
		}
	}
	switch base, sql := strings.CutSuffix(text, ".sql"); {
	case file.phase >= 0:
	case sql && text == "all-schema-create-tablespace.sql":
		return file, false, fmt.Errorf("%s makes tablespaces outside of the data directory, which an image cannot have: dump without --all-tablespaces", name)
	case sql:
		file.phase, text = dataPhase, base
	case strings.HasSuffix(text, ".dat"), strings.HasSuffix(text, ".csv"), strings.HasSuffix(text, ".json"):
		return file, false, fmt.Errorf("%s: mydumper was run with --load-data, --csv or --format, which dbake does not read: dump with INSERT statements, which are its default", name)
	default:
		return file, false, nil // metadata, checksums, logs
	}
	err := m.split(&file, text)
	return file, true, err
}

// split takes the schema, the table and the numbers behind it out of a name.
func (m *mydumper) split(file *mydumperFile, text string) error {
	schema, rest := "", ""
	for _, s := range m.schemas {
		if text == s || strings.HasPrefix(text, s+".") {
			schema, rest = s, strings.TrimPrefix(text[len(s):], ".")
			break
		}
	}
	if schema == "" { // a dump of rows alone does not make its schemas
		schema, rest, _ = strings.Cut(text, ".")
	}
	if schema == "" || rest == "" && file.phase == dataPhase {
		return fmt.Errorf("%s: the name of the file has no schema and table, as mydumper's files have", file.name)
	}
	file.schema = cmp.Or(m.real[schema], schema)
	if file.phase == dataPhase {
		rest, file.parts = splitNumbers(rest)
	}
	file.table = rest
	return nil
}

// splitNumbers takes up to two numbers of chunks, of five digits at least, off
// the end of a name.
func splitNumbers(name string) (table string, parts []int) {
	for len(parts) < 2 {
		cut := strings.LastIndexByte(name, '.')
		if cut < 0 || len(name)-cut-1 < 5 {
			break
		}
		n, err := strconv.Atoi(name[cut+1:])
		if err != nil {
			break // the name of the table ends like this
		}
		name, parts = name[:cut], append([]int{n}, parts...)
	}
	return name, parts
}

func compareParts(a, b mydumperFile) int {
	return cmp.Or(cmp.Compare(a.schema, b.schema), cmp.Compare(a.table, b.table), slices.Compare(a.parts, b.parts))
}

func (m *mydumper) step(file mydumperFile) Step {
	s := Step{File: file.name, Schema: file.schema, Begin: session("utf8mb4", "")}
	switch {
	case file.phase == createPhase:
		s.Schema = ""
	case file.phase > dataPhase:
		s.LineEnds = true // bodies of programs hold semicolons
		// Programs keep the sql_mode of their making; mydumper before 0.11
		// does not write it, and myloader then makes them with the server's.
		s.Begin = append(s.Begin, "SET SESSION sql_mode = DEFAULT")
	}
	s.Create = file.phase != createPhase && !slices.Contains(m.realSchemas(), file.schema)
	return s
}

func (m *mydumper) realSchemas() []string {
	var out []string
	for _, name := range m.schemas {
		out = append(out, m.real[name])
	}
	return out
}

var metadataGroup = regexp.MustCompile("^\\[[`\"](.+?)[`\"]\\.[`\"](.+)[`\"]\\]$")

// rows reads how many rows each table has out of the metadata, which say so
// since mydumper 0.12 in groups: [`schema`.`table`], real_table_name=…,
// rows = N.
func (m *mydumper) rows(meta []byte) map[Table]int64 {
	out := map[Table]int64{}
	var table Table
	lines := bufio.NewScanner(bytes.NewReader(meta))
	lines.Buffer(nil, len(meta)+1)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			table = Table{}
			if g := metadataGroup.FindStringSubmatch(line); g != nil {
				table = Table{Schema: cmp.Or(m.real[g[1]], g[1]), Name: g[2]}
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch {
		case !ok || table.Name == "":
		case key == "real_table_name":
			table.Name = value
		case key == "rows":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
				out[table] = n
			}
		}
	}
	return out
}
