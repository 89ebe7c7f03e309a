package repair

import (
	"slices"

	"github.com/dbake/dbake/seed/dump"
)

// Table options that only the other flavour has, in lower case.
var (
	mariadbOptions = []string{
		"page_checksum", "transactional", "page_compressed", "page_compression_level",
		"encrypted", "encryption_key_id", "ietf_quotes",
	}
	mysqlOptions = []string{
		"compression", "encryption", "secondary_engine", "secondary_engine_attribute", "engine_attribute", "autoextend_size",
	}
	keyringOptions = []string{"encrypted", "encryption_key_id"}
)

// goneEngines are storage engines that a flavour does not have, and whose tables
// hold nothing that InnoDB could not.
func (s Server) lacksEngine(name string) bool {
	switch name {
	case "aria", "maria", "xtradb":
		return s.Flavour == MySQL
	case "tokudb", "falcon", "pbxt":
		return true
	case "rocksdb":
		return s.Flavour == MySQL
	}
	return false
}

// options repairs table and partition options, from live token i on. Inside of
// parentheses there are partitions, and expressions, in which an option's name
// may be a column's.
func (d *draft) options(i int) error {
	depth := 0
	engine := false
	for ; i < len(d.live); i++ {
		switch {
		case d.isByte(i, '('):
			depth++
		case d.isByte(i, ')'):
			depth--
		case d.at(i).Is("SELECT"):
			return nil
		case d.phrase(i, "WITH", "SYSTEM", "VERSIONING") && d.to.Flavour == MySQL:
			return refuseVersioned()
		case d.phrase(i, "SEQUENCE") && depth == 0 && d.isByte(i+1, '=') && d.to.Flavour == MySQL:
			return refuse(1064, "it is a sequence, which MySQL does not have: use an AUTO_INCREMENT column instead, and leave the sequence out of the dump")
		default:
			d.place(i)
			engine = d.engine(i, depth) || engine
			if depth == 0 {
				d.option(i, engine)
			}
		}
	}
	return nil
}

// value gives the index of the value of the option whose last word is live
// token i, or -1 when nothing there is a value.
func (d *draft) value(i int) int {
	i++
	if d.isByte(i, '=') {
		i++
	}
	if t := d.at(i); len(t.Raw) == 0 || t.Kind == dump.ByteToken {
		return -1
	}
	return i
}

// dropOption takes out the live tokens from..value, and the comma before them.
func (d *draft) dropOption(from, value int) {
	if d.isByte(from-1, ',') {
		from--
	}
	d.remove(from, value+1)
}

// place takes out what puts a table's files elsewhere than into the datadir.
func (d *draft) place(i int) {
	switch {
	case d.phrase(i, "DATA", "DIRECTORY"), d.phrase(i, "INDEX", "DIRECTORY"):
		if value := d.value(i + 1); value > 0 && d.at(value).Kind == dump.TextToken {
			d.note("%s DIRECTORY is left out: every file of a baked image is in its datadir", d.at(i).Raw)
			d.dropOption(i, value)
		}
	case d.at(i).Is("TABLESPACE") && d.st.Kind == dump.CreateTable:
		value := d.value(i)
		if value < 0 || word(d.at(value)) == "innodb_file_per_table" || word(d.at(value)) == "innodb_system" {
			return
		}
		d.note("TABLESPACE is left out: each table of a baked image has its own file in the datadir")
		d.dropOption(i, value)
	}
}

// engine maps storage engines, and reports whether it did. TYPE is what MySQL 4
// calls them.
func (d *draft) engine(i, depth int) bool {
	old := d.at(i).Is("TYPE") && depth == 0
	if !old && !d.at(i).Is("ENGINE") {
		return false
	}
	value := d.value(i)
	if value < 0 || !d.isByte(i+1, '=') && old {
		return false
	}
	if old {
		d.replace(d.live[i], "ENGINE")
	}
	name := word(d.at(value))
	if !d.to.lacksEngine(name) {
		return false
	}
	d.replace(d.live[value], requoted(d.live[value], "InnoDB"))
	d.note("%s has no storage engine %s; its tables become InnoDB", d.to, unquoted(d.at(value)))
	return true
}

// option takes out a table option that the server does not have. newEngine says
// that the table has changed its engine, whose row format it cannot keep.
func (d *draft) option(i int, newEngine bool) {
	t, value := d.at(i), d.value(i)
	plain := t.Kind == dump.WordToken && d.st.Kind == dump.CreateTable // in ALTER TABLE it may be a column
	if value < 0 || t.Kind == dump.TextToken || !plain && !d.isByte(i+1, '=') {
		return
	}
	name := word(t)
	switch {
	case name == "encryption" && t.Kind == dump.WordToken && (d.to.Flavour == MariaDB || word(d.at(value)) == "y"):
		d.noteEncryption(word(d.at(value)) == "y")
	case slices.Contains(keyringOptions, name):
		d.noteEncryption(word(d.at(value)) != "no")
	case name == "row_format":
		if format := word(d.at(value)); d.to.Flavour != MySQL || format != "page" && !(newEngine && format == "fixed") {
			return
		}
	case d.to.Flavour == MySQL && (slices.Contains(mariadbOptions, name) || t.Kind == dump.NameToken),
		d.to.Flavour == MariaDB && slices.Contains(mysqlOptions, name):
		d.note("the table option %s is left out: %s does not have it", name, d.to)
	default:
		return
	}
	d.dropOption(i, value)
}
