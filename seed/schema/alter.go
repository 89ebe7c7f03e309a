package schema

import (
	"errors"
	"fmt"

	"github.com/dbake/dbake/seed/dump"
)

// Alter makes of a table what an ALTER TABLE statement says, as far as it adds
// columns, keys and foreign keys or changes columns: what tools write behind a
// CREATE TABLE. It skips everything else. The table is left as it was on an error.
func Alter(t *Table, alter []byte, mode dump.Mode) error {
	p := newParser(alter, mode)
	p.accept("ALTER")
	p.accept("ONLINE", "IGNORE")
	if !p.accept("TABLE") {
		return errors.New("this is no ALTER TABLE statement")
	}
	if p.accept("IF") {
		p.accept("EXISTS")
	}
	_, name, ok := p.qualified()
	if !ok {
		return errors.New("the ALTER TABLE statement names no table")
	}
	p.table = t.clone()
	for !p.end() {
		if err := p.change(); err != nil {
			return fmt.Errorf("read the ALTER TABLE statement of %s: %w", name, err)
		}
		p.skipTo(',')
		p.acceptByte(',')
	}
	p.finish()
	*t = *p.table
	return nil
}

func (t *Table) clone() *Table {
	c := *t
	c.Columns = append([]Column(nil), t.Columns...)
	c.Keys = append([]Key(nil), t.Keys...)
	c.ForeignKeys = append([]ForeignKey(nil), t.ForeignKeys...)
	return &c
}

// change takes one part of an ALTER TABLE statement.
func (p *parser) change() error {
	switch {
	case p.accept("ADD"):
		if p.accept("COLUMN") {
			p.skipIf("IF", "NOT", "EXISTS")
		}
		if p.acceptByte('(') {
			return p.definitions()
		}
		return p.definition()
	case p.accept("MODIFY"):
		p.accept("COLUMN")
		p.skipIf("IF", "EXISTS")
		return p.changeColumn("")
	case p.accept("CHANGE"):
		p.accept("COLUMN")
		p.skipIf("IF", "EXISTS")
		old, _ := p.name()
		return p.changeColumn(old)
	}
	return nil
}

// skipIf skips words when all of them are ahead.
func (p *parser) skipIf(words ...string) {
	for i, w := range words {
		if !p.at(i).Is(w) {
			return
		}
	}
	p.i += len(words)
}

// changeColumn takes a column in the place of the one of an old name; empty: its
// own.
func (p *parser) changeColumn(old string) error {
	n := len(p.table.Columns)
	if err := p.column(); err != nil {
		return err
	}
	changed := p.table.Columns[n]
	p.table.Columns = p.table.Columns[:n]
	if old == "" {
		old = changed.Name
	}
	c := p.table.Column(old)
	if c == nil {
		return fmt.Errorf("the table has no column %s", old)
	}
	*c = changed
	return nil
}
