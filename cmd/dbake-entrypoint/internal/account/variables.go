// Package account turns the MYSQL_… and MARIADB_… variables of the official
// images into the SQL statements that put them into effect on baked data.
package account

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// Secret is a password, or its hash as MariaDB's PASSWORD() makes it.
type Secret struct {
	Text string
	Hash bool
}

// Wish is what the variables ask for.
type Wish struct {
	// Root is nil when root's accounts are to stay as they were baked.
	Root *Secret
	// RootHost is the second host root may come from beside localhost.
	RootHost string
	// Generated is root's password if it was made here, for showing it once.
	Generated string
	Database  string
	// User is empty when no account besides root's is asked for.
	User         string
	UserPassword Secret
	// Warnings are sentences about variables that have no effect.
	Warnings []string
	// values are what the variables came to, for the environment of scripts.
	values map[string]string
}

// Empty says whether there is nothing to do.
func (w Wish) Empty() bool { return w.Root == nil && w.Database == "" && w.User == "" }

// The variables, without MYSQL_ or MARIADB_ in front. Each can also come from
// a file, with _FILE behind.
const (
	rootPassword  = "ROOT_PASSWORD"
	rootHash      = "ROOT_PASSWORD_HASH"
	rootHost      = "ROOT_HOST"
	rootRandom    = "RANDOM_ROOT_PASSWORD"
	rootOnce      = "ONETIME_PASSWORD"
	allowEmpty    = "ALLOW_EMPTY_PASSWORD"
	allowEmptyToo = "ALLOW_EMPTY_ROOT_PASSWORD"
	database      = "DATABASE"
	userName      = "USER"
	userPassword  = "PASSWORD"
	userHash      = "PASSWORD_HASH"
)

var names = []string{
	rootPassword, rootHash, rootHost, rootRandom, rootOnce, allowEmpty, allowEmptyToo,
	database, userName, userPassword, userHash,
}

// Read finds the variables in environ, whose entries are NAME=value. The
// server's own prefix wins over the other one, and an empty value counts as
// none, as in the official images.
func Read(environ []string, mariadb bool) (Wish, error) {
	values, err := lookup(environ, mariadb)
	if err != nil {
		return Wish{}, err
	}
	w := Wish{Database: values[database], values: values}
	if err := w.readRoot(values, mariadb); err != nil {
		return Wish{}, err
	}
	if err := w.readUser(values, mariadb); err != nil {
		return Wish{}, err
	}
	return w, nil
}

func prefixes(mariadb bool) []string {
	if mariadb {
		return []string{"MARIADB_", "MYSQL_"}
	}
	return []string{"MYSQL_", "MARIADB_"}
}

func lookup(environ []string, mariadb bool) (map[string]string, error) {
	env := map[string]string{}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	values := map[string]string{}
	for _, name := range names {
		for _, prefix := range prefixes(mariadb) {
			value, err := valueOf(env, prefix+name)
			if err != nil {
				return nil, err
			}
			if value != "" {
				values[name] = value
				break
			}
		}
	}
	return values, nil
}

func valueOf(env map[string]string, name string) (string, error) {
	value, path := env[name], env[name+"_FILE"]
	if path == "" {
		return value, check(name, value)
	}
	if value != "" {
		return "", fmt.Errorf("both %s and %s_FILE are set: leave one of them out", name, name)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	value = strings.TrimRight(string(data), "\r\n")
	if value == "" {
		return "", fmt.Errorf("%s_FILE: %s is empty", name, path)
	}
	return value, check(name, value)
}

func check(name, value string) error {
	if strings.ContainsRune(value, 0) {
		return fmt.Errorf("%s holds a NUL byte, which no account or database can have", name)
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("%s is not valid UTF-8", name)
	}
	return nil
}

func (w *Wish) readRoot(values map[string]string, mariadb bool) error {
	password, err := secretOf(values, rootPassword, rootHash, mariadb)
	if err != nil {
		return err
	}
	switch {
	case password != nil:
		w.Root = password
	case values[rootRandom] != "":
		w.Generated = RandomPassword()
		w.Root = &Secret{Text: w.Generated}
		values[rootPassword] = w.Generated
	case values[allowEmpty] != "" || values[allowEmptyToo] != "":
		w.Root = &Secret{}
	}
	if values[rootOnce] != "" {
		w.Warnings = append(w.Warnings, prefixes(mariadb)[0]+rootOnce+" has no effect: a baked image sets passwords at every start")
	}
	w.RootHost = values[rootHost]
	if w.Root == nil && w.RootHost != "" {
		w.Warnings = append(w.Warnings, prefixes(mariadb)[0]+rootHost+" has no effect without a root password")
	}
	if w.RootHost == "" {
		w.RootHost = "%"
	}
	return nil
}

func (w *Wish) readUser(values map[string]string, mariadb bool) error {
	prefix := prefixes(mariadb)[0]
	password, err := secretOf(values, userPassword, userHash, mariadb)
	if err != nil {
		return err
	}
	user := values[userName]
	switch {
	case user == "root":
		return fmt.Errorf("%s%s is for accounts besides root: use %s%s", prefix, userName, prefix, rootPassword)
	case user != "" && password != nil:
		w.User, w.UserPassword = user, *password
	case user != "":
		w.Warnings = append(w.Warnings, fmt.Sprintf("%s%s has no effect without %s%s", prefix, userName, prefix, userPassword))
	case password != nil:
		w.Warnings = append(w.Warnings, fmt.Sprintf("%s%s has no effect without %s%s", prefix, userPassword, prefix, userName))
	}
	return nil
}

func secretOf(values map[string]string, plain, hash string, mariadb bool) (*Secret, error) {
	switch p, h := values[plain], values[hash]; {
	case p != "" && h != "":
		return nil, fmt.Errorf("both %s and %s are set: leave one of them out", prefixes(mariadb)[0]+plain, prefixes(mariadb)[0]+hash)
	case h != "" && !mariadb:
		return nil, errors.New("MARIADB_" + hash + " works with MariaDB only: give MySQL the password")
	case h != "":
		return &Secret{Text: h, Hash: true}, nil
	case p != "":
		return &Secret{Text: p}, nil
	}
	return nil, nil
}

// Without returns environ without the variables of this package, so that no
// password shows in the server's environment.
func Without(environ []string) []string {
	hidden := map[string]bool{}
	for _, name := range names {
		for _, prefix := range prefixes(false) {
			hidden[prefix+name] = true
			hidden[prefix+name+"_FILE"] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(environ), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return hidden[name]
	})
}

// Environ returns the variables as scripts expect to find them: with the
// contents of the _FILE ones and both prefixes' names for a password.
func (w Wish) Environ(environ []string, mariadb bool) []string {
	out := slices.DeleteFunc(slices.Clone(environ), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.ContainsFunc(names, func(n string) bool {
			return name == "MYSQL_"+n || name == "MARIADB_"+n
		})
	})
	for _, name := range slices.Sorted(maps.Keys(w.values)) {
		for _, prefix := range prefixes(mariadb) {
			if prefix == "MYSQL_" || mariadb {
				out = append(out, prefix+name+"="+w.values[name])
			}
		}
	}
	return out
}

// RandomPassword returns a password of 30 characters that satisfies the usual
// rules: upper and lower case, a digit, a punctuation mark.
func RandomPassword() string { return "Db1-" + rand.Text() }
