package main

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dbake/dbake/seed/export"
	"github.com/dbake/dbake/seed/target"
)

// dumpRun makes one dump.
type dumpRun struct {
	options   export.Options
	connector driver.Connector
	target    *targetFlags
	stdout    io.Writer
	events    *dumpEvents
	// check is asked before a dump is committed.
	check func() error
}

// dumped is a dump that is complete.
type dumped struct {
	*export.Result
	*written
}

func (d *dumpRun) run(ctx context.Context) (*dumped, error) {
	done := &dumped{}
	var err error
	done.written, err = d.target.write(ctx, databaseName(d.options.Databases), d.stdout, d.events,
		func(ctx context.Context, w io.Writer) (map[string]string, error) {
			end := target.NewHoldBack(w) // without it nobody takes the dump for complete
			result, err := export.Run(ctx, d.connector, d.options, end, d.events.event)
			if err == nil {
				err = d.check()
			}
			if err == nil {
				err = end.Release()
			}
			if err != nil {
				return nil, err
			}
			done.Result = result
			return map[string]string{
				"server": result.Flavour + " " + result.Version, "rows": fmt.Sprint(result.Rows), "tables": fmt.Sprint(result.Tables),
				"snapshot": result.Taken.Format(time.RFC3339),
			}, nil
		})
	return done, err
}

// databaseName is what {{.Database}} stands for: the one database, or "all".
func databaseName(p export.Picks) string {
	if len(p.Include) == 1 && !strings.ContainsAny(p.Include[0], `*?[\`) {
		return p.Include[0]
	}
	return "all"
}

func (d *dumped) print(stdout, stderr io.Writer) error {
	return d.written.report(fmt.Sprintf("dumped %d rows of %d tables", d.Rows, d.Tables), d.Bytes, stdout, stderr)
}
