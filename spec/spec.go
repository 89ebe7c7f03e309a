// Package spec is dbake.yaml: its types, its strict parser, its defaults and
// its JSON Schema. It imports nothing else of dbake, so that every tool which
// reads a dbake.yaml reads it the same way.
package spec

// DefaultDataDir is where a baked image keeps its data. It is deliberately not
// /var/lib/mysql: the official images declare that path a VOLUME, and whatever
// an image holds below a VOLUME is copied into a new volume by every
// "docker run".
const DefaultDataDir = "/data/mysql"

// File is one dbake.yaml, with defaults filled in and ${NAME} references
// replaced. It is a plain value: copy it freely, read it from many goroutines.
//
// The comments on the fields below are also the descriptions in the JSON
// Schema; after a change run go generate ./spec.
type File struct {
	// Version is the format's version; only 1 exists.
	Version int `yaml:"version" json:"version" jsonschema:"enum=1"`
	// Base is the reference of an image with mysqld or mariadbd in it.
	Base string `yaml:"base" json:"base" jsonschema:"example=mysql:8.4,example=mariadb:11.8"`
	// Dump lists what is restored, in order.
	Dump Dumps `yaml:"dump" json:"dump"`
	// DataDir is the absolute path of the data directory in the image. It must
	// not lie below a VOLUME of the base.
	DataDir string `yaml:"datadir,omitempty" json:"datadir,omitempty" jsonschema:"pattern=^/,default=/data/mysql"`
	// Restore says how the dump is read.
	Restore Restore `yaml:"restore,omitempty" json:"restore,omitempty"`
	// Mask says which values are replaced before the server sees them.
	Mask *Mask `yaml:"mask,omitempty" json:"mask,omitempty"`
	// Accounts are created or changed after the dump is in.
	Accounts Accounts `yaml:"accounts,omitempty" json:"accounts,omitempty"`
	// Server holds run-time option-file settings for the [mysqld] group,
	// kept in the order of the file.
	Server Settings `yaml:"server,omitempty" json:"server,omitempty"`
	// After lists SQL scripts of the build context, run in order when the
	// dump and the accounts are in.
	After []string `yaml:"after,omitempty" json:"after,omitempty" jsonschema:"minItems=1"`
	// Verify lists queries; each must give one row whose first column is
	// true (neither NULL, 0 nor empty) or the bake fails.
	Verify []string `yaml:"verify,omitempty" json:"verify,omitempty" jsonschema:"minItems=1"`
	// Image says what the image carries besides its data.
	Image Image `yaml:"image,omitempty" json:"image,omitempty"`

	positions map[string]Position
}

// Dumps is the value of "dump:": one Dump or a list of them.
type Dumps []Dump

// Dump is one input: a plain string in the file, or a mapping with "from".
type Dump struct {
	// From is the text the user wrote: s3://bucket/key[?versionId=…],
	// s3://bucket/prefix/, https://… or a path in the build context, which is
	// a dump folder when it ends in "/".
	From string `yaml:"from" json:"from" jsonschema:"example=s3://bucket/mysql.sql.gz"`
	// Pick says which objects an S3 prefix stands for: the newest, all in the
	// order of their keys, or one dump folder, whose files belong together. It
	// is empty for everything but a prefix.
	Pick Pick `yaml:"pick,omitempty" json:"pick,omitempty" jsonschema:"enum=newest,enum=all,enum=folder,default=newest"`
	// Location is From, taken apart.
	Location Location `yaml:"-" json:"-"`
}

// Pick says which of the objects below an S3 prefix are restored.
type Pick string

// The values of Pick. PickNewest is the default.
const (
	PickNewest Pick = "newest" // the object with the latest LastModified
	PickAll    Pick = "all"    // every object, in the byte order of its key
	PickFolder Pick = "folder" // every object, as the files of one dump folder
)

