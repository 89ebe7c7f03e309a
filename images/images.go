// Package images holds what goes into images or shapes them: the settings a
// server runs with while it is baked, and the recipe for base images made from
// Debian packages.
package images

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed config/*.cnf
var config embed.FS

// Setting is one option of a server, with the name as the command line has it;
// Value is empty for an option without one.
type Setting struct{ Name, Value string }

// BakeSettings gives the settings for a bake by a server of the given flavour
// ("mysql" or "mariadb") and version, in the order of the file. Later settings
// win over earlier ones of the same name.
func BakeSettings(flavour string, major, minor, patch int) ([]Setting, error) {
	name := "config/" + flavour + ".cnf"
	text, err := config.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("no bake settings for flavour %q: %w", flavour, err)
	}
	var out []Setting
	applies := false
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			applies, err = groupApplies(strings.Trim(line, "[]"), [3]int{major, minor, patch})
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
			}
		case applies:
			option, value, _ := strings.Cut(line, "=")
			out = append(out, Setting{Name: strings.TrimSpace(option), Value: strings.TrimSpace(value)})
		}
	}
	return out, nil
}

// groupApplies decides on a group name such as "mysqld" or "mysqld >= 8.0.30".
func groupApplies(group string, version [3]int) (bool, error) {
	fields := strings.Fields(group)
	if len(fields) == 1 {
		return true, nil
	}
	var limit [3]int
	if len(fields) != 3 {
		return false, fmt.Errorf("group [%s] is neither [name] nor [name >= X.Y.Z]", group)
	}
	if _, err := fmt.Sscanf(fields[2], "%d.%d.%d", &limit[0], &limit[1], &limit[2]); err != nil {
		return false, fmt.Errorf("group [%s] has no version X.Y.Z: %w", group, err)
	}
	older := version[0] < limit[0] ||
		version[0] == limit[0] && (version[1] < limit[1] || version[1] == limit[1] && version[2] < limit[2])
	switch fields[1] {
	case ">=":
		return !older, nil
	case "<":
		return older, nil
	}
	return false, fmt.Errorf("group [%s] compares with %q, not with >= or <", group, fields[1])
}
