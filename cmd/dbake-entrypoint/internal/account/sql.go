package account

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Temporary is the account that scripts come in with when root's password is
// not known. It is locked or dropped when they are done.
const Temporary = "dbake_init"

// Script is what the server is to run before it lets anyone in. Each
// statement is on a line of its own, because servers read such a file by line.
//
// If temporary is not empty, the account of that name gets that password and
// all privileges. after is a further script, of the user's own, to run in a
// session as it would have had alone; a gap lies in front of it.
func (w Wish) Script(temporary string, after []byte) Script {
	var b bytes.Buffer
	// Literals below rely on backslash escapes; the server may have been
	// told to do without.
	line(&b, "SET @dbake_log_bin=@@SESSION.sql_log_bin, SESSION sql_mode=''")
	line(&b, "SET NAMES utf8mb4")
	line(&b, "SET SESSION sql_log_bin=0")
	if w.Database != "" {
		line(&b, "CREATE DATABASE IF NOT EXISTS %s", identifier(w.Database))
	}
	if w.Root != nil {
		for _, host := range hosts(w.RootHost) {
			account(&b, "root", host, *w.Root)
			line(&b, "GRANT ALL ON *.* TO %s WITH GRANT OPTION", at("root", host))
		}
	}
	if w.User != "" {
		account(&b, w.User, "%", w.UserPassword)
		if w.Database != "" {
			line(&b, "GRANT ALL ON %s.* TO %s", identifier(pattern(w.Database)), at(w.User, "%"))
		}
	}
	if temporary != "" {
		account(&b, Temporary, "localhost", Secret{Text: temporary})
		line(&b, "ALTER USER %s ACCOUNT UNLOCK", at(Temporary, "localhost"))
		line(&b, "GRANT ALL ON *.* TO %s WITH GRANT OPTION", at(Temporary, "localhost"))
	}
	s := Script{Needed: b.Len()}
	b.Write(bytes.Repeat([]byte{'\n'}, Gap))
	line(&b, "SET SESSION sql_log_bin=@dbake_log_bin, SESSION sql_mode=@@GLOBAL.sql_mode")
	line(&b, "SET NAMES DEFAULT")
	b.Write(after)
	s.Text = b.Bytes()
	return s
}

// Script is a text for the server's init_file.
type Script struct {
	Text []byte
	// Needed is how many bytes at its start have to be run without an error.
	// A server stops to read at the first error; having read Gap bytes more
	// than Needed, it has had none.
	Needed int
}

// Gap is how many blank lines part the needed statements from the others:
// more than a server reads ahead (4 KiB, a pipe's block size, in all of them).
const Gap = 32 << 10

// Ran says whether the needed statements have all been run, when the server
// has read n bytes and is done.
func (s Script) Ran(n int) bool { return n >= s.Needed+Gap }

func hosts(second string) []string {
	return slices.Compact([]string{"localhost", second})
}

// account makes an account if there is none and gives it the password.
func account(b *bytes.Buffer, name, host string, s Secret) {
	how := "IDENTIFIED BY "
	if s.Hash {
		how += "PASSWORD "
	}
	how += literal(s.Text)
	line(b, "CREATE USER IF NOT EXISTS %s %s", at(name, host), how)
	line(b, "ALTER USER %s %s", at(name, host), how)
}

func line(b *bytes.Buffer, format string, args ...any) {
	fmt.Fprintf(b, format, args...)
	b.WriteString(";\n")
}

func at(name, host string) string { return literal(name) + "@" + literal(host) }

var literals = strings.NewReplacer(
	`\`, `\\`, `'`, `\'`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\x00", `\0`, "\x1a", `\Z`,
)

// literal writes s as a string of SQL, on one line, for a session without
// NO_BACKSLASH_ESCAPES whose character set is utf8mb4.
func literal(s string) string { return "'" + literals.Replace(s) + "'" }

func identifier(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

var patterns = strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`)

// pattern escapes what GRANT takes for wildcards in a database's name.
func pattern(s string) string { return patterns.Replace(s) }
