package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/seed/suggest"
	"github.com/dbake/dbake/spec"
)

// suggestOptions are the flags of dbake mask suggest.
type suggestOptions struct {
	spec     specFlags
	rows     int64
	limit    time.Duration
	progress progressFlag
}

func newSuggestCommand() *cobra.Command {
	var o suggestOptions
	cmd := &cobra.Command{
		Use:   "suggest [-f FILE | DUMP]",
		Short: "Suggest a mask section",
		Long: `Look at a dump, and print a mask section to begin with: a rule for each column
that looks personal, by its name or by the values of some rows, and a comment
that says why. Columns that the dbake.yaml has a rule for are left out.

DUMP is a file, s3://bucket/key or https://…; without it the dumps of the
dbake.yaml are looked at.
` + exitHelp,
		Example: `  dbake mask suggest dump.sql.gz > mask.yaml
  dbake mask suggest -f dbake.yaml --for 5m`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSuggest(cmd.Context(), &o, args, cmd.Flags().Changed("file"), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	o.spec.addFlags(f)
	f.Int64Var(&o.rows, "rows", 1000, "how many rows of each table are looked at")
	f.DurationVar(&o.limit, "for", 0, "stop after this long and suggest by what was seen (default: read to the end)")
	o.progress.addFlags(f)
	return cmd
}

func atMostOneArg(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("unexpected argument %q", args[1])}
	}
	return nil
}

func runSuggest(ctx context.Context, o *suggestOptions, args []string, filed bool, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := o.progress.check(); err != nil {
		return err
	}
	if len(args) > 0 && filed {
		return usageError{fmt.Errorf("-f and the dump %s exclude each other", args[0])}
	}
	if o.rows < 1 {
		return usageError{fmt.Errorf("--rows counts from 1")}
	}
	ask := suggest.Options{Rows: o.rows, Time: o.limit}
	dumps, dir, err := o.dumps(&ask, args, stdin)
	if err != nil {
		return err
	}
	var found *suggest.Suggestion
	err = o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
		source.CleanEnv()
		src := source.New(source.Config{ContextDir: dir})
		defer src.Close()
		if ask.Objects, err = src.Resolve(ctx, dumps); err != nil {
			return err
		}
		ask.Source = src
		events := &dumpEvents{show: w}
		found, err = suggest.Run(ctx, ask, events.event)
		events.end(err)
		return err
	})
	if err != nil {
		return err
	}
	_, err = stdout.Write(found.YAML())
	return err
}

// dumps gives what is to be looked at, and the directory that files are in.
func (o *suggestOptions) dumps(ask *suggest.Options, args []string, stdin io.Reader) (dumps []spec.Dump, dir string, err error) {
	if len(args) == 0 {
		order, err := o.spec.load(stdin)
		if err != nil {
			return nil, "", err
		}
		ask.Restore, ask.Mask = order.file.Restore, order.file.Mask
		return order.file.Dump, order.dir, nil
	}
	name := args[0]
	dir = "."
	if !strings.Contains(name, "://") {
		if dir, err = filepath.Abs(filepath.Dir(name)); err != nil {
			return nil, "", fmt.Errorf("find the directory of %s: %w", name, err)
		}
		name = filepath.Base(name)
	}
	location, err := spec.ParseLocation(name)
	if err != nil {
		return nil, "", usageError{err}
	}
	return []spec.Dump{{From: args[0], Location: location}}, dir, nil
}
