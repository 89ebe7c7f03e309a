package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/seed/export"
)

// dumpOptions are the flags of dbake dump.
type dumpOptions struct {
	connection connectionFlags
	target     targetFlags
	masks      maskFlags
	progress   progressFlag

	databases, tables export.Picks
	noRows, wheres    []string
	noData, bare      bool
	accounts          bool
	noTriggers        bool
	noRoutines        bool
	noEvents          bool

	connections int
	rate        float64
	lockWait    time.Duration
	restarts    int
	dryRun      bool
}

func (o *dumpOptions) addFlags(f *pflag.FlagSet) {
	o.target.addFlags(f)
	o.connection.addFlags(f)
	f.StringSliceVarP(&o.databases.Include, "database", "B", nil, "dump the databases that match this pattern (repeatable; default: all but the system's)")
	f.StringSliceVar(&o.databases.Exclude, "exclude-database", nil, "leave out the databases that match (repeatable)")
	f.StringSliceVar(&o.tables.Include, "table", nil, "dump the tables and views that match this pattern over db.table (repeatable; default: all)")
	f.StringSliceVar(&o.tables.Exclude, "exclude-table", nil, "leave out the tables and views that match (repeatable)")
	f.BoolVarP(&o.noData, "no-data", "d", false, "dump definitions only")
	f.StringSliceVar(&o.noRows, "no-rows", nil, "dump the tables that match without their rows (repeatable)")
	f.StringArrayVar(&o.wheres, "where", nil, "dump the rows for which a condition is true, as 'app.events=created_at > NOW() - INTERVAL 30 DAY' (repeatable)")
	f.BoolVar(&o.bare, "no-create-db", false, "leave out CREATE DATABASE and USE, to load the one database under any name")
	f.BoolVar(&o.accounts, "accounts", false, "add users, roles and grants, apart from root and the server's own; their password hashes are in the dump then")
	f.BoolVar(&o.noTriggers, "skip-triggers", false, "leave out triggers")
	f.BoolVar(&o.noRoutines, "skip-routines", false, "leave out procedures and functions")
	f.BoolVar(&o.noEvents, "skip-events", false, "leave out events")
	o.masks.addFlags(f)
	f.IntVar(&o.connections, "connections", 0, "connections that read rows at once (default: 4, or the number of cores)")
	f.Float64Var(&o.rate, "limit-rate", 0, "read at most this many megabytes of text a second (default: no limit)")
	f.DurationVar(&o.lockWait, "lock-wait", 5*time.Second, "how long the start may wait for its lock, during which other clients' writes wait as well")
	f.IntVar(&o.restarts, "restarts", 2, "begin anew this often when a table is altered meanwhile")
	f.BoolVar(&o.dryRun, "dry-run", false, "list what would be dumped")
	o.progress.addFlags(f)
}

const dumpExamples = `  # All databases of the server that ~/.my.cnf names, to S3, the last 14 kept
  dbake dump --to s3://acme-backup/nightly/ --keep 14 --latest

  # One database of RDS, by an IAM token, without the rows of two tables
  dbake dump --host app.xyz.eu-west-1.rds.amazonaws.com -u dumper --rds-iam --ssl-ca global-bundle.pem \
    -B app --no-rows 'app.audit_*' --no-rows app.sessions --to s3://acme-backup/app/

  # Masked on the way out, by the rules of a dbake.yaml
  dbake dump -B app -f dbake.yaml --secret id=mask_key,env=MASK_KEY --to s3://acme-masked/app/

  # The schema only, to a file; a pipe
  dbake dump -B app --no-data --to schema.sql
  dbake dump -B app --to - | mysql other`

func newDumpCommand() *cobra.Command {
	var o dumpOptions
	cmd := &cobra.Command{
		Use:   "dump --to LOCATION [flags]",
		Short: "Dump a running server to S3, a file or standard output",
		Long: `Dump a running MySQL or MariaDB server, RDS and Aurora included, as mysqldump
does: as SQL text of one moment, which any client can load. Needs no client
program.

Several connections share one snapshot. To begin it, the server is locked for
the moment that they take to start (FLUSH TABLES WITH READ LOCK); where that is
not allowed, the tables are, and where that is not either, one connection reads
everything.

What is written appears when it is complete. A dump that fails or is stopped
leaves nothing behind; run it again.

The password comes from --password-file, MYSQL_PWD or an option file
(~/.my.cnf), in the groups [client], [mysqldump] and [dbake]; --password alone asks for it.
` + exitHelp,
		Example: dumpExamples,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDump(cmd.Context(), &o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	cmd.SetFlagErrorFunc(o.connection.flagError)
	return cmd
}

// options is what the flags ask of package export.
func (o *dumpOptions) options() (export.Options, error) {
	e := export.Options{
		Databases: o.databases, Tables: o.tables, NoData: o.noData, NoRows: o.noRows, Bare: o.bare, Accounts: o.accounts,
		NoTriggers: o.noTriggers, NoRoutines: o.noRoutines, NoEvents: o.noEvents,
		Connections: o.connections, LockWait: o.lockWait, BytesPerSecond: int64(o.rate * 1e6), Program: "dbake " + buildVersion(),
	}
	for _, w := range o.wheres {
		match, condition, ok := strings.Cut(w, "=")
		if !ok {
			return e, usageError{fmt.Errorf("--where %q has no condition; write DB.TABLE=CONDITION", w)}
		}
		e.Where = append(e.Where, export.Where{Match: strings.TrimSpace(match), Condition: condition})
	}
	if err := e.Check(); err != nil {
		return e, usageError{err}
	}
	return e, nil
}

func runDump(ctx context.Context, o *dumpOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := o.progress.check(); err != nil {
		return err
	}
	options, err := o.options()
	if err != nil {
		return err
	}
	if err := o.target.check(o.dryRun, stdout); err != nil {
		return err
	}
	config, err := o.connection.config(stderr)
	if err != nil {
		return err
	}
	if err := o.masks.apply(ctx, &options, stdin); err != nil {
		return err
	}
	connector, err := config.Connector(ctx)
	if err != nil {
		return usageError{err}
	}
	if o.dryRun {
		list, err := export.List(ctx, connector, options)
		if err != nil {
			return err
		}
		return printPlanned(stdout, list)
	}
	var done *dumped
	err = o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
		events := &dumpEvents{show: w, server: config.Describe()}
		d := &dumpRun{options: options, connector: connector, target: &o.target, stdout: stdout, events: events, check: o.masks.check}
		for restart := 0; ; restart++ {
			var err error
			if done, err = d.run(ctx); !errors.Is(err, export.ErrDefinitionChanged) || restart >= o.restarts {
				return err
			}
			events.warn("%v; beginning anew", err)
		}
	})
	if err != nil {
		return err
	}
	return done.print(stdout, o.progress.beside(stderr))
}

// printPlanned shows --dry-run.
func printPlanned(out io.Writer, list []export.Planned) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tKIND\tROWS (ABOUT)\tBYTES (ABOUT)\tWHAT")
	for _, p := range list {
		what := "definition and rows"
		switch {
		case !p.Data:
			what = "definition"
		case p.Where != "":
			what = "definition and rows where " + p.Where
		}
		fmt.Fprintf(w, "%s.%s\t%s\t%d\t%d\t%s\n", p.Database, p.Name, p.Kind, p.Rows, p.Bytes, what)
	}
	return w.Flush()
}
