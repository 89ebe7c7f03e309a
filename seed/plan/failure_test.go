package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/plan"
)

// What a step prints is what is read from its output.
func TestFailureInOutput(t *testing.T) {
	t.Parallel()
	isPath := func(path string) bool { return path == "verify[1]" || path == "base" }
	for _, want := range []plan.Failure{
		{Path: "verify[1]", Message: "the query is not true: SELECT 0"},
		{Path: "base", Message: "no mysqld"},
		{Message: "app.sql: statement 2: error: 1062"},
		{Message: "two\nlines"},
	} {
		got, ok := plan.FailureIn("restore: begins\nerror: not yet\nanother line\n"+want.Line(), isPath)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%q: %v %s", want.Line(), ok, diff)
		}
	}
	for _, output := range []string{"", "all well\n", "an error: in a line\n", "error: \n"} {
		if got, ok := plan.FailureIn(output, isPath); ok {
			t.Errorf("%q: found %+v", output, got)
		}
	}
}
