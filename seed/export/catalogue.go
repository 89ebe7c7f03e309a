package export

import (
	"context"
	"slices"
	"strings"
)

// kind is what SHOW CREATE and DROP call an object.
type kind string

const (
	kindTable    kind = "table"
	kindView     kind = "view"
	kindSequence kind = "sequence"
)

// database is what of a database is dumped.
type database struct {
	name, charset, collation string
	tables                   []*table
	// triggers are the names of triggers by table; nil: not read yet.
	triggers map[string][]string
}

// table is a table, view or sequence.
type table struct {
	database, name string
	kind           kind
	engine         string
	rows, bytes    int64 // as the server estimates
	partitioned    bool

	columns []column
	key     []column // of the primary key
}

func (t *table) qualified() string { return t.database + "." + t.name }
func (t *table) quoted() string    { return quote(t.database) + "." + quote(t.name) }

// innodb tables have snapshots and are stored in the order of their primary key.
func (t *table) innodb() bool { return strings.EqualFold(t.engine, "InnoDB") }

// holdsRows is false for engines whose rows are elsewhere.
func (t *table) holdsRows() bool {
	return !slices.Contains([]string{"MRG_MYISAM", "FEDERATED", "BLACKHOLE"}, strings.ToUpper(t.engine))
}

var systemDatabases = "'mysql', 'sys', 'performance_schema', 'information_schema', 'ndbinfo'"

// catalogue lists what is to be dumped, by name.
func (s *session) catalogue(ctx context.Context, o Options) ([]*database, error) {
	records, err := s.query(ctx, `SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME
		FROM information_schema.SCHEMATA WHERE LOWER(SCHEMA_NAME) NOT IN (`+systemDatabases+`)`)
	if err != nil {
		return nil, err
	}
	var databases []*database
	for _, r := range records {
		db := &database{name: r.text("schema_name"), charset: r.text("default_character_set_name"), collation: r.text("default_collation_name")}
		if !o.Databases.wants(db.name) {
			continue
		}
		if err := s.listTables(ctx, db, o); err != nil {
			return nil, err
		}
		databases = append(databases, db)
	}
	slices.SortFunc(databases, func(a, b *database) int { return strings.Compare(a.name, b.name) })
	return databases, o.unmatched(databases)
}

func (s *session) listTables(ctx context.Context, db *database, o Options) error {
	records, err := s.query(ctx, `SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH, CREATE_OPTIONS
		FROM information_schema.TABLES WHERE TABLE_SCHEMA = `+text(db.name))
	if err != nil {
		return err
	}
	for _, r := range records {
		t := &table{
			database: db.name, name: r.text("table_name"), kind: kindTable, engine: r.text("engine"),
			rows: r.number("table_rows"), bytes: r.number("data_length"),
			partitioned: strings.Contains(r.text("create_options"), "partitioned"),
		}
		switch r.text("table_type") {
		case "VIEW", "SYSTEM VIEW":
			t.kind = kindView
		case "SEQUENCE":
			t.kind = kindSequence
		case "TEMPORARY", "TEMPORARY SEQUENCE":
			continue
		}
		if o.Tables.wants(t.qualified()) {
			db.tables = append(db.tables, t)
		}
	}
	slices.SortFunc(db.tables, func(a, b *table) int { return strings.Compare(a.name, b.name) })
	return nil
}

// sameTables says whether two catalogues list the same things.
func sameTables(a, b []*database) bool {
	return slices.EqualFunc(a, b, func(a, b *database) bool {
		return a.name == b.name && slices.EqualFunc(a.tables, b.tables, func(a, b *table) bool {
			return a.name == b.name && a.kind == b.kind
		})
	})
}
