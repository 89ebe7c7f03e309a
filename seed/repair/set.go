package repair

import (
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// Words of sql_mode that a server does not take.
var (
	// goneFromMySQL were removed from MySQL 8.0 ("Server SQL Modes").
	goneFromMySQL = []string{
		"NO_AUTO_CREATE_USER", "DB2", "MAXDB", "MSSQL", "MYSQL323", "MYSQL40", "ORACLE", "POSTGRESQL",
		"NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS",
	}
	mariadbModes = []string{
		"EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL", "IGNORE_BAD_TABLE_OPTIONS",
	}
	mysqlModes = []string{"TIME_TRUNCATE_FRACTIONAL"}
)

// harmless are the words whose loss changes nothing on the other server: they
// ask for what it does anyway, or decide how SHOW CREATE writes.
var harmless = []string{
	"NO_AUTO_CREATE_USER", "NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS",
	"TIME_TRUNCATE_FRACTIONAL", "TIME_ROUND_FRACTIONAL", "IGNORE_BAD_TABLE_OPTIONS",
}

// maxSet is the longest SET statement looked into, in bytes.
const maxSet = 64 << 10

// set repairs the values of a SET statement.
func (d *draft) set() {
	if len(d.st.Text) > maxSet {
		return
	}
	d.read()
	d.collations()
	for i := range d.live {
		if word(d.live[i]) != "sql_mode" {
			continue
		}
		from := i + 1
		if d.isByte(from, ':') {
			from++
		}
		if !d.isByte(from, '=') {
			continue
		}
		d.sqlMode(from + 1)
	}
}

// sqlMode repairs the value that begins at live token i.
func (d *draft) sqlMode(i int) {
	oracle := false
	for depth := 0; i < len(d.live); i++ {
		t := d.live[i]
		switch {
		case t.IsByte('('):
			depth++
		case t.IsByte(')'):
			depth--
		case t.IsByte(',') && depth == 0:
			d.repairer.setOracle(oracle)
			return
		case t.Kind == dump.TextToken || t.Kind == dump.NameToken:
			oracle = d.modeWords(t) || oracle
		}
	}
	d.repairer.setOracle(oracle)
}

// modeWords takes out of a list of modes what the server does not take. It
// reports whether ORACLE was among it and meant MariaDB's dialect.
func (d *draft) modeWords(t dump.Token) (oracle bool) {
	var kept []string
	fits := true
	for w := range strings.SplitSeq(unquoted(t), ",") {
		upper := strings.ToUpper(strings.TrimSpace(w))
		if !d.removedMode(upper) {
			kept = append(kept, w)
			continue
		}
		fits = false
		switch {
		case upper == "ORACLE" && d.repairer.options.From.Flavour != MySQL && d.to.Flavour == MySQL:
			oracle = true
		case upper == "ORACLE": // MySQL's is short for modes that the list has, too
		case !slices.Contains(harmless, upper):
			d.note("%s does not know the sql_mode %s; it is left out", d.to, upper)
		}
	}
	if !fits {
		d.replace(t, requoted(t, strings.Join(kept, ",")))
	}
	return oracle
}

func (d *draft) removedMode(mode string) bool {
	if d.to.Flavour == MariaDB {
		// MariaDB's ORACLE is another language.
		return slices.Contains(mysqlModes, mode) || mode == "ORACLE" && d.repairer.options.From.Flavour == MySQL
	}
	return slices.Contains(mariadbModes, mode) || d.to.mysqlSince(80000) && slices.Contains(goneFromMySQL, mode)
}

// setOracle remembers whether the dump is in MariaDB's sql_mode ORACLE.
func (r *Repairer) setOracle(on bool) {
	r.mu.Lock()
	r.oracle = on
	r.mu.Unlock()
}

func (r *Repairer) inOracle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.oracle
}

// gtid leaves out what only the other flavour's replication knows.
func (d *draft) gtid() {
	d.read()
	for _, t := range d.live {
		switch w := word(t); {
		case w == "gtid_purged" && d.to.Flavour == MariaDB, w == "gtid_slave_pos" && d.to.Flavour == MySQL:
			d.leaveOut("left out the position of replication (%s), which %s does not have", w, d.to)
			return
		}
	}
}

// histogram leaves out statistics that MariaDB gathers in another way.
func (d *draft) histogram() {
	if d.to.Flavour != MariaDB {
		return
	}
	d.read()
	for _, t := range d.live {
		if t.Is("HISTOGRAM") {
			d.leaveOut("left out a histogram, for which MariaDB has other statements")
			return
		}
	}
}

// other leaves out statements about parts of a server that the base has not.
func (d *draft) other() {
	if len(d.st.Text) > maxSet {
		return
	}
	d.read()
	create := d.at(0).Is("CREATE") || d.at(0).Is("ALTER") || d.at(0).Is("DROP")
	from := d.repairer.options.From.Flavour
	switch {
	case create && (d.at(1).Is("TABLESPACE") || d.phrase(1, "UNDO", "TABLESPACE") || d.phrase(1, "LOGFILE", "GROUP")):
		d.leaveOut("left out a tablespace or log file group: each table of a baked image has its own file in the datadir")
	case from == "" || from == d.to.Flavour:
	case d.at(0).Is("INSTALL"), d.at(0).Is("UNINSTALL"):
		d.leaveOut("left out a plugin or component, which is another server's program")
	}
}
