package parts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Server is a database server that runs out of a base image's root file
// system: what a dump is made of, and what a baked image is compared with.
// It listens on a Unix socket only; root has no password.
type Server struct {
	// Flavour tells MySQL from MariaDB.
	Flavour Flavour
	// Socket is its Unix socket on this machine.
	Socket string
	// DataDir is its data directory on this machine.
	DataDir string

	pr   *process
	db   *sql.DB
	stop func() error
}

// layout is one server's folders on this machine.
type layout struct{ dir, rootfs string }

func (l layout) data() string { return filepath.Join(l.dir, "data") }
func (l layout) run() string  { return filepath.Join(l.dir, "run") }

// enter is the script that gives a server its root: the base image's file
// system under an overlay, with the server's own folders for data and socket.
// All mounts are in a mount namespace that ends with the server.
const enter = `set -e
dir=$1 rootfs=$2
shift 2
mount -t overlay overlay -o "lowerdir=$rootfs,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
mkdir -p "$dir/root/run/mysqld" "$dir/root/var/lib/mysql"
mount --bind "$dir/run" "$dir/root/run/mysqld"
mount --bind "$dir/data" "$dir/root/var/lib/mysql"
mount --rbind /dev "$dir/root/dev"
mount -t proc proc "$dir/root/proc"
exec chroot "$dir/root" "$@"
`

// command runs a program of the root file system with the folders in place.
func (l layout) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	argv := []string{"--mount", "--propagation", "private", "sh", "-c", enter, "sh", l.dir, l.rootfs, program}
	cmd := exec.CommandContext(ctx, "unshare", append(argv, args...)...)
	cmd.Env = innerEnv()
	return cmd
}

// innerEnv is the environment of programs that run inside a root file system.
func innerEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}
}

// StartServer starts a server with an empty data directory. args are added to
// its command line, also while it is initialised, so that options that are
// fixed then (lower-case-table-names) work. Any number of servers may run.
func (p *Parts) StartServer(ctx context.Context, flavour Flavour, args ...string) (*Server, error) {
	place, err := p.newLayout(ctx, flavour)
	if err != nil {
		return nil, err
	}
	if err := p.fill(ctx, flavour, place, args); err != nil {
		return nil, fmt.Errorf("initialise a %s server: %w", flavour, err)
	}
	pr, err := p.spawn(filepath.Base(place.dir), place.command(context.WithoutCancel(ctx), flavour.server(), flavour.options(args)...), time.Minute)
	if err != nil {
		return nil, err
	}
	s := &Server{Flavour: flavour, Socket: filepath.Join(place.run(), "mysqld.sock"), DataDir: place.data(), pr: pr}
	s.stop = sync.OnceValue(s.close)
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s, p.onClose(s.Close)
}

func (p *Parts) newLayout(ctx context.Context, flavour Flavour) (layout, error) {
	rootfs, err := p.RootFS(ctx, flavour)
	if err != nil {
		return layout{}, err
	}
	dir, err := p.folder(string(flavour))
	if err != nil {
		return layout{}, err
	}
	for _, name := range []string{"upper", "work", "root", "run", "data"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return layout{}, fmt.Errorf("make the folders of a %s server: %w", flavour, err)
		}
	}
	return layout{dir: dir, rootfs: rootfs}, nil
}

// fill makes the data directory: a copy of one that was initialised before or,
// with args, a new one.
func (p *Parts) fill(ctx context.Context, flavour Flavour, place layout, args []string) error {
	if len(args) > 0 {
		return initialise(ctx, flavour, place, args)
	}
	template, err := p.templates[flavour.index()].do(ctx, func(ctx context.Context) (string, error) {
		template, err := p.newLayout(ctx, flavour)
		if err != nil {
			return "", err
		}
		return template.data(), initialise(ctx, flavour, template, nil)
	})
	if err != nil {
		return err
	}
	_, err = output(exec.CommandContext(ctx, "cp", "-a", "--reflink=auto", template+"/.", place.data()))
	return err
}

