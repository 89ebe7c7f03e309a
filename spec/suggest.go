package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// keyHint says what an unknown key may have been meant to be: a known key of
// the same mapping with a similar name, or one of another section.
func keyHint(key, section string, known []string) string {
	if hint := didYouMean(key, known); hint != "" {
		return hint
	}
	file := reflect.TypeFor[File]()
	if section != "" {
		if slices.Contains(fieldKeys(file), key) {
			return fmt.Sprintf("%q stands at the top level", key)
		}
		return "known here: " + strings.Join(known, ", ")
	}
	for i := range file.NumField() {
		f := file.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		t := f.Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct && slices.Contains(fieldKeys(t), key) {
			return fmt.Sprintf("%q stands below %q", key, name+":")
		}
	}
	return "known here: " + strings.Join(known, ", ")
}

// didYouMean returns a hint with the name most like word, or "".
func didYouMean(word string, names []string) string {
	word = squash(word)
	best, distance := "", 1+min(2, len(word)/2)
	for _, name := range names {
		if d := editDistance(word, squash(name)); d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

var separators = strings.NewReplacer("-", "", "_", "")

// squash drops what people vary in names: case, "-" and "_".
func squash(s string) string { return strings.ToLower(separators.Replace(s)) }

// editDistance counts the inserted, deleted and changed bytes between a and b
// (Levenshtein). Long words are cut: no key is that long.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// oneOf renders choices as "a, b or c".
func oneOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
