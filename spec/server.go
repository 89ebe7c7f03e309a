package spec

import (
	"regexp"
	"slices"
	"strings"
)

var optionName = regexp.MustCompile(`^[a-z][a-z0-9_.-]*$`)

// ownOptions are the server options that dbake or the image's entrypoint
// sets, with what to do instead. Names are written with "_".
var ownOptions = map[string]string{
	"datadir":                   `set "datadir:" at the top level`,
	"socket":                    "",
	"pid_file":                  "",
	"user":                      "the base image decides the user",
	"basedir":                   "the base image decides it",
	"init_file":                 `use "after:"`,
	"initialize":                "",
	"initialize_insecure":       "",
	"bootstrap":                 "",
	"daemonize":                 "",
	"defaults_file":             "",
	"defaults_extra_file":       "",
	"defaults_group_suffix":     "",
	"no_defaults":               "",
	"innodb_data_home_dir":      "all data stay in the datadir",
	"innodb_data_file_path":     "all data stay in the datadir",
	"innodb_log_group_home_dir": "all data stay in the datadir",
	"innodb_undo_directory":     "all data stay in the datadir",
	"innodb_doublewrite_dir":    "all data stay in the datadir",
	"innodb_directories":        "all data stay in the datadir",
	"aria_log_dir_path":         "all data stay in the datadir",
}

// settings decodes "server:", a mapping from option names to scalars.
func (d *decoder) settings(n *node) Settings {
	if !d.is(n, kindMapping) {
		return nil
	}
	var list Settings
	lines := map[string]int{}
	for _, f := range n.fields {
		name := strings.ReplaceAll(f.key, "-", "_")
		bare := strings.TrimPrefix(name, "loose_")
		hint, owned := ownOptions[bare]
		line, twice := lines[name]
		lines[name] = f.pos.Line
		switch {
		case !optionName.MatchString(f.key):
			d.add(f.pos, f.value.path, "write it as in an option file, like max_connections",
				"%q is not the name of a server option", f.key)
		case owned:
			d.add(f.pos, f.value.path, hint, "dbake sets this option itself")
		case twice:
			d.add(f.pos, f.value.path, `"-" and "_" are the same in it`,
				"the option is given twice; the first is on line %d", line)
		}
		if value, ok := d.settingValue(f.value); ok {
			list = append(list, Setting{Name: f.key, Value: value})
		}
	}
	return list
}

// settingValue is the text of a scalar as written: the server knows best what
// "on", 64M or 0.5 mean.
func (d *decoder) settingValue(n *node) (string, bool) {
	switch {
	case n.kind == kindNull:
		d.fail(n, "write ON for an option without a value", "has no value")
	case !slices.Contains([]kind{kindBool, kindNumber, kindString}, n.kind):
		d.fail(n, "", "must be text, a number or a boolean, not %s", n.kind)
	case strings.ContainsAny(n.text, "\r\n") || strings.ContainsFunc(n.text, isControl):
		d.fail(n, "", "must be on one line and without control characters")
	default:
		return n.text, true
	}
	return "", false
}
