package dump

import "bytes"

// classifier finds kind and names in the first tokens of a statement.
type classifier struct {
	tokens
	st    *Statement
	names *names
	tok   token // the token looked at
}

// classify fills in what the statement's first words tell. It never looks
// farther than it must: an INSERT costs the same however many rows it has.
func (st *Statement) classify(n *names) {
	st.versionComment()
	c := classifier{tokens: newTokens(st.Text, st.Mode), st: st, names: n}
	c.advance()
	if c.tok.kind != tokWord {
		return
	}
	var up [16]byte
	w := c.tok.raw
	if len(w) > len(up) {
		return
	}
	for i, b := range w {
		if up[i] = b; isLetter(b) {
			up[i] = b &^ 0x20
		}
	}
	c.advance()
	st.Kind = c.kind(string(up[:len(w)]))
}

// versionComment takes the version of a leading version comment.
func (st *Statement) versionComment() {
	b := st.Text
	if len(b) < 3 || b[0] != '/' || b[1] != '*' || !isVersionComment(b, 0) {
		return
	}
	i := 3
	if b[2] == 'M' {
		st.MariaDBOnly = true
		i = 4
	}
	for ; i < len(b) && i < 10 && isDigit(b[i]); i++ {
		st.Version = st.Version*10 + int(b[i]-'0')
	}
}

// advance moves on to the next token.
func (c *classifier) advance() { c.tok = c.tokens.next() }

// accept moves on when the token is one of the keywords.
func (c *classifier) accept(keywords ...string) bool {
	for _, k := range keywords {
		if c.tok.is(k) {
			c.advance()
			return true
		}
	}
	return false
}

// table takes [schema.]table.
func (c *classifier) table() {
	c.st.Schema, c.st.Table = c.qualified()
}

// object takes [schema.]name.
func (c *classifier) object() {
	c.st.Schema, c.st.Name = c.qualified()
}

func (c *classifier) qualified() (schema, name string) {
	if !c.tok.isName() {
		return "", ""
	}
	first := c.tok
	c.advance()
	if c.tok.kind != tokOther || c.tok.raw[0] != '.' {
		return "", c.names.of(first)
	}
	c.advance()
	if !c.tok.isName() {
		return "", c.names.of(first)
	}
	schema, name = c.names.of(first), c.names.of(c.tok)
	c.advance()
	return schema, name
}

// schema takes the name of a database.
func (c *classifier) schema() {
	c.ifExists()
	if c.tok.isName() {
		c.st.Schema = c.names.of(c.tok)
	}
}

// ifExists skips IF EXISTS and IF NOT EXISTS.
func (c *classifier) ifExists() {
	if c.accept("IF") {
		c.accept("NOT")
		c.accept("EXISTS")
	}
}

func (c *classifier) kind(first string) Kind {
	switch first {
	case "INSERT", "REPLACE":
		for c.accept("LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "IGNORE", "INTO") {
		}
		c.table()
		if first == "INSERT" {
			return Insert
		}
		return Replace
	case "CREATE":
		return c.create()
	case "DROP", "ALTER":
		return c.dropOrAlter(first == "DROP")
	case "SET":
		return c.set()
	case "USE":
		c.schema()
		return Use
	case "LOCK", "UNLOCK":
		return c.lock(first == "LOCK")
	case "LOAD":
		return c.load()
	case "DO", "SELECT":
		return c.setval()
	}
	return c.rare(first)
}

// rare knows the kinds that take little looking.
func (c *classifier) rare(first string) Kind {
	switch first {
	case "BEGIN", "COMMIT", "ROLLBACK":
		return Transaction
	case "START":
		if c.tok.is("TRANSACTION") {
			return Transaction
		}
		return ChangeMaster // START SLAVE, START REPLICA
	case "CHANGE", "STOP", "RESET":
		if c.tok.is("MASTER") || c.tok.is("REPLICATION") || c.tok.is("SLAVE") || c.tok.is("REPLICA") || c.tok.is("ALL") || c.tok.is("BINARY") {
			return ChangeMaster
		}
	case "GRANT", "REVOKE":
		return Grant
	case "RENAME":
		if c.tok.is("USER") {
			return CreateUser
		}
	case "TRUNCATE":
		c.accept("TABLE")
		c.table()
		return TruncateTable
	case "ANALYZE":
		c.accept("NO_WRITE_TO_BINLOG", "LOCAL")
		c.accept("TABLE", "TABLES")
		c.table()
		return Analyze
	case "FLUSH":
		return Flush
	}
	return Other
}

// lock takes LOCK and UNLOCK TABLES; locks of instances and users are Other.
func (c *classifier) lock(lock bool) Kind {
	if !c.accept("TABLES", "TABLE") {
		return Other
	}
	if !lock {
		return UnlockTables
	}
	c.table()
	return LockTables
}

// load takes LOAD DATA and LOAD XML.
func (c *classifier) load() Kind {
	if !c.accept("DATA", "XML") {
		return Other
	}
	for range 8 { // … [LOCAL] INFILE 'name' [REPLACE | IGNORE] INTO TABLE
		if c.accept("INTO") {
			c.accept("TABLE")
			c.table()
			break
		}
		c.advance()
	}
	return Load
}

