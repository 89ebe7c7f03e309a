// Package initdb runs the scripts that a user has put into
// /docker-entrypoint-initdb.d, as the official images do, but on baked data:
// once per data directory, after the server has started.
package initdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
)

// Dir is where scripts are looked for.
const Dir = "/docker-entrypoint-initdb.d"

// marker is in a data directory whose scripts have been run.
const marker = ".dbake-initdb-done"

// Script is one file of Dir.
type Script struct {
	Path string
	// Shell is for .sh files, SQL for all others. A shell script that is
	// Executable is run, any other read by a shell.
	Shell, Executable bool
}

// Name is how messages call the script.
func (s Script) Name() string { return filepath.Base(s.Path) }

// endings are those of SQL files, with the program that decompresses them
// where this one cannot.
var endings = map[string]string{".sql": "", ".sql.gz": "", ".sql.bz2": "", ".sql.xz": "xz", ".sql.zst": "zstd"}

// Pending lists the scripts of dir that are to be run, in the order of their
// names' bytes, and the names it does not know what to do with. There are none
// if datadir says that they have been run.
func Pending(dir, datadir string) (scripts []Script, ignored []string, err error) {
	if _, err := os.Stat(filepath.Join(datadir, marker)); err == nil {
		return nil, nil, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("scripts: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // mounted config maps are symbolic links
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("scripts: %w", err)
		case info.IsDir() || strings.HasPrefix(e.Name(), "."):
		case strings.HasSuffix(e.Name(), ".sh"):
			scripts = append(scripts, Script{Path: path, Shell: true, Executable: info.Mode()&0o111 != 0})
		case ending(e.Name()) != "":
			scripts = append(scripts, Script{Path: path})
		default:
			ignored = append(ignored, e.Name())
		}
	}
	return scripts, ignored, nil
}

func ending(name string) string {
	for e := range endings {
		if strings.HasSuffix(name, e) {
			return e
		}
	}
	return ""
}

// NeedClient says whether any of scripts is SQL.
func NeedClient(scripts []Script) bool {
	return slices.ContainsFunc(scripts, func(s Script) bool { return !s.Shell })
}

// Done writes down in datadir that its scripts have been run.
func Done(datadir string, as proc.Identity) error {
	path := filepath.Join(datadir, marker)
	if err := os.WriteFile(path, []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o644); err != nil {
		return fmt.Errorf("the scripts would run again at the next start: %w", err)
	}
	if !as.Switch {
		return nil
	}
	return os.Chown(path, as.UID, as.GID)
}

// Runner runs scripts against the server at Socket.
type Runner struct {
	Reaper *proc.Reaper
	As     proc.Identity
	// Env is the environment of the scripts, passwords included.
	Env []string
	// Client is the path of the mysql or mariadb client, or empty.
	Client   string
	Socket   string
	DataDir  string
	Database string
	Login    Login
	Say      func(format string, args ...any)
}

// Run runs one script to its end. It is to be called from one goroutine at a
// time. When ctx ends, the script and all it has started are killed.
func (r Runner) Run(ctx context.Context, s Script) error {
	credentials, err := r.Login.file(r.As)
	if err != nil {
		return err
	}
	defer credentials.Close()
	r.Say("running %s", s.Path)
	if s.Shell {
		err = r.shell(ctx, s, credentials)
	} else {
		err = r.sql(ctx, s, credentials)
	}
	if err != nil && context.Cause(ctx) != nil {
		return fmt.Errorf("script %s was stopped: %w", s.Name(), context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("script %s failed: %w; see its message above", s.Name(), err)
	}
	return nil
}

// grace is how long a script may take to end when it is told to.
const grace = 3 * time.Second

// wait waits for p, and ends it and its children when ctx ends first.
func wait(ctx context.Context, p *proc.Process) error {
	select {
	case <-p.Done():
	case <-ctx.Done():
		p.SignalGroup(syscall.SIGTERM)
		select {
		case <-p.Done():
		case <-time.After(grace):
		}
		p.SignalGroup(syscall.SIGKILL)
	}
	if status := p.Wait(); status != 0 {
		return fmt.Errorf("exit status %d", status)
	}
	return nil
}
