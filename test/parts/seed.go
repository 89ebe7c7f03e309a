package parts

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// Seed is the agent that makes data directories inside builds, for tests of
// what it makes without a build around it.
type Seed struct {
	parts   *Parts
	program string
}

// Seed compiles the agent from the clone's sources. Keep the result: each call
// compiles anew.
func (p *Parts) Seed(ctx context.Context) (*Seed, error) {
	repo, err := p.Repo(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := p.folder("agent")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "dbake-seed")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", program, "./cmd/dbake-seed")
	cmd.Dir, cmd.Env = repo, append(os.Environ(), "CGO_ENABLED=0")
	if _, err := output(cmd); err != nil {
		return nil, fmt.Errorf("compile the agent: %w", err)
	}
	return &Seed{parts: p, program: program}, nil
}

// Order is what to restore, as a dbake.yaml says it.
type Order struct {
	// Dumps are files and dump folders on this machine, restored one after the
	// other.
	Dumps []string
	// Options left empty are a dbake.yaml's defaults.
	Options  spec.Restore
	Server   spec.Settings
	Accounts spec.Accounts
	// Env tunes the agent, as NAME=value: see cmd/dbake-seed.
	Env []string
	// Mask may name a secret as its key.
	Mask *spec.Mask
	// Secrets are the values that Accounts and Mask name.
	Secrets map[string]string
	Verify  []string
}

// Baked is a data directory that the agent made.
type Baked struct {
	Manifest manifest.Manifest
	// Log is what the agent printed.
	Log string
	// Took is the time of the restore step.
	Took time.Duration

	parts   *Parts
	flavour Flavour
	place   layout
}

// enterSeed is enter for the agent: its folders stand where a build's mounts
// would.
const enterSeed = `set -e
dir=$1 rootfs=$2
shift 2
mount -t overlay overlay -o "lowerdir=$rootfs,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
mkdir -p "$dir/root/run/dbake" "$dir/root/run/secrets"
mount --bind "$dir/data/dbake" "$dir/root/run/dbake"
mount --bind "$dir/data/secrets" "$dir/root/run/secrets"
mount --rbind /dev "$dir/root/dev"
mount -t proc proc "$dir/root/proc"
mount -t tmpfs tmpfs "$dir/root/run/dbake/tmp"
exec chroot "$dir/root" "$@"
`

// Restore makes a data directory out of dumps, the way a build's steps do, in
// the flavour's base image. A *plan.Failure in the error's chain is what the
// user of a build would be shown.
func (s *Seed) Restore(ctx context.Context, flavour Flavour, order Order) (*Baked, error) {
	place, err := s.parts.newLayout(ctx, flavour)
	if err != nil {
		return nil, err
	}
	b := &Baked{parts: s.parts, flavour: flavour, place: place}
	query, err := s.prepare(b, order)
	if err != nil {
		return nil, fmt.Errorf("prepare a restore: %w", err)
	}
	if err := s.step(ctx, b, order.Env, "resolve", plan.ResolveFile, query); err != nil {
		return nil, err
	}
	var resolved plan.Resolved
	if err := readJSON(b.path(plan.StatusDir, plan.ResolvedFile), &resolved); err != nil {
		return nil, err
	}
	began := time.Now()
	err = s.step(ctx, b, order.Env, "restore", plan.RestoreFile, plan.Restore{
		Objects: resolved.Objects, Base: resolved.Base, DataDir: "/data/mysql",
		Options: withDefaults(order.Options), Server: order.Server, Accounts: order.Accounts, Verify: order.Verify,
		Mask: order.Mask, KeyCheck: resolved.KeyCheck,
	})
	if err != nil {
		return nil, err
	}
	b.Took = time.Since(began)
	return b, readJSON(b.path(plan.OutDir, plan.ManifestPath), &b.Manifest)
}

// withDefaults gives the options what the parser of a dbake.yaml would.
func withDefaults(o spec.Restore) spec.Restore {
	o.System = cmp.Or(o.System, spec.SystemAuto)
	o.Definer = cmp.Or(o.Definer, spec.DefinerKeep)
	o.OnError = cmp.Or(o.OnError, spec.OnErrorFail)
	return o
}

// DataDir is the data directory on this machine, until Serve takes it over.
func (b *Baked) DataDir() string { return b.path(plan.OutDir, "data/mysql") }

// path is where a file of the agent's lies on this machine.
func (b *Baked) path(names ...string) string {
	return filepath.Join(b.place.data(), "dbake", path.Join(names...)[len("/run/dbake"):])
}

