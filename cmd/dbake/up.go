package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/serve"
	"github.com/dbake/dbake/baker/up"
)

// upOptions are the flags of dbake up.
type upOptions struct {
	registry     registryFlags
	progress     progressFlag
	name         string
	port         int
	passwordFile string
	env          []string
	restart      string
	migrate      string
	database     string
	recreate     bool
	noPull       bool
	keepImage    bool
}

func newUpCommand() *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:   "up REF --name NAME",
		Short: "Keep a local database at the newest image",
		Long: `Keep a database container on this machine at the image that a tag points to.

The image is pulled only when the tag has moved. Then the container is made anew,
--migrate is run when its server answers, and the image that was replaced is
removed. When the new container does not come up, the old one is put back. When
nothing has changed, nothing is done. The address is printed on standard output.

Docker has to be logged in to the registry; for Amazon ECR the AWS credentials of
this machine do.
` + exitHelp,
		Example: `  dbake up registry.example.com/team/app-data --name app-db --port 3306 --password-file root.txt \
    --migrate 'bin/rails db:migrate'

  # A pristine database, in about a second
  dbake reset app-db`,
		Args: oneArg("the image's reference"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runUp(cmd.Context(), o, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "dbake-db", "name of the container")
	f.IntVarP(&o.port, "port", "p", 0, "port on this machine (default: a free one)")
	f.StringVar(&o.passwordFile, "password-file", "", "file with the password for root (default: a new one for a new container)")
	f.StringArrayVarP(&o.env, "env", "e", nil, "set a variable of the container, as NAME=VALUE (repeatable)")
	f.StringVar(&o.restart, "restart", "", "Docker's restart policy: no, always, unless-stopped, on-failure")
	f.StringVar(&o.migrate, "migrate", "", "shell command to run when a new container answers; it gets DATABASE_URL, DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME")
	f.StringVar(&o.database, "database", "", "the database in the address (default: the first that was baked)")
	f.BoolVar(&o.recreate, "recreate", false, "make the container anew although nothing has changed")
	f.BoolVar(&o.noPull, "no-pull", false, "do not ask the registry")
	f.BoolVar(&o.keepImage, "keep-image", false, "keep the image that was replaced")
	o.registry.addFlags(f)
	o.progress.addFlags(f)
	return cmd
}

func runUp(ctx context.Context, o upOptions, ref string, stdout, stderr io.Writer) error {
	if err := o.progress.check(); err != nil {
		return err
	}
	password, err := readPassword(o.passwordFile)
	if err != nil {
		return err
	}
	client := o.registry.open(progress.Discard)
	defer client.Close()
	options := up.Options{
		Start: serve.Options{
			Image: ref, Name: o.name, Port: o.port, RootPassword: password, Env: o.env, Restart: o.restart,
		},
		Recreate: o.recreate, NoPull: o.noPull, KeepImage: o.keepImage,
	}
	if o.migrate != "" {
		options.Migrate = func(ctx context.Context, r *serve.Running, log io.Writer) error {
			return migrate(ctx, o.migrate, r, o.schema(r), log)
		}
	}
	var result *up.Result
	err = withEngine(ctx, func(e *engine.Client) error {
		return o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
			result, err = up.Up(ctx, e, client, options, w)
			return err
		})
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, result.DSN(o.schema(result.Running)))
	return err
}

func (o *upOptions) schema(r *serve.Running) string {
	if o.database != "" {
		return o.database
	}
	return firstSchema(r.Labels)
}

// migrate runs the project's own command against a new database.
func migrate(ctx context.Context, command string, r *serve.Running, schema string, log io.Writer) error {
	host, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		return fmt.Errorf("the address of the database: %w", err)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+r.DSN(schema), "DB_HOST="+host, "DB_PORT="+port,
		"DB_USER="+r.User, "DB_PASSWORD="+r.Password, "DB_NAME="+schema)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("the migration %q failed (%w); the database goes on running as %s", command, err, r.Name)
	}
	return nil
}

func newResetCommand() *cobra.Command {
	var p progressFlag
	cmd := &cobra.Command{
		Use:   "reset [NAME]",
		Short: "Give a local database its pristine data back",
		Long: `Make a container of dbake run or dbake up anew from its image: the data is as it
was baked, everything written since is gone. Port, password, variables and mounts
stay.
` + exitHelp,
		Example: `  dbake reset app-db`,
		Args:    noMoreThanOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "dbake-db"
			if len(args) > 0 {
				name = args[0]
			}
			return runReset(cmd.Context(), p, name, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	p.addFlags(cmd.Flags())
	return cmd
}

func runReset(ctx context.Context, p progressFlag, name string, stdout, stderr io.Writer) error {
	if err := p.check(); err != nil {
		return err
	}
	var running *serve.Running
	err := withEngine(ctx, func(e *engine.Client) error {
		return p.display(ctx, stderr, func(ctx context.Context, w progress.Writer) (err error) {
			running, err = up.Reset(ctx, e, name, w)
			return err
		})
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, running.DSN(firstSchema(running.Labels)))
	return err
}

func noMoreThanOneArg(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("unexpected argument %q", args[1])}
	}
	return nil
}
