package export

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/seed/event"
)

// snapshot is a set of sessions that see the same moment.
type snapshot struct {
	// control reads definitions, readers rows. Where the account cannot make
	// several sessions see one moment, they are the same session.
	control *session
	readers []*session

	databases       []*database
	position, gtids string
	taken           time.Time
	how             string
}

// Numbers of errors of the server (mysqld's errmsg list).
const (
	errDatabaseDenied   = 1044
	errAccessDenied     = 1045
	errNoSuchTable      = 1146
	errTableDenied      = 1142
	errLockWait         = 1205
	errSpecificDenied   = 1227
	errDefinition       = 1412
	errViewInvalid      = 1356
	errUnknownTable     = 1109
	errBadField         = 1054
	errUnknownDatabase  = 1049
	errReadOnly         = 1290
	errStatementTimeout = 3024
)

// maxMoments is how often a snapshot is tried when tables come and go.
const maxMoments = 5

// open connects and makes the sessions see one moment.
func open(ctx context.Context, connector driver.Connector, o Options, sink event.Sink) (*snapshot, error) {
	snap := &snapshot{}
	ok := false
	defer func() {
		if !ok {
			snap.close()
		}
	}()
	var err error
	if snap.control, err = connect(ctx, connector); err != nil {
		return nil, err
	}
	snap.readers = make([]*session, o.Connections)
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range snap.readers {
		group.Go(func() (err error) {
			snap.readers[i], err = connect(groupCtx, connector)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for range maxMoments {
		if snap.databases, err = snap.control.catalogue(ctx, o); err != nil {
			return nil, explain(err)
		}
		if err := snap.take(ctx, o, sink); err != nil {
			return nil, err
		}
		now, err := snap.control.catalogue(ctx, o)
		if err != nil {
			return nil, explain(err)
		}
		if sameTables(snap.databases, now) {
			snap.warnEngines(o, sink)
			err := snap.save(ctx)
			ok = err == nil
			return snap, err
		}
	}
	return nil, fmt.Errorf("%w: tables were made or dropped all the time while the dump began; try again", ErrDefinitionChanged)
}

// sessions lists every session once.
func (snap *snapshot) sessions() []*session {
	if len(snap.readers) == 1 && snap.readers[0] == snap.control {
		return snap.readers
	}
	return append([]*session{snap.control}, snap.readers...)
}

func (snap *snapshot) close() {
	for _, s := range snap.sessions() {
		if s != nil {
			s.close()
		}
	}
}

// way is one way to make sessions see one moment. It returns false when the
// account or the server does not allow it.
type way func(ctx context.Context, snap *snapshot, o Options) (bool, error)

// take makes the sessions see one moment, by the first way that is allowed.
func (snap *snapshot) take(ctx context.Context, o Options, sink event.Sink) error {
	for _, w := range []way{byGlobalLock, byBinlogSnapshot, byTableLocks} {
		done, err := w(ctx, snap, o)
		if err != nil {
			return err
		}
		if done {
			snap.taken = time.Now().UTC()
			return nil
		}
	}
	sink(event.Warning{Text: "this account can lock neither the server (RELOAD) nor the tables (LOCK TABLES), so one connection reads everything: the dump is consistent, and slower"})
	for _, s := range snap.readers {
		s.close()
	}
	snap.readers = []*session{snap.control}
	snap.how, snap.taken = "one connection", time.Now().UTC()
	return snap.begin(ctx)
}

// begin starts the transactions, all at once: nobody's writes shall wait long.
func (snap *snapshot) begin(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range snap.sessions() {
		group.Go(func() error {
			if err := s.exec(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"); err != nil {
				return fmt.Errorf("start the snapshot: %w", err)
			}
			return nil
		})
	}
	return group.Wait()
}

// save sets the savepoints that release returns to.
func (snap *snapshot) save(ctx context.Context) error {
	for _, s := range snap.sessions() {
		if err := s.exec(ctx, "SAVEPOINT dbake"); err != nil {
			return fmt.Errorf("start the snapshot: %w", err)
		}
		s.saved = true
	}
	return nil
}

// refused says whether the server does not let this account do something, or
// not now.
func refused(err error) bool {
	switch numberOf(err) {
	case errDatabaseDenied, errAccessDenied, errTableDenied, errSpecificDenied, errLockWait, errReadOnly, errStatementTimeout:
		return true
	}
	return false
}

// locked runs f while a lock is held that lock takes and unlock gives back.
func (snap *snapshot) locked(ctx context.Context, o Options, lock, unlock string, f func() error) (bool, error) {
	wait := fmt.Sprintf("SET SESSION lock_wait_timeout = %d", max(int(o.LockWait/time.Second), 1))
	if err := snap.control.exec(ctx, wait); err != nil {
		return false, err
	}
	if err := snap.control.exec(ctx, lock); err != nil {
		if refused(err) {
			return false, nil
		}
		return false, fmt.Errorf("lock for the snapshot's start: %w", err)
	}
	err := f()
	// When the session is gone, so is the lock.
	return true, errors.Join(err, snap.control.exec(ctx, unlock), snap.control.exec(ctx, "SET SESSION lock_wait_timeout = DEFAULT"))
}

// byGlobalLock holds FLUSH TABLES WITH READ LOCK while all transactions start.
// It needs RELOAD, which managed servers such as RDS do not give.
func byGlobalLock(ctx context.Context, snap *snapshot, o Options) (bool, error) {
	snap.how = "global read lock"
	// UNLOCK TABLES does not end a transaction that began under this lock.
	return snap.locked(ctx, o, "FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES", func() error {
		snap.readPosition(ctx)
		return snap.begin(ctx)
	})
}

// byBinlogSnapshot starts transactions without any lock until all of them have
// begun at one position of the binary log, which MariaDB tells for each.
func byBinlogSnapshot(ctx context.Context, snap *snapshot, _ Options) (bool, error) {
	snap.how = "same binary log position"
	if !snap.control.mariadb {
		return false, nil
	}
	const tries = 20
	for range tries {
		if err := snap.begin(ctx); err != nil {
			return false, err
		}
		first, same := "", true
		for i, s := range snap.sessions() {
			position, err := s.binlogSnapshot(ctx)
			if err != nil {
				return false, err
			}
			if position == "" {
				return false, nil
			}
			if i == 0 {
				first = position
			}
			same = same && position == first
		}
		if same {
			snap.position = first
			return true, nil
		}
	}
	return false, nil
}

func (s *session) binlogSnapshot(ctx context.Context) (string, error) {
	records, err := s.query(ctx, "SHOW STATUS LIKE 'binlog_snapshot_%'")
	if err != nil {
		return "", err
	}
	values := map[string]string{}
	for _, r := range records {
		values[strings.ToLower(r.text("variable_name"))] = r.text("value")
	}
	if values["binlog_snapshot_file"] == "" {
		return "", nil
	}
	return values["binlog_snapshot_file"] + ":" + values["binlog_snapshot_position"], nil
}

// byTableLocks holds read locks on all tables that are dumped while the readers'
// transactions start. It waits for transactions that have written to them, so
// that none can commit between two readers.
func byTableLocks(ctx context.Context, snap *snapshot, o Options) (bool, error) {
	snap.how = "read locks on tables"
	var names []string
	for _, db := range snap.databases {
		for _, t := range db.tables {
			if t.kind == kindTable {
				names = append(names, t.quoted()+" READ")
			}
		}
	}
	if len(names) == 0 {
		return false, nil
	}
	done, err := snap.locked(ctx, o, "LOCK TABLES "+strings.Join(names, ", "), "UNLOCK TABLES", func() error {
		snap.readPosition(ctx)
		return snap.beginReaders(ctx)
	})
	if err != nil || !done {
		return false, err
	}
	// LOCK TABLES and a transaction exclude each other in one session; the
	// control session reads no rows, so that its own moment may be later.
	return true, snap.control.exec(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
}

func (snap *snapshot) beginReaders(ctx context.Context) error {
	readers := &snapshot{control: snap.readers[0], readers: snap.readers[1:]}
	return readers.begin(ctx)
}

// readPosition notes where the binary log is; that needs REPLICATION CLIENT.
func (snap *snapshot) readPosition(ctx context.Context) {
	s := snap.control
	for _, show := range []string{"SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"} {
		records, err := s.query(ctx, show)
		if err == nil && len(records) == 1 {
			snap.position = records[0].text("file") + ":" + records[0].text("position")
			snap.gtids = strings.ReplaceAll(records[0].text("executed_gtid_set"), "\n", "")
			break
		}
	}
	if s.mariadb && snap.position != "" {
		if records, err := s.query(ctx, "SELECT @@GLOBAL.gtid_binlog_pos AS gtids"); err == nil && len(records) == 1 {
			snap.gtids = records[0].text("gtids")
		}
	}
}

// warnEngines names the tables that no snapshot holds.
func (snap *snapshot) warnEngines(o Options, sink event.Sink) {
	var names []string
	for _, db := range snap.databases {
		for _, t := range db.tables {
			if o.wantsRows(t) && !t.innodb() {
				names = append(names, t.qualified())
			}
		}
	}
	if len(names) == 0 {
		return
	}
	const most = 5
	list := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	sink(event.Warning{Text: "not InnoDB, so rows written during the dump may be in it or not: " + list})
}
