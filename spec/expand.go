package spec

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// reference is one ${…} at fault: its number among the
// occurrences of "${" in the text, and what is wrong with it.
type reference struct {
	nth  int
	msg  string
	hint string
}

// expand replaces ${NAME} and ${NAME:-default} in text by build arguments;
// "$${" stands for "${". As in a shell, the default also replaces an empty
// value. Replaced text is not expanded again.
func expand(text string, args map[string]string) (string, []reference) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	var out strings.Builder
	var faults []reference
	for nth := 0; ; nth++ {
		before, rest, found := strings.Cut(text, "${")
		if escaped, ok := strings.CutSuffix(before, "$"); ok && found {
			out.WriteString(escaped + "${")
			text = rest
			continue
		}
		out.WriteString(before)
		if !found || len(faults) >= maxErrors {
			return out.String(), faults
		}
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			faults = append(faults, reference{nth, `"${" has no closing "}"`, `write "$${" for the characters themselves`})
			return out.String(), faults
		}
		value, fault := lookup(inner, args)
		if fault != nil {
			fault.nth = nth
			faults = append(faults, *fault)
		}
		out.WriteString(value)
		text = after
		nth += strings.Count(inner, "${") // each stands in the file, too
	}
}

func lookup(inner string, args map[string]string) (string, *reference) {
	name, fallback, hasFallback := strings.Cut(inner, ":-")
	if strings.Contains(inner, "${") {
		return "", &reference{msg: "a reference to a build argument cannot hold another one"}
	}
	if !isArgName(name) {
		return "", &reference{
			msg:  fmt.Sprintf("${%s} is not a reference to a build argument", inner),
			hint: `write ${NAME} or ${NAME:-default}, or "$${" for the characters themselves`,
		}
	}
	value, ok := args[name]
	switch {
	case ok && (value != "" || !hasFallback):
		return value, nil
	case hasFallback:
		return fallback, nil
	}
	return "", &reference{
		msg:  fmt.Sprintf("build argument %s is not set", name),
		hint: fmt.Sprintf("pass --build-arg %s=…, or write ${%s:-default}", name, name),
	}
}

func isArgName(s string) bool {
	for i, r := range s {
		letter := r == '_' || (r >= 'A' && r <= 'Z') || (r >= 'a' && r <= 'z')
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// locate returns where the nth "${" of the value at start stands in the file,
// and start when it is not there (it can be written as an escape).
func locate(lines []string, start Position, nth int) Position {
	col := start.Column - 1
	for i := start.Line - 1; i < min(start.EndLine, len(lines)); i++ {
		offset := 0
		if i == start.Line-1 {
			offset = runeOffset(lines[i], col)
		}
		for {
			j := strings.Index(lines[i][offset:], "${")
			if j < 0 {
				break
			}
			offset += j
			if nth == 0 {
				return Position{Line: i + 1, Column: 1 + utf8.RuneCountInString(lines[i][:offset]), EndLine: i + 1}
			}
			nth--
			offset += len("${")
		}
	}
	return start
}

// runeOffset is the byte offset of the nth rune of s.
func runeOffset(s string, n int) int {
	for offset := range s {
		if n == 0 {
			return offset
		}
		n--
	}
	return len(s)
}
