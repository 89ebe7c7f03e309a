package attest

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// maxDatabase bounds what is read of a package database, in bytes.
const maxDatabase = 64 << 20

// Packages lists the operating system's packages in a root file system, by the
// databases of Debian's dpkg (deb-control(5), /var/lib/dpkg/status and, in images
// without a shell, status.d) and of Alpine's apk (/lib/apk/db/installed). Those of
// rpm are not read: their databases are no text. A file system without any gives
// none.
func Packages(root fs.FS) ([]Package, error) {
	distro := distribution(root)
	var list []Package
	names, err := fs.Glob(root, "var/lib/dpkg/status.d/*")
	if err != nil {
		return nil, fmt.Errorf("list the base's packages: %w", err)
	}
	for _, name := range append([]string{"var/lib/dpkg/status"}, names...) {
		if strings.HasSuffix(name, ".md5sums") {
			continue
		}
		records, err := readRecords(root, name, ": ")
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if status := r["Status"]; r["Package"] != "" && (status == "" || strings.HasSuffix(status, " installed")) {
				list = append(list, Package{Name: r["Package"], Version: r["Version"], Arch: r["Architecture"], Type: "deb", Distro: distro})
			}
		}
	}
	records, err := readRecords(root, "lib/apk/db/installed", ":")
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if r["P"] != "" {
			list = append(list, Package{Name: r["P"], Version: r["V"], Arch: r["A"], Type: "apk", Distro: distro})
		}
	}
	return list, nil
}

// readRecords reads records of "name<separator>value" lines with empty lines
// between them; lines that go on with the one before are left out. A file that is not
// there, or is a link that leads out of root, has none.
func readRecords(root fs.FS, name, separator string) ([]map[string]string, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	var list []map[string]string
	record := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(f, maxDatabase))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			list, record = append(list, record), map[string]string{}
			continue
		}
		if key, value, ok := strings.Cut(line, separator); ok && !strings.HasPrefix(line, " ") {
			record[key] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list the base's packages: read %s: %w", path.Join("/", name), err)
	}
	return append(list, record), nil
}

// distribution is the ID of the base's os-release(5), or empty.
func distribution(root fs.FS) string {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		records, err := readRecords(root, name, "=")
		if err == nil && len(records) > 0 && records[0]["ID"] != "" {
			return strings.Trim(records[0]["ID"], `"'`)
		}
	}
	return ""
}
