package seed

import (
	"strings"
	"testing"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// A rule for a column that is not there fails the bake; a pattern may be for others.
func TestRulesNeedTheirColumns(t *testing.T) {
	t.Parallel()
	keep := map[string]any{"keep": map[string]any{}}
	for pattern, want := range map[string]string{"app.users.emial": "mask.columns.app.users.emial", "*.*.emial": "", "app.users.email": ""} {
		masker, err := mask.New(&spec.Mask{Columns: spec.MaskColumns{{Pattern: pattern, Transform: keep}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		masker.Relations([]*schema.Table{{Schema: "app", Name: "users", Columns: []schema.Column{{Name: "Email"}}}})
		r := &restore{manifest: &manifest.Manifest{}, emit: func(event.Event) {}, filter: filters{masker: masker}}
		err = r.checkRules()
		if want == "" && err != nil || want != "" && (err == nil || FailureOf(err).Path != want) {
			t.Errorf("%s: %v", pattern, err)
		}
		if warned := len(r.manifest.Warnings) == 1; warned != strings.HasPrefix(pattern, "*") {
			t.Errorf("%s: warnings %q", pattern, r.manifest.Warnings)
		}
	}
}
