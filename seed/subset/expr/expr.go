// Package expr evaluates the conditions of restore.tables: SQL expressions over
// the columns of one row, without a server. What it takes means the same as in
// both servers; anything else is an error, before the first row where it can be
// told. docs/subsetting.md lists what it takes.
package expr

import (
	"fmt"
	"time"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// Error says what is wrong with a condition. It holds no value of a row.
type Error struct {
	// Offset is where the part at fault begins, in bytes of the condition.
	Offset int
	// Msg says what is wrong and what to do.
	Msg string
}

// Error names the place, counted from 1.
func (e *Error) Error() string { return fmt.Sprintf("at character %d: %s", e.Offset+1, e.Msg) }

func fail(offset int, format string, args ...any) error {
	return &Error{Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

// Expr is a condition that has been parsed. It may be used from many goroutines.
type Expr struct {
	root *node
}

// Parse reads a condition. It knows no tables: Compile finds what depends on
// the types of columns. The error is an *Error.
func Parse(text string) (*Expr, error) {
	p := &parser{lexer: lexer{text: text}}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	return &Expr{root: root}, nil
}

// Env is what a condition knows besides the row.
type Env struct {
	// Now is what NOW() and the like give, in UTC.
	Now time.Time
}

// Program is a condition made ready for the rows of one table. It is for one
// goroutine at a time.
type Program struct {
	root operand
	row  row
	uses []bool
}

// Uses has, for each column that Compile was told of, whether the condition looks
// at it.
func (p *Program) Uses() []bool { return p.uses }

// Compile makes a condition ready for rows of t that have values for columns, in
// that order. The error is an *Error: the condition does not fit the columns'
// types, or it cannot be evaluated exactly as the servers do.
func (e *Expr) Compile(t *schema.Table, columns []string, env Env) (*Program, error) {
	c := &compiler{table: t, columns: columns, now: packTime(env.Now.UTC()), uses: make([]bool, len(columns))}
	root, err := c.compile(e.root)
	if err != nil {
		return nil, err
	}
	if _, err := c.truthOf(root, e.root); err != nil {
		return nil, err
	}
	return &Program{root: root, uses: c.uses}, nil
}

// Match reports whether the condition is true for a row: neither false nor
// unknown. An error says that this row's values cannot be compared exactly.
func (p *Program) Match(cells []rows.Cell) (bool, error) {
	p.row.cells = cells
	v, err := p.root.eval(&p.row)
	if err != nil || v.null {
		return false, err
	}
	return truth(p.root.class, v), nil
}
