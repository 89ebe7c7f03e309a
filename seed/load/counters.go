package load

import "sync/atomic"

// counters are the live side of Counts.
type counters struct{ statements, rows, tables, skipped atomic.Int64 }

func (c *counters) read() Counts {
	return Counts{
		Statements: c.statements.Load(),
		Rows:       c.rows.Load(),
		Tables:     c.tables.Load(),
		Skipped:    c.skipped.Load(),
	}
}
