package main

import (
	"github.com/spf13/cobra"

	"github.com/dbake/dbake/spec"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of dbake.yaml",
		Long: `Print the JSON Schema of dbake.yaml, for editors. With it saved as
dbake.schema.json, this line at the top of a dbake.yaml turns completion on:

  # yaml-language-server: $schema=dbake.schema.json
` + exitHelp,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(spec.Schema())
			return err
		},
	}
}
