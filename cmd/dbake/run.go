package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/serve"
)

// runOptions are the flags of dbake run.
type runOptions struct {
	registry  registryFlags
	progress  progressFlag
	container containerFlags
	pull      bool
	database  string
}

// containerFlags say what a container is to be like.
type containerFlags struct {
	name         string
	port         int
	passwordFile string
	env          []string
	volumes      []string
}

// addFlags adds the flags, with what holds when they are not given.
func (o *containerFlags) addFlags(f *pflag.FlagSet, port, password string) {
	f.IntVarP(&o.port, "port", "p", 0, "port on this machine (default: "+port+")")
	f.StringVar(&o.passwordFile, "password-file", "", "file with the password for root (default: "+password+")")
	f.StringArrayVarP(&o.env, "env", "e", nil, "set a variable of the container, as NAME=VALUE (repeatable)")
	f.StringArrayVarP(&o.volumes, "volume", "v", nil, "mount a directory or a volume of Docker's, as SOURCE:TARGET or SOURCE:TARGET:ro (repeatable)")
}

// options is the container that the flags ask for.
func (o *containerFlags) options(image string) (serve.Options, error) {
	password, err := readPassword(o.passwordFile)
	if err != nil {
		return serve.Options{}, err
	}
	mounts, err := parseVolumes(o.volumes)
	return serve.Options{Image: image, Name: o.name, Port: o.port, RootPassword: password, Env: o.env, Mounts: mounts}, err
}

func newRunCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run REF",
		Short: "Start a baked image with Docker and print its address",
		Long: `Start a baked image with Docker on a free port of this machine, wait until the
server answers, and print its address (DSN) on standard output. Root gets a new
password, which is part of the address, unless --password-file has one.

The container goes on running: docker rm -f NAME removes it.
` + exitHelp,
		Example: `  dbake run registry.example.com/team/app-data
  mysql://root:J5O…@127.0.0.1:49153/app

  # For a script
  export DATABASE_URL=$(dbake run --name app-db --port 3306 --password-file root.txt app-data)`,
		Args: oneArg("the image's reference"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRun(cmd.Context(), o, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.container.name, "name", "", "name of the container (default: Docker's choice)")
	o.container.addFlags(f, "a free one", "a new one")
	f.BoolVar(&o.pull, "pull", false, "pull the image although Docker has it")
	f.StringVar(&o.database, "database", "", "the database in the address (default: the first that was baked)")
	o.registry.addFlags(f)
	o.progress.addFlags(f)
	return cmd
}

func runRun(ctx context.Context, o runOptions, ref string, stdout, stderr io.Writer) error {
	if err := o.progress.check(); err != nil {
		return err
	}
	start, err := o.container.options(ref)
	if err != nil {
		return err
	}
	start.Pull = o.pull
	var address string
	err = withEngine(ctx, o.registry, func(e *engine.Client, r *registry.Client) error {
		return o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
			start.Registry = r
			running, err := serve.Start(ctx, e, start, w)
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

// parseVolumes reads --volume. A source with a slash is a directory.
func parseVolumes(list []string) ([]engine.Mount, error) {
	var mounts []engine.Mount
	for _, text := range list {
		parts := strings.Split(text, ":")
		readOnly := len(parts) == 3 && parts[2] == "ro"
		if len(parts) != 2 && !readOnly || parts[0] == "" || !strings.HasPrefix(parts[1], "/") {
			return nil, usageError{fmt.Errorf("--volume %q is not of the form SOURCE:/TARGET or SOURCE:/TARGET:ro", text)}
		}
		source := parts[0]
		if strings.Contains(source, "/") {
			var err error
			if source, err = filepath.Abs(source); err != nil {
				return nil, fmt.Errorf("--volume: %w", err)
			}
		}
		mounts = append(mounts, engine.Mount{Source: source, Target: parts[1], ReadOnly: readOnly})
	}
	return mounts, nil
}

// schemaOf is the database of an address: the one asked for, or the first that was
// baked.
func schemaOf(ctx context.Context, e *engine.Client, r *serve.Running, asked string) string {
	if asked != "" {
		return asked
	}
	return r.Schema(ctx, e)
}

// withEngine runs f with the Docker Engine of the environment, which logs in to
// registries as the client does that f also gets.
func withEngine(ctx context.Context, flags registryFlags, f func(*engine.Client, *registry.Client) error) error {
	r := flags.open(progress.Discard)
	defer r.Close()
	e, err := engine.New(ctx, engine.Options{Keychain: r.Keychain()})
	if err != nil {
		return err
	}
	defer e.Close()
	return f(e, r)
}

func readPassword(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", usageError{fmt.Errorf("--password-file: %w", err)}
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", usageError{fmt.Errorf("--password-file %s is empty", file)}
	}
	return password, nil
}
