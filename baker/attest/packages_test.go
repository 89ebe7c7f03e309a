package attest

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestPackages(t *testing.T) {
	t.Parallel()
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  []Package
	}{
		"Debian": {fstest.MapFS{
			"etc/os-release": text("NAME=\"Debian GNU/Linux\"\nID=debian\n"),
			"var/lib/dpkg/status": text("Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n" +
				"Description: GNU C Library\n Version: 1 of a line that goes on\n\n" +
				"Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"),
		}, []Package{{Name: "libc6", Version: "2.36-9", Arch: "amd64", Type: "deb", Distro: "debian"}}},
		"without a shell": {fstest.MapFS{
			"usr/lib/os-release":              text("ID=\"debian\"\n"),
			"var/lib/dpkg/status.d/tzdata":    text("Package: tzdata\nArchitecture: all\nVersion: 2024a\n"),
			"var/lib/dpkg/status.d/x.md5sums": text("0123  usr/share/x\n"),
		}, []Package{{Name: "tzdata", Version: "2024a", Arch: "all", Type: "deb", Distro: "debian"}}},
		"Alpine": {fstest.MapFS{
			"etc/os-release":       text("ID=alpine\n"),
			"lib/apk/db/installed": text("C:Q1x\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nP:zlib\nV:1.3\nA:x86_64\n\n"),
		}, []Package{
			{Name: "musl", Version: "1.2.5-r0", Arch: "x86_64", Type: "apk", Distro: "alpine"},
			{Name: "zlib", Version: "1.3", Arch: "x86_64", Type: "apk", Distro: "alpine"},
		}},
		"nothing": {fstest.MapFS{}, nil},
	} {
		got, err := Packages(c.files)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}
