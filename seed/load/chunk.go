package load

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/dump"
)

// chunk is a run of INSERT statements for one table, loaded in one transaction.
type chunk struct {
	target *target
	loader *Loader
	pool   *pool
	buffer []byte
	parts  []part
	state  int // how many of the pool's states hold for it
	turn   int // among the chunks of the table that lanes sift
}

// part is one statement of a chunk. Its text lies in the chunk's buffer.
type part struct {
	statement      dump.Statement // Text is empty
	from, rows, to int            // the statement's text, and where its rows begin
	columns        []string
	hashed         bool   // the digest has its rows
	sieve          *sieve // of filters that have not seen its rows; nil: none
	shape          shape  // of its rows, for the sieve
}

// add copies a statement into the chunk: its head and its rows.
func (c *chunk) add(p part, head, rows []byte) {
	p.from = len(c.buffer)
	c.buffer = append(append(c.buffer, head...), rows...)
	p.rows, p.to = p.from+len(head), len(c.buffer)
	p.statement.Text = nil
	c.parts = append(c.parts, p)
}

// run loads the chunk over a lane.
func (c *chunk) run(ctx context.Context, l *lane) error {
	err := c.load(ctx, l)
	c.pool.mu.Lock()
	c.pool.giveBuffer(c.buffer)
	c.pool.mu.Unlock()
	if err != nil {
		return err
	}
	c.pool.taskDone(c.target)
	return nil
}

// load tries LOAD DATA for all rows of the chunk. Where that is not exactly what
// the statements would do, it rolls back, and the statements run themselves:
// they know best what their rows mean and how they fail.
func (c *chunk) load(ctx context.Context, l *lane) error {
	if err := c.sift(l); err != nil || len(c.parts) == 0 {
		return err
	}
	if err := l.follow(ctx, c.pool, c.state); err != nil {
		return err
	}
	rows, err := c.loadAsText(ctx, l)
	if cap(l.text) > keepable {
		l.text = nil
	}
	var retry *notAsTextError
	switch {
	case err == nil:
		c.count(rows, int64(len(c.parts)))
		return nil
	case errors.As(err, &retry):
		return c.loadAsSQL(ctx, l)
	}
	return c.describe(err)
}

// notAsTextError says why a chunk cannot be loaded as text.
type notAsTextError struct{ reason string }

func (e *notAsTextError) Error() string { return e.reason }

// tooInexact is after how many chunks in vain a table's rows go as SQL at once.
const tooInexact = 3

// loadAsText gives the number of rows loaded, or a *notAsTextError after which
// nothing of the chunk is in the table.
func (c *chunk) loadAsText(ctx context.Context, l *lane) (int64, error) {
	t := c.target
	c.pool.mu.Lock()
	skip := t.inexact >= tooInexact
	c.pool.mu.Unlock()
	if skip {
		return 0, &notAsTextError{"earlier rows of the table could not be"}
	}
	statement, rows, err := c.encode(ctx, l)
	if err == nil {
		err = l.loadText(ctx, statement, rows)
	}
	var retry *notAsTextError
	if errors.As(err, &retry) {
		c.pool.mu.Lock()
		t.inexact++
		c.pool.mu.Unlock()
	}
	return rows, err
}

// encode turns the chunk's rows into text in l.text and gives the statement
// that loads it.
func (c *chunk) encode(ctx context.Context, l *lane) (statement string, rows int64, err error) {
	columns, ok := c.columns()
	if !ok {
		return "", 0, &notAsTextError{"its statements fill different columns"}
	}
	charset, err := l.connectionCharset(ctx)
	if err != nil {
		return "", 0, err
	}
	types, names := make([]dump.Column, len(columns)), make([]string, len(columns))
	for i, col := range columns {
		types[i], names[i] = col.column, col.name
	}
	encoder, err := dump.NewEncoder(types, charset, c.parts[0].statement.Mode)
	if err != nil {
		return "", 0, &notAsTextError{err.Error()}
	}
	format, err := encoder.Format(names)
	if err != nil {
		return "", 0, &notAsTextError{err.Error()}
	}
	l.text = l.text[:0]
	for _, p := range c.parts {
		var n int
		l.text, _, n, err = encoder.Append(l.text, c.buffer[p.rows:p.to], int(^uint(0)>>1))
		if err != nil {
			return "", 0, &notAsTextError{err.Error()}
		}
		rows += int64(n)
	}
	return "INTO TABLE " + c.target.qualified() + " " + format, rows, nil
}

