// Package dump says what a SQL dump contains. It works on bytes: it needs no
// server, no network and no files, and it treats a dump neither as lines nor
// as UTF-8, because a dump is neither.
//
// Scanner splits a stream into statements by the rules of the client programs
// that the dump was written for, tells what each statement is (Kind), and
// collects what comments say about the dump (Header). Redact makes a statement
// fit for an error message. ParseInsert, RowReader and Encoder take INSERT
// statements apart and turn their rows into the text that LOAD DATA reads.
//
// Where the words "the client" appear, they mean the programs mysql and
// mariadb reading a script in batch mode (client/mysql.cc of either server).
package dump

import "fmt"

// Mode is what decides, beside the bytes themselves, where a quoted string
// ends. It is a plain value; the zero Mode is that of a new session whose
// character set has no bytes below 0x80 inside its characters.
type Mode struct {
	// NoBackslashEscapes is the sql_mode flag NO_BACKSLASH_ESCAPES: a
	// backslash in a string is an ordinary character.
	NoBackslashEscapes bool
	// ANSIQuotes is the sql_mode flag ANSI_QUOTES: "x" is an identifier.
	ANSIQuotes bool
	// Charset is character_set_client in lower case, or empty when nothing
	// has set it. It matters to the lexer for sjis, cp932, gbk, gb18030 and
	// big5 only: their second bytes can be a backslash or a backtick.
	Charset string
}

// escapes reports whether a backslash inside quote q hides the next byte.
func (m Mode) escapes(q byte) bool {
	switch q {
	case '\'':
		return !m.NoBackslashEscapes
	case '"':
		return !m.NoBackslashEscapes && !m.ANSIQuotes
	}
	return false
}

// Statement is one statement of a dump.
type Statement struct {
	// Text is the statement byte for byte, without its delimiter, without
	// the space around it and without plain comments before it. It is valid
	// until the next call of Next.
	Text []byte
	// Offset and End are byte offsets in the dump after decompression: of
	// Text's first byte, and of the first byte behind the delimiter.
	Offset, End int64
	// Line is the 1-based line Text begins on.
	Line int64
	// Number counts statements from 1.
	Number int64
	// Kind says what the statement does.
	Kind Kind
	// Schema and Table are the names the statement is about, decoded, or
	// empty. A view's name is in Table; a trigger's Table is the table it
	// belongs to. A statement about several tables has the first one.
	Schema, Table string
	// Name is the name of a trigger, routine, event or index.
	Name string
	// Mode is what the statement was lexed under.
	Mode Mode
	// Version is the number in the version comment that the statement begins
	// with: 50003 in "/*!50003 CREATE …"; 0 without one.
	Version int
	// MariaDBOnly says that this version comment is of the form /*M! … */.
	MariaDBOnly bool
}

// Kind says what a statement does, as far as its first words tell.
type Kind uint8

// The kinds. Other is everything the package has no name for.
const (
	Other          Kind = iota
	SetStatement        // SET, apart from the kinds below that begin with SET
	Use                 // USE schema, also without a delimiter
	CreateDatabase      // CREATE DATABASE or SCHEMA
	AlterDatabase       // ALTER DATABASE or SCHEMA
	DropDatabase        // DROP DATABASE or SCHEMA
	CreateTable         // CREATE TABLE
	DropTable           // DROP TABLE
	AlterTable          // ALTER TABLE
	AlterKeys           // ALTER TABLE … DISABLE KEYS or ENABLE KEYS
	TruncateTable       // TRUNCATE TABLE
	LockTables          // LOCK TABLES
	UnlockTables        // UNLOCK TABLES
	Insert              // INSERT
	Replace             // REPLACE
	CreateView          // CREATE VIEW
	DropView            // DROP VIEW
	CreateTrigger       // CREATE TRIGGER
	CreateRoutine       // CREATE PROCEDURE, FUNCTION or PACKAGE
	CreateEvent         // CREATE EVENT
	DropProgram         // DROP TRIGGER, PROCEDURE, FUNCTION, PACKAGE or EVENT
	CreateUser          // CREATE, ALTER or DROP USER or ROLE; SET PASSWORD
	Grant               // GRANT, REVOKE, SET ROLE or SET DEFAULT ROLE
	GTIDPurged          // SET @@GLOBAL.gtid_purged or gtid_slave_pos
	ChangeMaster        // CHANGE MASTER TO, CHANGE REPLICATION SOURCE TO
	CreateIndex         // CREATE INDEX
	Analyze             // ANALYZE TABLE, histograms included
	Transaction         // BEGIN, COMMIT, ROLLBACK, START TRANSACTION
	Sequence            // CREATE, ALTER, DROP SEQUENCE; DO or SELECT SETVAL
	Flush               // FLUSH
	Load                // LOAD DATA, LOAD XML: reads a file
	ClientCommand       // a command of the client program; never to be run
)

var kindNames = [...]string{
	"other", "set", "use", "create database", "alter database", "drop database",
	"create table", "drop table", "alter table", "alter keys", "truncate table",
	"lock tables", "unlock tables", "insert", "replace", "create view",
	"drop view", "create trigger", "create routine", "create event",
	"drop program", "create user", "grant", "gtid purged", "change master",
	"create index", "analyze", "transaction", "sequence", "flush", "load data",
	"client command",
}

// String returns the kind in lower-case words, as "create table".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", k)
}

// SyntaxError says that a dump cannot be split into statements.
type SyntaxError struct {
	// Offset and Line are where the part at fault begins.
	Offset, Line int64
	// What is a phrase that needs no value from the dump to be understood.
	What string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("dump, line %d (byte %d): %s", e.Line, e.Offset, e.What)
}
