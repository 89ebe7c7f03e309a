package load

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/dbake/dbake/seed/dump"
)

// RowsError is a row of a file that did not go into its table as it stands.
type RowsError struct {
	Object        string // the file
	Schema, Table string
	// Row counts the file's rows from 1; Last is another one when the fault
	// lies somewhere between the two.
	Row, Last int64
	Code      int // the server's error or warning number; 0 when it gave none
	Reason    string
	err       error
}

// Error names the file, the row and the reason, and no value.
func (e *RowsError) Error() string {
	where := fmt.Sprintf("row %d", e.Row)
	if e.Last != e.Row {
		where = fmt.Sprintf("rows %d to %d", e.Row, e.Last)
	}
	code := ""
	if e.Code != 0 {
		code = fmt.Sprintf("server error %d: ", e.Code)
	}
	return fmt.Sprintf("%s, %s of %s.%s: %s%s", e.Object, where, e.Schema, e.Table, code, e.Reason)
}

// Unwrap gives the cause, whose text may hold values.
func (e *RowsError) Unwrap() error { return e.err }

// textChunk is a run of whole rows of a file, loaded in one transaction.
type textChunk struct {
	target *target
	loader *Loader
	pool   *pool
	into   string // the statement from INTO TABLE on
	buffer []byte
	first  int64 // number of its first row in the file, from 1
	rows   int64
	read   int64 // rows of the file: as many as rows, or more with filters
	state  int   // how many of the pool's states hold for it

	sieve  *sieve // of filters that have not seen the rows; nil: none
	format *textFormat
	turn   int
	// dropped: filters have left rows out, so that nobody can tell the number
	// that one had in the file.
	dropped bool
}

// putFile puts the rows of a file into its table.
func (r *laneRows) putFile(ctx context.Context, f File) error {
	l := r.loader
	schema := f.Rows.Table.Schema
	if schema == "" {
		schema = l.schema
	}
	st := dump.Statement{Kind: dump.Insert, Schema: schema, Table: f.Rows.Table.Name}
	if l.leavesOut(st) || l.unpicked(st) || !l.wantsRows(st) {
		return nil
	}
	split, err := newLines(f.Text, f.Rows.Dialect)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	r.flush(false)
	t, err := r.target(ctx, st)
	if err != nil {
		return err
	}
	if t.info.create == "" {
		return fmt.Errorf("%s: there is no table %s.%s for its rows", f.Name, schema, st.Table)
	}
	t.table.filled = true
	if err := r.putLines(ctx, t, f, split); err != nil {
		return err
	}
	if f.Rows.Bytes >= 0 && split.read != f.Rows.Bytes {
		return fmt.Errorf("%s holds %d bytes, and the dump says %d: the file is not complete, or not of this dump", f.Name, split.read, f.Rows.Bytes)
	}
	return nil
}

