package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// deferred are the keys of a table that are built when its rows are in.
type deferred struct {
	// create is SHOW CREATE TABLE with all keys: what the table must look
	// like in the end.
	create string
	// defs are the keys' and foreign keys' definitions, as create has them.
	defs []keyDef
}

// keyDef is one line of SHOW CREATE TABLE about a key.
type keyDef struct {
	text  string // without the comma behind it
	class keyClass
	name  string
	first string // the first column, empty for an expression
}

// keyClass orders keys the way the server does, whatever order they were
// declared in.
type keyClass int

const (
	otherLine keyClass = iota
	primaryKey
	uniqueKey
	plainKey
	fulltextKey
	spatialKey
	foreignKey
)

// keyLine takes a line of SHOW CREATE TABLE apart; names hold doubled backticks.
var keyLine = regexp.MustCompile("^  (PRIMARY KEY|UNIQUE KEY|KEY|FULLTEXT KEY|SPATIAL KEY|VECTOR KEY|CONSTRAINT)(?: (`(?:[^`]|``)*`))?(?: FOREIGN KEY| CHECK)? ?\\((`(?:[^`]|``)*`)?")

// keyDefs reads the key lines of SHOW CREATE TABLE in order. A definition never
// spans lines: line ends in comments are written as \n.
func keyDefs(create string) []keyDef {
	var out []keyDef
	for line := range strings.Lines(create) {
		line = strings.TrimSuffix(strings.TrimRight(line, "\n"), ",")
		m := keyLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		d := keyDef{text: strings.TrimSpace(line), name: m[2], first: m[3]}
		switch m[1] {
		case "PRIMARY KEY":
			d.class = primaryKey
		case "UNIQUE KEY":
			d.class = uniqueKey
		case "KEY":
			d.class = plainKey
		case "FULLTEXT KEY", "VECTOR KEY":
			d.class = fulltextKey
		case "SPATIAL KEY":
			d.class = spatialKey
		case "CONSTRAINT":
			if !strings.Contains(line, " FOREIGN KEY (") {
				continue
			}
			d.class = foreignKey
		}
		out = append(out, d)
	}
	return out
}

// choose picks the keys that can be left out while rows load. It keeps the
// primary key, the keys an AUTO_INCREMENT column leans on, FULLTEXT and SPATIAL
// keys (adding the first of them rebuilds the table), and every unique key of a
// table without primary key, since one of them orders the rows. It returns nil
// when the keys that stay would end up behind those that are added: the server
// lists keys of one class in the order in which they came.
func choose(info *tableInfo) *deferred {
	all := keyDefs(info.create)
	hasPrimary := false
	for _, d := range all {
		hasPrimary = hasPrimary || d.class == primaryKey
	}
	out := &deferred{create: info.create}
	last := map[keyClass]bool{} // classes of which one is left out already
	for _, d := range all {
		stays := d.class == primaryKey || d.class == fulltextKey || d.class == spatialKey ||
			d.class == uniqueKey && !hasPrimary || d.class != foreignKey && info.isAutoIncrement(d.first)
		if stays {
			if last[d.class] {
				return nil
			}
			continue
		}
		last[d.class] = true
		out.defs = append(out.defs, d)
	}
	if len(out.defs) == 0 {
		return nil
	}
	return out
}

func (info *tableInfo) isAutoIncrement(quoted string) bool {
	for _, c := range info.columns {
		if c.autoIncrement && QuoteName(c.name) == quoted {
			return true
		}
	}
	return false
}

// drops gives the ALTER TABLE clauses that take the keys out, foreign keys
// first, because they lean on the others.
func (d *deferred) drops() string {
	var foreign, plain []string
	for _, def := range d.defs {
		if def.class == foreignKey {
			foreign = append(foreign, "DROP FOREIGN KEY "+def.name)
		} else {
			plain = append(plain, "DROP KEY "+def.name)
		}
	}
	return strings.Join(append(foreign, plain...), ", ")
}

// adds gives the clauses that put them back, in the table's order and with the
// table's text.
func (d *deferred) adds() string {
	var out []string
	for _, def := range d.defs {
		out = append(out, "ADD "+def.text)
	}
	return strings.Join(out, ", ")
}

// keySession is the state in which keys are taken out and put back: what was
// valid when the table was created stays valid, and definitions are read as
// SHOW CREATE TABLE writes them.
var keySession = []string{
	"SET NAMES utf8mb4", "SET SESSION sql_mode = ''", "SET SESSION foreign_key_checks = 0", "SET SESSION unique_checks = 0",
	"SET SESSION innodb_strict_mode = 0",
	"/*!80013 SET SESSION sql_require_primary_key = 0 */",
	"/*!80400 SET SESSION restrict_fk_on_non_standard_key = 0 */",
}

// PrepareKeySessions brings the connections that describe tables and build keys
// into their state.
func (l Lanes) PrepareKeySessions(ctx context.Context) error {
	for _, conn := range append([]*sql.Conn{l.Look}, l.Keys...) {
		for _, statement := range keySession {
			if _, err := conn.ExecContext(ctx, statement); err != nil && !isEmptyQuery(err) {
				return fmt.Errorf("prepare a session for keys: %s: %w", statement, err)
			}
		}
	}
	return nil
}

