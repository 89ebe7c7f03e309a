package repair

import (
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// mariadbTypes are types that MySQL has nothing for ("Data Types", MariaDB
// Knowledge Base).
var mariadbTypes = []string{"uuid", "inet4", "inet6", "xmltype"}

func (d *draft) columnForMySQL(e element) error {
	name, kind := unquoted(d.at(e.from)), word(d.at(e.from+1))
	if d.at(e.from+1).Kind == dump.WordToken && (slices.Contains(mariadbTypes, kind) || kind == "vector" && !d.to.mysqlSince(90000)) {
		return refuse(1064, "column %s is of the type %s, which %s does not have: make it text before the dump is made, or leave the table out", name, kind, d.to)
	}
	for i := e.from + 1; i < e.to; i++ {
		switch {
		case d.phrase(i, "AS", "ROW"), d.phrase(i, "WITH", "SYSTEM", "VERSIONING"), d.phrase(i, "WITHOUT", "SYSTEM", "VERSIONING"):
			return refuseVersioned()
		case d.at(i).Is("PERSISTENT") && d.isByte(i-1, ')'):
			d.replace(d.live[i], "STORED")
		case d.at(i).Is("DEFAULT"):
			if err := d.defaultForMySQL(name, kind, i+1, e.to); err != nil {
				return err
			}
		}
		if d.isByte(i, '(') {
			i = d.closing(i)
		}
	}
	return nil
}

func refuseVersioned() error {
	return refuse(1064, "the table is system-versioned, which MySQL does not have: dump a copy of it without WITH SYSTEM VERSIONING, or leave the table out")
}

// nowWords are the functions that MySQL takes as a default without parentheses,
// for TIMESTAMP and DATETIME.
var nowWords = []string{"current_timestamp", "now", "localtime", "localtimestamp"}

// calls are the functions that need no parentheses behind them.
var calls = []string{"current_date", "current_time", "current_user", "current_role", "utc_date", "utc_time", "utc_timestamp"}

// expressionDefaults is the MySQL from which on a default may be any expression,
// in parentheses ("Data Type Default Values").
const expressionDefaults = 80013

// defaultForMySQL puts a default in parentheses where MySQL wants them: around
// expressions, and around literals of types that cannot have those (1101).
func (d *draft) defaultForMySQL(column, kind string, i, end int) error {
	t := d.at(i)
	if i >= end || t.IsByte('(') {
		return nil
	}
	now := t.Kind == dump.WordToken && slices.Contains(nowWords, word(t))
	literalEnd, code := i+1, 1064
	switch {
	case t.Is("NULL"), now && (kind == "timestamp" || kind == "datetime"):
		return nil
	case d.isByte(i+1, '(') && t.Kind == dump.WordToken:
		if f := word(t); f == "nextval" || f == "lastval" {
			return refuse(1064, "column %s takes its default from a sequence, which MySQL does not have: use an AUTO_INCREMENT column instead", column)
		}
		literalEnd = d.closing(i+1) + 1
	case now, t.Kind == dump.WordToken && slices.Contains(calls, word(t)):
	case t.Is("NEXT"):
		return refuse(1064, "column %s takes its default from a sequence, which MySQL does not have: use an AUTO_INCREMENT column instead", column)
	case isLarge(kind):
		code = 1101
		if d.at(i+1).Kind == dump.TextToken && t.Kind == dump.WordToken || t.IsByte('-') {
			literalEnd = i + 2 // _utf8mb4'…', b'…', -1
		}
	default:
		return nil
	}
	if !d.to.mysqlSince(expressionDefaults) {
		return refuse(code, "the default of column %s is more than %s takes: drop the default before the dump is made, or bake onto MySQL 8.4", column, d.to)
	}
	d.wrap(i, min(literalEnd, end))
	return nil
}

// isLarge reports whether a type can have no literal as a default in MySQL.
func isLarge(kind string) bool {
	return strings.HasSuffix(kind, "text") || strings.HasSuffix(kind, "blob") || kind == "json" || kind == "long" ||
		dump.ClassOf(kind, "") == dump.GeometryClass
}

func (d *draft) columnForMariaDB(e element) error {
	name := unquoted(d.at(e.from))
	if d.at(e.from+1).Is("VECTOR") && d.to.mariadbBefore(110701) {
		return refuse(4161, "column %s is of the type vector, which MariaDB has from 11.7 on: bake onto a newer MariaDB, or leave the table out", name)
	}
	generated := false
	for i := e.from + 1; i < e.to; i++ {
		switch {
		case d.at(i).Is("AS") && d.isByte(i+1, '('):
			generated = true
		case generated && d.phrase(i, "NOT", "NULL"):
			d.remove(i, i+2)
			d.note("NOT NULL of a generated column is left out: MariaDB does not have it")
		case generated && d.at(i).Is("NULL") && !d.at(i-1).Is("NOT"):
			d.remove(i, i+1)
		}
		if d.isByte(i, '(') {
			i = d.closing(i)
		}
	}
	return nil
}
