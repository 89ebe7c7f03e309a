package schemagen_test

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/spec/internal/schemagen"
)

var update = flag.Bool("update", false, "write the schema file instead of comparing it")

const schemaFile = "../../dbake.schema.json"

func TestSchemaFileIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := schemagen.Generate("github.com/dbake/dbake/spec/internal/schemagen", "../..")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("dbake.schema.json is not what the types give; run go generate ./spec (-want +got):\n%s", diff)
	}
}
