package spec

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Defaults of the host part of accounts.
const (
	DefaultRootHost = "localhost"
	DefaultUserHost = "%"
)

// maxUserName is what MySQL takes; MariaDB takes more.
const maxUserName = 32

// serverUsers are accounts that servers keep for themselves.
var serverUsers = []string{"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys"}

func (d *decoder) accounts(n *node) Accounts {
	var a Accounts
	if !record[Accounts](d, n) {
		return a
	}
	if v := n.get("root"); v != nil {
		a.Root = d.root(v)
	}
	if v := n.get("users"); v != nil {
		a.Users = d.users(v)
	}
	return a
}

func (d *decoder) root(n *node) *Root {
	if !record[Root](d, n) {
		return nil
	}
	r := &Root{Host: DefaultRootHost}
	d.required(n, "password")
	if v := n.get("password"); v != nil {
		r.Password = d.secret(v)
	}
	if v := n.get("host"); v != nil {
		r.Host = d.host(v)
	}
	return r
}

func (d *decoder) users(n *node) []User {
	if !d.is(n, kindList) {
		return nil
	}
	var users []User
	lines := map[string]int{}
	for _, item := range n.items {
		if !record[User](d, item) {
			continue
		}
		u := d.user(item)
		users = append(users, u)
		account := u.Name + "@" + strings.ToLower(u.Host)
		if line, twice := lines[account]; twice && u.Name != "" {
			d.fail(item, "", "user %q at host %q is given twice; the first is on line %d", u.Name, u.Host, line)
			continue
		}
		lines[account] = item.pos.Line
	}
	return users
}

func (d *decoder) user(n *node) User {
	u := User{Host: DefaultUserHost}
	d.required(n, "name")
	if v := n.get("name"); v != nil {
		u.Name = d.userName(v)
	}
	if v := n.get("host"); v != nil {
		u.Host = d.host(v)
	}
	if v := n.get("password"); v != nil {
		u.Password = d.secret(v)
	}
	if v := n.get("grants"); v != nil {
		u.Grants = d.texts(v, d.grant)
	}
	return u
}

func (d *decoder) userName(n *node) string {
	s, ok := d.word(n)
	switch {
	case !ok:
	case utf8.RuneCountInString(s) > maxUserName:
		d.fail(n, "", "a user name has at most %d characters", maxUserName)
	case strings.Contains(s, "@"):
		d.fail(n, "give the part behind the @ as host:", "%q must be a name without a host", s)
	case s == "root":
		d.fail(n, "use accounts.root", "root is not one of the users")
	case slices.Contains(serverUsers, s):
		d.fail(n, "", "%q is an account of the server itself", s)
	}
	return s
}

func (d *decoder) host(n *node) string {
	s, ok := d.word(n)
	switch {
	case !ok:
	case len(s) > 255:
		d.fail(n, "", "a host has at most 255 characters")
	case strings.ContainsAny(s, "@'\"`\\ "):
		d.fail(n, "", "%q cannot be the host of an account", s)
	}
	return s
}

var wholeGrant = regexp.MustCompile(`(?i)^\s*GRANT\s`)

func (d *decoder) grant(n *node) (string, bool) {
	s, ok := d.text(n)
	switch {
	case !ok:
		return "", false
	case strings.Contains(s, ";"):
		d.fail(n, "", `must be one grant without ";"`)
		return "", false
	case wholeGrant.MatchString(s):
		d.fail(n, `like "ALL ON app.*"`, "must be only the words between GRANT and TO")
		return "", false
	}
	return s, true
}
