package spec

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// decoder turns nodes into the types of this package. Every method reports
// what is wrong and then goes on, so that one run shows all problems.
type decoder struct {
	*problems
}

// fail reports a problem with a value.
func (d *decoder) fail(n *node, hint, format string, args ...any) {
	if n.kind == kindBroken {
		return
	}
	d.add(n.pos, n.path, hint, format, args...)
}

// record checks that n is a mapping with no other keys than the yaml tags of
// T's fields, and returns whether it is one.
func record[T any](d *decoder, n *node) bool {
	if !d.is(n, kindMapping) {
		return false
	}
	known := keysOf[T]()
	for _, f := range n.fields {
		if !slices.Contains(known, f.key) {
			d.add(f.pos, f.value.path, keyHint(f.key, n.path, known), "unknown key")
		}
	}
	return true
}

// keysOf lists the keys of a section, in the order of its fields.
func keysOf[T any]() []string { return fieldKeys(reflect.TypeFor[T]()) }

func fieldKeys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}

// required reports keys that are missing from a mapping.
func (d *decoder) required(n *node, keys ...string) {
	for _, k := range keys {
		if n.get(k) == nil {
			d.add(n.pos, n.path, "", "required key %q is missing", k)
		}
	}
}

// is reports whether n has the kind, and says so in an error when not.
func (d *decoder) is(n *node, want kind) bool {
	if n.kind == want {
		return true
	}
	hint := ""
	switch {
	case n.kind == kindNull:
		hint = "remove the key or give it a value"
	case want == kindString && (n.kind == kindNumber || n.kind == kindBool):
		hint = "put it in quotes: " + strconv.Quote(n.text)
	case want == kindNumber && n.kind == kindString:
		hint = "write it without quotes"
	case want == kindList && n.kind == kindString:
		hint = "write it as a list: [ … ]"
	}
	d.fail(n, hint, "must be %s, not %s", want, n.kind)
	return false
}

// text returns a value that must be non-empty text without control
// characters.
func (d *decoder) text(n *node) (string, bool) {
	switch {
	case !d.is(n, kindString):
		return "", false
	case strings.TrimSpace(n.text) == "":
		d.fail(n, "", "must not be empty")
		return "", false
	case strings.ContainsFunc(n.text, isControl):
		d.fail(n, "", "must not hold control characters")
		return "", false
	}
	return n.text, true
}

// word is text on one line without blanks at its ends.
func (d *decoder) word(n *node) (string, bool) {
	s, ok := d.text(n)
	switch {
	case !ok:
		return "", false
	case strings.ContainsAny(s, "\r\n"):
		d.fail(n, "", "must be on one line")
		return "", false
	case strings.TrimSpace(s) != s:
		d.fail(n, "", "must not begin or end with blanks")
		return "", false
	}
	return s, true
}

// texts returns a list of texts, each read by one (text, word or a check of
// the caller's); values at fault are left out.
func (d *decoder) texts(n *node, one func(*node) (string, bool)) []string {
	if !d.is(n, kindList) {
		return nil
	}
	if len(n.items) == 0 {
		d.fail(n, "remove the key or give it a value", "must not be empty")
	}
	var list []string
	for _, item := range n.items {
		if s, ok := one(item); ok {
			list = append(list, s)
		}
	}
	return list
}

// choice returns a word that must be one of some values.
func choice[T ~string](d *decoder, n *node, values ...T) T {
	s, ok := d.word(n)
	if !ok || slices.Contains(values, T(s)) {
		return T(s)
	}
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	d.fail(n, didYouMean(s, names), "must be %s, not %q", oneOf(names), s)
	return ""
}

// integer returns a decimal whole number.
func (d *decoder) integer(n *node) (int64, bool) {
	if !d.is(n, kindNumber) {
		return 0, false
	}
	// ParseInt alone would take "012", which YAML readers do not agree on.
	i, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || strconv.FormatInt(i, 10) != n.text {
		d.fail(n, "", "must be a whole number, not %s", n.text)
		return 0, false
	}
	return i, true
}

// secret returns the name of a build secret.
func (d *decoder) secret(n *node) *Secret {
	if n.kind != kindMapping {
		// The value may be a password: it must not be shown.
		d.fail(n, "write {secret: NAME} and pass the value with --secret id=NAME",
			"must name a build secret, never hold the value itself")
		return nil
	}
	if !record[Secret](d, n) {
		return nil
	}
	d.required(n, "secret")
	v := n.get("secret")
	if v == nil {
		return nil
	}
	id, ok := d.word(v)
	if ok && !isSecretID(id) {
		d.fail(v, "use letters, digits and . _ -", "this cannot be the name of a secret")
	}
	return &Secret{Secret: id}
}

// isSecretID reports whether an id can be a file name in every builder.
func isSecretID(id string) bool {
	return id != "." && id != ".." && len(id) <= 255 && !strings.ContainsFunc(id, func(r rune) bool {
		return !isAlnum(r) && !strings.ContainsRune("._-", r)
	})
}

func isAlnum(r rune) bool {
	return (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9')
}

// isControl leaves line ends and tabs alone: SQL may hold them.
func isControl(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
}