// putLines hands the file's rows to the lanes, in chunks.
func (r *laneRows) putLines(ctx context.Context, t *target, f File, split *lines) error {
	format, err := t.newTextFormat(f.Rows.Charset)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	for first := int64(1); ; {
		buffer, err := r.pool.takeBuffer()
		if err != nil {
			return err
		}
		c := &textChunk{target: t, loader: r.loader, pool: r.pool, first: first, format: format}
		c.buffer, c.rows, err = split.fill(buffer, r.loader.chunkBytes())
		if doubt := format.check(c.buffer); doubt != nil {
			err = doubt // it may be the reason of the other
		}
		if err == nil && c.rows > 0 && format.into == "" {
			err = format.finish(t, f.Rows, r.loader.folder.Flavour, split.fields(c.buffer))
			if err == nil && t.sieve != nil {
				err = format.sift(t.sieve, f.Rows)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if c.rows == 0 {
			r.pool.mu.Lock()
			r.pool.giveBuffer(c.buffer)
			r.pool.mu.Unlock()
			return nil
		}
		if column := format.doubt(c.buffer); column != "" {
			r.loader.options.Warn(fmt.Sprintf("%s: column %s is taken to be in its own character set, as mysqldump writes it unless it is given --default-character-set, but the text is UTF-8: look whether it is right", f.Name, column))
		}
		c.into, c.read = format.into, c.rows
		first += c.rows
		large := len(c.buffer) >= r.loader.chunkBytes()/2
		if format.first != nil {
			if err := c.siftFirst(r); err != nil {
				return err
			}
		}
		if err := r.queueText(ctx, c, large); err != nil {
			return err
		}
	}
}

// queueText hands a chunk to the lanes. A table with a large one gets its keys
// last.
func (r *laneRows) queueText(ctx context.Context, c *textChunk, large bool) error {
	t := c.target
	if large {
		if err := r.beginLarge(ctx, t); err != nil {
			return err
		}
	}
	p := r.pool
	if c.format.rest {
		t.later = true
	}
	if !t.later {
		t.addText(c.buffer)
	} else {
		c.sieve = t.sieve
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.sieve != nil {
		c.turn = t.takeTurn()
	}
	p.queueRows(t, c, &c.state)
	return nil
}

// addText counts the text of a file's rows and takes it into the digest.
func (t *target) addText(rows []byte) {
	if len(rows) == 0 {
		return
	}
	if t.digest == nil {
		t.digest = sha256.New()
	}
	t.digest.Write(rows)
	t.table.Bytes += int64(len(rows))
}

// run loads the chunk over a lane.
func (c *textChunk) run(ctx context.Context, l *lane) error {
	loaded, err := c.load(ctx, l)
	c.pool.mu.Lock()
	c.pool.giveBuffer(c.buffer)
	c.target.table.Rows += loaded
	c.pool.mu.Unlock()
	if err != nil {
		return err
	}
	c.loader.counts.rows.Add(loaded)
	c.loader.counts.statements.Add(1)
	c.pool.taskDone(c.target)
	return nil
}

// load executes one LOAD DATA. LOCAL makes the server put in something else for
// what it cannot take, and count it as a warning: here that is an error.
func (c *textChunk) load(ctx context.Context, l *lane) (int64, error) {
	if err := c.sift(l); err != nil || c.rows == 0 {
		return 0, err
	}
	if err := l.follow(ctx, c.pool, c.state); err != nil {
		return 0, err
	}
	if _, err := l.rows.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return 0, c.fail(err)
	}
	result, err := l.loadData(ctx, c.into, c.buffer)
	if err != nil {
		return 0, c.fail(err)
	}
	fault, err := c.judge(ctx, l)
	if err != nil {
		return 0, c.fail(err)
	}
	loaded, err := result.RowsAffected()
	if err != nil {
		return 0, c.fail(err)
	}
	if fault == nil && loaded != c.rows {
		fault = c.fault(fmt.Sprintf("%d of %d rows went in", loaded, c.rows))
	}
	if fault != nil {
		if !c.loader.options.Continue {
			return 0, fault
		}
		c.loader.counts.skipped.Add(max(1, c.rows-loaded))
		c.loader.options.Warn("not all as the dump has it: " + fault.Error())
	}
	_, err = l.rows.ExecContext(ctx, "COMMIT")
	return loaded, err
}

// judge looks at the first warning of a LOAD DATA.
func (c *textChunk) judge(ctx context.Context, l *lane) (*RowsError, error) {
	var warnings int64
	if err := l.rows.QueryRowContext(ctx, "SELECT @@warning_count").Scan(&warnings); err != nil || warnings == 0 {
		return nil, err
	}
	rows, err := l.rows.QueryContext(ctx, "SHOW WARNINGS LIMIT 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var level string
	warning := &mysql.MySQLError{}
	if rows.Next() {
		if err := rows.Scan(&level, &warning.Number, &warning.Message); err != nil {
			return nil, err
		}
	}
	return c.refused(warning), rows.Err()
}

// atRow finds the number that messages have for a row of the statement.
var atRow = regexp.MustCompile(`( at row|^Row) (\d+)`)

// refused is the fault that the server's error or warning is about.
func (c *textChunk) refused(e *mysql.MySQLError) *RowsError {
	f := c.fault("")
	f.Code, f.err = int(e.Number), e
	message := e.Message
	if m := atRow.FindStringSubmatchIndex(message); m != nil {
		if n, err := strconv.ParseInt(message[m[4]:m[5]], 10, 64); err == nil && n >= 1 && n <= c.rows && !c.dropped {
			f.Row = c.first + n - 1
			f.Last = f.Row
			// The message counts from the chunk's first row.
			message = strings.TrimSpace(message[:m[0]] + message[m[1]:])
		}
	}
	f.Reason = SafeMessage(&mysql.MySQLError{Number: e.Number, SQLState: e.SQLState, Message: message}, true)
	return f
}

func (c *textChunk) fault(reason string) *RowsError {
	return &RowsError{
		Object: c.loader.options.Object, Schema: c.target.schema, Table: c.target.name,
		Row: c.first, Last: c.first + c.read - 1, Reason: reason,
	}
}

func (c *textChunk) fail(err error) error {
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return c.refused(refused)
	}
	f := c.fault(strings.TrimSpace(err.Error()))
	f.err = err
	return f
}