func initialise(ctx context.Context, flavour Flavour, place layout, args []string) error {
	var cmd *exec.Cmd
	if flavour == MariaDB {
		cmd = place.command(ctx, "mariadb-install-db", append([]string{
			"--no-defaults", "--user=root",
			"--datadir=/var/lib/mysql", "--force", "--skip-test-db", "--auth-root-authentication-method=normal",
		}, args...)...)
	} else {
		cmd = place.command(ctx, "mysqld", append(flavour.options(args), "--initialize-insecure")...)
	}
	_, err := output(cmd)
	return err
}

func (f Flavour) server() string {
	if f == MariaDB {
		return "mariadbd"
	}
	return "mysqld"
}

// options are the server's command line. Nothing of the image's option files
// counts: the server is the neutral reference. Durability is off, for speed.
func (f Flavour) options(args []string) []string {
	options := []string{
		"--no-defaults", "--user=root", "--datadir=/var/lib/mysql", "--skip-networking",
		"--socket=/run/mysqld/mysqld.sock", "--pid-file=/run/mysqld/mysqld.pid",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--max-allowed-packet=1G", "--secure-file-priv=", "--local-infile=1",
	}
	if f == MySQL {
		options = append(options, "--mysqlx=OFF", "--disable-log-bin", "--innodb-redo-log-capacity=64M")
	}
	return append(options, args...)
}

func (s *Server) connect(ctx context.Context) error {
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr = "root", "unix", s.Socket
	config.MultiStatements, config.Logger = true, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	s.db = sql.OpenDB(connector)
	return s.pr.ready(ctx, s.db.PingContext)
}

// DB is a connection pool for root. It runs several statements at once when
// they are separated by semicolons. Close of the Server closes it.
func (s *Server) DB() *sql.DB { return s.db }

// Exec runs statements as root. Give it a trigger or a routine alone: MySQL
// keeps the semicolon that separates it from a next statement as part of it.
func (s *Server) Exec(ctx context.Context, statements string) error {
	_, err := s.db.ExecContext(ctx, statements)
	return err
}

// Client runs the flavour's command-line client as root with what stdin says
// and returns its output. A nil stdin is empty.
func (s *Server) Client(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := s.Command(ctx, s.Flavour.program("mysql"), args...)
	cmd.Stdin = stdin
	return output(cmd)
}

// Dump runs the flavour's dump program as root and writes the dump to w.
func (s *Server) Dump(ctx context.Context, w io.Writer, args ...string) error {
	cmd := s.Command(ctx, s.Flavour.program("mysqldump"), args...)
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, &stderr)
	}
	return nil
}

// Command is one of the base image's client programs, connected to the server
// as root, ready to be run.
func (s *Server) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	argv := []string{
		"--target", strconv.Itoa(s.pr.cmd.Process.Pid), "--mount", "--root", "--wd=/", "--",
		program, "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--user=root",
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(argv, args...)...)
	cmd.Env = innerEnv()
	return cmd
}

// program is what the flavour calls one of MySQL's client programs.
func (f Flavour) program(name string) string {
	if f == MariaDB {
		return map[string]string{"mysql": "mariadb", "mysqldump": "mariadb-dump"}[name]
	}
	return name
}

// Close stops the server, which must end in order; the data directory stays
// until the Parts are closed. The second call does nothing.
func (s *Server) Close() error { return s.stop() }

func (s *Server) close() error {
	err := errors.Join(s.db.Close(), s.pr.stop(time.Minute))
	if s.pr.err != nil {
		err = errors.Join(err, fmt.Errorf("the server did not end in order: %w\n%s", s.pr.err, tail(s.pr.logPath)))
	}
	return err
}

// ClientCommand is one of a base image's client programs ("mysql",
// "mysqldump"), ready to be run, for servers that are reached by TCP, such as
// one in a container. Option files are not read.
func (p *Parts) ClientCommand(ctx context.Context, flavour Flavour, program string, args ...string) (*exec.Cmd, error) {
	rootfs, err := p.RootFS(ctx, flavour)
	if err != nil {
		return nil, err
	}
	argv := append([]string{rootfs, flavour.program(program), "--no-defaults", "--protocol=tcp"}, args...)
	cmd := exec.CommandContext(ctx, "chroot", argv...)
	cmd.Env = innerEnv()
	return cmd, nil
}
