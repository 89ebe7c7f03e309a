package initdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

// prelude gives scripts that are read, not run, the functions that they can
// use in the official images. $1 is the script, $2 the client, $3 the socket,
// $4 the data directory, $5 the database.
const prelude = `
script=$1 CLIENT=$2 SOCKET=$3 DATADIR=$4 DATABASE=$5
mysql_note() { printf 'dbake: %s\n' "$*" >&2; }
mysql_warn() { printf 'dbake: warning: %s\n' "$*" >&2; }
mysql_error() { printf 'dbake: error: %s\n' "$*" >&2; exit 1; }
docker_process_sql() {
	[ "$1" != --dont-use-mysql-root-password ] || shift
	if [ -n "$DATABASE" ]; then set -- "--database=$DATABASE" "$@"; fi
	"$CLIENT" --defaults-extra-file=/proc/self/fd/9 --protocol=socket "--socket=$SOCKET" --comments "$@"
}
set --
. "$script"
`

// shell runs a .sh script.
func (r Runner) shell(ctx context.Context, s Script, credentials *os.File) error {
	c := proc.Command{Path: s.Path, Env: r.Env, As: r.As, Extra: credentials, Dir: "/"}
	if !s.Executable {
		path, flags := findShell()
		c.Path = path
		c.Args = slices.Concat(flags, []string{"-c", prelude, "dbake", s.Path, r.Client, r.Socket, r.DataDir, r.Database})
	}
	p, err := r.Reaper.Start(c)
	if errors.Is(err, syscall.ENOEXEC) { // executable, but without a #! line
		c.Path, _ = findShell()
		c.Args = []string{s.Path}
		p, err = r.Reaper.Start(c)
	}
	if err != nil {
		return err
	}
	return wait(ctx, p)
}

// findShell returns bash, or sh where there is no bash, and the flags that
// make it stop at an error.
func findShell() (string, []string) {
	if bash, err := exec.LookPath("bash"); err == nil {
		return bash, []string{"-e", "-o", "pipefail"}
	}
	return "/bin/sh", []string{"-e"}
}

// tool finds a program that a compressed script needs.
func tool(name, script string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("the image has no %s to read %s with: use gzip, or install %s in the base image", name, script, name)
	}
	return path, nil
}