// columns gives the columns that all statements of the chunk fill.
func (c *chunk) columns() ([]columnInfo, bool) {
	first := c.parts[0]
	for _, p := range c.parts[1:] {
		if !equalStrings(p.columns, first.columns) || p.statement.Mode != first.statement.Mode {
			return nil, false
		}
	}
	return c.target.info.pick(first.columns)
}

func equalStrings(a, b []string) bool {
	if len(a) != len(b) || (a == nil) != (b == nil) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// loadAsSQL runs the chunk's statements one by one.
func (c *chunk) loadAsSQL(ctx context.Context, l *lane) error {
	for _, p := range c.parts {
		st := p.statement
		st.Text = c.buffer[p.from:p.to]
		st = c.target.info.withDefaults(st)
		n, err := c.loader.executeOn(ctx, l.rows, st)
		if err != nil {
			return err
		}
		c.count(n, 0)
	}
	// autocommit may be off, as the dump wants it.
	if _, err := l.rows.ExecContext(ctx, "COMMIT"); err != nil {
		return c.describe(err)
	}
	return nil
}

func (c *chunk) count(rows, statements int64) {
	c.loader.counts.rows.Add(rows)
	c.loader.counts.statements.Add(statements)
	c.pool.mu.Lock()
	c.target.table.Rows += rows
	c.pool.mu.Unlock()
}

// describe says which statements an error is about.
func (c *chunk) describe(err error) error {
	p := c.parts[0]
	st := p.statement
	st.Text = c.buffer[p.from:p.to]
	return c.loader.statementError(st, err)
}

// follow brings the lane's session into the state that holds for a chunk.
func (l *lane) follow(ctx context.Context, p *pool, state int) error {
	p.mu.Lock()
	todo := p.states[l.state:state]
	p.mu.Unlock()
	for _, statement := range todo {
		l.charset = ""
		if _, err := l.rows.ExecContext(ctx, statement); err != nil && !isEmptyQuery(err) {
			// The session has accepted it.
			return fmt.Errorf("bring a lane into the session's state: %w", err)
		}
		l.state++
	}
	return nil
}

// connectionCharset asks in which character set the session's literals are.
func (l *lane) connectionCharset(ctx context.Context) (string, error) {
	if l.charset != "" {
		return l.charset, nil
	}
	err := l.rows.QueryRowContext(ctx, "SELECT @@character_set_connection").Scan(&l.charset)
	if err != nil {
		return "", fmt.Errorf("ask for a lane's character set: %w", err)
	}
	return l.charset, nil
}

// readers numbers the readers that LOAD DATA statements name: the driver keeps
// them in one list for the whole process.
var readers atomic.Int64

// loadText loads l.text in one transaction. LOCAL makes the server ignore what
// would fail an INSERT, and count it; so every row must be in, without a warning,
// or none is.
func (l *lane) loadText(ctx context.Context, into string, rows int64) error {
	if _, err := l.rows.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	result, err := l.loadData(ctx, into, l.text)
	if err != nil {
		return l.rollBack(ctx, err)
	}
	var warnings int64
	if err := l.rows.QueryRowContext(ctx, "SELECT @@warning_count").Scan(&warnings); err != nil {
		return err
	}
	loaded, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if loaded != rows || warnings != 0 {
		return l.rollBack(ctx, &notAsTextError{fmt.Sprintf("%d of %d rows were loaded, with %d warnings", loaded, rows, warnings)})
	}
	_, err = l.rows.ExecContext(ctx, "COMMIT")
	return err
}

// loadData executes one LOAD DATA of text; into is the statement from INTO TABLE
// on.
func (l *lane) loadData(ctx context.Context, into string, text []byte) (sql.Result, error) {
	name := fmt.Sprintf("dbake-%d", readers.Add(1))
	mysql.RegisterReaderHandler(name, func() io.Reader { return bytes.NewReader(text) })
	defer mysql.DeregisterReaderHandler(name)
	return l.rows.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::"+name+"' "+into)
}

// rollBack undoes a LOAD DATA. What the server refused of it, the statements
// themselves will say better.
func (l *lane) rollBack(ctx context.Context, cause error) error {
	var refused *mysql.MySQLError
	var again *notAsTextError
	if !errors.As(cause, &refused) && !errors.As(cause, &again) {
		return cause // the connection is gone
	}
	if _, err := l.rows.ExecContext(ctx, "ROLLBACK"); err != nil {
		return err
	}
	if refused != nil {
		return &notAsTextError{strings.TrimSpace(refused.Error())}
	}
	return cause
}
