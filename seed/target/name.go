package target

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Name is the pattern of an object's or a file's name. In it, {{.Database}}
// stands for what is dumped, {{.Date}} for the day (2026-11-21) and {{.Time}}
// for the second (2026-11-21T030000Z), both in UTC, so that names sort by time.
type Name string

const (
	dateLayout = "2006-01-02"
	timeLayout = "2006-01-02T150405Z"
)

var placeholder = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// Check refuses what is no placeholder.
func (n Name) Check() error {
	for _, found := range placeholder.FindAllString(string(n), -1) {
		if !slices.Contains([]string{"{{.Database}}", "{{.Date}}", "{{.Time}}"}, strings.ReplaceAll(found, " ", "")) {
			return fmt.Errorf("%s stands for nothing; there are {{.Database}}, {{.Date}} and {{.Time}}", found)
		}
	}
	return nil
}

// Timed says whether every dump gets a name of its own.
func (n Name) Timed() bool {
	return n.Expand("", time.Time{}) != n.Expand("", time.Time{}.AddDate(1, 0, 0))
}

// Expand gives the name at a time.
func (n Name) Expand(database string, now time.Time) string {
	return n.replace(func(text string) string { return text }, safe(database), now.UTC().Format(dateLayout), now.UTC().Format(timeLayout))
}

// Pattern matches the names that Expand gives for one database at any time.
func (n Name) Pattern(database string) *regexp.Regexp {
	const day, second = `\d{4}-\d\d-\d\d`, `\d{4}-\d\d-\d\dT\d{6}Z`
	return regexp.MustCompile("^" + n.replace(regexp.QuoteMeta, regexp.QuoteMeta(safe(database)), day, second) + "$")
}

// Prefix is what all names for a database begin with.
func (n Name) Prefix(database string) string {
	text := n.replace(func(text string) string { return text }, safe(database), "\x00", "\x00")
	text, _, _ = strings.Cut(text, "\x00")
	return text
}

func (n Name) replace(literal func(string) string, database, date, second string) string {
	var b strings.Builder
	rest := string(n)
	for {
		at := placeholder.FindStringIndex(rest)
		if at == nil {
			b.WriteString(literal(rest))
			return b.String()
		}
		b.WriteString(literal(rest[:at[0]]))
		switch strings.ReplaceAll(rest[at[0]:at[1]], " ", "") {
		case "{{.Database}}":
			b.WriteString(database)
		case "{{.Date}}":
			b.WriteString(date)
		case "{{.Time}}":
			b.WriteString(second)
		}
		rest = rest[at[1]:]
	}
}

// safe keeps a database's name from making folders and from what S3 advises
// against in keys.
func safe(database string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_.", r):
			return r
		}
		return '_'
	}, database)
}
