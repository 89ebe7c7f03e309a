package repair

import (
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// table repairs CREATE TABLE, ALTER TABLE and CREATE INDEX.
func (d *draft) table() error {
	d.read()
	d.collations()
	end := len(d.live)
	if d.st.Kind == dump.CreateTable {
		open := d.opening()
		end = d.closing(open)
		for _, e := range d.elements(open, end) {
			if err := d.element(e); err != nil {
				return err
			}
		}
		d.deadAttributes(open, end)
	}
	options := end + 1
	if d.st.Kind == dump.AlterTable {
		options = 0
	}
	return d.options(options)
}

// opening gives the index of the parenthesis that opens the table's elements, or
// the number of tokens.
func (d *draft) opening() int {
	for i, t := range d.live {
		switch {
		case t.IsByte('('):
			return i
		case t.Is("LIKE"), t.Is("SELECT"), t.Is("AS"), t.Is("ENGINE"):
			return len(d.live)
		}
	}
	return len(d.live)
}

// element is one column, key or constraint: the live tokens from..to.
type element struct{ from, to int }

// elements gives what stands between the commas of a parenthesis.
func (d *draft) elements(open, end int) []element {
	var out []element
	depth, from := 0, open+1
	for i := open; i < end && i < len(d.live); i++ {
		switch {
		case d.isByte(i, '('):
			depth++
		case d.isByte(i, ')'):
			depth--
		case d.isByte(i, ',') && depth == 1:
			out = append(out, element{from, i})
			from = i + 1
		}
	}
	if from < end && end < len(d.live) {
		out = append(out, element{from, end})
	}
	return out
}

// notColumns are the words that begin an element which is no column.
var notColumns = []string{
	"CONSTRAINT", "PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "VECTOR", "FOREIGN", "CHECK", "PERIOD",
}

func (d *draft) element(e element) error {
	first := d.at(e.from)
	for _, k := range notColumns {
		if !first.Is(k) {
			continue
		}
		// A column may be called "period" or "vector" without quotes, too.
		if k == "VECTOR" && !d.at(e.from+1).Is("KEY") && !d.at(e.from+1).Is("INDEX") || k == "PERIOD" && !d.at(e.from+1).Is("FOR") {
			break
		}
		if d.to.Flavour == MySQL {
			return d.keyForMySQL(e)
		}
		return d.keyForMariaDB(e)
	}
	if d.to.Flavour == MySQL {
		return d.columnForMySQL(e)
	}
	return d.columnForMariaDB(e)
}

func (d *draft) keyForMySQL(e element) error {
	switch {
	case d.at(e.from).Is("PERIOD"):
		return refuse(1064, "the table has a PERIOD, which MySQL does not have: drop it before the dump is made, or leave the table out")
	case d.at(e.from).Is("VECTOR"):
		return refuse(1064, "the table has a VECTOR KEY, which MySQL does not have: drop it before the dump is made")
	}
	for i := e.from; i < e.to; i++ {
		switch {
		case d.phrase(i, "WITHOUT", "OVERLAPS"):
			return refuse(1064, "the table has a key WITHOUT OVERLAPS, which MySQL does not have: drop it before the dump is made")
		case d.at(i).Is("IGNORED") && d.to.mysqlSince(80000):
			// MariaDB: an index the optimizer takes no notice of.
			if d.at(i - 1).Is("NOT") {
				d.remove(i-1, i+1)
			} else {
				d.replace(d.live[i], "INVISIBLE")
			}
		}
	}
	// MariaDB names the constraints of every table CONSTRAINT_1 and so on; in
	// MySQL their names are unique within a schema (3822).
	if d.at(e.from).Is("CONSTRAINT") && d.at(e.from+2).Is("CHECK") && d.repairer.options.From.Flavour != MySQL &&
		strings.HasPrefix(word(d.at(e.from+1)), "constraint_") {
		d.remove(e.from, e.from+2)
	}
	return nil
}

func (d *draft) keyForMariaDB(e element) error {
	for i := e.from; i < e.to; i++ {
		if d.at(i).Is("CHECK") || d.at(i).Is("REFERENCES") {
			break
		}
		if d.isByte(i, '(') {
			if d.isByte(i+1, '(') || d.expressionBehindComma(i) {
				return refuse(1064, "key %s has functional parts, which MariaDB does not have: key a generated column instead, or drop the key before the dump is made", unquoted(d.keyName(e)))
			}
			break
		}
	}
	for i := e.from; i < e.to; i++ {
		if d.phrase(i, "NOT", "ENFORCED") {
			d.dropUnenforced(e)
			return nil
		}
	}
	return nil
}

// expressionBehindComma looks for a later functional part of the key whose
// columns open at live token i.
func (d *draft) expressionBehindComma(i int) bool {
	for end := d.closing(i); i < end; i++ {
		if d.isByte(i, ',') && d.isByte(i+1, '(') {
			return true
		}
	}
	return false
}

// keyName gives the token that names a key.
func (d *draft) keyName(e element) dump.Token {
	for i := e.from; i < e.to && !d.isByte(i, '('); i++ {
		if d.at(i).Kind == dump.NameToken {
			return d.at(i)
		}
	}
	return d.at(e.from)
}

// dropUnenforced takes out a CHECK that holds for no row: MariaDB would enforce
// it.
func (d *draft) dropUnenforced(e element) {
	d.note("CHECK … NOT ENFORCED is left out: %s enforces every check", d.to)
	from := e.from
	if d.isByte(from-1, ',') {
		d.remove(from-1, from)
	} else if d.isByte(e.to, ',') {
		d.remove(e.to, e.to+1)
	}
	// With all between, version comments for others included.
	first, last := d.live[from], d.live[e.to-1]
	d.edits = append(d.edits, edit{first.From, last.To, ""})
}

// deadAttributes carries over what mysqldump writes in version comments that
// MariaDB takes no notice of, although it has the same thing.
func (d *draft) deadAttributes(open, end int) {
	if d.to.Flavour != MariaDB || end >= len(d.live) {
		return
	}
	elements := d.elements(open, end)
	for i, t := range d.dead {
		if t.Comment.MariaDBOnly || t.From > d.live[end].From {
			continue
		}
		at := slices.IndexFunc(elements, func(e element) bool {
			return d.live[e.from].From < t.From && (e.to >= end || t.From < d.live[e.to].From)
		})
		if at < 0 {
			continue
		}
		e := elements[at]
		switch {
		case t.Is("INVISIBLE") && t.Comment.Version >= 80023:
			d.invisibleColumn(e, t)
		case t.Is("INVISIBLE") && t.Comment.Version >= 80000 && !d.to.mariadbBefore(100600):
			d.uncomment(t, "IGNORED")
		case t.Is("NOT") && i+1 < len(d.dead) && d.dead[i+1].Is("ENFORCED"):
			d.dropUnenforced(e)
			d.uncomment(t, "")
		}
	}
}

// invisibleColumn makes a column invisible. MariaDB wants such a column to be
// NULL or to have a default (4108).
func (d *draft) invisibleColumn(e element, t dump.Token) {
	notNull, filled := false, false
	for i := e.from; i < e.to; i++ {
		notNull = notNull || d.phrase(i, "NOT", "NULL")
		filled = filled || d.at(i).Is("DEFAULT") || d.at(i).Is("AUTO_INCREMENT") || d.at(i).Is("GENERATED")
	}
	if notNull && !filled {
		d.note("column %s becomes visible: in MariaDB an invisible column has to have a default", unquoted(d.at(e.from)))
		return
	}
	d.uncomment(t, "INVISIBLE")
}

// uncomment puts text in the place of the version comment around a token.
func (d *draft) uncomment(t dump.Token, text string) {
	end := strings.Index(string(d.st.Text[t.To:]), "*/")
	if end < 0 {
		return
	}
	d.edits = append(d.edits, edit{t.Comment.From, t.To + end + 2, text})
}
