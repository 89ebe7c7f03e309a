package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/serve"
	"github.com/dbake/dbake/baker/up"
)

// upOptions are the flags of dbake up.
type upOptions struct {
	registry  registryFlags
	progress  progressFlag
	container containerFlags
	restart   string
	after     afterFlags
	recreate  bool
	noPull    bool
	keepImage bool
}

// containerName is the container's name when none is given.
const containerName = "dbake-db"

func newUpCommand() *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:   "up REF --name NAME",
		Short: "Keep a local database at the newest image",
		Long: `Keep a database container on this machine at the image that a tag points to.

The image is pulled only when the tag has moved. Then the container is made anew,
with the port and the password that the old one had, and the image that was
replaced is removed. When the new container does not come up, the old one is put
back. When nothing has changed, the container stays as it is. --migrate is run in
either case, when the server answers. The address is printed on standard output.

Credentials are those of docker login; for Amazon ECR the AWS credentials of this
machine do. When the registry cannot be reached, the image that Docker has is used.
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
	f.StringVar(&o.container.name, "name", containerName, "name of the container")
	o.container.addFlags(f, "the old container's, or a free one", "the old container's, or a new one")
	f.StringVar(&o.restart, "restart", "", "Docker's restart policy: no, always, unless-stopped, on-failure")
	o.after.addFlags(f)
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
	start, err := o.container.options(ref)
	if err != nil {
		return err
	}
	start.Restart = o.restart
	options := up.Options{Start: start, Recreate: o.recreate, NoPull: o.noPull, KeepImage: o.keepImage}
	return o.after.bringUp(ctx, o.registry, o.progress, stdout, stderr,
		func(ctx context.Context, e *engine.Client, r *registry.Client, migrate migration, w progress.Writer) (*serve.Running, error) {
			options.Migrate = migrate
			result, err := up.Up(ctx, e, r, options, w)
			if err != nil {
				return nil, err
			}
			return result.Running, nil
		})
}

// afterFlags say what is done with a database that is up.
type afterFlags struct{ migrate, database string }

func (o *afterFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.migrate, "migrate", "", "shell command to run when the server answers; it gets DATABASE_URL, DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME")
	f.StringVar(&o.database, "database", "", "the database in the address (default: the first that was baked)")
}

// migration is up.Options.Migrate.
type migration = up.Migration

// bringUp has start bring a database up, and prints its address.
func (o *afterFlags) bringUp(ctx context.Context, flags registryFlags, p progressFlag, stdout, stderr io.Writer,
	start func(context.Context, *engine.Client, *registry.Client, migration, progress.Writer) (*serve.Running, error),
) error {
	var address string
	err := withEngine(ctx, flags, func(e *engine.Client, r *registry.Client) error {
		var migrate migration
		if o.migrate != "" {
			migrate = func(ctx context.Context, running *serve.Running, log io.Writer) error {
				return runMigration(ctx, o.migrate, running, schemaOf(ctx, e, running, o.database), log)
			}
		}
		return p.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
			running, err := start(ctx, e, r, migrate, w)
			if err == nil {
				address = running.DSN(schemaOf(ctx, e, running, o.database))
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, address)
	return err
}

// runMigration runs the project's own command against a database.
func runMigration(ctx context.Context, command string, r *serve.Running, schema string, log io.Writer) error {
	host, port, err := net.SplitHostPort(r.Address)
	if err != nil {
		return fmt.Errorf("the address of the database: %w", err)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+r.DSN(schema), "DB_HOST="+host, "DB_PORT="+port,
		"DB_USER="+r.User, "DB_PASSWORD="+r.Password, "DB_NAME="+schema)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = 5 * time.Second // for what it leaves running
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
	var after afterFlags
	cmd := &cobra.Command{
		Use:   "reset [NAME]",
		Short: "Give a local database its pristine data back",
		Long: `Make a container of dbake run or dbake up anew from its image: the data is as it
was baked, everything written since is gone. Port, password, variables and mounts
stay. Nothing is asked of the registry.
` + exitHelp,
		Example: `  dbake reset app-db --migrate 'bin/rails db:migrate'`,
		Args:    noMoreThanOneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := containerName
			if len(args) > 0 {
				name = args[0]
			}
			return runReset(cmd.Context(), p, after, name, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	after.addFlags(cmd.Flags())
	p.addFlags(cmd.Flags())
	return cmd
}

func runReset(ctx context.Context, p progressFlag, after afterFlags, name string, stdout, stderr io.Writer) error {
	if err := p.check(); err != nil {
		return err
	}
	return after.bringUp(ctx, registryFlags{}, p, stdout, stderr,
		func(ctx context.Context, e *engine.Client, _ *registry.Client, migrate migration, w progress.Writer) (*serve.Running, error) {
			return up.Reset(ctx, e, name, migrate, w)
		})
}

func noMoreThanOneArg(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("unexpected argument %q", args[1])}
	}
	return nil
}
