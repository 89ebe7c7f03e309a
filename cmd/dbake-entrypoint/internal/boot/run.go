package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/account"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/initdb"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/proc"
	"github.com/dbake/dbake/cmd/dbake-entrypoint/internal/ready"
)

// run starts the server, and again when MySQL's RESTART statement asks for it.
// Accounts and scripts are for the container's start alone.
func (s *session) run(ctx context.Context) (int, error) {
	for first := true; ; first = false {
		status, err := s.once(ctx, first)
		again := status == restart && !s.cfg.MariaDB() && s.control.interrupted() == 0
		if err != nil || !again {
			return status, err
		}
	}
}

// once runs the server until it ends.
func (s *session) once(ctx context.Context, first bool) (int, error) {
	if err := removeStale(s.socket); err != nil {
		return failed, err
	}
	notifier, err := ready.Listen()
	if err != nil {
		return failed, err
	}
	defer notifier.Close()
	login := initdb.Login{User: "root"}
	var file *initFile
	if first {
		if file, login, err = s.accounts(); err != nil {
			return failed, err
		}
	}
	if file != nil {
		defer file.close()
	}
	server, err := s.start(notifier, file)
	if err != nil {
		return failed, err
	}
	s.control.serve(server)
	s.note(ready.Starting, server.PID)
	switch err := ready.Wait(ctx, notifier, s.socket, s.cfg.MariaDB(), server.Done()); {
	case errors.Is(err, ready.ErrEnded):
		return max(server.Wait(), failed), errors.New("the server ended before it was ready; its messages above say why")
	case err != nil: // the container is to stop, and the server knows
		return stopStarting(server), nil
	}
	return s.initialise(ctx, server, file, login, first)
}

// initialise does what is left to do with a server that serves, and waits for
// its end.
func (s *session) initialise(ctx context.Context, server *proc.Process, file *initFile, login initdb.Login, first bool) (int, error) {
	if file != nil && !file.ran() {
		end(server)
		return failed, errors.New("the server refused the accounts or the database that the MYSQL_… or MARIADB_… variables ask for; its ERROR line above says why")
	}
	if file != nil {
		file.close()
		s.showPassword()
	}
	if first && len(s.scripts) > 0 {
		s.note(ready.Scripts, server.PID)
		s.control.hold(true)
		err := s.runScripts(ctx, login)
		s.control.hold(false)
		if s.control.interrupted() != 0 {
			return server.Wait(), err
		}
		if err != nil {
			end(server)
			return failed, err
		}
	}
	s.note(ready.Serving, server.PID)
	if err := ready.Tell(valueIn(s.environ, ready.NotifyEnv)); err != nil {
		s.say("warning: %v", err)
	}
	return server.Wait(), nil
}

// end stops the server in its own way.
func end(server *proc.Process) {
	server.Signal(syscall.SIGTERM)
	server.Wait()
}

// stopGrace is how long a server may take that is told to stop while it starts.
// MariaDB misses that now and then and waits for ever. It serves nobody yet, so
// killing it loses nothing; "docker stop" would do so after 10 seconds.
const stopGrace = 8 * time.Second

// stopStarting waits for a server that was told to stop before it was ready.
func stopStarting(server *proc.Process) int {
	select {
	case <-server.Done():
		return server.Wait()
	case <-time.After(stopGrace):
		server.SignalGroup(syscall.SIGKILL)
		server.Wait()
		return 128 + int(syscall.SIGTERM)
	}
}

func (s *session) showPassword() {
	if s.wish.Generated != "" {
		s.say("GENERATED ROOT PASSWORD: %s", s.wish.Generated)
	}
}

