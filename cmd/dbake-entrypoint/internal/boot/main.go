// Package boot is what PID 1 of a baked image does, from the command line to
// the exit status.
package boot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/account"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/config"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/options"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/ready"
)

// Exit statuses besides the server's own. The last two are a shell's.
const (
	failed        = 1
	notExecutable = 126
	notFound      = 127
)

// Main runs the program with the arguments behind its name and returns its
// exit status. If it becomes another program it does not return.
func Main(args, environ []string, stdout, stderr io.Writer) int {
	say := func(format string, a ...any) { fmt.Fprintf(stderr, "dbake: "+format+"\n", a...) }
	cfg, err := config.Load()
	inv := options.Parse(args, cfg.Server)
	switch {
	case inv.Kind == options.Command:
		return become(inv.Args, environ, say) // works without settings, to look into a broken image
	case err != nil:
		say("%v", err)
		return failed
	case inv.Kind == options.Health:
		return health(cfg, stdout)
	case inv.Kind == options.Inform:
		return inform(cfg, inv.Args, environ, say)
	}
	status, err := serve(cfg, inv.Args, environ, say)
	if err != nil {
		say("%v", err)
	}
	return status
}

// health is the image's health check. Docker shows its output.
func health(cfg config.Config, stdout io.Writer) int {
	if err := ready.Check(ready.Places(cfg.DataDir)); err != nil {
		fmt.Fprintf(stdout, "dbake: %v\n", err)
		return failed
	}
	return 0
}

// inform becomes the server when it is not to serve.
func inform(cfg config.Config, args, environ []string, say func(string, ...any)) int {
	as := proc.ServerIdentity(cfg)
	if err := as.Assume(); err != nil {
		say("%v", err)
		return failed
	}
	return become(append([]string{cfg.Server}, args...), as.Environ(account.Without(environ)), say)
}

// become replaces this program by the one that command names.
func become(command, environ []string, say func(string, ...any)) int {
	path, err := exec.LookPath(command[0])
	if err == nil {
		err = syscall.Exec(path, command, environ)
	}
	say("%s cannot be run: %v", command[0], strings.TrimPrefix(err.Error(), "exec: "))
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return notFound
	}
	return notExecutable
}

// serverEnv is the environment of the server: without passwords, and with the
// address at which it tells that it is ready.
func serverEnv(environ []string, as proc.Identity, notify string) []string {
	env := as.Environ(account.Without(environ))
	var out []string
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); name != ready.NotifyEnv && name != parentEnv {
			out = append(out, e)
		}
	}
	if notify == "" {
		return out
	}
	return append(out, ready.NotifyEnv+"="+notify, fmt.Sprintf("%s=%d", parentEnv, os.Getpid()))
}

// parentEnv tells MySQL that somebody starts it again when it exits with
// status restart; without it, the RESTART statement is refused.
const (
	parentEnv = "MYSQLD_PARENT_PID"
	restart   = 16
)
