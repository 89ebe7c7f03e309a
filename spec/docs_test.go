package spec_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dbake/dbake/spec"
)

// TestReferenceNamesEveryKey holds docs/dbake-yaml.md against the schema and
// the list of what is not supported.
func TestReferenceNamesEveryKey(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/dbake-yaml.md")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]any
		Defs       map[string]struct{ Properties map[string]any } `json:"$defs"`
	}
	if err := json.Unmarshal(spec.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	for key := range schema.Properties {
		if !strings.Contains(string(page), "\n### "+key+"\n") {
			t.Errorf("the page has no heading for %s", key)
		}
	}
	for name, def := range schema.Defs {
		for key := range def.Properties {
			// As `key`, `parent.key`, `key.child`, `key[].child` or {key: value}.
			if !regexp.MustCompile("[`.{]" + key + "(`|[.]|\\[|: )").Match(page) {
				t.Errorf("the page does not name the key %s of %s", key, name)
			}
		}
	}
}
