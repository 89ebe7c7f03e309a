package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/ready"
)

func TestBinaryIsSmallAndStatic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dbake-entrypoint")
	build(t, path)
	info, err := os.Stat(path)
	must(t, err)
	if info.Size() >= 5_000_000 {
		t.Errorf("%d bytes, want less than 5 MB", info.Size())
	}
	file, err := elf.Open(path)
	must(t, err)
	defer file.Close()
	if libs, err := file.ImportedLibraries(); err != nil || len(libs) != 0 {
		t.Errorf("needs %v, %v", libs, err)
	}
}

func TestImportsTheStandardLibraryOnly(t *testing.T) {
	out := output(t, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	for _, pkg := range strings.Fields(out) {
		if !strings.HasPrefix(pkg, "github.com/dbake/dbake/cmd/dbake-entrypoint") {
			t.Errorf("depends on %s", pkg)
		}
	}
}

// BenchmarkStart measures what the entrypoint adds to a start: from its own to
// that of a server that does nothing, settings and option files read, the
// directories looked at.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "dbake-entrypoint")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for name, content := range map[string]string{
		"data/ibdata1": "", "run/x": "", "server": "#!/bin/sh\nexit 0\n",
		"config.json": `{"flavour":"mariadb","server":"` + dir + `/server","user":"nobody","socket":"` + dir + `/run/s","datadir":"` + dir + `/data"}`,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	// The program writes its state down where it finds a place.
	for _, state := range ready.Places(filepath.Join(dir, "data")) {
		if !exists(state) {
			b.Cleanup(func() { _, _ = os.Remove(state), os.Remove(filepath.Dir(state)) }) // the directory if empty
		}
	}
	for b.Loop() {
		cmd := exec.Command(path, "mysqld")
		cmd.Env = []string{"PATH=/bin:/usr/bin", "DBAKE_ENTRYPOINT_CONFIG=" + filepath.Join(dir, "config.json")}
		if out, err := cmd.CombinedOutput(); !strings.Contains(string(out), "ended before it was ready") {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}
