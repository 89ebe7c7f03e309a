package connect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// groups of option files that count: what they say for any client, and for dumps.
var groups = []string{"client", "client-server", "client-mariadb", "mysqldump", "mariadb-dump", "dbake"}

// Files says which option files are read.
type Files struct {
	// Only, if set, is read instead of the usual ones (--defaults-file); Extra,
	// if set, besides them, after those of the machine (--defaults-extra-file).
	Only, Extra string
	// None leaves all of them out (--no-defaults).
	None bool

	noMachine bool // leave out the machine's: tests
}

// Settings are the options of option files and of the environment that are about
// the connection, by their names with dashes.
type Settings map[string]string

// Read collects settings: the environment's count less than an option file's,
// as for MySQL's clients, and later files more than earlier ones.
func (f Files) Read() (Settings, error) {
	s := Settings{}
	for variable, name := range map[string]string{
		"MYSQL_HOST": "host", "MYSQL_TCP_PORT": "port", "MYSQL_UNIX_PORT": "socket", "MYSQL_USER": "user", "MYSQL_PWD": "password",
	} {
		if value := os.Getenv(variable); value != "" {
			s[name] = value
		}
	}
	for _, file := range f.list() {
		err := s.read(file.name, 0)
		if errors.Is(err, fs.ErrNotExist) && !file.needed {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the option file: %w", err)
		}
	}
	return s, nil
}

type optionFile struct {
	name   string
	needed bool
}

func (f Files) list() []optionFile {
	switch {
	case f.None:
		return nil
	case f.Only != "":
		return []optionFile{{f.Only, true}}
	}
	var list []optionFile
	if !f.noMachine {
		list = []optionFile{{"/etc/my.cnf", false}, {"/etc/mysql/my.cnf", false}}
	}
	if f.Extra != "" {
		list = append(list, optionFile{f.Extra, true})
	}
	if home, err := os.UserHomeDir(); err == nil {
		list = append(list, optionFile{filepath.Join(home, ".my.cnf"), false})
	}
	return list
}

const maxIncludes = 10

// read adds the settings of one file ("Using Option Files" in the MySQL reference
// manual).
func (s Settings) read(name string, depth int) error {
	if depth > maxIncludes {
		return fmt.Errorf("%s: files include each other", name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	counts := false
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '!':
			if err := s.include(line, depth); err != nil {
				return err
			}
		case line[0] == '[':
			group, _, ok := strings.Cut(line[1:], "]")
			if !ok {
				return fmt.Errorf("%s:%d: the group's name does not end", name, number)
			}
			counts = slices.Contains(groups, strings.TrimSpace(group))
		case counts:
			key, value, _ := strings.Cut(line, "=")
			key = strings.ReplaceAll(strings.TrimSpace(key), "_", "-")
			s[strings.TrimPrefix(key, "loose-")] = unquote(strings.TrimSpace(value))
		}
	}
	return lines.Err()
}

// include follows !include and !includedir.
func (s Settings) include(line string, depth int) error {
	word, path, _ := strings.Cut(line, " ")
	path = strings.TrimSpace(path)
	files := []string{path}
	if word == "!includedir" {
		files, _ = filepath.Glob(filepath.Join(path, "*.cnf")) // fails for bad patterns only
	}
	for _, file := range files {
		if err := s.read(file, depth+1); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// unquote takes quotes, comments behind them and escapes off a value.
func unquote(v string) string {
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') {
		if end := strings.LastIndexByte(v[1:], v[0]); end >= 0 {
			return unescape(v[1 : 1+end])
		}
	}
	if at := strings.Index(v, " #"); at >= 0 {
		v = strings.TrimSpace(v[:at])
	}
	return unescape(v)
}

var escapes = map[byte]byte{'b': '\b', 't': '\t', 'n': '\n', 'r': '\r', 's': ' ', '\\': '\\', '"': '"', '\'': '\''}

func unescape(v string) string {
	if !strings.Contains(v, `\`) {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) {
			if c, ok := escapes[v[i+1]]; ok {
				b.WriteByte(c)
				i++
				continue
			}
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

// Fill sets what c does not say.
func (s Settings) Fill(c *Config) error {
	// A socket beside a host that was asked for would win over it.
	if c.Host == "" && c.Port == 0 && c.Socket == "" {
		c.Socket = s["socket"]
	}
	for name, into := range map[string]*string{
		"host": &c.Host, "user": &c.User, "password": &c.Password, "ssl-ca": &c.CA, "ssl-cert": &c.Cert, "ssl-key": &c.Key,
	} {
		if *into == "" {
			*into = s[name]
		}
	}
	if c.Port == 0 && s["port"] != "" {
		port, err := strconv.ParseUint(s["port"], 10, 16)
		if err != nil {
			return fmt.Errorf("the port %q is no number", s["port"])
		}
		c.Port = int(port)
	}
	if c.Mode == Unset && s["ssl-mode"] != "" {
		mode, err := ParseMode(s["ssl-mode"])
		if err != nil {
			return err
		}
		c.Mode = mode
	}
	return nil
}
