package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// saved makes the lines that keep the session's state and set a program's own.
// mode and zone are literals; empty: left alone.
func saved(version, client, collation, mode, zone string) string {
	var b strings.Builder
	line := func(text string) { b.WriteString("/*!" + version + " SET " + text + " */;\n") }
	line("@saved_cs_client      = @@character_set_client")
	line("@saved_cs_results     = @@character_set_results")
	line("@saved_col_connection = @@collation_connection")
	line("character_set_client  = " + client)
	line("character_set_results = " + client)
	line("collation_connection  = " + collation)
	if mode != "" {
		line("@saved_sql_mode       = @@sql_mode")
		line("sql_mode              = " + mode)
	}
	if zone != "" {
		line("@saved_time_zone      = @@time_zone")
		line("time_zone             = " + zone)
	}
	return b.String()
}

// restored undoes saved.
func restored(version string, mode, zone bool) string {
	var b strings.Builder
	line := func(text string) { b.WriteString("/*!" + version + " SET " + text + " */;\n") }
	if zone {
		line("time_zone             = @saved_time_zone")
	}
	if mode {
		line("sql_mode              = @saved_sql_mode")
	}
	line("character_set_client  = @saved_cs_client")
	line("character_set_results = @saved_cs_results")
	line("collation_connection  = @saved_col_connection")
	return b.String()
}

// program is a trigger, routine or event.
type program struct {
	kind, name string
	drop       string // the statement that goes before it; may be empty
}

// create makes the text for a program. The server sends its body in the
// character set it was written in.
func (s *session) create(ctx context.Context, db *database, p program) (string, error) {
	var r record
	err := s.withResults(ctx, "binary", func() error {
		records, err := s.query(ctx, "SHOW CREATE "+p.kind+" "+quote(db.name)+"."+quote(p.name))
		if err == nil && len(records) != 1 {
			err = errors.New("the server shows nothing")
		}
		if err == nil {
			r = records[0]
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("%s %s.%s: %w", strings.ToLower(p.kind), db.name, p.name, err)
	}
	body := r.text("create " + strings.ToLower(p.kind))
	if p.kind == "TRIGGER" {
		body = r.text("sql original statement")
	}
	if body == "" {
		return "", fmt.Errorf("%s %s.%s: this account may not see its definition: it needs SHOW_ROUTINE (MySQL 8) or SELECT on mysql.proc (MariaDB), or leave routines out",
			strings.ToLower(p.kind), db.name, p.name)
	}
	zone := ""
	if p.kind == "EVENT" {
		zone = text(r.text("time_zone"))
	}
	var b strings.Builder
	collation := r.text("database collation")
	swap := collation != "" && collation != db.collation
	if swap {
		b.WriteString(alterDatabase(db.name, collation))
	}
	b.WriteString(saved("50003", r.text("character_set_client"), r.text("collation_connection"), text(r.text("sql_mode")), zone))
	b.WriteString(p.drop) // MariaDB knows packages in their own sql_mode only
	end := delimiter(body)
	b.WriteString("DELIMITER " + end + "\n" + body + " " + end + "\nDELIMITER ;\n")
	b.WriteString(restored("50003", true, zone != ""))
	if swap {
		b.WriteString(alterDatabase(db.name, db.collation))
	}
	return b.String(), nil
}

// alterDatabase sets the collation that a program takes for its parameters.
func alterDatabase(name, collation string) string {
	charset, _, _ := strings.Cut(collation, "_")
	return "ALTER DATABASE " + quote(name) + " CHARACTER SET " + charset + " COLLATE " + collation + ";\n"
}

// delimiter gives one that the body does not hold.
func delimiter(body string) string {
	for _, d := range []string{";;", "$$", "//"} {
		if !strings.Contains(body, d) {
			return d
		}
	}
	d := "$$$"
	for strings.Contains(body, d) {
		d += "$"
	}
	return d
}

// triggers makes the triggers of a table, in the order they run in, which is the
// order that the server gives later ones.
func (s *session) triggers(ctx context.Context, db *database, t *table) (string, error) {
	if db.triggers == nil {
		records, err := s.query(ctx, "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = "+
			text(db.name)+" ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER")
		if err != nil {
			return "", err
		}
		db.triggers = map[string][]string{}
		for _, r := range records {
			of := r.text("event_object_table")
			db.triggers[of] = append(db.triggers[of], r.text("trigger_name"))
		}
	}
	var b strings.Builder
	for _, name := range db.triggers[t.name] {
		text, err := s.create(ctx, db, program{kind: "TRIGGER", name: name})
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// routineKinds is the order in which routines are made: a package's body after
// the package.
var routineKinds = []string{"FUNCTION", "PROCEDURE", "PACKAGE", "PACKAGE BODY"}

// programs makes a database's events and routines.
func (s *session) programs(ctx context.Context, db *database, o Options) (string, error) {
	var b strings.Builder
	if !o.NoEvents {
		list, err := s.events(ctx, db)
		if err == nil {
			err = s.createAll(ctx, &b, db, "Dumping events for database "+quote(db.name), list)
		}
		if err != nil {
			return "", err
		}
	}
	if !o.NoRoutines {
		list, err := s.routines(ctx, db)
		if err == nil {
			err = s.createAll(ctx, &b, db, "Dumping routines for database "+quote(db.name), list)
		}
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func (s *session) createAll(ctx context.Context, b *strings.Builder, db *database, title string, list []program) error {
	if len(list) > 0 {
		b.WriteString(section(title))
	}
	for _, p := range list {
		text, err := s.create(ctx, db, p)
		if err != nil {
			return err
		}
		b.WriteString(text)
	}
	return nil
}

func (s *session) events(ctx context.Context, db *database) ([]program, error) {
	records, err := s.query(ctx, "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = "+text(db.name)+" ORDER BY EVENT_NAME")
	if err != nil {
		return nil, err
	}
	var list []program
	for _, r := range records {
		name := r.text("event_name")
		list = append(list, program{kind: "EVENT", name: name, drop: "/*!50106 DROP EVENT IF EXISTS " + quote(name) + " */;\n"})
	}
	return list, nil
}

func (s *session) routines(ctx context.Context, db *database) ([]program, error) {
	records, err := s.query(ctx, "SELECT ROUTINE_NAME, ROUTINE_TYPE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = "+text(db.name)+" ORDER BY ROUTINE_NAME")
	if err != nil {
		return nil, err
	}
	var list []program
	for _, kind := range routineKinds {
		for _, r := range records {
			if r.text("routine_type") == kind {
				name := r.text("routine_name")
				list = append(list, program{kind: kind, name: name, drop: "/*!50003 DROP " + kind + " IF EXISTS " + quote(name) + " */;\n"})
			}
		}
	}
	return list, nil
}
