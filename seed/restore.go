package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
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
	if err := r.initialize(ctx); err != nil {
		return nil, err
	}
	if err := r.serve(ctx); err != nil {
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

	server *mysqld.Server
	// opened are all sessions that a bake needs, in the order of their use.
	opened, unused []*sql.Conn
	db             *sql.DB
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

func (r *restore) initialize(ctx context.Context) error {
	r.emit(event.Phase{Name: "initialise", Detail: fmt.Sprintf("%s %s in %s", r.order.Base.Flavour, r.order.Base.Version, r.order.DataDir)})
	err := mysqld.Initialize(ctx, r.config())
	if exit := (*mysqld.ExitError)(nil); errors.As(err, &exit) && len(r.order.Server) > 0 {
		return at("server", fmt.Errorf("%w (the settings under server: hold while baking, too)", err))
	}
	return err
}

// serve runs the server for everything that needs one.
func (r *restore) serve(ctx context.Context) (err error) {
	r.emit(event.Phase{Name: "start the server"})
	r.server, err = mysqld.Start(ctx, r.config())
	if err != nil {
		return err
	}
	defer r.server.Kill()

	// Work ends at once when the server dies, and says so.
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-r.server.Exited():
			cancel(r.server.ExitErr())
		case <-work.Done():
		}
	}()
	if err := r.work(work); err != nil {
		return r.blame(work, err)
	}
	cancel(nil)
	r.emit(event.Phase{Name: "stop the server"})
	if err := r.server.Stop(ctx); err != nil {
		return err
	}
	return mysqld.ShrinkRedo(ctx, r.config())
}

// blame prefers the reason why work was given up over the errors that follow
// from it. A connection that broke is given a moment for the server's end to
// be noticed.
func (r *restore) blame(work context.Context, err error) error {
	if load.IsConnectionLost(err) {
		select {
		case <-r.server.Exited():
			return fmt.Errorf("%w (%w)", r.server.ExitErr(), err)
		case <-time.After(2 * time.Second):
		}
	}
	if cause := context.Cause(work); cause != nil {
		return cause
	}
	return err
}

func (r *restore) work(ctx context.Context) error {
	db, err := r.server.Open("")
	if err != nil {
		return err
	}
	defer db.Close()
	defer r.closeSessions()
	admin, err := r.openSessions(ctx, db)
	if err != nil {
		return err
	}
	if err := r.server.BeginBulk(ctx, admin); err != nil {
		return err
	}
	if err := r.loadDumps(ctx); err != nil {
		return err
	}
	if err := r.checkPicks(); err != nil {
		return err
	}
	if err := r.checkPolicy(); err != nil {
		return err
	}
	if err := r.applyAccounts(ctx, admin); err != nil {
		return err
	}
	if err := r.runScripts(ctx); err != nil {
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

// maxSessions bounds the sessions that are open at once. Each takes the server a
// thread and about a megabyte.
const maxSessions = 400

// openSessions opens, in the order of their use, the administrator's session
// and those of all dumps and scripts, and gives the first. All of them are there
// before the first statement runs: a dump may replace the accounts, and a session
// keeps the rights it began with. Only a bake of very many dumps has to do
// without.
func (r *restore) openSessions(ctx context.Context, db *sql.DB) (admin *sql.Conn, err error) {
	r.db = db
	admin, err = db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	r.opened = append(r.opened, admin)
	if err := r.server.OneRoot(ctx, admin); err != nil {
		return nil, err
	}
	wanted := len(plan.Dumps(r.order.Objects))*(2+2*r.laneCount()) + len(r.order.After)
	for range min(wanted, maxSessions) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, fmt.Errorf("open a session: %w", err)
		}
		r.opened = append(r.opened, conn)
		r.unused = append(r.unused, conn)
	}
	return admin, nil
}

// session gives the next session that nobody has used.
func (r *restore) session(ctx context.Context) (*sql.Conn, error) {
	if len(r.unused) > 0 {
		conn := r.unused[0]
		r.unused = r.unused[1:]
		return conn, nil
	}
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	r.opened = append(r.opened, conn)
	return conn, nil
}

// laneCount gives how many lanes load at once: one more than there are
// processors, since a lane waits for the server while the server works, and the
// server for the lane while that encodes.
func (r *restore) laneCount() int {
	if r.tuning.Lanes > 0 {
		return r.tuning.Lanes
	}
	return min(runtime.GOMAXPROCS(0)+1, 9)
}

// lanes gives the sessions for one parallel load, ready for use.
func (r *restore) lanes(ctx context.Context) (load.Lanes, error) {
	n := r.laneCount()
	conns := make([]*sql.Conn, 1+2*n)
	for i := range conns {
		var err error
		if conns[i], err = r.session(ctx); err != nil {
			return load.Lanes{}, err
		}
	}
	lanes := load.Lanes{Look: conns[0], Rows: conns[1 : 1+n], Keys: conns[1+n:]}
	return lanes, lanes.PrepareKeySessions(ctx)
}

func (r *restore) closeSessions() {
	for _, conn := range r.opened {
		conn.Close()
	}
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