// Restore is the "restore:" section.
type Restore struct {
	// Database is the schema a dump without CREATE DATABASE and USE goes
	// into; it is created when missing. Empty: the name in the dump's header.
	Database string `yaml:"database,omitempty" json:"database,omitempty"`
	// System says what becomes of accounts and system tables in the dump:
	// auto keeps them within one server series and skips them otherwise.
	System System `yaml:"system,omitempty" json:"system,omitempty" jsonschema:"enum=auto,enum=keep,enum=skip,default=auto"`
	// Definer is what becomes of the DEFINER of views, triggers, routines and
	// events: keep, strip, or an account as user@host.
	Definer string `yaml:"definer,omitempty" json:"definer,omitempty" jsonschema:"pattern=^(keep|strip|[^@]+@[^@]+)$,default=keep"`
	// OnError says whether the bake goes on after a failed statement; continue
	// counts what failed and reports it.
	OnError OnError `yaml:"on_error,omitempty" json:"on_error,omitempty" jsonschema:"enum=fail,enum=continue,default=fail"`
	// Databases picks the schemas that are restored.
	Databases *Selection `yaml:"databases,omitempty" json:"databases,omitempty"`
	// Tables holds rules for rows; the first match wins.
	Tables []TableRule `yaml:"tables,omitempty" json:"tables,omitempty" jsonschema:"minItems=1"`
	// Subset restores a part of the rows that is whole as to foreign keys.
	Subset *Subset `yaml:"subset,omitempty" json:"subset,omitempty"`
}

// Subset is "restore.subset:": the rows of root tables, chosen by rules, and
// what belongs to them by foreign keys.
type Subset struct {
	// Roots are the rules that choose the rows to begin with; the first match
	// wins.
	Roots []TableRule `yaml:"roots" json:"roots" jsonschema:"minItems=1"`
	// Follow says which rows come along: with children, those that refer to
	// rows of the roots, and so on; the rows that kept rows refer to always do.
	Follow Follow `yaml:"follow,omitempty" json:"follow,omitempty" jsonschema:"enum=children,enum=parents,default=children"`
	// Others says what becomes of tables that no foreign key connects with a
	// root.
	Others Others `yaml:"others,omitempty" json:"others,omitempty" jsonschema:"enum=all,enum=none,default=all"`
	// ForeignKeys are references that the tables do not declare.
	ForeignKeys []ForeignKey `yaml:"foreign_keys,omitempty" json:"foreign_keys,omitempty" jsonschema:"minItems=1"`
}

// Follow is the value of restore.subset.follow.
type Follow string

// The values of Follow. FollowChildren is the default.
const (
	FollowChildren Follow = "children"
	FollowParents  Follow = "parents"
)

// Others is the value of restore.subset.others.
type Others string

// The values of Others. OthersAll is the default.
const (
	OthersAll  Others = "all"
	OthersNone Others = "none"
)

// ForeignKey is a reference from columns of one table to columns of another.
type ForeignKey struct {
	// From is the db.table.column that refers; a list for a key of several
	// columns.
	From Columns `yaml:"from" json:"from"`
	// To is the db.table.column referred to, in the order of From.
	To Columns `yaml:"to" json:"to"`
}

// Columns is one column as db.table.column, or a list of columns of one table.
type Columns []string

// System is the value of restore.system.
type System string

// The values of System. SystemAuto is the default.
const (
	SystemAuto System = "auto" // keep within one server series, else skip with a warning
	SystemKeep System = "keep"
	SystemSkip System = "skip"
)

// OnError is the value of restore.on_error.
type OnError string

// The values of OnError. OnErrorFail is the default.
const (
	OnErrorFail     OnError = "fail"
	OnErrorContinue OnError = "continue" // count, report and go on
)

// Selection includes and excludes names by glob patterns.
type Selection struct {
	// Include lists what is restored; everything when it is not given.
	Include []string `yaml:"include,omitempty" json:"include,omitempty" jsonschema:"minItems=1"`
	// Exclude lists what is not restored, even when it is included.
	Exclude []string `yaml:"exclude,omitempty" json:"exclude,omitempty" jsonschema:"minItems=1"`
}

