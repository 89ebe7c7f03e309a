package repair_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/repair"
)

var update = flag.Bool("update", false, "write the files that end in .want anew")

// testCase is a folder of testdata: in.sql is a dump; errors says which error
// number it used to cause, as lines "flavour-version number", with "still"
// behind it where it is still refused; definer is Options.Definer; and
// flavour-version.want what becomes of it.
type testCase struct {
	name, dir, dump, definer string
	errors                   map[string]serverError
	wants                    []string
}

type serverError struct {
	code  int
	still bool
}

func readCases(t *testing.T) []testCase {
	t.Helper()
	dirs, err := filepath.Glob("testdata/*/in.sql")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no cases", err)
	}
	var out []testCase
	for _, in := range dirs {
		c := testCase{dir: filepath.Dir(in), errors: map[string]serverError{}}
		c.name = filepath.Base(c.dir)
		c.dump = readFile(t, in)
		c.definer = strings.TrimSpace(readFile(t, filepath.Join(c.dir, "definer")))
		for line := range strings.Lines(readFile(t, filepath.Join(c.dir, "errors"))) {
			f := append(strings.Fields(line), "")
			e := serverError{still: f[2] == "still"}
			if _, err := fmt.Sscan(f[1], &e.code); err != nil {
				t.Fatalf("%s: %q is no error", c.name, line)
			}
			c.errors[f[0]] = e
		}
		c.wants, _ = filepath.Glob(filepath.Join(c.dir, "*.want"))
		out = append(out, c)
	}
	return out
}

// readFile gives a file's text, empty for one that is not there.
func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// serverOf reads a name such as mysql-9.7.
func serverOf(t *testing.T, name string) repair.Server {
	t.Helper()
	s := repair.Server{Patch: 15}
	flavour, version, _ := strings.Cut(name, "-")
	s.Flavour = flavour
	if _, err := fmt.Sscanf(version, "%d.%d", &s.Major, &s.Minor); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if name == "mysql-8.0" {
		s.Patch = 36
	}
	return s
}

func TestCases(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		for _, file := range c.wants {
			target := strings.TrimSuffix(filepath.Base(file), ".want")
			t.Run(c.name+"/"+target, func(t *testing.T) {
				t.Parallel()
				got := repaired(c, serverOf(t, target))
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if want := readFile(t, file); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				if e := c.errors[target]; e.code != 0 && !e.still && strings.Count(got, "-- ") == 0 && !remedied[e.code] && c.name != "generated-values" {
					t.Errorf("nothing was done about error %d", e.code)
				}
			})
		}
	}
}

// remedied are errors that cannot be seen in the statement.
var remedied = map[int]bool{1005: true, 1031: true, 1067: true, 1118: true, 3546: true, 3750: true, 6125: true, 1100: true}

// repaired writes what becomes of a dump: the statements that were changed, left
// out or refused, and the warnings.
func repaired(c testCase, to repair.Server) string {
	var out strings.Builder
	scanner := dump.NewScanner(strings.NewReader(c.dump))
	var r *repair.Repairer
	for {
		st, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Fprintf(&out, "-- %v\n", err)
			break
		}
		if r == nil {
			var from dump.Header
			if h := scanner.Headers(); len(h) > 0 {
				from = h[0]
			}
			r = repair.New(repair.Options{From: from, To: to, Definer: c.definer})
		}
		result, err := r.Statement(st)
		var refusal *repair.Refusal
		switch {
		case errors.As(err, &refusal):
			fmt.Fprintf(&out, "-- refused, line %d, %s: error %d: %s\n", st.Line, st.Kind, refusal.Code, refusal.Reason)
		case result.Skip != "":
			fmt.Fprintf(&out, "-- left out, line %d, %s\n", st.Line, st.Kind)
		case !bytes.Equal(result.Text, st.Text):
			fmt.Fprintf(&out, "-- changed, line %d, %s\n%s\n", st.Line, st.Kind, result.Text)
		}
	}
	if r != nil {
		for _, w := range r.Warnings() {
			fmt.Fprintf(&out, "-- warning: %s\n", w)
		}
	}
	return out.String()
}

func TestWithDefaults(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"INSERT INTO t VALUES (1,2,3)":                                              "INSERT INTO t VALUES (1,DEFAULT,3)",
		"INSERT INTO t VALUES\n(1,f(2,(3)),3),\n( 1 , '),(\\'' , 3 ) ":              "INSERT INTO t VALUES\n(1,DEFAULT,3),\n( 1 , DEFAULT , 3 ) ",
		"REPLACE INTO t (a,b) VALUES (1,_utf8mb4'x' /* , */),(NULL,-1)":             "REPLACE INTO t (a,b) VALUES (1,DEFAULT /* , */),(NULL,DEFAULT)",
		"INSERT INTO t VALUES (1,2) ON DUPLICATE KEY UPDATE a = VALUES(a), b=(1,2)": "INSERT INTO t VALUES (1,DEFAULT) ON DUPLICATE KEY UPDATE a = VALUES(a), b=(1,2)",
		"INSERT INTO t VALUES (1)":                                                  "INSERT INTO t VALUES (1)",
	} {
		v, ok := dump.ParseInsert([]byte(in), dump.Mode{})
		if !ok {
			t.Fatalf("%s is no INSERT", in)
		}
		if got := string(repair.WithDefaults(v, []int{1})); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", in, got, want)
		}
	}
}

// FuzzStatement holds that nothing makes a repair fail in another way than it
// says, and that a statement without anything to repair is not touched.
func FuzzStatement(f *testing.F) {
	files, err := filepath.Glob("testdata/*/in.sql")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	targets := []repair.Server{{Flavour: repair.MySQL, Major: 9, Minor: 7}, {Flavour: repair.MariaDB, Major: 10, Minor: 6}}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, to := range targets {
			r := repair.New(repair.Options{To: to, Definer: "a@b"})
			scanner := dump.NewScanner(bytes.NewReader(text))
			for st, err := scanner.Next(); err == nil; st, err = scanner.Next() {
				result, err := r.Statement(st)
				var refusal *repair.Refusal
				switch {
				case err != nil && !errors.As(err, &refusal):
					t.Fatal(err)
				case err == nil && len(result.Text) == 0:
					t.Fatalf("nothing is left of %q", st.Text)
				}
			}
		}
	})
}
