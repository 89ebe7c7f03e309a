package suggest

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// plain matches keys and texts that need no quotes in YAML.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// YAML writes a mask section. It is a start: somebody has to look at every rule.
func (s *Suggestion) YAML() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# A start, not a proof: %d columns of %d tables look personal, by their names or by some values. Look at each.\n", len(s.Rules), s.Tables)
	if s.Stopped != "" {
		fmt.Fprintf(&b, "# The dump was not read to its end: time was up at %s.\n", strings.ToValidUTF8(s.Stopped, "?"))
	}
	if len(s.Rules) == 0 {
		return b.Bytes()
	}
	b.WriteString("mask:\n")
	if s.Keyed {
		b.WriteString("  key: {secret: mask_key}  # openssl rand -hex 32 makes one; --secret id=mask_key,src=FILE passes it\n")
	}
	if !s.Required {
		b.WriteString("  policy: {require_decision: true}  # fail when a column that looks personal has no rule\n")
	}
	b.WriteString("  columns:\n")
	table := ""
	for _, r := range s.Rules {
		if name := r.Schema + "." + r.Table; name != table {
			table = name
			fmt.Fprintf(&b, "    # %s\n", line(name))
		}
		key := r.Pattern()
		if !plain.MatchString(key) {
			key = quote(key)
		}
		fmt.Fprintf(&b, "    %s: %s  # %s\n", key, flow(r.Transform), line(r.Why))
	}
	return b.Bytes()
}

// line keeps a comment on one line.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// quote writes a text in quotes; a dollar is doubled, since ${NAME} in a dbake.yaml
// is a build argument.
func quote(s string) string { return strings.ReplaceAll(strconv.Quote(s), "${", "$${") }

// flow writes a value on one line.
func flow(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			name := key
			if key == "null" {
				name = `"null"`
			}
			parts = append(parts, name+": "+flow(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		if plain.MatchString(v) && v != "null" {
			return v
		}
		return quote(v)
	}
	return fmt.Sprint(v)
}
