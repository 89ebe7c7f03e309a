package seed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mysqld"
	"github.com/dbake/dbake/seed/plan"
)

// host is a running server with the sessions that work goes on in.
type host struct {
	server *mysqld.Server
	// opened are all sessions that a bake needs, in the order of their use.
	opened, unused []*sql.Conn
	db             *sql.DB
}

func (r *restore) initialize(ctx context.Context, c mysqld.Config) error {
	r.emit(event.Phase{Name: "initialise", Detail: fmt.Sprintf("%s %s in %s", r.order.Base.Flavour, r.order.Base.Version, r.order.DataDir)})
	err := mysqld.Initialize(ctx, c)
	if exit := (*mysqld.ExitError)(nil); errors.As(err, &exit) && len(r.order.Server) > 0 {
		return at("server", fmt.Errorf("%w (the settings under server: hold while baking, too)", err))
	}
	return err
}

// job is what is done in a server, with an administrator's session.
type job func(ctx context.Context, admin *sql.Conn) error

// serve runs a server for work. Meanwhile it is the restore's host. In the end it
// is stopped in good order, or killed when nobody needs its data directory.
func (r *restore) serve(ctx context.Context, c mysqld.Config, needed bool, work job) (err error) {
	r.emit(event.Phase{Name: "start the server"})
	before := r.host
	defer func() { r.host = before }()
	r.host = host{}
	r.server, err = mysqld.Start(ctx, c)
	if err != nil {
		return err
	}
	defer r.server.Kill()

	// Work ends at once when the server dies, and says so.
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	server := r.server
	go func() {
		select {
		case <-server.Exited():
			cancel(server.ExitErr())
		case <-watched.Done():
		}
	}()
	if err := r.work(watched, work); err != nil {
		return r.blame(watched, err)
	}
	cancel(nil)
	if !needed {
		return nil
	}
	r.emit(event.Phase{Name: "stop the server"})
	return r.server.Stop(ctx)
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

func (r *restore) work(ctx context.Context, work job) error {
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
	return work(ctx, admin)
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
	wanted := len(plan.Dumps(r.order.Objects))*(2+2*r.laneCount()) + len(r.order.After) + r.scriptsOfMasks()
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
