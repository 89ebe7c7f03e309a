package compare

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// view is a table of the information_schema.
type view struct {
	name string
	// kind and names make the object a row is about.
	kind  string
	names []string
	// detail are the columns that tell apart the rows of one object.
	detail []string
	// volatile are columns that may differ between equal servers: times and
	// statistics.
	volatile []string
	// only is "mysql" or "mariadb" for a view that only one of them has.
	only string
}

// views are those that say more than SHOW CREATE does, or say it plainer.
var views = []view{
	{name: "SCHEMATA", kind: "database", names: []string{"SCHEMA_NAME"}},
	{name: "TABLES", kind: "table", names: []string{"TABLE_SCHEMA", "TABLE_NAME"}, volatile: []string{
		"TABLE_ROWS", "AVG_ROW_LENGTH", "DATA_LENGTH", "MAX_DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE", "MAX_INDEX_LENGTH",
		"CREATE_TIME", "UPDATE_TIME", "CHECK_TIME",
	}},
	{name: "COLUMNS", kind: "table", names: []string{"TABLE_SCHEMA", "TABLE_NAME"}, detail: []string{"COLUMN_NAME"}},
	{name: "STATISTICS", kind: "table", names: []string{"TABLE_SCHEMA", "TABLE_NAME"}, detail: []string{"INDEX_NAME", "SEQ_IN_INDEX"}, volatile: []string{"CARDINALITY"}},
	{name: "KEY_COLUMN_USAGE", kind: "table", names: []string{"TABLE_SCHEMA", "TABLE_NAME"}, detail: []string{"CONSTRAINT_NAME", "ORDINAL_POSITION"}},
	{name: "TABLE_CONSTRAINTS", kind: "table", names: []string{"TABLE_SCHEMA", "TABLE_NAME"}, detail: []string{"CONSTRAINT_TYPE", "CONSTRAINT_NAME"}},
	{name: "REFERENTIAL_CONSTRAINTS", kind: "table", names: []string{"CONSTRAINT_SCHEMA", "TABLE_NAME"}, detail: []string{"CONSTRAINT_NAME"}},
	{name: "CHECK_CONSTRAINTS", kind: "table", names: []string{"CONSTRAINT_SCHEMA", "TABLE_NAME"}, detail: []string{"CONSTRAINT_NAME"}},
	{name: "PARTITIONS", kind: "table", names: []string{"TABLE_SCHEMA", "TABLE_NAME"}, detail: []string{"PARTITION_NAME", "SUBPARTITION_NAME"}, volatile: []string{
		"AVG_ROW_LENGTH", "DATA_LENGTH", "MAX_DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE", "CREATE_TIME", "UPDATE_TIME", "CHECK_TIME", "CHECKSUM", "TABLE_ROWS",
	}},
	{name: "VIEWS", kind: "table", names: []string{"TABLE_SCHEMA", "TABLE_NAME"}},
	{name: "ROUTINES", kind: "routine", names: []string{"ROUTINE_SCHEMA", "ROUTINE_NAME"}, detail: []string{"ROUTINE_TYPE"}, volatile: []string{"CREATED", "LAST_ALTERED"}},
	{name: "PARAMETERS", kind: "routine", names: []string{"SPECIFIC_SCHEMA", "SPECIFIC_NAME"}, detail: []string{"ROUTINE_TYPE", "ORDINAL_POSITION"}},
	{name: "TRIGGERS", kind: "trigger", names: []string{"TRIGGER_SCHEMA", "TRIGGER_NAME"}, volatile: []string{"CREATED"}},
	{name: "EVENTS", kind: "event", names: []string{"EVENT_SCHEMA", "EVENT_NAME"}, volatile: []string{"CREATED", "LAST_ALTERED", "LAST_EXECUTED"}},
	{name: "COLUMN_STATISTICS", kind: "table", names: []string{"SCHEMA_NAME", "TABLE_NAME"}, detail: []string{"COLUMN_NAME"}, only: "mysql"},
}

// catalogue takes down the information_schema.
func (t *taker) catalogue(ctx context.Context) error {
	for _, v := range views {
		if v.only != "" && (v.only == "mariadb") != t.mariadb {
			continue
		}
		query := fmt.Sprintf("SELECT * FROM information_schema.%s WHERE %s", v.name, t.inScope(v.names[0]))
		rows, err := t.query(ctx, query)
		if err != nil {
			return err
		}
		for _, r := range rows {
			t.addView(v, r)
		}
	}
	return nil
}

// histogramTime is when a histogram was made, in its JSON.
var histogramTime = regexp.MustCompile(`"last-updated": "[^"]*"`)

func (t *taker) addView(v view, r row) {
	what := v.name
	for _, column := range v.detail {
		what += " " + r.get(column)
	}
	text := r.text(append(v.volatile, "TABLE_CATALOG")...)
	if v.name == "COLUMN_STATISTICS" {
		text = histogramTime.ReplaceAllString(strings.ReplaceAll(text, `\"`, `"`), "")
	}
	names := make([]string, 0, len(v.names))
	for _, column := range v.names {
		names = append(names, r.get(column))
	}
	t.add(v.kind+" "+strings.Join(names, "."), what, text)
}
