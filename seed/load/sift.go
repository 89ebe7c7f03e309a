package load

import (
	"context"
	"fmt"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/rows"
)

// Rows pass their filters on two ways. Filters that need the rows of a table in
// order are asked by the goroutine that reads the dump. All others, masks above
// all, cost too much for one goroutine: the lanes ask them, each with Rewriters of
// its own, and only the digest of what comes out is made in the order of the
// dump, by turns.

// makeSieve makes the sieve of a table that rows are about to go into.
func (r *laneRows) makeSieve(t *target) (err error) {
	t.sieve = nil
	if r.loader.options.Filters == nil || t.info.create == "" {
		return nil
	}
	t.sieve, err = newSieve(r.loader.options.Filters, t.info.create, dump.Mode{Charset: "utf8mb4"}, t.schema, t.name)
	return err
}

// putSifted is Put for a table with filters.
func (r *laneRows) putSifted(ctx context.Context, t *target, st dump.Statement, v dump.Values, plain bool) error {
	columns, known := t.info.pick(v.Columns)
	if !plain || !known {
		t.opaque = true
		if err := t.sieve.siftUnread(); err != nil {
			return r.loader.statementError(st, err)
		}
		return r.putInOrder(ctx, t, st)
	}
	var err error
	if r.client == "" {
		if r.client, err = clientCharset(ctx, r.loader.session); err != nil {
			return err
		}
	}
	at := shapeOf(columns, dump.Mode{NoBackslashEscapes: st.Mode.NoBackslashEscapes, ANSIQuotes: st.Mode.ANSIQuotes, Charset: r.client})
	in, scratch, err := t.sieve.siftFirst(r.sifted[0], v.Rows, at, r.counter(t))
	r.sifted[0] = keep(scratch)
	if err != nil {
		return r.loader.statementError(st, err)
	}
	if len(in.text) == 0 {
		return nil
	}
	if !t.takesChunks(v) {
		return r.siftInOrder(ctx, t, st, v.Head, in)
	}
	p := part{statement: st, columns: v.Columns, shape: in.at}
	if in.rest {
		p.sieve, t.later = t.sieve, true
	}
	if p.hashed = !t.later; p.hashed {
		t.add(in.text)
	}
	return r.gather(ctx, t, p, v.Head, in.text)
}

// keep is a buffer that is kept for later, unless a giant row has blown it up.
func keep(buffer []byte) []byte {
	if cap(buffer) > keepable {
		return nil
	}
	return buffer
}

// counter counts what a Rewriter did with rows of a table.
func (r *laneRows) counter(t *target) func(rows.Rewriter, rows.Counts) {
	return func(w rows.Rewriter, n rows.Counts) {
		r.pool.mu.Lock()
		defer r.pool.mu.Unlock()
		t.table.count(w, n)
	}
}

// siftInOrder is putInOrder for rows that some filters have not seen.
func (r *laneRows) siftInOrder(ctx context.Context, t *target, st dump.Statement, head []byte, in sifted) error {
	text, err := t.sieve.siftRest(append(r.sifted[1][:0], head...), in, r.counter(t))
	r.sifted[1] = keep(text)
	if err != nil {
		return r.loader.statementError(st, err)
	}
	if len(text) == len(head) {
		return nil
	}
	r.flush(true)
	if err := r.finish(t); err != nil { // the digest has what came before
		return err
	}
	t.add(text[len(head):])
	st.Text = text
	return r.putInOrder(ctx, t, st)
}

// takeTurn gives a chunk its turn. Call it with the lock held.
func (t *target) takeTurn() int {
	t.turns++
	return t.turns - 1
}

// inTurn waits for a chunk's turn, and has what is done in it known to be done.
// Chunks are queued in the order of their turns, so the one before is being worked
// on.
func (p *pool) inTurn(t *target, turn int, do func()) error {
	if err := p.waitUntil(func() bool { return t.turn == turn }); err != nil {
		return err
	}
	do()
	p.mu.Lock()
	defer p.mu.Unlock()
	t.turn++
	p.changed.Broadcast()
	return nil
}

// sifter is the Rewriter that a lane used last.
type sifter struct {
	sieve *sieve
	shape shape
	file  *textFormat
	rows.Rewriter
}

// values gives the lane's Rewriter for rows of statements.
func (s *sifter) values(of *sieve, at shape) (rows.Rewriter, error) {
	if s.sieve != of || s.shape != at || s.file != nil {
		r, err := of.values(of.rest, at)
		if err != nil {
			return nil, err
		}
		*s = sifter{sieve: of, shape: at, Rewriter: r}
	}
	return s.Rewriter, nil
}

