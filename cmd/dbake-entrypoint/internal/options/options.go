// Package options understands the command line of the container: whether it
// asks for the server, and what it says about the few options that PID 1 has
// to know.
package options

import (
	"path/filepath"
	"slices"
	"strings"
)

// Kind is what the container's command line asks for.
type Kind int

// Serve runs the server with set-up; Inform runs it without, because it only
// prints something or initialises; Command is any other program; Health is the
// image's health check.
const (
	Serve Kind = iota
	Inform
	Command
	Health
)

// Invocation is a command line that has been understood.
type Invocation struct {
	Kind Kind
	// Args are the server's options for Serve and Inform, and the whole
	// command for Command.
	Args []string
}

// Parse sorts out args, the container's command line without the entrypoint
// itself. server is the path of the image's server.
func Parse(args []string, server string) Invocation {
	if len(args) == 0 {
		return Invocation{Kind: Serve}
	}
	switch first := args[0]; {
	case first == "healthcheck":
		return Invocation{Kind: Health, Args: args[1:]}
	case strings.HasPrefix(first, "-"):
	case isServer(first, server):
		args = args[1:]
	default:
		return Invocation{Kind: Command, Args: args}
	}
	if slices.ContainsFunc(args, informs) {
		return Invocation{Kind: Inform, Args: args}
	}
	return Invocation{Kind: Serve, Args: args}
}

func isServer(arg, server string) bool {
	if arg == server {
		return true
	}
	base := filepath.Base(arg)
	known := base == "mysqld" || base == "mariadbd" || base == filepath.Base(server)
	dir := filepath.Dir(arg)
	return known && (!strings.Contains(arg, "/") || dir == "/usr/sbin" || dir == "/usr/bin" || dir == filepath.Dir(server))
}

// informs says whether an option makes the server do something else than
// serve the data directory.
func informs(arg string) bool {
	name, _, _ := strings.Cut(arg, "=")
	switch canonical(name) {
	case "--help", "-?", "--version", "-V", "--print-defaults", "--validate-config",
		"--initialize", "--initialize-insecure", "-I", "--bootstrap":
		return true
	}
	return false
}

// canonical writes an option's name as the manuals do: the server takes - and
// _ for the same.
func canonical(name string) string { return strings.ReplaceAll(name, "_", "-") }

// Option is one of the server's options that takes a value.
type Option struct {
	Name string
	// Short is its one-letter form, or 0.
	Short byte
}

// The options PID 1 looks at.
var (
	DataDir  = Option{Name: "datadir", Short: 'h'}
	Socket   = Option{Name: "socket", Short: 'S'}
	InitFile = Option{Name: "init-file"}
	PIDFile  = Option{Name: "pid-file"}
)

// Find returns the value that args give to o, the last one if there are
// several, and whether there is one.
func Find(args []string, o Option) (value string, found bool) {
	for i, arg := range args {
		if v, ok := valueOf(args[i:], arg, o); ok {
			value, found = v, true
		}
	}
	return value, found
}

func valueOf(rest []string, arg string, o Option) (string, bool) {
	next := func() (string, bool) {
		if len(rest) > 1 {
			return rest[1], true
		}
		return "", false
	}
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		name, value, has := strings.Cut(long, "=")
		if strings.TrimPrefix(canonical(name), "loose-") != o.Name {
			return "", false
		}
		if has {
			return value, true
		}
		return next()
	}
	if o.Short == 0 || len(arg) < 2 || arg[0] != '-' || arg[1] != o.Short {
		return "", false
	}
	if len(arg) > 2 {
		return arg[2:], true
	}
	return next()
}

// leading are the options that the server only accepts in front of all others.
var leading = []string{
	"--defaults-file", "--defaults-extra-file", "--defaults-group-suffix", "--no-defaults", "--login-path", "--no-login-paths",
}

// Split divides args into those that must stay first and the rest.
func Split(args []string) (first, rest []string) {
	n := 0
	for n < len(args) {
		name, _, _ := strings.Cut(args[n], "=")
		if !slices.Contains(leading, canonical(name)) {
			break
		}
		n++
	}
	return args[:n:n], args[n:]
}

// ParseDefaults reads the answer to --print-defaults: the options from the
// server's option files, as arguments. It puts a value with spaces in it
// together again as long as no word of it starts with "--".
func ParseDefaults(output string) []string {
	_, list, found := strings.Cut(output, "\n")
	if !found {
		return nil
	}
	var args []string
	for _, line := range strings.Split(list, "\n") {
		for _, word := range strings.Split(line, " ") {
			switch {
			case strings.HasPrefix(word, "--"):
				args = append(args, word)
			case len(args) > 0 && word != "":
				args[len(args)-1] += " " + word
			}
		}
	}
	return args
}
