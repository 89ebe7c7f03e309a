package plan

import (
	"encoding/json"
	"testing"

	"github.com/dbake/dbake/spec"
)

// The agent gets its order as JSON and must know where each dump is.
func TestResolveKeepsLocations(t *testing.T) {
	want, err := spec.ParseLocation("s3://bucket/key.sql?versionId=v1")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(Resolve{Dumps: []spec.Dump{{From: "s3://bucket/key.sql?versionId=v1", Location: want}}})
	if err != nil {
		t.Fatal(err)
	}
	var got Resolve
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Dumps) != 1 || got.Dumps[0].Location != want {
		t.Errorf("after JSON: %+v, want location %+v", got.Dumps, want)
	}
}
