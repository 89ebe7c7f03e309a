package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit statuses, the same for every command.
const (
	exitOK    = 0
	exitFail  = 1 // the work failed, or what was checked is at fault
	exitUsage = 2 // the command line is at fault; nothing was done
)

const exitHelp = `
Exit status is 0 if all is well, 1 if the work failed or the file is at fault,
2 if the command line is.`

// usageError is an error in the command line.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// Main runs one command line and returns the exit status. Errors are printed
// here and nowhere else.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cmd := newRootCommand()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	ran, err := cmd.ExecuteC()
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "dbake: %v\nRun %q for help.\n", err, ran.CommandPath()+" --help")
		return exitUsage
	default:
		fmt.Fprintln(stderr, err)
		return exitFail
	}
}

func newRootCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "dbake",
		Short:         "Bake MySQL dumps into container images",
		Long:          "dbake turns a MySQL dump into a container image whose data directory is already restored.\n" + exitHelp,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(newCheckCommand(), newSchemaCommand(), newVersionCommand())
	return cmd
}

// noCommand refuses the words that are no command; cobra's own error could
// not be told from a command's failure.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", args[0])
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
		err = fmt.Errorf("%w; did you mean %q?", err, s[0])
	}
	return usageError{err}
}

// noArgs is for commands that take flags only.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}
