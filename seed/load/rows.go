package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// laneRows is the Rows that loads chunks of tables in parallel: it gathers the
// rows of a table into chunks, hands them to lanes, and has the keys of a large
// table built when its rows are in.
type laneRows struct {
	loader  *Loader
	lanes   Lanes
	pool    *pool
	targets map[string]*target
	current *target
	chunk   *chunk
	client  string    // the session's character_set_client, once asked for
	sifted  [2][]byte // rows behind filters, reused
}

var _ fileRows = (*laneRows)(nil)

// target is a table that rows go into. Fields below the line are guarded by
// the pool's lock.
type target struct {
	schema, name string
	info         *tableInfo
	table        *Table
	digest       hash.Hash
	opaque       bool   // some rows came in a form that has no digest
	sieve        *sieve // nil: rows stay as they are
	later        bool   // the digest is made by the lanes, which take turns

	// ----
	pending int       // tasks queued or running
	ended   bool      // no more rows are expected
	keys    *deferred // keys left out until the rows are in; nil: none
	inexact int       // chunks that had to go as SQL
	turns   int       // given out
	turn    int       // whose it is
}

// qualified names the table in SQL.
func (t *target) qualified() string { return QuoteName(t.schema) + "." + QuoteName(t.name) }

func newLaneRows(l *Loader, lanes Lanes) *laneRows {
	return &laneRows{loader: l, lanes: lanes, pool: newPool(len(lanes.Rows)), targets: map[string]*target{}}
}

func (r *laneRows) by(l *Loader) { r.loader = l }

// start runs the lanes; the function it returns ends them.
func (r *laneRows) start(ctx context.Context) (stop func()) {
	var lanes []*lane
	for i, conn := range r.lanes.Rows {
		lanes = append(lanes, &lane{id: i, rows: conn, keys: r.lanes.Keys[i]})
	}
	return r.pool.start(ctx, lanes)
}

// Skips reports whether a statement means nothing to rows that come over lanes:
// a lock of the session would shut the lanes out, and an InnoDB table has no keys
// to disable.
func (r *laneRows) Skips(st dump.Statement) bool {
	switch st.Kind {
	case dump.LockTables, dump.UnlockTables:
		return true
	case dump.AlterKeys:
		t := r.targets[tableKey(r.loader.schemaOf(st), st.Table)]
		return t != nil && t.info.innodb
	}
	return false
}

// Follow has the lanes execute a statement before the rows that come behind it.
func (r *laneRows) Follow(st dump.Statement) {
	r.flush(false)
	r.client = ""
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	r.pool.states = append(r.pool.states, string(st.Text))
}

// Put adds a statement's rows to the chunk of its table.
func (r *laneRows) Put(ctx context.Context, st dump.Statement) error {
	t, err := r.target(ctx, st)
	if err != nil {
		return err
	}
	values, plain := dump.ParseInsert(st.Text, st.Mode)
	plain = plain && values.Complete()
	t.table.filled = true
	if t.sieve != nil {
		return r.putSifted(ctx, t, st, values, plain)
	}
	if plain {
		t.add(values.Rows)
	} else {
		t.opaque = true
	}
	if !plain || !t.takesChunks(values) {
		return r.putInOrder(ctx, t, st)
	}
	return r.gather(ctx, t, part{statement: st, columns: values.Columns, hashed: true}, values.Head, values.Rows)
}

// gather adds a statement's rows to the chunk of their table.
func (r *laneRows) gather(ctx context.Context, t *target, p part, head, rows []byte) error {
	if r.chunk == nil {
		buffer, err := r.pool.takeBuffer()
		if err != nil {
			return err
		}
		r.chunk = &chunk{target: t, buffer: buffer, loader: r.loader, pool: r.pool}
	}
	r.chunk.add(p, head, rows)
	if len(r.chunk.buffer) >= r.loader.chunkBytes() {
		return r.flushLarge(ctx)
	}
	return nil
}

// takesChunks reports whether the rows of a statement come to the same whatever
// they are loaded with, and in which transaction. They do not where the server
// numbers them: the next AUTO_INCREMENT value depends on the statements' sizes.
func (t *target) takesChunks(v dump.Values) bool {
	if v.Replace || v.Ignore || !t.info.innodb || t.info.triggers {
		return false
	}
	columns, known := t.info.pick(v.Columns)
	return known && !t.info.numbersItself(columns)
}

// add counts rows' text and takes it into the digest.
func (t *target) add(rows []byte) {
	if t.digest == nil {
		t.digest = sha256.New()
	} else {
		t.digest.Write([]byte{','})
		t.table.Bytes++
	}
	t.digest.Write(rows)
	t.table.Bytes += int64(len(rows))
}

// target gives the table of a statement and makes it the current one.
func (r *laneRows) target(ctx context.Context, st dump.Statement) (*target, error) {
	schema := r.loader.schemaOf(st)
	if r.current != nil && r.current.name == st.Table && r.current.schema == schema {
		return r.current, nil
	}
	r.leave()
	t := r.targets[tableKey(schema, st.Table)]
	if t == nil {
		t = &target{schema: schema, name: st.Table, table: r.loader.table(st)}
		r.targets[tableKey(schema, st.Table)] = t
	}
	if err := r.finish(t); err != nil { // its rows were thought to be over
		return nil, err
	}
	if err := r.begin(ctx, t); err != nil {
		return nil, err
	}
	r.current = t
	return t, nil
}

