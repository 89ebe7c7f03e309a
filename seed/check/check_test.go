package check_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/check"
	"github.com/dbake/dbake/spec"
)

func TestFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"good": {"mask:\n  columns:\n    a.b.c: {\"null\": {}}\n", ""},
		"key":  {"mask:\n  columns:\n    a.b.c: {email: {}}\n    a.b.d: {email: {}}\n", "f:4:1: mask.key: mask.columns.a.b.c needs a key for email (write key: {secret: NAME} and pass a secret that is not empty; without it masks could be undone)"},
		"all": {
			"restore:\n  tables:\n    - {match: a.b, where: \"x >\"}\nmask:\n  key: {secret: k}\n  columns:\n    a.b.c: {template: \"{nothing}\"}\n    a.b.d: {email: {}, when: \"y =\"}\n",
			"f:6:27: restore.tables[0].where: …\nf:10:23: mask.columns.a.b.c.template.text: …\nf:11:30: mask.columns.a.b.d.when: …",
		},
	} {
		f, err := spec.Parse("f", []byte("version: 1\nbase: mysql:8.4\ndump: a.sql\n"+c.text), nil)
		if err != nil {
			t.Fatal(name, err)
		}
		got := ""
		if err := check.File("f", f); err != nil {
			got = err.Error()
		}
		if strings.Contains(c.want, "…") {
			var lines []string
			for _, l := range strings.Split(got, "\n") {
				parts := strings.SplitN(l, ": ", 3)
				lines = append(lines, strings.Join(parts[:2], ": ")+": …")
			}
			got = strings.Join(lines, "\n")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
