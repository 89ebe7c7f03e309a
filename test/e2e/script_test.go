package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dbake/dbake/test/parts"
)

// TestScripts runs the command lines in testdata/script as a user would, on a real
// registry and real servers.
func TestScripts(t *testing.T) {
	t.Parallel()
	program, err := all.Baker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base, err := all.BaseImage(t.Context(), parts.MariaDB)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := all.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			name := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
			env.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("BASE", base)
			env.Setenv("REPO", registry.Host+"/script/"+name)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(all.Dir(), "cache"))
			env.Setenv("DBAKE_WORK_DIR", filepath.Join(env.WorkDir, ".tmp"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"expand": expand},
	})
}

// expand replaces ${NAME} in a file by the script's variables: expand dbake.yaml.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: expand FILE")
	}
	file := ts.MkAbs(args[0])
	text := os.Expand(ts.ReadFile(file), ts.Getenv)
	ts.Check(os.WriteFile(file, []byte(text), 0o644))
}
