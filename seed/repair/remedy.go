package repair

import (
	"bytes"
	"fmt"

	"github.com/dbake/dbake/seed/dump"
)

// Remedy is what to do when the server has refused a statement.
type Remedy struct {
	// Before is executed before the statement is tried again, After when that
	// is done; either may be empty.
	Before, After string
	// Rows says that Before also has to hold for the rows that follow.
	Rows bool
	// Skip leaves the statement out instead.
	Skip bool
	// Warning is what to tell when it has helped.
	Warning string
}

// The numbers of server errors, as in the "Server Error Message Reference" of
// the MySQL manual and the "MariaDB Error Code Reference".
const (
	errIllegalOption   = 1031
	errCantCreateTable = 1005
	errInvalidDefault  = 1067
	errWrongOption     = 1478
	errRowTooLong      = 1118
	errGTIDNotEmpty    = 1840
	errGTIDOverlap     = 3546
	errNoPrimaryKey    = 3750
	errNonStandardKey  = 6125
)

// Remedy gives what helps against a server error, if it is one that a session
// setting decides: the dumped server had the object, so the dump is right. Try
// it once for a statement.
func (r *Repairer) Remedy(code int, st dump.Statement) (Remedy, bool) {
	switch st.Kind {
	case dump.GTIDPurged:
		if code == errGTIDNotEmpty || code == errGTIDOverlap {
			return Remedy{Skip: true, Warning: "left out a position of replication (gtid_purged) that does not go together with the one before it"}, true
		}
	case dump.CreateTable, dump.AlterTable, dump.CreateIndex:
		return r.tableRemedy(code, st)
	}
	return Remedy{}, false
}

func (r *Repairer) tableRemedy(code int, st dump.Statement) (Remedy, bool) {
	mysql := r.options.To.Flavour == MySQL
	switch {
	case code == errNonStandardKey && mysql:
		return Remedy{
			Before:  "SET SESSION restrict_fk_on_non_standard_key = OFF",
			After:   "SET SESSION restrict_fk_on_non_standard_key = ON",
			Warning: "a foreign key refers to columns without a unique key; " + r.options.To.String() + " takes it for now, but a later MySQL will not",
		}, true
	case code == errNoPrimaryKey && mysql:
		return Remedy{
			Before:  "SET SESSION sql_require_primary_key = OFF",
			After:   "SET SESSION sql_require_primary_key = ON",
			Warning: "a table without a primary key is created although sql_require_primary_key is on",
		}, true
	case code == errInvalidDefault && bytes.Contains(st.Text, []byte("0000-00-00")):
		return Remedy{
			Before:  withoutZeroDateModes,
			Rows:    true,
			Warning: "a default is a zero date, and the dump sets no sql_mode that allows it; NO_ZERO_DATE and NO_ZERO_IN_DATE are switched off from there on",
		}, true
	case code == errRowTooLong, code == errIllegalOption, code == errWrongOption, code == errCantCreateTable && !mysql:
		return Remedy{
			Before:  "SET SESSION innodb_strict_mode = OFF",
			After:   "SET SESSION innodb_strict_mode = ON",
			Warning: "a table is created with innodb_strict_mode off: its row format or size is not what InnoDB likes, and rows that are too long will be refused",
		}, true
	}
	return Remedy{}, false
}

// withoutZeroDateModes also takes away TRADITIONAL, which stands for them among
// others that remain in the list.
const withoutZeroDateModes = "SET SESSION sql_mode = REPLACE(REPLACE(REPLACE(@@SESSION.sql_mode, 'NO_ZERO_DATE', ''), 'NO_ZERO_IN_DATE', ''), 'TRADITIONAL', '')"

// advice says what to do about a server error.
var advice = map[int]string{
	1071: "a key is longer than the server allows: give its columns a prefix length or ROW_FORMAT=DYNAMIC before the dump is made",
	1074: "the column is too long for its character set: make it a TEXT before the dump is made",
	1101: "give the default in parentheses, or drop it, before the dump is made",
	1115: "the base does not know this character set: convert the columns before the dump is made",
	1118: "its columns are too wide for one row: make some of them TEXT or BLOB before the dump is made",
	1170: "give the key a prefix length before the dump is made",
	1231: "the dump sets a variable to a value that the base does not take",
	1273: "the base does not know this collation: convert the columns before the dump is made",
	1286: "the base does not have this storage engine: ALTER TABLE … ENGINE=InnoDB before the dump is made",
	1292: "a dump without a header (--compact, --skip-comments with --skip-opt) does not bring the sql_mode its rows need: begin it with SET sql_mode = '…'",
	1419: "switch log_bin_trust_function_creators on under server: in dbake.yaml",
	1524: "the base does not have the authentication plugin of this account: set restore.system: skip and declare the account under accounts: in dbake.yaml",
	1813: "a file of that name is in the datadir already: leave DATA DIRECTORY and DISCARD/IMPORT TABLESPACE out of the dump",
	3185: "encryption at rest needs a keyring: switch it off before the dump is made",
	3552: "this schema belongs to the server: set restore.system: skip in dbake.yaml",
	3554: "this table belongs to the server: set restore.system: skip in dbake.yaml",
	3813: "make the check one of the table, not of the column, before the dump is made",
	3822: "names of checks are unique within a schema of MySQL: rename one before the dump is made",
	4161: "the base does not have this data type: change the column, or bake onto a newer server",
}

// Explain says what to do about an error the server gave, in one phrase; it is
// empty when there is nothing to say.
func (r *Repairer) Explain(code int) string {
	if code == 1292 && r.options.From.HasHeader {
		return ""
	}
	if text := advice[code]; text != "" {
		return text
	}
	from := r.options.From.Flavour
	if code == 1064 && from != "" && from != r.options.To.Flavour {
		return fmt.Sprintf("the dump is of another server than %s, and this statement may be in its dialect", r.options.To)
	}
	return ""
}