// sifts reports whether the lane that loads the chunk has to look at its rows.
func (c *chunk) sifts() bool {
	for _, p := range c.parts {
		if !p.hashed {
			return true
		}
	}
	return false
}

// sift asks the filters that have not seen the chunk's rows. Statements without
// rows go.
func (c *chunk) sift(l *lane) error {
	if !c.sifts() {
		return nil
	}
	out, parts := l.spare[:0], c.parts[:0]
	for _, p := range c.parts {
		q := p
		q.from = len(out)
		out = append(out, c.buffer[p.from:p.rows]...)
		q.rows = len(out)
		var err error
		if out, err = c.siftPart(l, out, p); err != nil {
			st := p.statement
			st.Text = c.buffer[p.from:p.to]
			return c.loader.statementError(st, err)
		}
		if q.to = len(out); q.to == q.rows {
			out = out[:q.from]
			continue
		}
		parts = append(parts, q)
	}
	c.parts = parts
	l.spare, c.buffer = keep(c.buffer), out
	return c.pool.inTurn(c.target, c.turn, func() {
		for _, p := range c.parts {
			if !p.hashed {
				c.target.add(c.buffer[p.rows:p.to])
			}
		}
	})
}

func (c *chunk) siftPart(l *lane, out []byte, p part) ([]byte, error) {
	text := c.buffer[p.rows:p.to]
	if p.sieve == nil {
		return append(out, text...), nil
	}
	r, err := l.sifter.values(p.sieve, p.shape)
	if err != nil || r == nil {
		return append(out, text...), err
	}
	out, n, err := r.Append(out, text)
	if err == nil {
		c.pool.mu.Lock()
		c.target.table.count(r, n)
		c.pool.mu.Unlock()
	}
	return out, err
}

// siftStatement asks all filters about a statement that the session is to execute,
// and gives its text; nil when no row is left.
func (l *Loader) siftStatement(ctx context.Context, st dump.Statement) ([]byte, error) {
	s, err := l.sessionSieve(ctx, st)
	if err != nil || s == nil {
		return st.Text, err
	}
	v, plain := dump.ParseInsert(st.Text, st.Mode)
	if !plain || !v.Complete() {
		return st.Text, s.siftUnread()
	}
	at := shape{mode: st.Mode}
	if at.mode.Charset, err = clientCharset(ctx, l.session); err != nil {
		return nil, err
	}
	if at.columns, err = s.named(v.Columns); err != nil {
		return nil, err
	}
	count := l.table(st).count
	in, _, err := s.siftFirst(nil, v.Rows, at, count)
	if err != nil || len(in.text) == 0 {
		return nil, err
	}
	text, err := s.siftRest(append([]byte(nil), v.Head...), in, count)
	if err != nil || len(text) == len(v.Head) {
		return nil, err
	}
	return text, nil
}

// sessionSieve gives the sieve of a statement's table, as the session sees it; nil
// when there is no such table.
func (l *Loader) sessionSieve(ctx context.Context, st dump.Statement) (*sieve, error) {
	key := tableKey(l.schemaOf(st), st.Table)
	if s, known := l.sieves[key]; known {
		return s, nil
	}
	name := QuoteName(st.Table)
	if schema := l.schemaOf(st); schema != "" {
		name = QuoteName(schema) + "." + name
	}
	var table, create string
	err := l.session.QueryRowContext(ctx, "SHOW CREATE TABLE "+name).Scan(&table, &create)
	switch {
	case isMissing(err):
		return nil, nil //nolint:nilnil // see above
	case err != nil:
		return nil, fmt.Errorf("it is no table whose definition dbake could read, so its rows cannot be changed or picked: %w", err)
	}
	mode := st.Mode
	mode.Charset = "utf8mb4"
	s, err := newSieve(l.options.Filters, create, mode, l.schemaOf(st), st.Table)
	if err != nil {
		return nil, err
	}
	if l.sieves == nil {
		l.sieves = map[string]*sieve{}
	}
	l.sieves[key] = s
	return s, nil
}

// named gives the columns that a statement with this list fills; without a list all
// that are visible.
func (s *sieve) named(list []string) (string, error) {
	if list == nil {
		for _, c := range s.table.Columns {
			if !c.Invisible {
				list = append(list, c.Name)
			}
		}
	}
	columns := make([]columnInfo, len(list))
	for i, name := range list {
		c := s.table.Column(name)
		if c == nil {
			return "", fmt.Errorf("it fills a column %s that the table has not", name)
		}
		columns[i].name = c.Name
	}
	return shapeOf(columns, dump.Mode{}).columns, nil
}
