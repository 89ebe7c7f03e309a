package repair

import (
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// program repairs views, triggers, routines and events.
func (d *draft) program() error {
	if d.repairer.inOracle() {
		return refuse(1231, "it is written for MariaDB's sql_mode ORACLE, a dialect that MySQL does not have: rewrite it, or leave it out of the dump")
	}
	d.read()
	if d.to.Flavour == MySQL {
		for i := range min(len(d.live), 16) {
			if d.at(i).Is("PACKAGE") {
				return refuse(1064, "packages are MariaDB's, and MySQL does not have them: leave it out of the dump")
			}
			if d.phrase(i, "AGGREGATE", "FUNCTION") {
				return refuse(1064, "stored aggregate functions are MariaDB's, and MySQL does not have them: leave it out of the dump")
			}
		}
	}
	d.definer()
	d.collations()
	return nil
}

// definer carries out Options.Definer: on the DEFINER before the word that says
// what is created, never on SQL SECURITY DEFINER or in a body.
func (d *draft) definer() {
	want := d.repairer.options.Definer
	if want == "" || want == DefinerKeep {
		return
	}
	for i := range d.live {
		t := d.at(i)
		for _, object := range []string{"VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "PACKAGE", "EVENT"} {
			if t.Is(object) {
				return
			}
		}
		if !t.Is("DEFINER") || !d.isByte(i+1, '=') {
			continue
		}
		end := d.account(i + 2)
		if want == DefinerStrip {
			d.remove(i, end)
			return
		}
		d.remove(i+3, end)
		d.replace(d.live[i+2], quotedAccount(want))
		return
	}
}

// account gives the index behind the account that begins at live token i:
// user[@host], CURRENT_USER[()].
func (d *draft) account(i int) int {
	i++
	switch {
	case d.isByte(i, '('):
		return d.closing(i) + 1
	case !d.isByte(i, '@'):
		return i
	}
	i += 2
	// A host without quotes may hold dots, dashes and percent signs.
	for i < len(d.live) && d.live[i-1].Kind != dump.TextToken && d.live[i-1].Kind != dump.NameToken &&
		d.live[i].From == d.live[i-1].To && (d.live[i].Kind == dump.WordToken || strings.ContainsAny(string(d.live[i].Raw), ".-%")) {
		i++
	}
	return i
}

// quotedAccount writes user@host; the last @ parts them.
func quotedAccount(account string) string {
	i := strings.LastIndexByte(account, '@')
	quote := func(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
	return quote(account[:i]) + "@" + quote(account[i+1:])
}

// database repairs CREATE and ALTER DATABASE.
func (d *draft) database() {
	d.read()
	d.collations()
	for i := range d.live {
		if !d.at(i).Is("ENCRYPTION") {
			continue
		}
		value := i + 1
		if d.isByte(value, '=') {
			value++
		}
		if word(d.at(value)) == "y" || d.to.Flavour == MariaDB {
			from := i
			if d.at(i - 1).Is("DEFAULT") {
				from--
			}
			d.remove(from, min(value+1, len(d.live)))
			d.noteEncryption(word(d.at(value)) == "y")
		}
	}
}

func (d *draft) noteEncryption(wanted bool) {
	if wanted {
		d.note("encryption at rest is left out: it needs a keyring, and the keys would have to be in the image")
	}
}
