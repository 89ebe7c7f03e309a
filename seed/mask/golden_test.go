package mask_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing them")

// TestTransforms holds the results of every transform against a file that must
// never change: whoever bakes the same dump with the same key again has to get
// the same masks. Lines are: transform | type | value => mask, or the error.
func TestTransforms(t *testing.T) {
	t.Parallel()
	const file = "testdata/transforms.golden"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	var out strings.Builder
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			fmt.Fprintln(&out, line)
			continue
		}
		question, _, _ := strings.Cut(line, " => ")
		parts := strings.SplitN(question, " | ", 3)
		if len(parts) != 3 {
			t.Fatalf("not three parts: %s", line)
		}
		for _, name := range spec.TransformNames() {
			if strings.Contains(strings.ReplaceAll(parts[0], `"`, ""), name+":") {
				used[name] = true
			}
		}
		fmt.Fprintf(&out, "%s => %s\n", question, answer(t, parts[0], parts[1], parts[2]))
	}
	for _, name := range spec.TransformNames() {
		if !used[name] {
			t.Errorf("%s has no case for %s", file, name)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(data), out.String()); diff != "" && !*update {
		t.Errorf("masks are not what they were (-want +got):\n%s", diff)
	}
}

func answer(t *testing.T, transform, kind, text string) string {
	t.Helper()
	table := tableOf(columnOf(kind))
	table.Columns[0].Name = "c"
	m := maskerOf(t, "app.t.c", "{"+transform+"}")
	f, err := m.For(table, []string{"c"})
	switch {
	case err != nil:
		return "error: " + err.Error()
	case f == nil:
		return text
	}
	result, err := tryRow(t, f, table, unescape(text))
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.ReplaceAll(result[0], "\x00", `\0`)
}

func unescape(text string) string { return strings.ReplaceAll(text, `\0`, "\x00") }

// columnOf reads a type: "varchar(20)", "int unsigned not null", "enum(a,b)",
// "varchar(9) latin1".
func columnOf(kind string) schema.Column {
	words := strings.Fields(kind)
	name, inner, _ := strings.Cut(strings.TrimSuffix(words[0], ")"), "(")
	c := schema.Column{
		Type: name, FullType: words[0], Length: -1,
		Unsigned: slices.Contains(words, "unsigned"), NotNull: slices.Contains(words, "not"),
	}
	switch {
	case name == "enum" || name == "set":
		c.Members = strings.Split(inner, ",")
	case inner != "":
		if n, err := fmt.Sscanf(inner, "%d,%d", &c.Length, &c.Scale); n == 0 {
			panic(err)
		}
	}
	if strings.HasSuffix(name, "char") || strings.HasSuffix(name, "text") || name == "enum" {
		c.Charset, c.Collation = "utf8mb4", "utf8mb4_0900_ai_ci"
		for _, charset := range []string{"latin1", "ascii", "cp932", "utf8mb3"} {
			if slices.Contains(words, charset) {
				c.Charset, c.Collation = charset, charset+"_general_ci"
			}
		}
	}
	return c
}