// accounts makes the init file, or none if there is nothing to set, and says
// which account scripts come in with.
func (s *session) accounts() (*initFile, initdb.Login, error) {
	login := initdb.Login{User: "root"}
	temporary := ""
	switch {
	case len(s.scripts) == 0:
	case s.wish.Root != nil && !s.wish.Root.Hash:
		login.Password = s.wish.Root.Text
	case s.cfg.Client != "":
		temporary = account.RandomPassword()
		login = initdb.Login{User: account.Temporary, Password: temporary}
	}
	if s.wish.Empty() && temporary == "" {
		return nil, login, nil
	}
	var after []byte
	if s.initFile != "" {
		var err error
		if after, err = os.ReadFile(s.initFile); err != nil {
			return nil, login, fmt.Errorf("init_file: %w", err)
		}
	}
	file, err := openInitFile(s.wish.Script(temporary, after), s.as)
	return file, login, err
}

// start starts the server. Options of the last place win, so the init file's
// comes there.
func (s *session) start(notifier *ready.Notifier, file *initFile) (*proc.Process, error) {
	c := proc.Command{
		Path: s.cfg.Server, Args: slices.Concat(s.args, s.own), As: s.as, Outlived: true,
		Env: serverEnv(s.environ, s.as, notifier.Address),
	}
	if file != nil {
		c.Args = append(c.Args, file.option())
		c.Extra = file.r
	}
	return s.reaper.Start(c)
}

// runScripts runs the scripts and writes down that they have been run. The
// temporary account is gone afterwards, whatever happens.
func (s *session) runScripts(ctx context.Context, login initdb.Login) error {
	r := initdb.Runner{
		Reaper: s.reaper, As: s.as, Client: s.cfg.Client, Socket: s.socket, DataDir: s.datadir,
		Env:      s.as.Environ(s.wish.Environ(s.environ, s.cfg.MariaDB())),
		Database: s.wish.Database, Login: login, Say: s.say,
	}
	runs, err := s.runs(ctx, r)
	for _, script := range s.scripts {
		if err == nil {
			err = runs.Run(ctx, script)
		}
	}
	if login.User == account.Temporary {
		// Also when the container is to stop, but not for long.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, retire(last, r))
	}
	if err != nil {
		return err
	}
	if err := initdb.Done(s.datadir, s.as); err != nil {
		return err
	}
	s.say("scripts done")
	return nil
}

// runs returns the Runner for scripts. What they create belongs to the account
// they come in with, so root is better than an account that goes away. Root's
// password is not known here, but if it has none, that shows.
func (s *session) runs(ctx context.Context, r initdb.Runner) (initdb.Runner, error) {
	if r.Login.User != account.Temporary {
		return r, nil
	}
	answer, err := r.Query(ctx, `SELECT COUNT(*) FROM mysql.user WHERE User = 'root' AND Host = 'localhost'`+
		` AND authentication_string = '' AND plugin IN ('', 'mysql_native_password', 'caching_sha2_password', 'sha256_password')`)
	if err != nil {
		return r, fmt.Errorf("scripts: the server does not let the temporary account in: %w", err)
	}
	if answer == "1" {
		r.Login = initdb.Login{User: "root"}
	}
	return r, nil
}

// retire drops the temporary account. If something now belongs to it, such as
// a view, dropping it would break that: then it is locked for good.
func retire(ctx context.Context, r initdb.Runner) error {
	const name = "'" + account.Temporary + "'@'localhost'"
	const owner = "'" + account.Temporary + "@localhost'"
	answer, err := r.Query(ctx, "SELECT (SELECT COUNT(*) FROM information_schema.VIEWS WHERE DEFINER = "+owner+")"+
		" + (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE DEFINER = "+owner+")"+
		" + (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE DEFINER = "+owner+")"+
		" + (SELECT COUNT(*) FROM information_schema.EVENTS WHERE DEFINER = "+owner+")")
	if err == nil && answer == "0" {
		_, err = r.Query(ctx, "DROP USER "+name)
	} else if err == nil {
		r.Say("scripts made %s views, routines, triggers or events that belong to %s: keeping that account, locked", answer, name)
		_, err = r.Query(ctx, "ALTER USER "+name+" ACCOUNT LOCK")
	}
	if err != nil {
		return fmt.Errorf("the temporary account %s could not be removed: %w", name, err)
	}
	return nil
}

// valueIn returns a variable's value in environ, or nothing.
func valueIn(environ []string, name string) string {
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}
