package dump

import (
	"bytes"
	"strings"
)

// Header is what the comments of one dump say about it. The host that was
// dumped is left out on purpose.
type Header struct {
	// HasHeader is true in every Header that the Scanner returns.
	HasHeader bool
	// Tool is the program: "mysqldump", "mariadb-dump", "mysqlpump", or the
	// name another program gives itself.
	Tool string
	// ToolVersion is the tool's own version ("10.13"), Distrib the
	// distribution it came with ("8.0.36", "10.11.6-MariaDB").
	ToolVersion, Distrib string
	// Database is the one database of the dump; empty when there are several.
	Database string
	// ServerVersion is the dumped server's version as it gives it.
	ServerVersion string
	// Flavour of the dumped server is "mysql", "mariadb" or "" (unknown).
	Flavour string
	// Footer says that the tool writes a line at the end of every complete
	// dump that has a header; Completed says that this line was seen.
	Footer, Completed bool
}

// comment takes in a comment between statements.
func (s *Scanner) comment(text []byte) {
	c := string(bytes.TrimSpace(bytes.TrimLeft(text, "-#/* ")))
	if h, ok := openingLine(c); ok {
		s.headers = append(s.headers, h)
		return
	}
	if len(s.headers) == 0 {
		return
	}
	h := &s.headers[len(s.headers)-1]
	switch {
	case strings.HasPrefix(c, "Host: ") && h.Footer:
		// Two blanks at least stand before the name; nothing else of the
		// line is kept.
		if _, db, ok := strings.Cut(c, "Database: "); ok {
			h.Database = strings.TrimSpace(db)
		}
	case strings.HasPrefix(c, "Server version"):
		v := strings.TrimLeft(strings.TrimPrefix(c, "Server version"), ": \t")
		if h.ServerVersion == "" {
			h.ServerVersion = v
			h.Flavour = flavourOf(v, h.Flavour)
		}
	case strings.HasPrefix(c, "Dump completed"), strings.HasPrefix(c, "Dump end time:"):
		h.Completed = true
	}
}

// openingLine recognises the first comment of a dump.
func openingLine(c string) (Header, bool) {
	h := Header{HasHeader: true}
	f := strings.Fields(c)
	switch {
	case strings.HasPrefix(c, "MySQL dump ") && len(f) > 2:
		h.Tool, h.Flavour = "mysqldump", "mysql"
	case strings.HasPrefix(c, "MariaDB dump ") && len(f) > 2:
		h.Tool, h.Flavour = "mariadb-dump", "mariadb"
	case strings.HasPrefix(c, "Dump created by MySQL pump utility"):
		h.Tool, h.Flavour, h.Footer = "mysqlpump", "mysql", true
		if _, v, ok := strings.Cut(c, "version: "); ok {
			h.ToolVersion, _, _ = strings.Cut(v, ",")
		}
		return h, true
	case strings.HasPrefix(c, "phpMyAdmin SQL Dump"):
		h.Tool = "phpMyAdmin"
		return h, true
	case strings.HasPrefix(c, "Adminer ") && strings.Contains(c, " dump"):
		h.Tool, h.ToolVersion = "Adminer", f[1]
		h.Flavour = flavourOf(c, "")
		return h, true
	default:
		return h, false
	}
	h.Footer = true
	h.ToolVersion = strings.TrimRight(f[2], ",")
	if _, v, ok := strings.Cut(c, "Distrib "); ok {
		h.Distrib, _, _ = strings.Cut(v, ",")
	} else if v, d, ok := strings.Cut(h.ToolVersion, "-"); ok {
		// mariadb-dump writes "10.19-11.8.3-MariaDB, for …" since 11.0.
		h.ToolVersion, h.Distrib = v, d
	}
	h.Flavour = flavourOf(h.Distrib, h.Flavour)
	return h, true
}

func flavourOf(version, otherwise string) string {
	switch {
	case strings.Contains(version, "MariaDB"):
		return "mariadb"
	case otherwise == "" && strings.Contains(version, "MySQL"):
		return "mysql"
	}
	return otherwise
}
