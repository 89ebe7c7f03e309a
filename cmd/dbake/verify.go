package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/serve"
	"github.com/dbake/dbake/baker/verify"
)

// verifyOptions are the flags of dbake verify.
type verifyOptions struct {
	spec     specFlags
	registry registryFlags
	progress progressFlag
	pull     bool
	deep     bool
}

func newVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify REF",
		Short: "Boot a baked image and check what is in it",
		Long: `Boot a baked image with Docker and check it: the server's version and the rows
of every table against the image's manifest, and, with -f, the verify: queries of
a dbake.yaml. --deep has the server check every page and key of every table. The
container is removed afterwards.

Exit status is 0 if all is well, 3 if the image is not what it says, 1 if that
could not be found out, 2 if the command line is at fault, 130 after Ctrl-C.`,
		Example: `  dbake verify registry.example.com/team/app-data
  dbake verify --deep -f dbake.yaml app-data`,
		Args: oneArg("the image's reference"),
		RunE: func(cmd *cobra.Command, args []string) error {
			given := cmd.Flags().Changed("file")
			return runVerify(cmd.Context(), o, args[0], given, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	o.spec.addFlags(f)
	f.Lookup("file").DefValue = ""
	f.Lookup("file").Usage = "a dbake.yaml whose verify: queries must be true"
	f.BoolVar(&o.pull, "pull", false, "pull the image although Docker has it")
	f.BoolVar(&o.deep, "deep", false, "have the server check every page and key")
	o.registry.addFlags(f)
	o.progress.addFlags(f)
	return cmd
}

func runVerify(ctx context.Context, o verifyOptions, ref string, withSpec bool, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := o.progress.check(); err != nil {
		return err
	}
	check := verify.Options{Deep: o.deep}
	if withSpec {
		order, err := o.spec.load(stdin)
		if err != nil {
			return err
		}
		check.Queries, check.Database = order.file.Verify, order.file.Restore.Database
	}
	var report *verify.Report
	err := withEngine(ctx, o.registry, func(e *engine.Client, r *registry.Client) error {
		return o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
			var err error
			report, err = verifyImage(ctx, e, serve.Options{Image: ref, Pull: o.pull, Registry: r}, check, w)
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, problem := range report.Problems {
		if _, err := fmt.Fprintln(stdout, problem); err != nil {
			return err
		}
	}
	if !report.OK() {
		return statusError{fmt.Errorf("%s is not what it says: %d problems", ref, len(report.Problems)), exitDiffer}
	}
	_, err = fmt.Fprintf(stdout, "%s: ok: %d tables, %d rows, %d queries\n", ref, report.Tables, report.Rows, report.Queries)
	return err
}

// verifyImage starts an image, checks it, and removes the container.
func verifyImage(ctx context.Context, e *engine.Client, start serve.Options, o verify.Options, w progress.Writer) (*verify.Report, error) {
	running, err := serve.Start(ctx, e, start, w)
	if err != nil {
		return nil, err
	}
	m, err := running.Manifest(ctx, e)
	if err != nil {
		return nil, errors.Join(err, running.Stop(ctx, e))
	}
	var report *verify.Report
	err = w.Run("[verify] count rows", func(s *progress.Step) error {
		last := time.Now()
		o.Progress = func(done, total int) {
			if done == total || time.Since(last) > between {
				last = time.Now()
				s.Log(fmt.Appendf(nil, "%d of %d checks\n", done, total))
			}
		}
		var err error
		report, err = verify.Check(ctx, verify.Server{Address: running.Address, User: running.User, Password: running.Password}, m, o)
		return err
	})
	return report, errors.Join(err, running.Stop(ctx, e))
}
