// Package export dumps a running MySQL or MariaDB server as mysqldump does: one
// SQL text that any client can load, of one moment for all databases.
//
// Rows are read over several connections that share one snapshot, large tables
// in ranges of their primary key, and written in one order, so that the text of
// the same data is the same. Memory is bounded whatever the tables' size.
package export

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dbake/dbake/seed/event"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// Picks choose by patterns in the syntax of path.Match.
type Picks struct {
	// Include lists what is dumped; empty: everything. Exclude lists what is
	// not, even when it is included.
	Include, Exclude []string
}

// Where restricts the rows of the tables that match.
type Where struct {
	// Match is a pattern over db.table.
	Match string
	// Condition is what stands behind WHERE.
	Condition string
}

// Options say what is dumped and how. The zero value dumps all databases but the
// system's, without accounts.
type Options struct {
	// Databases are patterns over names of databases, Tables over db.table.
	Databases, Tables Picks
	// NoData leaves out all rows; NoRows those of the tables, by patterns over
	// db.table.
	NoData bool
	NoRows []string
	// Where restricts rows; the first entry that matches a table counts.
	Where []Where
	// Bare leaves out CREATE DATABASE and USE, so that the dump can be loaded
	// into a database of any name. It takes one database only.
	Bare bool
	// NoTriggers, NoRoutines and NoEvents leave those out.
	NoTriggers, NoRoutines, NoEvents bool
	// Accounts adds users and roles with what they may do, apart from the
	// server's own and root.
	Accounts bool
	// Filters change or leave out rows on their way; nil: none.
	Filters rows.Filters
	// Known is told of all tables before Filters are asked for any; an error
	// ends the dump. It may be nil.
	Known func(tables []*schema.Table) error
	// Connections is how many connections read rows at once; one more reads
	// definitions. 0 means 4, or what there are cores.
	Connections int
	// LockWait is how long the start may wait for a lock, during which other
	// clients' writes wait too; 0 means 5 seconds.
	LockWait time.Duration
	// BytesPerSecond bounds how fast text is written; 0: not at all.
	BytesPerSecond int64
	// Program is the dumping program, for the first line of the text.
	Program string

	// chunkBytes and statementBytes are about how much text a range of a table
	// and a statement hold; tests make them small.
	chunkBytes, statementBytes int
}

const (
	defaultChunk     = 8 << 20
	defaultStatement = 1 << 20
	defaultLockWait  = 5 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Connections <= 0 {
		o.Connections = max(4, runtime.NumCPU())
	}
	if o.LockWait <= 0 {
		o.LockWait = defaultLockWait
	}
	if o.chunkBytes <= 0 {
		o.chunkBytes = defaultChunk
	}
	if o.statementBytes <= 0 {
		o.statementBytes = defaultStatement
	}
	if o.Program == "" {
		o.Program = "dbake"
	}
	return o
}

// Result says what was dumped.
type Result struct {
	// Flavour is "mysql" or "mariadb"; Version is the server's, as it says it.
	Flavour, Version string
	// Databases are those dumped, in order.
	Databases []string
	// Tables counts tables, with or without rows; Rows those written; Bytes is
	// the length of the text.
	Tables, Rows, Bytes int64
	// Position is the binary log's position of the snapshot, GTIDs the set of
	// transactions in it; empty when the server does not say.
	Position, GTIDs string
	// Taken is when the snapshot was, in UTC.
	Taken time.Time
}

// ErrDefinitionChanged means that a table was changed, made or dropped while it
// was dumped. The dump has to begin anew.
var ErrDefinitionChanged = errors.New("a table's definition changed while it was dumped")

// Run writes a dump to w. What it has written when it fails is not complete and
// has no last line "-- Dump completed". Warnings and progress go to sink.
func Run(ctx context.Context, connector driver.Connector, o Options, w io.Writer, sink event.Sink) (*Result, error) {
	o = o.withDefaults()
	if err := o.Check(); err != nil {
		return nil, err
	}
	sink(event.Phase{Name: "connect"})
	snap, err := open(ctx, connector, o, sink)
	if err != nil {
		return nil, err
	}
	defer snap.close()
	d := &dumper{options: o, snap: snap, sink: sink, began: time.Now()}
	d.out = &meter{w: w, limit: o.BytesPerSecond}
	sink(event.Phase{Name: "dump", Detail: d.describe()})
	// A failure of one part ends the others, which wait for each other.
	group, ctx := errgroup.WithContext(ctx)
	jobs := newJobs(ctx, o.Connections)
	group.Go(func() error { return d.plan(ctx, jobs) })
	for _, s := range snap.readers {
		group.Go(func() error { return d.read(ctx, s, jobs) })
	}
	group.Go(func() error { return d.write(ctx, jobs) })
	group.Go(func() error { return d.report(ctx, jobs) })
	if err := group.Wait(); err != nil {
		return nil, explain(err)
	}
	d.progress()
	return d.result(), nil
}

// Planned is a table, view or sequence that a dump would hold.
type Planned struct {
	Database, Name string
	// Kind is "table", "view" or "sequence"; Rows and Bytes are what the
	// server estimates.
	Kind        string
	Rows, Bytes int64
	// Data says that its rows would be dumped, Where which ones.
	Data  bool
	Where string
}

// List says what Run would dump.
func List(ctx context.Context, connector driver.Connector, o Options) ([]Planned, error) {
	o = o.withDefaults()
	if err := o.Check(); err != nil {
		return nil, err
	}
	s, err := connect(ctx, connector)
	if err != nil {
		return nil, err
	}
	defer s.close()
	databases, err := s.catalogue(ctx, o)
	if err != nil {
		return nil, explain(err)
	}
	var list []Planned
	for _, db := range databases {
		for _, t := range db.tables {
			list = append(list, Planned{
				Database: db.name, Name: t.name, Kind: string(t.kind), Rows: t.rows, Bytes: t.bytes,
				Data: o.wantsRows(t), Where: o.where(t),
			})
		}
	}
	return list, nil
}
