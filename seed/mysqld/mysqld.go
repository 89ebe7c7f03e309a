// Package mysqld runs a MySQL or MariaDB server for the length of a bake: it
// finds the server in the base image, makes a data directory, starts the server
// on it with bake-time settings, stops it cleanly, and takes out of the data
// directory what a fresh server does not need.
//
// It works in the root filesystem it runs in, which is the base image's.
package mysqld

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Flavour tells the two families of servers apart.
type Flavour string

// The flavours.
const (
	MySQL   Flavour = "mysql"
	MariaDB Flavour = "mariadb"
)

// Version is a server's release.
type Version struct{ Major, Minor, Patch int }

// ParseVersion reads the leading number of a server's version text, such as
// "9.7.4-2" or "10.11.18-MariaDB-0+deb12u1".
func ParseVersion(text string) (Version, error) {
	number, _, _ := strings.Cut(text, "-")
	parts := strings.SplitN(number, ".", 4)
	if len(parts) < 2 {
		return Version{}, fmt.Errorf("%q is not a server version", text)
	}
	var v Version
	for i, field := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if i == len(parts) {
			break
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return Version{}, fmt.Errorf("%q is not a server version", text)
		}
		*field = n
	}
	return v, nil
}

// AtLeast reports whether v is the given release or a later one.
func (v Version) AtLeast(major, minor, patch int) bool {
	switch {
	case v.Major != major:
		return v.Major > major
	case v.Minor != minor:
		return v.Minor > minor
	}
	return v.Patch >= patch
}

// Series is the part of a version within which system tables can be moved from
// one server to another: "8.4", "10.11".
func (v Version) Series() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// String gives the version as major.minor.patch.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// ErrNoServer says that the base image holds neither mysqld nor mariadbd.
var ErrNoServer = errors.New("no mysqld or mariadbd found")

// ExitError is a server process that ended when it should not have, or with
// the wrong status.
type ExitError struct {
	// Doing is what the server was asked to do: "initialise", "start",
	// "serve", "stop".
	Doing string
	// Err is the process's own error; nil when it exited with status 0.
	Err error
	// Log is the tail of the server's error log.
	Log []string
}

// Error gives what happened, with the server's own last words.
func (e *ExitError) Error() string {
	text := "the server ended by itself"
	if e.Err != nil {
		text = "the server failed: " + e.Err.Error()
	}
	text = fmt.Sprintf("%s while it should %s", text, e.Doing)
	if slices.ContainsFunc(e.Log, diskFull.MatchString) {
		text = "the builder's disk is full: " + text
	}
	if lines := complaints(e.Log); len(lines) > 0 {
		text += "; its log says: " + strings.Join(lines, " | ")
	}
	return text
}

// Unwrap gives the process's error.
func (e *ExitError) Unwrap() error { return e.Err }

// diskFull matches what servers and the system libraries say when a file cannot
// grow: ENOSPC is 28 on Linux.
var diskFull = regexp.MustCompile(`No space left on device|[Ee]rror:? 28\b|errno:? 28\b`)

// quotesRows matches lines of a server that crashes which hold values: the
// statement that it was at, and InnoDB's print of a record.
var quotesRows = regexp.MustCompile(`^(?:Query|Some pointers|thd->query)\b|\blen \d+; hex |;; *$|\basc .*;`)

// complaints picks the lines of a server log that say what went wrong, at most
// three, each once; without any, the last two lines.
func complaints(log []string) []string {
	log = slices.DeleteFunc(slices.Clone(log), quotesRows.MatchString)
	var errs []string
	for _, line := range log {
		at := max(strings.Index(line, "[ERROR]"), strings.Index(line, "[FATAL]"))
		repeats := func(other string) bool { return strings.HasSuffix(other, line[max(at, 0):]) }
		if at >= 0 && !slices.ContainsFunc(errs, repeats) {
			errs = append(errs, line)
		}
	}
	if len(errs) > 3 {
		errs = errs[:3]
	}
	if len(errs) == 0 {
		errs = log[max(0, len(log)-2):]
	}
	return errs
}
