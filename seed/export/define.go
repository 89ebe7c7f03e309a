package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// definition is what stands around a table's rows.
type definition struct {
	// statement is the server's CREATE TABLE alone.
	statement     string
	create, after string
}

// createDatabase makes CREATE DATABASE and USE.
func (s *session) createDatabase(ctx context.Context, db *database, bare bool) (string, error) {
	if bare {
		return "", nil
	}
	records, err := s.query(ctx, "SHOW CREATE DATABASE IF NOT EXISTS "+quote(db.name))
	if err != nil {
		return "", err
	}
	return section("Current Database: "+quote(db.name)) + records[0].text("create database") + ";\n\nUSE " + quote(db.name) + ";\n", nil
}

// define makes the text for a table, view or sequence.
func (s *session) define(ctx context.Context, db *database, t *table, o Options) (definition, error) {
	switch t.kind {
	case kindView:
		// A view that is not valid would fail where the dump is loaded.
		if _, err := s.query(ctx, "SHOW FIELDS FROM "+t.quoted()); err != nil {
			return definition{}, err
		}
		text, err := standIn(t)
		return definition{create: text}, err
	case kindSequence:
		text, err := s.sequence(ctx, t)
		return definition{create: text}, err
	}
	records, err := s.query(ctx, "SHOW CREATE TABLE "+t.quoted())
	if err != nil {
		return definition{}, err
	}
	def := definition{statement: records[0].text("create table")}
	name := quote(t.name)
	def.create = section("Table structure for table "+name) +
		"DROP TABLE IF EXISTS " + name + ";\n" +
		"/*!40101 SET @saved_cs_client     = @@character_set_client */;\n" +
		"/*!40101 SET character_set_client = utf8mb4 */;\n" +
		def.statement + ";\n" +
		"/*!40101 SET character_set_client = @saved_cs_client */;\n"
	if def.after, err = s.histograms(ctx, t); err != nil {
		return definition{}, err
	}
	if !o.NoTriggers {
		triggers, err := s.triggers(ctx, db, t)
		def.after += triggers
		return def, err
	}
	return def, nil
}

// histograms makes the statements that gather a table's histograms again, which
// only MySQL 8 and later have.
func (s *session) histograms(ctx context.Context, t *table) (string, error) {
	if s.mariadb || strings.HasPrefix(s.version, "5.") {
		return "", nil
	}
	records, err := s.query(ctx, `SELECT COLUMN_NAME, HISTOGRAM->>'$."number-of-buckets-specified"' AS buckets
		FROM information_schema.COLUMN_STATISTICS WHERE SCHEMA_NAME = `+text(t.database)+" AND TABLE_NAME = "+text(t.name)+" ORDER BY COLUMN_NAME")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "/*!80002 ANALYZE TABLE %s UPDATE HISTOGRAM ON %s WITH %d BUCKETS */;\n", quote(t.name), quote(r.text("column_name")), r.number("buckets"))
	}
	return b.String(), nil
}

// sequence makes a sequence of MariaDB that goes on where this one is.
func (s *session) sequence(ctx context.Context, t *table) (string, error) {
	records, err := s.query(ctx, "SHOW CREATE SEQUENCE "+t.quoted())
	if err != nil {
		return "", err
	}
	state, err := s.query(ctx, "SELECT next_not_cached_value FROM "+t.quoted())
	if err != nil {
		return "", err
	}
	if len(state) != 1 {
		return "", errors.New("the sequence has no state")
	}
	name := quote(t.name)
	return section("Sequence structure for "+name) +
		"DROP SEQUENCE IF EXISTS " + name + ";\n" + records[0].text("create table") + ";\n" +
		"DO SETVAL(" + name + ", " + state[0].text("next_not_cached_value") + ", 0);\n", nil
}

// standIn makes a view with the columns that the view will have, for what refers
// to it before all it needs is there.
func standIn(t *table) (string, error) {
	if len(t.columns) == 0 {
		return "", errors.New("it is not valid, because what it refers to is gone or this account may not see it; mend or drop it, or leave it out by --exclude-table")
	}
	name := quote(t.name)
	columns := make([]string, len(t.columns))
	for i, c := range t.columns {
		columns[i] = " 1 AS " + quote(c.name)
	}
	return section("Temporary view structure for view "+name) +
		"DROP TABLE IF EXISTS " + name + ";\n" +
		"/*!50001 DROP VIEW IF EXISTS " + name + " */;\n" +
		"CREATE VIEW " + name + " AS SELECT\n" + strings.Join(columns, ",\n") + ";\n", nil
}

// finalView makes a view as it is.
func (s *session) finalView(ctx context.Context, t *table) (string, error) {
	records, err := s.query(ctx, "SELECT CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = "+
		text(t.database)+" AND TABLE_NAME = "+text(t.name))
	if err != nil {
		return "", err
	}
	if len(records) != 1 {
		return "", fmt.Errorf("%w: the view is gone", ErrDefinitionChanged)
	}
	client, collation := records[0].text("character_set_client"), records[0].text("collation_connection")
	var create string
	err = s.withResults(ctx, client, func() error {
		records, err := s.query(ctx, "SHOW CREATE VIEW "+quote(t.name))
		if err == nil {
			create = records[0].text("create view")
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if create == "" {
		return "", errors.New("this account may not see its definition: it needs SHOW VIEW")
	}
	name := quote(t.name)
	return section("Final view structure for view "+name) +
		"/*!50001 DROP VIEW IF EXISTS " + name + " */;\n" +
		saved("50001", client, collation, "", "") + create + ";\n" + restored("50001", false, false), nil
}

// withResults runs f while the server sends texts in another character set;
// "binary" is the one they are stored in.
func (s *session) withResults(ctx context.Context, charset string, f func() error) error {
	if err := s.exec(ctx, "SET SESSION character_set_results = "+charset); err != nil {
		return err
	}
	return errors.Join(f(), s.exec(ctx, "SET SESSION character_set_results = utf8mb4"))
}
