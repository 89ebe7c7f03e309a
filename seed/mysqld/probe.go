package mysqld

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/dbake/dbake/seed/plan"
)

// serverPaths are where packages and official images put the server; PATH is
// asked first.
var serverPaths = []string{
	"/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/bin", "/usr/local/sbin",
	"/usr/local/mysql/bin", "/opt/bitnami/mysql/bin", "/opt/bitnami/mariadb/bin", "/opt/bitnami/mariadb/sbin",
}

// defaultSocket is the official images' socket path.
const defaultSocket = "/var/run/mysqld/mysqld.sock"

// Probe finds the server of the root filesystem it runs in and the facts a
// baked image depends on. It starts the server only to print its help. The
// error wraps ErrNoServer when there is no server.
func Probe(ctx context.Context) (plan.Base, error) {
	server := findProgram("mariadbd", "mysqld")
	if server == "" {
		return plan.Base{}, fmt.Errorf("%w in the base image (looked in PATH and %s): name a base that holds a server, such as an image made from mysql or mariadb",
			ErrNoServer, strings.Join(serverPaths, ", "))
	}
	help, err := readHelp(ctx, server)
	if err != nil {
		return plan.Base{}, err
	}
	base := plan.Base{
		Flavour: string(help.flavour),
		Version: help.version.String(),
		Server:  server,
		Client:  findProgram(clientNames(help.flavour)...),
		Socket:  help.variables["socket"],
	}
	if !path.IsAbs(base.Socket) || strings.HasPrefix(base.Socket, "/tmp/") {
		base.Socket = defaultSocket
	}
	if base.User, base.UID, base.GID, err = findUser("/etc/passwd"); err != nil {
		return plan.Base{}, err
	}
	base.OptionFile, base.OptionPrefix, err = optionFileFor(help.optionFiles)
	return base, err
}

func clientNames(f Flavour) []string {
	if f == MariaDB {
		return []string{"mariadb", "mysql"}
	}
	return []string{"mysql"}
}

func findProgram(names ...string) string {
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
		for _, dir := range serverPaths {
			if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return found
			}
		}
	}
	return ""
}

// serverHelp is what "mysqld --verbose --help" tells.
type serverHelp struct {
	flavour     Flavour
	version     Version
	optionFiles []string          // in the order the server reads them
	variables   map[string]string // effective values, option files included
}

func readHelp(ctx context.Context, server string) (serverHelp, error) {
	var stderr bytes.Buffer
	// Without --user the server refuses to say anything to root.
	cmd := exec.CommandContext(ctx, server, "--verbose", "--help", "--user=mysql")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if len(out) == 0 {
		return serverHelp{}, fmt.Errorf("ask %s for its settings: %w: %s", server, errors.Join(err, ctx.Err()), lastLine(stderr.Bytes()))
	}
	return parseHelp(out)
}

// parseHelp reads the text of --verbose --help: the version on the first line,
// the option files after a fixed sentence, and the table of variables at the
// end (MySQL 5.7-9.7 and MariaDB 10.6-11.8 print the same form).
func parseHelp(text []byte) (serverHelp, error) {
	h := serverHelp{flavour: MySQL, variables: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	inTable, filesNext := false, false
	for n := 0; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case n == 0:
			if err := h.readBanner(line); err != nil {
				return h, err
			}
		case strings.HasPrefix(line, "Default options are read from"):
			filesNext = true
		case filesNext:
			h.optionFiles, filesNext = strings.Fields(line), false
		case strings.HasPrefix(line, "-----"):
			inTable = true
		case inTable:
			name, value, _ := strings.Cut(line, " ")
			value = strings.TrimSpace(value)
			if value != "(No default value)" {
				h.variables[strings.ReplaceAll(name, "-", "_")] = value
			}
		}
	}
	return h, lines.Err()
}

func (h *serverHelp) readBanner(line string) error {
	_, rest, found := strings.Cut(line, " Ver ")
	if !found {
		return fmt.Errorf("the server's first line is %q, not its version", line)
	}
	if strings.Contains(line, "MariaDB") {
		h.flavour = MariaDB
	}
	var err error
	h.version, err = ParseVersion(strings.Fields(rest)[0])
	return err
}

// findUser gives the account that owns data in the base: "mysql", else
// "mariadb", else the owner 1001 that non-root images use.
func findUser(passwd string) (name string, uid, gid int, err error) {
	data, err := os.ReadFile(passwd)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", 0, 0, fmt.Errorf("read the base's accounts: %w", err)
	}
	for _, want := range []string{"mysql", "mariadb"} {
		for line := range strings.Lines(string(data)) {
			f := strings.Split(strings.TrimSpace(line), ":")
			if len(f) < 4 || f[0] != want {
				continue
			}
			if _, err := fmt.Sscan(f[2]+" "+f[3], &uid, &gid); err != nil {
				return "", 0, 0, fmt.Errorf("account %s in %s has no numeric uid and gid: %w", want, passwd, err)
			}
			return want, uid, gid, nil
		}
	}
	return "", 0, 0, fmt.Errorf("the base image has no account mysql or mariadb in %s: the server's files need an owner; add one to the base (useradd --system mysql)", passwd)
}

func lastLine(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(lines[len(lines)-1])
}