// TableRule says which rows of the tables that match are restored.
type TableRule struct {
	// Match is a pattern over db.table.
	Match string `yaml:"match" json:"match" jsonschema:"example=app.audit_*"`
	// Rows restores none or all of the rows.
	Rows string `yaml:"rows,omitempty" json:"rows,omitempty" jsonschema:"enum=none,enum=all,oneof_required=rows"`
	// Where restores the rows for which an SQL condition is true.
	Where string `yaml:"where,omitempty" json:"where,omitempty" jsonschema:"oneof_required=where"`
	// Limit restores that many rows at most.
	Limit *int64 `yaml:"limit,omitempty" json:"limit,omitempty" jsonschema:"minimum=1,oneof_required=limit"`
	// Percent restores about that share of the rows.
	Percent *float64 `yaml:"percent,omitempty" json:"percent,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100,oneof_required=percent"`
}

// Mask is the "mask:" section.
type Mask struct {
	// Key is the secret that keyed transforms use.
	Key *Secret `yaml:"key,omitempty" json:"key,omitempty"`
	// Columns maps patterns over db.table.column to one transform each.
	Columns MaskColumns `yaml:"columns,omitempty" json:"columns,omitempty"`
	// SQL lists scripts of the build context that mask by statements.
	SQL []string `yaml:"sql,omitempty" json:"sql,omitempty" jsonschema:"minItems=1"`
	// Policy says which columns need a rule.
	Policy *MaskPolicy `yaml:"policy,omitempty" json:"policy,omitempty"`
}

// MaskPolicy is "mask.policy:": the net below the rules.
type MaskPolicy struct {
	// RequireDecision fails the bake when a column that must have a rule has
	// none; keep is a rule, too.
	RequireDecision bool `yaml:"require_decision" json:"require_decision"`
	// Columns says which columns must: personal, those whose names or values
	// look personal; all, besides every column of the tables that have a rule.
	Columns PolicyColumns `yaml:"columns,omitempty" json:"columns,omitempty" jsonschema:"enum=personal,enum=all,default=personal"`
}

// PolicyColumns is the value of mask.policy.columns.
type PolicyColumns string

// The values of PolicyColumns. PolicyPersonal is the default.
const (
	PolicyPersonal PolicyColumns = "personal"
	PolicyAll      PolicyColumns = "all"
)

// Secret names a build secret; its value is never in a file.
type Secret struct {
	// Secret is the name of the build secret, as in --secret id=NAME.
	Secret string `yaml:"secret" json:"secret" jsonschema:"pattern=^[A-Za-z0-9._-]+$,maxLength=255"`
}

// Accounts is the "accounts:" section.
type Accounts struct {
	// Root is the administrator's account.
	Root *Root `yaml:"root,omitempty" json:"root,omitempty"`
	// Users are all other accounts.
	Users []User `yaml:"users,omitempty" json:"users,omitempty"`
}

// Root is the administrator's account.
type Root struct {
	// Host is the host part of the account.
	Host string `yaml:"host,omitempty" json:"host,omitempty" jsonschema:"maxLength=255,default=localhost"`
	// Password is the build secret that holds the password.
	Password *Secret `yaml:"password" json:"password"`
}

// User is one account that the bake creates or changes.
type User struct {
	// Name is the account's name, without a host.
	Name string `yaml:"name" json:"name" jsonschema:"maxLength=32,pattern=^[^@]+$"`
	// Host is the host part of the account.
	Host string `yaml:"host,omitempty" json:"host,omitempty" jsonschema:"maxLength=255,default=%"`
	// Password is the build secret that holds the password. Without it a new
	// account cannot log in by password.
	Password *Secret `yaml:"password,omitempty" json:"password,omitempty"`
	// Grants are the words between GRANT and TO: "ALL ON app.*".
	Grants []string `yaml:"grants,omitempty" json:"grants,omitempty" jsonschema:"minItems=1,pattern=^[^;]+$"`
}

// Settings are option-file lines in file order.
type Settings []Setting

// Setting is one option-file line, name=value.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Image is the "image:" section.
type Image struct {
	// Labels are added to the image's configuration; names that begin with
	// io.dbake. are reserved.
	Labels map[string]string `yaml:"labels,omitempty" json:"labels,omitempty"`
	// Compression is that of the layers dbake makes.
	Compression string `yaml:"compression,omitempty" json:"compression,omitempty" jsonschema:"enum=zstd,enum=gzip,enum=estargz"`
}