// deferKeys takes the keys out of an empty table that is about to be filled.
// They stay where statements may fail one by one, since a unique key decides
// which do.
// Where the server refuses, as it does when another table's foreign key leans on
// one of them, they stay.
func (r *laneRows) deferKeys(ctx context.Context, t *target) error {
	keys := choose(t.info)
	if keys == nil || t.info.checksParents || r.loader.options.Continue {
		return nil
	}
	_, err := r.lanes.Look.ExecContext(ctx, "ALTER TABLE "+t.qualified()+" "+keys.drops())
	var refused *mysql.MySQLError
	switch {
	case errors.As(err, &refused):
		return nil
	case err != nil:
		return fmt.Errorf("take the keys out of %s.%s: %w", t.schema, t.name, err)
	}
	r.pool.mu.Lock()
	t.keys = keys
	r.pool.mu.Unlock()
	return nil
}

// keyTask builds the keys of a table whose rows are in.
type keyTask struct {
	target *target
	keys   *deferred
	pool   *pool
}

func (k *keyTask) run(ctx context.Context, l *lane) error {
	t := k.target
	if _, err := l.keys.ExecContext(ctx, "ALTER TABLE "+t.qualified()+" "+k.keys.adds()); err != nil {
		return k.describe(ctx, l, err)
	}
	if err := k.check(ctx, l); err != nil {
		return err
	}
	k.pool.taskDone(t)
	return nil
}

// autoIncrementOption is the one part of SHOW CREATE TABLE that rows change.
var autoIncrementOption = regexp.MustCompile(`(?m)^(\) .*?) AUTO_INCREMENT=\d+`)

// check makes sure that the table looks as if its keys had never been out.
func (k *keyTask) check(ctx context.Context, l *lane) error {
	var name, create string
	if err := l.keys.QueryRowContext(ctx, "SHOW CREATE TABLE "+k.target.qualified()).Scan(&name, &create); err != nil {
		return fmt.Errorf("look at table %s.%s: %w", k.target.schema, k.target.name, err)
	}
	want := autoIncrementOption.ReplaceAllString(k.keys.create, "$1")
	if got := autoIncrementOption.ReplaceAllString(create, "$1"); got != want {
		return fmt.Errorf("table %s.%s does not look as the dump has it after its keys were built; this is a fault of dbake: expected %q, found %q", k.target.schema, k.target.name, want, got)
	}
	return nil
}

// KeyError is a key that a table's rows do not allow.
type KeyError struct {
	Schema, Table string
	Code          int    // the server's error number
	Reason        string // without values
	err           error
}

// Error names the table and the reason.
func (e *KeyError) Error() string {
	return fmt.Sprintf("build the keys of %s.%s: server error %d: %s", e.Schema, e.Table, e.Code, e.Reason)
}

// Unwrap gives the server's error, whose text may hold values.
func (e *KeyError) Unwrap() error { return e.err }

func (k *keyTask) describe(ctx context.Context, l *lane, err error) error {
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) {
		return fmt.Errorf("build the keys of %s.%s: %w", k.target.schema, k.target.name, err)
	}
	e := &KeyError{
		Schema: k.target.schema, Table: k.target.name, Code: int(refused.Number),
		Reason: SafeMessage(refused, true), err: err,
	}
	if refused.Number == 1062 {
		e.Reason += k.duplicateAt(ctx, l)
	}
	return e
}

// duplicateAt says which rows of the table share a key, counted in the order of
// the primary key; empty when the server cannot tell.
func (k *keyTask) duplicateAt(ctx context.Context, l *lane) string {
	var order []string
	for _, d := range keyDefs(k.keys.create) {
		if d.class == primaryKey {
			order = keyColumns(d.text)
		}
	}
	if order == nil {
		return ""
	}
	for _, d := range k.keys.defs {
		if d.class != uniqueKey {
			continue
		}
		columns := keyColumns(d.text)
		if columns == nil {
			continue
		}
		list := strings.Join(columns, ", ")
		var first, second int64
		query := "SELECT MIN(n), MAX(n) FROM (SELECT ROW_NUMBER() OVER (ORDER BY " + strings.Join(order, ", ") + ") AS n, " + list + " FROM " + k.target.qualified() +
			") d WHERE " + strings.Join(columns, " IS NOT NULL AND ") + " IS NOT NULL GROUP BY " + list + " HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 1"
		if err := l.keys.QueryRowContext(ctx, query).Scan(&first, &second); err == nil {
			return fmt.Sprintf("; rows %d and %d of the table share a value of %s", first, second, d.name)
		}
	}
	return ""
}

// keyColumns gives the quoted columns of a key, or nil when it has expressions
// or prefixes.
func keyColumns(def string) []string {
	_, list, _ := strings.Cut(def, " (")
	var out []string
	for list != "" && list[0] == '`' {
		end := 1
		for end < len(list) && (list[end] != '`' || end+1 < len(list) && list[end+1] == '`') {
			if list[end] == '`' {
				end++
			}
			end++
		}
		if end+1 >= len(list) {
			return nil
		}
		out = append(out, list[:end+1])
		switch rest := list[end+1:]; {
		case strings.HasPrefix(rest, ","):
			list = rest[1:]
		case strings.HasPrefix(rest, ")"):
			return out
		default:
			return nil
		}
	}
	return nil
}
