package layer

import (
	"path"
	"regexp"
	"strings"

	"github.com/dbake/dbake/seed/plan"
)

// systemSchemas are the servers' own, whose tables change with every bake.
var systemSchemas = map[string]bool{
	"mysql": true, "sys": true, "performance_schema": true, "information_schema": true,
}

// layout knows where a tree has its data directory.
type layout struct {
	// dataDir and pristine are relative, without a slash at the end.
	dataDir, pristine string
}

func newLayout(dataDir string) layout {
	return layout{dataDir: strings.Trim(path.Clean(dataDir), "/"), pristine: strings.Trim(plan.PristineDir, "/")}
}

// table names the table that a file belongs to, as "schema/table" in the form of
// file names, or gives "" for all others: the system's files, the manifest.
//
// Servers name a table's files after it, up to the first "." or "#", which a
// name itself never has in a file name (they become @002e and @0023):
// t.ibd, t.frm, t#p#p0#sp#s1.ibd, t_382.sdi. A general tablespace lies beside
// the schemas and counts as a table of its own.
func (l layout) table(name string) string {
	rel, ok := strings.CutPrefix(name, l.dataDir+"/")
	if !ok {
		if rel, ok = strings.CutPrefix(name, l.pristine+"/"); !ok {
			return ""
		}
	}
	schema, file, inSchema := strings.Cut(rel, "/")
	if !inSchema {
		schema, file = "", schema
	}
	switch {
	case strings.Contains(file, "/"), strings.HasPrefix(schema, "#"), systemSchemas[schema]:
		return ""
	case !inSchema && (path.Ext(file) != ".ibd" || file == "mysql.ibd"):
		return ""
	case file == "db.opt":
		return ""
	}
	return schema + "/" + stem(file)
}

var (
	// A full-text index's tables are named after their table's number.
	fullText = regexp.MustCompile(`^(?i)fts_[0-9a-f]{16}_`)
	// What MySQL knows of a table that is not InnoDB's: its name and number.
	sdi = regexp.MustCompile(`^(.*)_\d+\.sdi$`)
)

// stem is the part of a file's name that all files of its table have in common.
func stem(file string) string {
	if prefix := fullText.FindString(file); prefix != "" {
		return prefix
	}
	if m := sdi.FindStringSubmatch(file); m != nil {
		return m[1]
	}
	if end := strings.IndexAny(file, ".#"); end > 0 {
		return file[:end]
	}
	return file
}

// display is a table's name for people.
func display(table string) string {
	return strings.TrimPrefix(strings.Replace(table, "/", ".", 1), ".")
}
