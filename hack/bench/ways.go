package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dbake/dbake/spec"
	"github.com/dbake/dbake/test/parts"
)

// way is one way to make a data directory of a dump.
type way struct {
	key, name, text string
	run             func(ctx context.Context, b *bench, p *parts.Parts) (sample, error)
}

// sample is one measurement.
type sample struct {
	// loaded is the time until the server had accepted the last statement,
	// total until it had stopped cleanly; both from the dump's file and no data
	// directory.
	loaded, total time.Duration
	datadir       int64 // bytes, as allocated on disk
	usage         usage
}

// measured is a way with its samples.
type measured struct {
	way     way
	samples []sample
	skipped string // why it could not be measured
}

// skipError says that a way cannot be measured on this machine.
type skipError struct{ reason string }

func (e *skipError) Error() string { return e.reason }

var ways = []way{
	{"a", "plain", "the base image's default server, `zcat dump \\| mysql`", plainWay},
	{"b", "tuned", "server tuned by hand (no binlog, no doublewrite, redo log disabled, 4 GB buffer pool), `zcat dump \\| mysql`", tunedWay},
	{"c", "myloader", "the same tuned server, Debian's myloader 0.10 with 2 threads on mydumper's dump", myloaderWay},
	{"d", "dbake", "`dbake-seed`, default settings", dbakeWay},
	{"e", "dbake, masks", "the same with 10 columns masked while they pass", maskedWay},
	{"f", "dbake, masks by SQL", "the same with 2 columns masked by `sql`, which takes a second server", sqlWay},
}

// defaultServer undoes what the test parts change of a server's defaults: they
// trade durability for speed, an image does not.
var defaultServer = []string{"--innodb-flush-log-at-trx-commit=1", "--innodb-redo-log-capacity=100M", "--log-bin=binlog"}

// tunedServer is what people set who know what they do; the redo log is
// disabled by a statement.
var tunedServer = []string{
	"--innodb-buffer-pool-size=4G", "--innodb-doublewrite=OFF", "--innodb-redo-log-capacity=1G",
	"--innodb-flush-method=O_DIRECT_NO_FSYNC", "--innodb-io-capacity=20000", "--innodb-io-capacity-max=40000",
	"--innodb-adaptive-hash-index=OFF", "--innodb-change-buffering=none", "--performance-schema=OFF",
	"--innodb-buffer-pool-dump-at-shutdown=OFF",
}

func plainWay(ctx context.Context, b *bench, p *parts.Parts) (sample, error) {
	return withServer(ctx, p, defaultServer, func(s *parts.Server) error { return b.client(ctx, s) })
}

func tunedWay(ctx context.Context, b *bench, p *parts.Parts) (sample, error) {
	return withServer(ctx, p, tunedServer, func(s *parts.Server) error {
		return withoutRedo(ctx, s, func() error { return b.client(ctx, s) })
	})
}

func myloaderWay(ctx context.Context, b *bench, p *parts.Parts) (sample, error) {
	if b.set.Mydumper != "" {
		return sample{}, &skipError{"there is no dump of mydumper: " + b.set.Mydumper}
	}
	program, err := exec.LookPath("myloader")
	if err != nil {
		return sample{}, &skipError{"myloader is not installed (Debian's package mydumper)"}
	}
	return withServer(ctx, p, tunedServer, func(s *parts.Server) error {
		return withoutRedo(ctx, s, func() error {
			cmd := exec.CommandContext(ctx, program, "--socket", s.Socket, "--user", "root",
				"--directory", b.set.MydumperDir(), "--threads", "2")
			out, err := cmd.CombinedOutput()
			// It exits with 0 whatever happens, and says so.
			if err != nil || strings.Contains(string(out), "CRITICAL") || strings.Contains(string(out), "Error") {
				return fmt.Errorf("myloader: %w\n%s", errors.Join(err, errors.New("it printed errors")), out)
			}
			return b.complete(ctx, s)
		})
	})
}