// prepare makes the agent's folders and puts dumps and secrets into them.
func (s *Seed) prepare(b *Baked, order Order) (plan.Resolve, error) {
	query := plan.Resolve{DataDir: "/data/mysql"}
	if order.Mask != nil && order.Mask.Key != nil {
		query.MaskKey = order.Mask.Key.Secret
	}
	secrets := filepath.Join(b.place.data(), "secrets")
	for _, dir := range []string{
		b.path(plan.AgentDir), b.path(plan.PlanDir), b.path(plan.ContextDir), b.path(plan.OutDir),
		b.path(plan.StatusDir), b.path(plan.TempDir), secrets,
	} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return query, err
		}
	}
	for id, value := range order.Secrets {
		if err := os.WriteFile(filepath.Join(secrets, id), []byte(value), 0o600); err != nil {
			return query, err
		}
	}
	if err := os.Link(s.program, b.path(plan.AgentDir, "dbake-seed")); err != nil {
		return query, err
	}
	for i, file := range order.Dumps {
		name := fmt.Sprintf("%02d-%s", i, filepath.Base(file))
		if err := linkOrCopy(file, b.path(plan.ContextDir, name)); err != nil {
			return query, err
		}
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			name += "/"
		}
		location, err := spec.ParseLocation(name)
		if err != nil {
			return query, err
		}
		query.Dumps = append(query.Dumps, spec.Dump{From: name, Location: location})
	}
	return query, nil
}

// step runs one of the agent's commands on its order.
func (s *Seed) step(ctx context.Context, b *Baked, env []string, command, file string, order any) error {
	text, err := json.Marshal(order)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.path(plan.PlanDir, file), text, 0o644); err != nil {
		return fmt.Errorf("write the order of the %s step: %w", command, err)
	}
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
		"sh", "-c", enterSeed, "sh", b.place.dir, b.place.rootfs, plan.AgentDir+"/dbake-seed", command)
	cmd.Env = append(append(innerEnv(), marker+"="+s.parts.root), env...)
	out, err := cmd.CombinedOutput()
	b.Log += string(out)
	var failure plan.Failure
	if readErr := readJSON(b.path(plan.StatusDir, plan.ErrorFile), &failure); readErr == nil {
		return fmt.Errorf("%s on %s: %s\n%s", command, b.flavour, failure.Message, b.Log)
	}
	if err != nil {
		return fmt.Errorf("%s on %s: %w\n%s", command, b.flavour, err, b.Log)
	}
	return nil
}

// Serve starts a server on the baked data directory, once: the directory
// becomes the server's. Its DB connects as root with the password that the
// directory's root has. args are as for StartServer.
func (b *Baked) Serve(ctx context.Context, password string, args ...string) (*Server, error) {
	place, err := b.parts.newLayout(ctx, b.flavour)
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.Remove(place.data()), os.Rename(b.path(plan.OutDir, "data/mysql"), place.data()))
	if err != nil {
		return nil, fmt.Errorf("take over the baked data directory: %w", err)
	}
	// The hard links that fill empty volumes must not share the server's writes.
	if err := os.RemoveAll(b.path(plan.OutDir)); err != nil {
		return nil, fmt.Errorf("remove what is left of the bake: %w", err)
	}
	command := place.command(context.WithoutCancel(ctx), b.flavour.server(), b.flavour.options(args)...)
	pr, err := b.parts.spawn(filepath.Base(place.dir), command, time.Minute)
	if err != nil {
		return nil, err
	}
	s := &Server{Flavour: b.flavour, Socket: filepath.Join(place.run(), "mysqld.sock"), DataDir: place.data(), pr: pr}
	s.stop = sync.OnceValue(s.close)
	if s.db, err = OpenSocket(s.Socket, "root", password); err != nil {
		return nil, err
	}
	if err := pr.ready(ctx, s.db.PingContext); err != nil {
		return nil, err
	}
	return s, b.parts.onClose(s.Close)
}

// OpenSocket is a connection pool to a server's Unix socket. It runs several
// statements at once when they are separated by semicolons. The caller closes
// it.
func OpenSocket(socket, user, password string) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.Net, config.Addr = user, password, "unix", socket
	config.MultiStatements, config.Logger = true, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// linkOrCopy puts a file or folder at another place, without a copy where that is
// possible.
func linkOrCopy(from, to string) error {
	if err := os.Link(from, to); err == nil {
		return nil
	}
	_, err := output(exec.Command("cp", "-r", "--reflink=auto", from, to)) //nolint:noctx // a local copy
	return err
}

func readJSON(name string, into any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read what the agent wrote: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}
