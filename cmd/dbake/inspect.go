package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/internal/bytesize"
)

// inspectOptions are the flags of dbake inspect.
type inspectOptions struct {
	registry registryFlags
	format   string
	platform string
}

func newInspectCommand() *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect REF",
		Short: "Show what was baked into an image",
		Long: `Show what was baked into an image in a registry: the dumps, the server, the
tables with their rows. The data layers are not pulled for it.
` + exitHelp,
		Example: `  dbake inspect registry.example.com/team/app-data

  # The rows of one table
  dbake inspect --format json registry.example.com/team/app-data |
    jq '.manifest.tables[] | select(.name == "users") | .rows'`,
		Args: oneArg("the image's reference"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInspect(cmd.Context(), o, args[0], cmd.OutOrStdout())
		},
	}
	o.registry.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.format, "format", "text", "text, or json for all of it")
	cmd.Flags().StringVar(&o.platform, "platform", "", "the platform to look at (default: this machine's)")
	return cmd
}

func runInspect(ctx context.Context, o inspectOptions, ref string, out io.Writer) error {
	if o.format != "text" && o.format != "json" {
		return usageError{fmt.Errorf("--format %q is not known; it is text or json", o.format)}
	}
	var platform v1.Platform
	if o.platform != "" {
		list, err := parsePlatforms([]string{o.platform})
		if err != nil {
			return err
		}
		platform = list[0]
	}
	client := o.registry.open(progress.Discard)
	defer client.Close()
	in, err := baker.Inspect(ctx, client, ref, platform)
	if err != nil {
		return err
	}
	if o.format == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(in)
	}
	return printInspection(out, in)
}

func printInspection(out io.Writer, in *baker.Inspection) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	m := in.Manifest
	fmt.Fprintf(w, "image:\t%s\n", in.Ref)
	fmt.Fprintf(w, "platform:\t%s\n", in.Platform)
	fmt.Fprintf(w, "server:\t%s %s\n", m.Server.Flavour, m.Server.Version)
	if in.Base != "" {
		fmt.Fprintf(w, "base:\t%s\n", in.Base)
	}
	for _, d := range m.Dumps {
		fmt.Fprintf(w, "dump:\t%s%s\n", d.From, dumpDetail(d.Modified, d.Size))
	}
	fmt.Fprintf(w, "size:\t%s in %d layers\n", bytesize.Text(in.Bytes), in.Layers)
	if in.DataBytes > 0 {
		fmt.Fprintf(w, "data:\t%s\n", bytesize.Text(in.DataBytes))
	}
	fmt.Fprintf(w, "tables:\t%d with %d rows\n", len(m.Tables), m.Rows)
	if err := w.Flush(); err != nil {
		return err
	}
	for _, t := range m.Tables {
		fmt.Fprintf(w, "  %s.%s\t%12d rows\n", t.Schema, t.Name, t.Rows)
	}
	for _, text := range m.Warnings {
		fmt.Fprintf(w, "warning: %s\n", text)
	}
	return w.Flush()
}

func dumpDetail(modified string, bytes int64) string {
	detail := ""
	if modified != "" {
		detail += ", " + modified
	}
	if bytes >= 0 {
		detail += ", " + bytesize.Text(bytes)
	}
	return detail
}
