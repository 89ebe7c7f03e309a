package stream

import (
	"bytes"
	"context"
	"errors"
	"regexp"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/load"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/schema"
)

// pass fills batches with what becomes of one dump's text. It implements
// load.Passer.
type pass struct {
	ctx  context.Context //nolint:containedctx // load.Passer's methods have none; a pass is one call of Run
	run  *run
	name string
	path string
	rec  *recorder
	pipe *pipe

	batch  *batch
	sieves map[*schema.Table]*sieve
	bare   bool // statements that select the schema are left to who loads the dump
	delim  []byte
	open   bool // the last statement has no delimiter behind it
	buffer []byte
}

var _ load.Passer = (*pass)(nil)

// Errors say why a dump cannot be masked.
var (
	errUnreadable = errors.New("its rows are not plain lists of values for the table's columns, so dbake cannot change or pick them; make the dump with mysqldump's INSERT … VALUES statements")
	errNoTable    = errors.New("the dump has no CREATE TABLE before these rows that says what their columns are, so dbake cannot tell what to mask; make the dump with the tables' definitions, or have a dump that has them go before this one")
)

// Pass implements load.Passer.
func (p *pass) Pass(st dump.Statement) error {
	if err := p.gap(st.Offset); err != nil {
		return err
	}
	if p.run.options.Mask != nil {
		p.inspect(st)
	}
	return p.whole(st)
}

// whole hands a statement on as it stands.
func (p *pass) whole(st dump.Statement) error {
	p.open = st.End == st.Offset+int64(len(st.Text)) && st.Kind != dump.Use
	p.batch.stays(p.rec.upTo(st.End))
	return p.flush(batchBytes)
}

// Place implements load.Passer.
func (p *pass) Place(statement string) error {
	if p.bare {
		return nil
	}
	p.batch.stays([]byte(statement + string(p.delim) + "\n"))
	return nil
}

// Over implements load.Passer.
func (p *pass) Over(st dump.Statement) error {
	if p.rec.at >= st.End {
		return nil
	}
	if err := p.gap(st.Offset); err != nil {
		return err
	}
	p.rec.upTo(st.End) // left out
	return nil
}

// Rows implements load.Passer.
func (p *pass) Rows(st dump.Statement, t *schema.Table) error {
	if err := p.gap(st.Offset); err != nil {
		return err
	}
	if p.run.filters == nil {
		return p.whole(st)
	}
	if t == nil {
		return errNoTable
	}
	s := p.sieves[t]
	if s == nil {
		s = newSieve(p.name, p.path, p.run.filters, t, p.run.tally(t))
		p.sieves[t] = s
	}
	v, plain := dump.ParseInsert(st.Text, st.Mode)
	if !plain {
		if wanted, err := s.isWanted(); err != nil || wanted {
			return errors.Join(err, errUnreadable)
		}
		return p.whole(st)
	}
	columns, err := s.columns(v.Columns)
	if err != nil {
		return err
	}
	at := shape{columns, st.Mode}
	first, later, err := s.both(at)
	if err != nil {
		return err
	}
	text := v.Rows
	if first != nil {
		out, n, err := first.Append(p.buffer[:0], text)
		if err != nil {
			return err
		}
		s.count(first, n, later != nil)
		p.buffer, text = out, out
	}
	return p.rows(st, v, text, segment{sieve: s, shape: at, line: st.Line}, later == nil)
}

// rows adds the rows that are left of a statement; final: nothing is to be done
// with them.
func (p *pass) rows(st dump.Statement, v dump.Values, text []byte, s segment, final bool) error {
	whole := p.rec.upTo(st.End)
	tail := whole[len(st.Text):]
	if p.open = len(tail) == 0; len(text) == 0 {
		return nil
	}
	b := p.batch
	if final {
		b.stays(v.Head)
		b.stays(text)
		b.stays(tail)
		return p.flush(batchBytes)
	}
	s.from = len(b.text)
	b.text = append(b.text, v.Head...)
	s.rows = len(b.text)
	b.text = append(b.text, text...)
	s.tail = len(b.text)
	b.text = append(b.text, tail...)
	s.to = len(b.text)
	b.segments = append(b.segments, s)
	return p.flush(batchBytes)
}

// flush hands the batch on when it has as much text.
func (p *pass) flush(size int) error {
	if len(p.batch.text) < size || len(p.batch.text) == 0 {
		return nil
	}
	b := p.batch
	p.batch = p.pipe.get()
	return p.pipe.send(p.ctx, b)
}

var (
	// delimiterLine is a line that sets the delimiter (mysql client commands).
	delimiterLine = regexp.MustCompile(`(?im)^[ \t]*delimiter[ \t]+(\S+)[^\n]*$`)
	// asideRows are rows that somebody has taken out of a dump by a comment.
	asideRows = regexp.MustCompile(`(?is)\b(?:insert|replace)\b.*\bvalues\b|\bupdate\b.*\bset\b`)
)

// gap hands on what stands between two statements: space, comments and lines that
// set the delimiter. Comments that hold statements with values do not pass.
func (p *pass) gap(to int64) error {
	text := p.rec.upTo(to)
	if len(text) <= len("\r\n") { // between most statements of most dumps
		p.batch.stays(text)
		return nil
	}
	lines := delimiterLine.FindAllSubmatch(text, -1)
	if n := len(lines); n > 0 {
		p.delim = bytes.Clone(lines[n-1][1])
	}
	if p.run.options.Mask != nil && asideRows.Match(text) {
		p.run.commented++
		text = []byte("\n")
		for _, l := range lines {
			text = append(append(text, l[0]...), '\n')
		}
	}
	p.batch.stays(text)
	return p.flush(batchBytes)
}

// end hands on what is behind the last statement. more: another dump follows.
func (p *pass) end(more bool) error {
	text := p.rec.rest()
	if p.run.options.Mask != nil && asideRows.Match(text) {
		p.run.commented++
		text = nil
	}
	if more {
		if p.open {
			p.batch.stays([]byte("\n" + string(p.delim)))
		}
		p.batch.stays(text)
		p.batch.stays([]byte("\n"))
		if string(p.delim) != ";" {
			p.batch.stays([]byte("DELIMITER ;\n"))
		}
		return p.flush(0)
	}
	p.batch.stays(text)
	return p.flush(0)
}

// inspect looks for values in the texts of a statement that passes: comments,
// defaults and members of columns, bodies of programs.
func (p *pass) inspect(st dump.Statement) {
	switch st.Kind {
	case dump.CreateTable, dump.AlterTable, dump.CreateView, dump.CreateTrigger, dump.CreateRoutine, dump.CreateEvent, dump.CreateIndex:
	default:
		return
	}
	found := map[policy.Kind]bool{}
	for tokens := dump.NewTokens(st.Text, st.Mode); ; {
		t, ok := tokens.Next()
		if !ok {
			break
		}
		if c := t.Raw[0]; c == '\'' || c == '"' {
			if kind := policy.Certain(t.Raw[1:]); kind != "" {
				found[kind] = true
			}
		}
	}
	p.run.noteDefinition(st, found)
}
