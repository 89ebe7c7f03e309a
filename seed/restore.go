package seed

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/spec"
)

// Restore makes the data directory that order asks for below dirs.Out: the data
// directory itself, its hard-linked twin for empty volumes, and the manifest.
// On an error nothing in dirs.Out is of use, and no process is left.
func Restore(ctx context.Context, order plan.Restore, dirs Dirs, tuning Tuning, emit event.Sink) (*manifest.Manifest, error) {
	dirs = dirs.withDefaults()
	r := &restore{order: order, dirs: dirs, tuning: tuning, emit: emit, started: time.Now()}
	r.manifest = &manifest.Manifest{
		Format:  manifest.FormatVersion,
		Server:  manifest.Server{Flavour: order.Base.Flavour, Version: order.Base.Version},
		DataDir: order.DataDir,
	}
	defer os.RemoveAll(dirs.Work)
	defer r.closeFilters()
	if err := r.makeFilters(ctx); err != nil {
		return nil, err
	}
	run := r.inOneServer
	if r.masksInServer() {
		run = r.inTwoServers
	}
	if err := run(ctx); err != nil {
		return nil, err
	}
	return r.manifest, r.seal()
}

// restore is the state of one Restore.
type restore struct {
	order    plan.Restore
	dirs     Dirs
	tuning   Tuning
	emit     event.Sink
	started  time.Time
	manifest *manifest.Manifest

	host
	// matched are the patterns of restore.databases that have matched.
	matched []string
	filter  filters

	mu sync.Mutex // guards manifest.Warnings
}

// dataDir is where the data directory lies while it is made.
func (r *restore) dataDir() string { return filepath.Join(r.dirs.Out, r.order.DataDir) }

func (r *restore) config() mysqld.Config {
	return mysqld.Config{
		Base:     r.order.Base,
		DataDir:  r.dataDir(),
		WorkDir:  r.dirs.Work,
		Settings: r.order.Server,
		Memory:   r.memory(),
	}
}

func (r *restore) warn(path, text string) {
	r.mu.Lock()
	r.manifest.Warnings = append(r.manifest.Warnings, text)
	r.mu.Unlock()
	r.emit(event.Warning{Path: path, Text: text})
}

// inOneServer restores into the data directory of the image.
func (r *restore) inOneServer(ctx context.Context) error {
	if err := r.initialize(ctx, r.config()); err != nil {
		return err
	}
	return r.serveImage(ctx, r.fill)
}

// serveImage runs the server of the image's data directory: fill brings the rows
// in, and all that comes behind them follows.
func (r *restore) serveImage(ctx context.Context, fill job) error {
	err := r.serve(ctx, r.config(), true, func(ctx context.Context, admin *sql.Conn) error {
		if err := fill(ctx, admin); err != nil {
			return err
		}
		return r.finish(ctx, admin)
	})
	if err != nil {
		return err
	}
	return mysqld.ShrinkRedo(ctx, r.config())
}

// fill restores all dumps.
func (r *restore) fill(ctx context.Context, _ *sql.Conn) error {
	if err := r.loadDumps(ctx); err != nil {
		return err
	}
	if err := r.checkPicks(); err != nil {
		return err
	}
	if err := r.checkRules(); err != nil {
		return err
	}
	return r.checkPolicy()
}

// finish does what comes when all rows are in.
func (r *restore) finish(ctx context.Context, admin *sql.Conn) error {
	if err := r.warnOfDefinitions(ctx, admin); err != nil {
		return err
	}
	if err := r.applyAccounts(ctx, admin); err != nil {
		return err
	}
	if err := r.runScripts(ctx, admin); err != nil {
		return err
	}
	if err := r.recount(ctx, admin); err != nil {
		return err
	}
	if err := r.verify(ctx, admin); err != nil {
		return err
	}
	if err := r.inspect(ctx, admin); err != nil {
		return err
	}
	r.emit(event.Phase{Name: "shrink the datadir"})
	return r.server.Shrink(ctx, admin)
}

