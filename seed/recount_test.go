package seed

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/manifest"
)

func TestTablesOfSeveralDumpsAreOne(t *testing.T) {
	t.Parallel()
	a := manifest.Table{Schema: "app", Name: "a", Rows: 1, Bytes: 2, Digest: "x"}
	b := manifest.Table{Schema: "app", Name: "b", Rows: 3, Bytes: 4, Digest: "y", Masked: 1, Dropped: 1}
	again := manifest.Table{Schema: "app", Name: "b", Rows: 5, Bytes: 6, Digest: "z", Masked: 1, Dropped: 2}
	got := merge([]manifest.Table{a, b, again})
	if len(got) != 2 || got[1].Digest == "y" || got[1].Digest == "z" {
		t.Fatalf("%+v", got)
	}
	got[1].Digest = ""
	if diff := cmp.Diff([]manifest.Table{a, {Schema: "app", Name: "b", Rows: 8, Bytes: 10, Masked: 2, Dropped: 3}}, got); diff != "" {
		t.Error(diff)
	}
}
