// Package event is how the engine tells its caller what it is doing. Libraries
// send events; only the programs in cmd/ print.
package event

import "time"

// Event is one of the types of this package.
type Event interface{ event() }

// Sink receives events. It is called from several goroutines at once and must
// not block for long.
type Sink func(Event)

// Discard is the Sink that drops everything.
func Discard(Event) {}

// Phase says that a new part of the work has begun.
type Phase struct {
	Name string
	// Detail is shown behind the name: a version, a path, a count.
	Detail string
}

// Progress counts a restore; every field is a total since its start.
type Progress struct {
	// Object is the dump being read, as the user named it.
	Object string
	// Read and Total are compressed bytes; Total is -1 when unknown.
	Read, Total int64
	// Statements and Rows have been accepted by the server. Rows counts what
	// the server reported as affected by INSERT, REPLACE and LOAD DATA.
	Statements, Rows int64
	Tables           int64
	Elapsed          time.Duration
}

// Warning is something the user should know that does not fail the bake.
type Warning struct {
	// Path is the dbake.yaml path it is about, or empty.
	Path string
	Text string
}

// ServerLog is a line of the server's error log.
type ServerLog struct{ Line string }

func (Phase) event()     {}
func (Progress) event()  {}
func (Warning) event()   {}
func (ServerLog) event() {}
