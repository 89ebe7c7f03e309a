package schema

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dbake/dbake/seed/dump"
)

// Alter makes of a table what an ALTER TABLE statement says, as far as it adds
// columns, keys and foreign keys or changes, moves, renames and drops columns: what
// tools write behind a CREATE TABLE. It skips what leaves columns alone. A table that
// gets another name, and columns that are hidden or shown, are errors. The table is
// left as it was on an error.
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
		return p.add()
	case p.accept("MODIFY"):
		p.accept("COLUMN")
		p.skipIf("IF", "EXISTS")
		return p.changeColumn("")
	case p.accept("CHANGE"):
		p.accept("COLUMN")
		p.skipIf("IF", "EXISTS")
		old, _ := p.name()
		return p.changeColumn(old)
	case p.accept("DROP"):
		p.dropColumn()
	case p.accept("RENAME"):
		return p.rename()
	case p.accept("ALTER") && !p.peek().Is("INDEX"):
		for ; !p.end() && !p.peek().IsByte(','); p.i++ {
			if p.peek().Is("VISIBLE") || p.peek().Is("INVISIBLE") {
				return errors.New("it hides or shows a column")
			}
		}
	}
	return nil
}

// add takes what is behind ADD.
func (p *parser) add() error {
	if p.peek().Is("PARTITION") || p.peek().Is("SYSTEM") {
		return nil
	}
	if p.accept("COLUMN") {
		p.skipIf("IF", "NOT", "EXISTS")
	}
	n, from := len(p.table.Columns), p.i
	if p.acceptByte('(') {
		err := p.definitions()
		p.settle(n)
		return err
	}
	if err := p.definition(); err != nil || len(p.table.Columns) == n {
		return err
	}
	p.settle(n)
	return p.move(n, from)
}

// settle decodes the members of new columns, from n on, before they are moved.
func (p *parser) settle(n int) {
	for i := n; i < len(p.table.Columns); i++ {
		if c := &p.table.Columns[i]; c.characters() {
			c.inherit(p.table)
		}
	}
	p.decodeMembers()
	p.hex = nil
}

// dropColumn takes what is behind DROP: a column, unless it says what else.
func (p *parser) dropColumn() {
	column := p.accept("COLUMN")
	for _, other := range []string{"PRIMARY", "KEY", "INDEX", "FOREIGN", "CONSTRAINT", "CHECK", "PARTITION", "SYSTEM", "PERIOD"} {
		if !column && p.peek().Is(other) {
			return
		}
	}
	p.skipIf("IF", "EXISTS")
	name, _ := p.name()
	p.table.Columns = slices.DeleteFunc(p.table.Columns, func(c Column) bool { return equalFold(c.Name, name) })
}

// rename takes what is behind RENAME: a column, an index, or the table.
func (p *parser) rename() error {
	switch {
	case p.accept("INDEX", "KEY"):
		return nil
	case !p.accept("COLUMN"):
		return errors.New("it gives the table another name")
	}
	p.skipIf("IF", "EXISTS")
	old, _ := p.name()
	p.accept("TO")
	name, _ := p.name()
	if c := p.table.Column(old); c != nil && name != "" {
		c.Name = name
		p.renameInKeys(old, name)
		return nil
	}
	return fmt.Errorf("the table has no column %s", old)
}

// renameInKeys gives a column of keys and foreign keys its new name. Lists of names
// may be those of other tables.
func (p *parser) renameInKeys(old, name string) {
	renamed := func(list []string) []string {
		list = slices.Clone(list)
		for i := range list {
			if equalFold(list[i], old) {
				list[i] = name
			}
		}
		return list
	}
	for i := range p.table.Keys {
		p.table.Keys[i].Columns = renamed(p.table.Keys[i].Columns)
	}
	for i := range p.table.ForeignKeys {
		p.table.ForeignKeys[i].Columns = renamed(p.table.ForeignKeys[i].Columns)
	}
}

// move puts the column at n where the end of its definition says, FIRST or AFTER
// another one; from is where the definition begins.
func (p *parser) move(n, from int) error {
	to := n
	switch {
	case p.i-from > 2 && p.tokens[p.i-2].Is("AFTER"):
		p.i--
		name, _ := p.name()
		to = slices.IndexFunc(p.table.Columns, func(c Column) bool { return equalFold(c.Name, name) }) + 1
		if to == 0 {
			return fmt.Errorf("the table has no column %s", name)
		}
	case p.i-from > 1 && p.tokens[p.i-1].Is("FIRST"):
		to = 0
	}
	c := p.table.Columns[n]
	if to > n {
		to--
	}
	p.table.Columns = slices.Insert(slices.Delete(p.table.Columns, n, n+1), to, c)
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
	n, from := len(p.table.Columns), p.i
	if err := p.column(); err != nil {
		return err
	}
	p.settle(n)
	changed := p.table.Columns[n]
	p.table.Columns = p.table.Columns[:n]
	if old == "" {
		old = changed.Name
	}
	i := slices.IndexFunc(p.table.Columns, func(c Column) bool { return equalFold(c.Name, old) })
	if i < 0 {
		return fmt.Errorf("the table has no column %s", old)
	}
	p.table.Columns[i] = changed
	if !equalFold(old, changed.Name) {
		p.renameInKeys(old, changed.Name)
	}
	return p.move(i, from)
}