// setval takes DO SETVAL(sequence, …) and the SELECT of the same.
func (c *classifier) setval() Kind {
	if !c.accept("SETVAL") || c.tok.kind != tokOther || c.tok.raw[0] != '(' {
		return Other
	}
	c.advance()
	c.table()
	return Sequence
}

// set tells the special forms of SET apart.
func (c *classifier) set() Kind {
	switch {
	case c.tok.is("PASSWORD"):
		return CreateUser
	case c.tok.is("ROLE"):
		return Grant
	case c.tok.is("DEFAULT"):
		c.advance()
		if c.tok.is("ROLE") {
			return Grant
		}
		return SetStatement
	}
	for c.tok.kind == tokOther && c.tok.raw[0] == '@' {
		c.advance()
	}
	c.accept("GLOBAL", "PERSIST")
	if c.tok.kind == tokOther && c.tok.raw[0] == '.' {
		c.advance()
	}
	if c.tok.is("GTID_PURGED") || c.tok.is("GTID_SLAVE_POS") {
		return GTIDPurged
	}
	return SetStatement
}

// create takes what follows CREATE.
func (c *classifier) create() Kind {
	if c.accept("OR") {
		c.accept("REPLACE")
	}
	c.attributes()
	word := c.tok
	c.advance()
	switch {
	case word.is("TABLE"):
		c.ifExists()
		c.table()
		return CreateTable
	case word.is("DATABASE"), word.is("SCHEMA"):
		c.schema()
		return CreateDatabase
	case word.is("VIEW"):
		c.ifExists()
		c.table()
		return CreateView
	case word.is("USER"), word.is("ROLE"):
		return CreateUser
	case word.is("SEQUENCE"):
		c.ifExists()
		c.table()
		return Sequence
	case word.is("INDEX"):
		c.ifExists()
		c.object()
		c.until("ON")
		c.table()
		return CreateIndex
	}
	return c.createProgram(word)
}

// createProgram takes the objects that hold code.
func (c *classifier) createProgram(word token) Kind {
	switch {
	case word.is("TRIGGER"):
		c.ifExists()
		c.object()
		schema := c.st.Schema
		c.until("ON")
		c.table()
		if c.st.Schema == "" {
			c.st.Schema = schema
		}
		return CreateTrigger
	case word.is("PROCEDURE"), word.is("FUNCTION"), word.is("PACKAGE"):
		c.accept("BODY")
		c.ifExists()
		c.object()
		if c.tok.is("RETURNS") { // a loadable function has no parameters
			return Other
		}
		return CreateRoutine
	case word.is("EVENT"):
		c.ifExists()
		c.object()
		return CreateEvent
	}
	return Other
}

// until moves behind the next keyword, if there is one near.
func (c *classifier) until(keyword string) {
	for range 16 {
		if c.tok.kind == tokEnd || c.accept(keyword) {
			return
		}
		c.advance()
	}
}

// attributes skips what can stand between CREATE or ALTER and the word that
// says of what: TEMPORARY, UNIQUE, ALGORITHM=…, DEFINER=…, SQL SECURITY ….
func (c *classifier) attributes() {
	for {
		switch {
		case c.accept("TEMPORARY", "UNIQUE", "FULLTEXT", "SPATIAL", "ONLINE", "OFFLINE", "IGNORE",
			"AGGREGATE"):
		case c.accept("SQL"):
			c.accept("SECURITY")
			c.advance()
		case c.accept("ALGORITHM"):
			c.advance() // =
			c.advance()
		case c.accept("DEFINER"):
			c.advance() // =
			c.account()
		default:
			return
		}
	}
}

// account skips user@host, CURRENT_USER and CURRENT_USER(). A host without quotes
// may have dots.
func (c *classifier) account() {
	c.advance()
	for c.tok.kind == tokOther && bytes.IndexByte([]byte("@.()"), c.tok.raw[0]) >= 0 {
		host := c.tok.raw[0] == '@' || c.tok.raw[0] == '.'
		c.advance()
		if host {
			c.advance()
		}
	}
}

// dropOrAlter takes what follows DROP or ALTER.
func (c *classifier) dropOrAlter(drop bool) Kind {
	c.attributes()
	word := c.tok
	c.advance()
	switch {
	case word.is("TABLE"), word.is("TABLES"):
		c.ifExists()
		c.table()
		if drop {
			return DropTable
		}
		if c.accept("DISABLE", "ENABLE") && c.tok.is("KEYS") {
			return AlterKeys
		}
		return AlterTable
	case word.is("DATABASE"), word.is("SCHEMA"):
		c.schema()
		if drop {
			return DropDatabase
		}
		return AlterDatabase
	case word.is("VIEW"):
		c.ifExists()
		c.table()
		if drop {
			return DropView
		}
		return CreateView
	case word.is("USER"), word.is("ROLE"):
		return CreateUser
	case word.is("SEQUENCE"):
		c.ifExists()
		c.table()
		return Sequence
	}
	for _, k := range []string{"TRIGGER", "PROCEDURE", "FUNCTION", "PACKAGE", "EVENT"} {
		if drop && word.is(k) {
			c.accept("BODY")
			c.ifExists()
			c.object()
			return DropProgram
		}
	}
	return Other
}
