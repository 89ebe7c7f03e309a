package boot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/account"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/config"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/initdb"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/options"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/ready"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/volume"
)

// session is one life of the container.
type session struct {
	cfg     config.Config
	as      proc.Identity
	environ []string
	say     func(format string, args ...any)
	reaper  *proc.Reaper
	control *control

	// args are the server's options, and own those behind them that this
	// program adds.
	args, own []string
	// What is in effect, from command line, option files and settings.
	datadir, socket, initFile string

	wish    account.Wish
	scripts []initdb.Script
}

// serve runs the server until it ends and returns its exit status. An error
// says why the server was not started or has been stopped.
func serve(cfg config.Config, args, environ []string, say func(string, ...any)) (int, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &session{
		cfg: cfg, as: proc.ServerIdentity(cfg), environ: environ, say: say,
		reaper: proc.NewReaper(), control: newControl(cancel),
	}
	defer s.control.stop()
	err := s.prepare(ctx, args)
	if code := s.control.interrupted(); code != 0 {
		return code, err
	}
	if err != nil {
		return failed, err
	}
	return s.run(ctx)
}

// prepare does everything that comes before the server's start. What can be
// refused at once is looked at first.
func (s *session) prepare(ctx context.Context, args []string) error {
	var err error
	if s.wish, err = account.Read(s.environ, s.cfg.MariaDB()); err != nil {
		return err
	}
	for _, warning := range s.wish.Warnings {
		s.say("warning: %s", warning)
	}
	s.resolve(ctx, args)
	dir := volume.DataDir{
		Path: s.datadir, Pristine: s.cfg.Pristine, As: s.as, Say: s.say,
		OnFill: func() { s.note(ready.Filling, 0) },
	}
	if err := dir.Prepare(ctx); err != nil {
		return err
	}
	if err := s.placeSocket(); err != nil {
		return err
	}
	return s.findScripts()
}

// resolve finds out which options are in effect.
func (s *session) resolve(ctx context.Context, args []string) {
	first, rest := options.Split(args)
	given := append(s.optionFiles(ctx, first), rest...)
	s.args = slices.Clone(first)
	s.datadir = s.cfg.DataDir
	if dir, ok := options.Find(rest, options.DataDir); ok && filepath.IsAbs(dir) {
		s.datadir = filepath.Clean(dir)
	} else {
		s.args = append(s.args, "--datadir="+s.cfg.DataDir)
	}
	s.args = append(s.args, rest...)
	s.socket = s.cfg.Socket
	if path, ok := options.Find(given, options.Socket); ok && path != "" {
		s.socket = s.inDataDir(path)
	}
	if path, ok := options.Find(given, options.InitFile); ok && path != "" {
		s.initFile = s.inDataDir(path)
	}
	if path, ok := options.Find(given, options.PIDFile); ok && filepath.IsAbs(path) {
		s.makePIDDir(filepath.Dir(path))
	}
}

// inDataDir makes path absolute as the server does.
func (s *session) inDataDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.datadir, path)
}

// makePIDDir makes the directory of the pid file if it is missing. The server
// says itself what is wrong with one that exists.
func (s *session) makePIDDir(dir string) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		_ = prepareSocketDir(dir, s.as)
	}
}

// patience is how long the server may take to list its options; it takes 10 to
// 20 ms.
const patience = 10 * time.Second

// optionFiles asks the server for the options in its option files, which a
// user may have mounted. Only the server knows where it looks for them. An
// answer that does not come is taken for no options: a server that cannot
// read its files says so when it starts.
func (s *session) optionFiles(ctx context.Context, first []string) []string {
	if slices.Contains(first, "--no-defaults") {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer r.Close()
	p, err := s.reaper.Start(proc.Command{
		Path: s.cfg.Server, Args: append(slices.Clone(first), "--print-defaults"),
		Env: serverEnv(s.environ, s.as, ""), Stdout: w, As: s.as, Dir: "/",
	})
	_ = w.Close()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { p.SignalGroup(syscall.SIGKILL) })()
	var out bytes.Buffer
	_, err = io.Copy(&out, r)
	if p.Wait() != 0 || err != nil {
		return nil
	}
	return options.ParseDefaults(out.String())
}

// placeSocket prepares the directory of the socket, or finds another place
// when nobody outside can be waiting for it there.
func (s *session) placeSocket() error {
	err := prepareSocketDir(filepath.Dir(s.socket), s.as)
	if errors.Is(err, errNoPlace) {
		s.socket = filepath.Join(s.datadir, "mysqld.sock")
		s.own = append(s.own, "--socket="+s.socket)
		s.say("warning: %v; using %s", err, s.socket)
		return nil
	}
	return err
}

func (s *session) findScripts() error {
	scripts, ignored, err := initdb.Pending(initdb.Dir, s.datadir)
	if err != nil {
		return err
	}
	for _, name := range ignored {
		s.say("ignoring %s/%s: not a .sh, .sql, .sql.gz, .sql.bz2, .sql.xz or .sql.zst file", initdb.Dir, name)
	}
	if initdb.NeedClient(scripts) && s.cfg.Client == "" {
		return fmt.Errorf("%s has SQL files, but the image has no client to run them with: bake onto a base with one", initdb.Dir)
	}
	s.scripts = scripts
	return nil
}

// note writes down how far things have come, for the health check. Without
// it the server works all the same.
func (s *session) note(phase ready.Phase, server int) {
	state := ready.State{
		Phase: phase, Socket: s.socket, Greet: !s.cfg.MariaDB(),
		Entrypoint: ready.Identify(os.Getpid()), Server: ready.Identify(server),
	}
	if err := state.Write(ready.Places(s.cfg.DataDir)); err != nil {
		s.say("warning: %v", err)
	}
}