func dbakeWay(ctx context.Context, b *bench, p *parts.Parts) (sample, error) {
	return b.bake(ctx, p, nil)
}

// bake restores with dbake-seed.
func (b *bench) bake(ctx context.Context, p *parts.Parts, mask *spec.Mask) (sample, error) {
	seed, err := p.Seed(ctx)
	if err != nil {
		return sample{}, err
	}
	order := parts.Order{Dumps: []string{b.set.Dump()}, Mask: mask, Secrets: map[string]string{"mask_key": strings.Repeat("bench", 7)}}
	if b.options.env != "" {
		order.Env = strings.Split(b.options.env, ",")
	}
	baked, err := seed.Restore(ctx, parts.MySQL, order)
	if err != nil {
		return sample{}, err
	}
	if b.options.log {
		fmt.Fprint(b.out, baked.Log)
	}
	if baked.Manifest.Rows != b.set.Rows {
		return sample{}, fmt.Errorf("%d rows were loaded, the dump holds %d", baked.Manifest.Rows, b.set.Rows)
	}
	size, err := allocated(baked.DataDir())
	return sample{loaded: baked.Took, total: baked.Took, datadir: size}, err
}

// withServer initialises and starts a server, loads, and stops it.
func withServer(ctx context.Context, p *parts.Parts, args []string, load func(*parts.Server) error) (s sample, err error) {
	if _, err := p.RootFS(ctx, parts.MySQL); err != nil { // not to be measured
		return s, err
	}
	began := time.Now()
	server, err := p.StartServer(ctx, parts.MySQL, args...)
	if err != nil {
		return s, err
	}
	if err := load(server); err != nil {
		return s, err
	}
	s.loaded = time.Since(began)
	if err := server.Close(); err != nil {
		return s, err
	}
	s.total = time.Since(began)
	s.datadir, err = allocated(server.DataDir)
	return s, err
}

// withoutRedo loads with the redo log disabled.
func withoutRedo(ctx context.Context, s *parts.Server, load func() error) error {
	if err := s.Exec(ctx, "ALTER INSTANCE DISABLE INNODB REDO_LOG"); err != nil {
		return err
	}
	if err := load(); err != nil {
		return err
	}
	return s.Exec(ctx, "ALTER INSTANCE ENABLE INNODB REDO_LOG")
}

// client pipes the dump through zcat into the server's own client program, as
// the official entrypoint does.
func (b *bench) client(ctx context.Context, s *parts.Server) error {
	zcat := exec.CommandContext(ctx, "zcat", b.set.Dump())
	text, err := zcat.StdoutPipe()
	if err != nil {
		return err
	}
	if err := zcat.Start(); err != nil {
		return err
	}
	client := s.Command(ctx, "mysql")
	client.Stdin = text
	out, err := client.CombinedOutput()
	if err := errors.Join(err, zcat.Wait()); err != nil {
		return fmt.Errorf("zcat | mysql: %w\n%s", err, out)
	}
	return b.complete(ctx, s)
}

// complete makes sure that the largest table has all its rows, so that nobody is
// fast by leaving them out.
func (b *bench) complete(ctx context.Context, s *parts.Server) error {
	var rows int64
	if err := s.DB().QueryRowContext(ctx, "SELECT MAX(id) FROM bench.events").Scan(&rows); err != nil {
		return err
	}
	if rows != b.set.Events {
		return fmt.Errorf("the last event is %d, want %d", rows, b.set.Events)
	}
	return nil
}

// allocated gives the bytes a folder takes on disk; st_blocks counts 512-byte
// units (stat(2)).
func allocated(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			sum += st.Blocks * 512
		}
		return nil
	})
	return sum, err
}

// settle writes out what the last measurement left in the page cache, so that
// the next does not pay for it.
func settle() {
	syscall.Sync()
}
