package agent

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbake/dbake/baker/agent/internal/archive"
)

// program is the beginning of a program for a machine.
func program(machine elf.Machine, rest string) string {
	head := []byte(elf.ELFMAG + strings.Repeat("\x00", 16))
	head[18], head[19] = byte(machine), byte(machine>>8)
	return string(head) + rest
}

// lay out files below a directory.
func layOut(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := write(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDirectoryOfTheEnvironment(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	amd, arm := program(elf.EM_X86_64, "amd64"), program(elf.EM_AARCH64, "arm64")
	dir := layOut(t, map[string]string{
		"bin/dbake-seed":                          amd,
		"agent/linux_arm64/dbake-seed":            arm,
		"entrypoint/linux_amd64/dbake-entrypoint": "e-amd64",
		"entrypoint/linux_arm64/dbake-entrypoint": "e-arm64",
		"etc/ssl/certs/ca-certificates.crt":       "certs",
	})
	t.Setenv(EnvDir, dir)
	got, err := Open(t.Context(), "amd64")
	if err != nil || got != dir {
		t.Errorf("a complete directory is used as it is: %q, %v", got, err)
	}
	got, err = Open(t.Context(), "arm64")
	if err != nil {
		t.Fatal(err)
	}
	if read(t, got, "bin/dbake-seed") != arm || read(t, got, certsName) == "" {
		t.Error("not the agent for the other architecture")
	}
	for _, arch := range architectures {
		if text, err := Entrypoint(got, arch); err != nil || string(text) != "e-"+arch {
			t.Errorf("entrypoint %s: %q, %v", arch, text, err)
		}
	}
	if _, err := Entrypoint(got, "s390x"); !errors.Is(err, ErrMissing) {
		t.Errorf("error %v", err)
	}
}

func TestNoAgent(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if _, err := Open(t.Context(), ""); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "make dist") {
		t.Errorf("error %v", err)
	}
	for _, dir := range []string{
		layOut(t, map[string]string{"bin/dbake-seed": program(elf.EM_X86_64, "")}),
		layOut(t, nil),
	} {
		t.Setenv(EnvDir, dir)
		if _, err := Open(t.Context(), "arm64"); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "hack/dist --all") {
			t.Errorf("error %v", err)
		}
	}
}

func TestPackedAgent(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := layOut(t, map[string]string{
		"agent/linux_amd64/dbake-seed":            "seed",
		"entrypoint/linux_amd64/dbake-entrypoint": "e-amd64",
		"etc/ssl/certs/ca-certificates.crt":       "certs",
	})
	var archives [2]bytes.Buffer
	for i := range archives {
		if err := archive.Pack(&archives[i], dir); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0].Bytes(), archives[1].Bytes()) {
		t.Error("the same files give another archive")
	}
	packed = archives[0].Bytes()
	t.Cleanup(func() { packed = nil })
	first, err := Open(t.Context(), "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if read(t, first, "bin/dbake-seed") != "seed" {
		t.Error("not the agent that was packed")
	}
	if info, err := os.Stat(filepath.Join(first, "bin/dbake-seed")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if again, err := Open(t.Context(), "amd64"); err != nil || again != first {
		t.Errorf("the second time: %q, %v; want %q", again, err, first)
	}
	if _, err := Open(t.Context(), "arm64"); !errors.Is(err, ErrMissing) {
		t.Errorf("error %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(first))
	if err != nil || len(entries) != 1 {
		t.Errorf("in the cache: %v, %v", entries, err)
	}
}