// loadObject restores a dump that is one object.
func (r *restore) loadObject(ctx context.Context, object plan.Object) error {
	name := source.Display(object)
	r.emit(event.Phase{Name: r.phase(), Detail: name})
	src := source.New(source.Config{ContextDir: r.dirs.Context, SecretDir: r.dirs.Secrets})
	defer src.Close()
	stream, err := src.Open(ctx, object)
	if err != nil {
		return err
	}
	defer stream.Close()
	in, err := openDump(stream, name)
	if err != nil {
		return err
	}
	defer in.Close()
	loader, err := r.newLoader(ctx, name, in.scanner)
	if err != nil {
		return err
	}
	stop := r.report(name, stream, loader)
	err = loader.Run(ctx)
	stop()
	if err != nil || r.filter.collector != nil {
		return err
	}
	d := describeDump(object)
	if headers := in.scanner.Headers(); len(headers) > 0 {
		d.Tool, d.ServerVersion = headers[0].Tool, headers[0].ServerVersion
	}
	r.record(d, loader)
	return nil
}

// newLoader makes a load over sessions of its own.
func (r *restore) newLoader(ctx context.Context, name string, scanner *dump.Scanner) (*load.Loader, error) {
	if r.filter.collector != nil {
		return r.newSurvey(name, scanner), nil
	}
	session, err := r.session(ctx)
	if err != nil {
		return nil, err
	}
	lanes, err := r.lanes(ctx)
	if err != nil {
		return nil, err
	}
	return load.NewParallel(session, lanes, scanner, load.Options{
		Object:     name,
		Database:   r.order.Options.Database,
		SkipSystem: r.skipsSystem,
		Repair:     r.repairer,
		Wants:      r.wants,
		WantsRows:  r.wantsRows,
		Filters:    r.filter.all,
		Define:     r.filter.define,
		Continue:   r.order.Options.OnError == spec.OnErrorContinue,
		ChunkBytes: r.tuning.ChunkBytes,
		Warn:       func(text string) { r.warn("", text) },
	}), nil
}

// describeDump is what the manifest says of a dump's identity.
func describeDump(object plan.Object) manifest.Dump {
	d := manifest.Dump{
		From: source.Display(object), VersionID: object.VersionID, ETag: object.ETag, Size: object.Size,
	}
	if !object.Modified.IsZero() {
		d.Modified = object.Modified.UTC().Format(time.RFC3339)
	}
	return d
}

// record puts what a load did into the manifest.
func (r *restore) record(d manifest.Dump, loader *load.Loader) {
	m := r.manifest
	m.Dumps = append(m.Dumps, d)
	counts := loader.Counts()
	m.Rows += counts.Rows
	m.Statements += counts.Statements
	m.Skipped += counts.Skipped
	for _, t := range loader.Tables() {
		m.Tables = append(m.Tables, manifest.Table{
			Schema: t.Schema, Name: t.Name, Rows: t.Rows, Bytes: t.Bytes, Digest: t.Digest,
			Masked: t.Masked, Dropped: t.Dropped,
		})
		r.recordMask(t)
	}
	slices.SortStableFunc(m.Tables, func(a, b manifest.Table) int {
		return strings.Compare(a.Schema+"\x00"+a.Name, b.Schema+"\x00"+b.Name)
	})
}

// report sends progress every second until the function it returns is called,
// which sends the last one.
func (r *restore) report(name string, stream progress, loader *load.Loader) (stop func()) {
	send := func() {
		c := loader.Counts()
		r.emit(event.Progress{
			Object: name, Read: stream.Position(), Total: stream.Size(),
			Statements: c.Statements, Rows: c.Rows, Tables: c.Tables,
			Elapsed: time.Since(r.started),
		})
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				send()
				return
			case <-tick.C:
				send()
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