// begin looks at a table that rows are about to go into.
func (r *laneRows) begin(ctx context.Context, t *target) error {
	info, err := describe(ctx, r.lanes.Look, t.schema, t.name)
	switch {
	case IsConnectionLost(err) || ctx.Err() != nil:
		return errors.Join(err, context.Cause(ctx))
	case err != nil && r.loader.options.Filters != nil && !isMissing(err):
		return fmt.Errorf("%s: %s.%s is no table whose definition dbake could read, so its rows cannot be changed or picked: %w", r.loader.options.Object, t.schema, t.name, err)
	case err != nil:
		// It is no table, or none that is there: the statement itself will
		// say so best. The zero info sends its rows over the session.
		info = &tableInfo{}
	}
	t.info = info
	if err := r.makeSieve(t); err != nil {
		return err
	}
	r.pool.mu.Lock()
	t.ended = false
	if info.empty {
		t.table.Rows, t.table.Bytes, t.digest, t.opaque = 0, 0, nil, false
	}
	r.pool.mu.Unlock()
	if err := r.loader.sessionState(ctx, info); err != nil {
		return err
	}
	if info.checksParents {
		return r.Wait(ctx) // every row must find its parent
	}
	return nil
}

// sessionState asks the session for what decides how rows may be loaded.
func (l *Loader) sessionState(ctx context.Context, info *tableInfo) error {
	var mode string
	var checks bool
	err := l.session.QueryRowContext(ctx, "SELECT @@sql_mode, @@foreign_key_checks").Scan(&mode, &checks)
	if err != nil {
		return fmt.Errorf("ask for the session's state: %w", err)
	}
	info.zeroIsValue = strings.Contains(mode, "NO_AUTO_VALUE_ON_ZERO")
	info.checksParents = checks && strings.Contains(info.create, " FOREIGN KEY (")
	return nil
}

// leave ends the current table: what is left of its rows goes to the lanes, and
// its keys are built when all of them are in.
func (r *laneRows) leave() {
	r.flush(true)
	r.current = nil
}

// flush hands the chunk to the lanes, where the order of rows shows only behind
// the chunk before it; ended says that the table has no more rows.
func (r *laneRows) flush(ended bool) {
	p := r.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := r.chunk; c != nil {
		if c.sifts() {
			c.turn = c.target.takeTurn()
		}
		p.queueRows(c.target, c, &c.state)
		r.chunk = nil
	}
	if t := r.current; t != nil && ended {
		t.ended = true
		p.queueKeys(t)
	}
	p.changed.Broadcast()
}

// flushLarge is flush for a full chunk: the table is a large one.
func (r *laneRows) flushLarge(ctx context.Context) error {
	if err := r.beginLarge(ctx, r.current); err != nil {
		return err
	}
	r.flush(false)
	return nil
}

// beginLarge leaves the keys of a large table out before its first rows go in.
func (r *laneRows) beginLarge(ctx context.Context, t *target) error {
	if !t.info.empty {
		return nil
	}
	t.info.empty = false
	return r.deferKeys(ctx, t)
}

// queueRows queues a chunk of a table's rows, behind the chunk before it where
// the order of rows shows, and notes in state what session state holds for it.
// Call it with the lock held.
func (p *pool) queueRows(t *target, chunk task, state *int) {
	for (t.info.serial || !t.info.innodb) && t.pending > 0 && p.err == nil {
		p.changed.Wait()
	}
	*state = len(p.states)
	t.pending++
	p.queue = append(p.queue, chunk)
	p.changed.Broadcast()
}

// queueKeys queues the building of a table's keys once its last row is in.
// Call it with the lock held.
func (p *pool) queueKeys(t *target) {
	if t.ended && t.pending == 0 && t.keys != nil {
		t.pending++
		p.queue = append(p.queue, &keyTask{target: t, keys: t.keys, pool: p})
		t.keys = nil
		p.changed.Broadcast()
	}
}

// taskDone records the end of a table's task.
func (p *pool) taskDone(t *target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.pending--
	p.queueKeys(t)
	p.changed.Broadcast()
}

// finish waits until a table has all its rows and keys.
func (r *laneRows) finish(t *target) error {
	return r.pool.waitUntil(func() bool { return t.pending == 0 && (t.keys == nil || !t.ended) })
}

// putInOrder runs a statement on the session, when everything before it is in:
// it may depend on keys, on triggers or on the rows themselves.
func (r *laneRows) putInOrder(ctx context.Context, t *target, st dump.Statement) error {
	r.flush(true)
	if err := r.finish(t); err != nil {
		return err
	}
	t.info.empty = false
	r.pool.mu.Lock()
	t.ended = false
	r.pool.mu.Unlock()
	n, err := r.loader.execute(ctx, t.info.withDefaults(st))
	if err != nil {
		return err
	}
	r.loader.counts.rows.Add(n)
	r.pool.mu.Lock()
	t.table.Rows += n
	r.pool.mu.Unlock()
	return nil
}

// WaitTable returns when a table has all the rows put so far, and its keys.
func (r *laneRows) WaitTable(_ context.Context, schema, table string) error {
	r.leave()
	t := r.targets[tableKey(schema, table)]
	if t == nil {
		return nil
	}
	return r.finish(t)
}

// Wait returns when every table is whole.
func (r *laneRows) Wait(context.Context) error {
	r.leave()
	for _, t := range r.targets {
		if err := r.finish(t); err != nil {
			return err
		}
		if t.digest != nil && !t.opaque {
			t.table.Digest = hex.EncodeToString(t.digest.Sum(nil))
		}
	}
	return nil
}
