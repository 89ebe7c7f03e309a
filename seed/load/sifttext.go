package load

import (
	"errors"
	"fmt"

	"github.com/dbake/dbake/seed/folder"
	"github.com/dbake/dbake/seed/rows"
)

// sift prepares for the filters of a table, when the columns of the file are known.
func (f *textFormat) sift(s *sieve, file *folder.Rows) error {
	f.format = rows.Format{
		Charset:  file.Charset,
		FieldEnd: file.Dialect.FieldEnd, RowEnd: file.Dialect.RowEnd, Escape: file.Dialect.Escape,
		Decode: file.Decode,
	}
	var err error
	if f.first, err = f.rewriter(s, s.ordered); err != nil {
		return err
	}
	rest, err := f.rewriter(s, s.rest)
	f.rest = rest != nil
	return err
}

// rewriter makes a Rewriter for the file; nil: its rows stay as they are.
func (f *textFormat) rewriter(s *sieve, filters rows.Filters) (rows.Rewriter, error) {
	if filters == nil {
		return nil, nil //nolint:nilnil // see above
	}
	filter, err := filters.For(s.table, f.columns)
	if err != nil || filter == nil {
		return nil, err
	}
	return rows.NewFields(s.table, f.columns, f.format, filter)
}

// siftFirst asks the filters that need rows in order.
func (c *textChunk) siftFirst(r *laneRows) error {
	out, err := c.rewrite(c.format.first, r.sifted[0][:0])
	r.sifted[0] = keep(out)
	if err != nil {
		return err
	}
	// The chunk keeps the pool's buffer.
	c.buffer = append(c.buffer[:0], out...)
	return nil
}

// rewrite appends what a Rewriter leaves of the chunk's rows to a buffer.
func (c *textChunk) rewrite(r rows.Rewriter, out []byte) ([]byte, error) {
	out, n, err := r.Append(out, c.buffer)
	if err != nil {
		return out, c.unsifted(err)
	}
	c.rows, c.dropped = n.Kept, c.dropped || n.Kept < n.Read
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.target.table.count(r, n)
	return out, nil
}

// unsifted says which row of the file an error is about.
func (c *textChunk) unsifted(err error) error {
	var at *rows.Error
	if !errors.As(err, &at) {
		return fmt.Errorf("%s: %w", c.loader.options.Object, err)
	}
	f := c.fault(at.What)
	if at.Column != "" {
		f.Reason = "column " + at.Column + ": " + at.What
	}
	if f.err = err; !c.dropped {
		f.Row = c.first + at.Row - 1
		f.Last = f.Row
	}
	return f
}

// sift asks the filters that have not seen the chunk's rows, and takes what comes
// out into the digest.
func (c *textChunk) sift(l *lane) error {
	if c.sieve == nil {
		return nil
	}
	if c.format.rest {
		r, err := l.sifter.fields(c.sieve, c.format)
		if err != nil {
			return err
		}
		out, err := c.rewrite(r, l.spare[:0])
		if err != nil {
			return err
		}
		l.spare, c.buffer = keep(c.buffer), out
	}
	return c.pool.inTurn(c.target, c.turn, func() { c.target.addText(c.buffer) })
}

// fields gives the lane's Rewriter for rows of a file.
func (s *sifter) fields(of *sieve, file *textFormat) (rows.Rewriter, error) {
	if s.sieve != of || s.file != file {
		r, err := file.rewriter(of, of.rest)
		if err != nil {
			return nil, err
		}
		*s = sifter{sieve: of, file: file, Rewriter: r}
	}
	return s.Rewriter, nil
}
