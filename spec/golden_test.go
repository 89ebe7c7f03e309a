package spec_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dbake/dbake/spec"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing them")

// testFiles returns the files that match, and fails when there are none.
func testFiles(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s (error %v)", pattern, err)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// argsOf reads the build arguments of a test file from its "# args:" line.
func argsOf(data []byte) map[string]string {
	args := map[string]string{}
	if m := regexp.MustCompile(`(?m)^# args: (.*)$`).FindSubmatch(data); m != nil {
		for pair := range strings.FieldsSeq(string(m[1])) {
			k, v, _ := strings.Cut(pair, "=")
			args[k] = v
		}
	}
	return args
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(spec.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("dbake.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("dbake.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate checks a file against the schema as an editor would; errNoYAML
// means that it got no further than the syntax.
func validate(s *jsonschema.Schema, data []byte) error {
	j, err := yaml.YAMLToJSON(data)
	if err != nil {
		return errNoYAML
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		return errNoYAML
	}
	return s.Validate(v)
}

var errNoYAML = errors.New("not YAML")

func TestGoodFiles(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	files := append(testFiles(t, "testdata/good/*.yaml"), testFiles(t, "../examples/*/dbake.yaml")...)
	for _, file := range files {
		t.Run(filepath.ToSlash(file), func(t *testing.T) {
			t.Parallel()
			data := read(t, file)
			if _, err := spec.Parse(file, data, argsOf(data)); err != nil {
				t.Errorf("Parse:\n%v", err)
			}
			if err := validate(schema, data); err != nil {
				t.Errorf("schema: %v", err)
			}
		})
	}
}

// TestBadFiles compares errors with the .golden files. The first line of each
// file says who can see the fault: "structure" an editor with the schema and
// Parse, "meaning" only Parse, "syntax" any YAML parser.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for _, file := range testFiles(t, "testdata/bad/*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			data := read(t, file)
			f, err := spec.Parse("dbake.yaml", data, argsOf(data))
			if err == nil || f != nil {
				t.Fatalf("Parse took it: %+v", f)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), err.Error()+"\n"); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			checkFault(t, data, validate(schema, data))
		})
	}
}

func checkFault(t *testing.T, data []byte, schemaErr error) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^(?:#|--) fault: (\w+)$`).FindSubmatch(data)
	if m == nil {
		t.Fatal("the file has no # fault: line")
	}
	switch string(m[1]) {
	case "structure":
		if schemaErr == nil {
			t.Error("the schema takes the file")
		}
	case "meaning":
		var ve *jsonschema.ValidationError
		if errors.As(schemaErr, &ve) && !bytes.Contains(data, []byte("# nothing but comments")) {
			t.Errorf("the schema refuses the file, so its fault is one of structure: %v", schemaErr)
		}
	case "syntax": // editors differ in what they make of it
	default:
		t.Fatalf("unknown fault %q", m[1])
	}
}
