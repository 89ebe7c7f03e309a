package mysqld

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/images"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// Config says which server runs on which data directory.
type Config struct {
	Base plan.Base
	// DataDir is the data directory while baking.
	DataDir string
	// WorkDir is a directory for the socket, the server's log and its
	// temporary files. It must be on a disk, since a large ALTER spills into
	// it, and its path short enough for a socket (80 bytes).
	WorkDir string
	// Settings are the image's run-time settings. Those that must hold from
	// the first moment on (lower_case_table_names, innodb_page_size, …) do
	// so while baking; the bake's own settings win over the rest.
	Settings spec.Settings
	// last are arguments that win over all others.
	last []string
	// Memory is what the server may use, in bytes; 0: half of what
	// AvailableMemory finds.
	Memory int64
}

// Server is a running server. Its methods may be called from one goroutine at
// a time.
type Server struct {
	config  Config
	version Version
	cmd     *exec.Cmd
	log     *logTail
	exited  chan struct{} // closed when the process has been waited for
	waitErr error         // its outcome, valid once exited is closed
}

// Flavour tells which family the server is of.
func (s *Server) Flavour() Flavour { return Flavour(s.config.Base.Flavour) }

// Version gives the server's release.
func (s *Server) Version() Version { return s.version }

// socketPath is the bake's own socket.
func (c Config) socketPath() string { return filepath.Join(c.WorkDir, "mysqld.sock") }

// Start starts the server and returns when it answers. When ctx ends, the
// server is killed: a bake that is given up leaves no data directory behind.
// The caller must call Stop or Kill.
func Start(ctx context.Context, c Config) (*Server, error) {
	version, err := ParseVersion(c.Base.Version)
	if err != nil {
		return nil, err
	}
	args, err := c.serverArgs(version)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(c.socketPath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s := &Server{config: c, version: version, log: newLogTail(), exited: make(chan struct{})}
	s.cmd = c.command(ctx, c.Base.Server, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Base.Server, err)
	}
	go func() {
		s.waitErr = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.waitReady(ctx); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// command prepares a program to run as the owner of the data directory.
func (c Config) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.WorkDir
	cmd.Env = serverEnv(c.WorkDir)
	cmd.WaitDelay = 10 * time.Second
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uint32(c.Base.UID), Gid: uint32(c.Base.GID), Groups: []uint32{}},
			Pdeathsig:  syscall.SIGKILL,
		}
	}
	return cmd
}

// serverEnv keeps what a server may need and drops everything else, above all
// credentials.
func serverEnv(home string) []string {
	env := []string{"HOME=" + home}
	for _, name := range []string{"PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// serverArgs gives the command line: the image's settings first, the bake's
// over them, and last what the bake cannot do without.
func (c Config) serverArgs(version Version) ([]string, error) {
	args := settingArgs(c.Settings)
	bake, err := images.BakeSettings(c.Base.Flavour, version.Major, version.Minor, version.Patch)
	if err != nil {
		return nil, err
	}
	for _, s := range bake {
		// loose: a server built without a feature ignores its setting.
		arg := "--loose-" + s.Name
		if strings.HasPrefix(s.Name, "skip-") {
			arg = "--" + s.Name
		}
		if s.Value != "" {
			arg += "=" + s.Value
		}
		args = append(args, arg)
	}
	memory := c.Memory
	if memory == 0 {
		memory = AvailableMemory() / 2
	}
	args = append(
		args,
		// No statement of a dump may read or write files: MySQL knows NULL
		// for that, MariaDB needs a directory, which stays empty.
		"--secure-file-priv="+c.filePriv(),
		// Every dump and script has its session from the start.
		"--max-connections=10000",
		fmt.Sprintf("--innodb-buffer-pool-size=%d", max(memory, 128<<20)),
		"--datadir="+c.DataDir,
		"--tmpdir="+c.WorkDir,
		"--socket="+c.socketPath(),
		"--pid-file="+filepath.Join(c.WorkDir, "mysqld.pid"),
		"--log-error="+c.logPath(),
		"--user="+c.Base.User,
	)
	return append(args, c.last...), nil
}

func (c Config) filePriv() string {
	if Flavour(c.Base.Flavour) == MariaDB {
		return filepath.Join(c.WorkDir, "files")
	}
	return "NULL"
}

// logPath is given explicitly because the base's option files may send the
// log anywhere.
func (c Config) logPath() string { return filepath.Join(c.WorkDir, "mysqld.err") }

func settingArgs(settings spec.Settings) []string {
	var args []string
	for _, s := range settings {
		arg := "--" + s.Name
		if s.Value != "" {
			arg += "=" + s.Value
		}
		args = append(args, arg)
	}
	return args
}

// waitReady polls the socket until the server lets the bake in.
func (s *Server) waitReady(ctx context.Context) error {
	db, err := s.Open("")
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := db.PingContext(ctx); err == nil {
			return nil
		} else if refused := (*mysql.MySQLError)(nil); errors.As(err, &refused) {
			return fmt.Errorf("log in to the server that is being baked: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server to start: %w", context.Cause(ctx))
		case <-s.exited:
			return s.exitError("start")
		case <-tick.C:
		}
	}
}

// Open gives connections to the server as its administrator, with schema as
// default database (empty: none). The caller closes it.
func (s *Server) Open(schema string) (*sql.DB, error) {
	connector, err := mysql.NewConnector(s.DriverConfig(schema))
	if err != nil {
		return nil, fmt.Errorf("prepare a connection to the server: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// DriverConfig gives the driver's settings for a connection as administrator.
func (s *Server) DriverConfig(schema string) *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = "root", "unix", s.config.socketPath(), schema
	// Statements of a dump go as they are; the server splits nothing.
	cfg.MaxAllowedPacket = 1 << 30
	cfg.Logger = log{}
	return cfg
}

// log drops what the driver would print: a library does not print.
type log struct{}

func (log) Print(...any) {}

// Exited is closed when the server process has ended, for whatever reason.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// ExitErr describes a process that ended by itself; call it after Exited is
// closed.
func (s *Server) ExitErr() error { return s.exitError("serve") }

// LogTail gives the last lines of the server's log.
func (s *Server) LogTail() []string { return append(s.log.Lines(), readTail(s.config.logPath())...) }

func (s *Server) exitError(doing string) error {
	return &ExitError{Doing: doing, Err: s.waitErr, Log: s.LogTail()}
}

// Stop shuts the server down and returns when it has gone. Only an exit with
// status 0 is success: InnoDB's files are complete then, and any later server
// may take them over. Stop is slow where much is left to purge.
func (s *Server) Stop(ctx context.Context) error {
	select {
	case <-s.exited:
		return s.exitError("serve")
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("ask the server to stop: %w", err)
	}
	select {
	case <-ctx.Done():
		s.Kill()
		return fmt.Errorf("wait for the server to stop: %w", context.Cause(ctx))
	case <-s.exited:
	}
	if s.waitErr != nil {
		return s.exitError("stop")
	}
	return nil
}

// Kill ends the server at once and returns when it has gone. It may be called
// after Stop, and more than once.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // fails only when the process has gone
	<-s.exited
}

// readTail gives the last lines of a file, at most 16 KiB; none when it cannot
// be read.
func readTail(name string) []string {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	const window = 16 << 10
	if info, err := f.Stat(); err == nil && info.Size() > window {
		if _, err := f.Seek(-window, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, window))
	if err != nil {
		return nil
	}
	return splitLines(string(text))
}
