package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
)

// resolveOptions are the flags of dbake resolve.
type resolveOptions struct {
	spec     specFlags
	progress progressFlag
	builder  builderFlags
	registry registryFlags
}

func newResolveCommand() *cobra.Command {
	var o resolveOptions
	cmd := &cobra.Command{
		Use:   "resolve [-f FILE] [flags]",
		Short: "Say what a bake would restore right now",
		Long: `Say what a bake would restore right now, as JSON: the objects that the dumps
stand for with their version and ETag, and the server in the base. Nothing is
restored.
` + exitHelp,
		Example: `  dbake resolve | jq -r '.objects[].etag'`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runResolve(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	o.spec.addFlags(f)
	o.builder.addFlags(f)
	o.registry.addFlags(f)
	o.progress.addFlags(f)
	return cmd
}

func runResolve(ctx context.Context, o resolveOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := o.progress.check(); err != nil {
		return err
	}
	order, err := o.spec.load(stdin)
	if err != nil {
		return err
	}
	options := baker.Options{
		File: order.file, Name: order.name, Data: order.data, Args: order.args, Context: order.dir,
	}
	if options.Secrets, err = o.builder.secretStore(); err != nil {
		return err
	}
	var resolved plan.Resolved
	err = o.progress.display(ctx, stderr, func(ctx context.Context, w progress.Writer) error {
		options.Registry = o.registry.open(w)
		defer options.Registry.Close()
		done, err := o.builder.open(ctx, &options, w)
		if err != nil {
			return err
		}
		resolved, err = baker.Resolve(ctx, options, w)
		return errors.Join(err, done())
	})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(shown(resolved))
}

// shown is what may be shown of it: logs are read by many, and an address may be
// signed, or have a password.
func shown(r plan.Resolved) plan.Resolved {
	r.Objects = slices.Clone(r.Objects)
	for i := range r.Objects {
		if l := &r.Objects[i].Location; l.URL != "" {
			l.URL = imageconfig.LocationName(*l)
		}
	}
	return r
}
