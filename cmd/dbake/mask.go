package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/seed/source"
	"github.com/dbake/dbake/seed/stream"
	"github.com/dbake/dbake/spec"
)

// maskOptions are the flags of dbake mask.
type maskOptions struct {
	spec     specFlags
	target   targetFlags
	secrets  []string
	progress progressFlag
}

const maskExamples = `  # The dump that dbake.yaml names, masked, to S3
  dbake mask --to s3://acme-staging/mask.sql.gz --secret id=mask_key,env=MASK_KEY

  # Below a prefix, by time, the last 7 kept and the newest one under a name of its own
  dbake mask --to s3://acme-staging/nightly/ --keep 7 --latest --secret id=mask_key,src=key.txt

  # Another dump, straight into a server
  dbake mask --set dump=./dump.sql.gz --to - --secret id=mask_key,src=key.txt | mysql staging`

func newMaskCommand() *cobra.Command {
	var o maskOptions
	cmd := &cobra.Command{
		Use:   "mask [-f FILE] --to LOCATION [flags]",
		Short: "Mask a dump into another dump, without a server",
		Long: `Mask the dumps of a dbake.yaml into one that any mysql client takes, for a
staging database, say. It has the rows that a bake of the same file has: the mask,
restore.databases, restore.tables and restore.subset sections hold. No server is
needed; what are no rows passes as it stands in the dump.

Only SQL dumps are read, not dump folders. Accounts and system tables are left
out unless restore.system is keep. What only a server can do is refused: mask.sql
and the transform sql.

What is written appears when it is complete. Work that fails or is stopped leaves
nothing behind.
` + exitHelp,
		Example: maskExamples,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runMask(cmd.Context(), &o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	o.spec.addFlags(f)
	o.target.addFlags(f)
	f.StringArrayVar(&o.secrets, "secret", nil, "give a secret that the file names, as id=NAME,src=FILE or id=NAME,env=VARIABLE (repeatable)")
	o.progress.addFlags(f)
	cmd.AddCommand(newSuggestCommand())
	return cmd
}

func runMask(ctx context.Context, o *maskOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := o.progress.check(); err != nil {
		return err
	}
	if err := o.target.check(false, stdout); err != nil {
		return err
	}
	order, err := o.spec.load(stdin)
	if err != nil {
		return err
	}
	m := order.file.Mask
	if m == nil || len(m.Columns) == 0 && m.Policy == nil {
		return fmt.Errorf("%s: it has no mask.columns, so that nothing would be masked", order.name)
	}
	key, err := (&maskFlags{secrets: o.secrets}).key(ctx, m)
	if err != nil {
		return err
	}
	var done *masked
	err = o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
		run := maskRun{order: order, key: key, target: &o.target, stdout: stdout, events: &dumpEvents{show: w}}
		done, err = run.run(ctx)
		return err
	})
	if err != nil {
		return order.blame(err)
	}
	return done.print(stdout, o.progress.beside(stderr))
}

// blame gives an error of the work the place in the dbake.yaml that it is about.
func (o *order) blame(err error) error {
	var e *stream.Error
	if !errors.As(err, &e) {
		return err
	}
	return &spec.Error{File: o.name, Pos: o.file.Position(e.Path), Path: e.Path, Msg: e.Error(), Err: e}
}

// maskRun makes one masked dump.
type maskRun struct {
	order  *order
	key    []byte
	target *targetFlags
	stdout io.Writer
	events *dumpEvents
}

// masked is a masked dump that is complete.
type masked struct {
	*stream.Result
	*written
}

func (r *maskRun) run(ctx context.Context) (*masked, error) {
	source.CleanEnv()
	src := source.New(source.Config{ContextDir: r.order.dir})
	defer src.Close()
	objects, err := src.Resolve(ctx, r.order.file.Dump)
	if err != nil {
		return nil, err
	}
	name := "masked"
	if d := r.order.file.Restore.Database; d != "" {
		name = d
	}
	options := stream.Options{
		Source: src, Objects: objects, Restore: r.order.file.Restore, Mask: r.order.file.Mask, Key: r.key,
	}
	done := &masked{}
	done.written, err = r.target.write(ctx, name, r.stdout, r.events,
		func(ctx context.Context, w io.Writer) (map[string]string, error) {
			result, err := stream.Run(ctx, options, w, r.events.event)
			if err != nil {
				return nil, err
			}
			done.Result = result
			return map[string]string{"rows-masked": fmt.Sprint(result.Masked), "rows-left-out": fmt.Sprint(result.Dropped)}, nil
		})
	return done, err
}

func (m *masked) print(stdout, stderr io.Writer) error {
	return m.written.report(fmt.Sprintf("masked %d rows and left out %d", m.Masked, m.Dropped), m.Bytes, stdout, stderr)
}
