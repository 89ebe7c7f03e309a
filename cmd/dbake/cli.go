package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbake/dbake/spec"
)

// Exit statuses, the same for every command.
const (
	exitOK     = 0
	exitFail   = 1   // the work failed, or what was checked is at fault
	exitUsage  = 2   // the command line is at fault; nothing was done
	exitDiffer = 3   // an image is not what its manifest or its dbake.yaml says
	exitSignal = 128 // plus the signal's number: stopped by SIGINT, SIGTERM or SIGHUP
)

const exitHelp = `
Exit status is 0 if all is well, 1 if the work failed or the file is at fault,
2 if the command line is, 130 after Ctrl-C.`

// usageError is an error in the command line.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// statusError is an error with an exit status of its own.
type statusError struct {
	err    error
	status int
}

func (e statusError) Error() string { return e.err.Error() }
func (e statusError) Unwrap() error { return e.err }

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return "stopped by " + e.signal.String() }

// Main runs one command line and returns the exit status. Errors are printed
// here and nowhere else.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	cmd := newRootCommand()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	ran, err := cmd.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	status, hint := exitFail, ""
	var usage usageError
	var own statusError
	var stopped signalError
	switch {
	case errors.As(err, &usage):
		status, hint = exitUsage, fmt.Sprintf("Run %q for help.", ran.CommandPath()+" --help")
	case errors.As(context.Cause(ctx), &stopped):
		err, status = stopped, exitSignal+int(stopped.signal)
	case errors.As(err, &own):
		status = own.status
	}
	format, _ := cmd.PersistentFlags().GetString("log-format")
	printError(stderr, format, err, hint)
	return status
}

// untilSignal gives a context that ends at the first SIGINT, SIGTERM or SIGHUP (the
// terminal is closed; nohup's is ignored still), with a signalError for its cause.
// The second one ends the program the hard way.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			if s, ok := s.(syscall.Signal); ok {
				cancel(signalError{s})
			}
		case <-ctx.Done():
			signal.Stop(signals)
		}
	}()
	return ctx, func() { cancel(nil) }
}

// printError prints the error of a command: a line for people, or a JSON object
// for programs, with the place in the dbake.yaml in fields of its own.
func printError(w io.Writer, format string, err error, hint string) {
	var list spec.ErrorList
	if format != "json" {
		text := err.Error()
		var one *spec.Error
		if !errors.As(err, &list) && !errors.As(err, &one) {
			text = "dbake: " + text
		}
		fmt.Fprintln(w, text)
		if hint != "" {
			fmt.Fprintln(w, hint)
		}
		return
	}
	var one *spec.Error
	switch {
	case errors.As(err, &list):
		for _, e := range list {
			printObject(w, e.Msg, placeOf(e)...)
		}
	case errors.As(err, &one):
		printObject(w, one.Msg, placeOf(one)...)
	default:
		printObject(w, err.Error())
	}
}

// printObject prints an error as a line of JSON, in the form of log/slog.
func printObject(w io.Writer, message string, fields ...slog.Attr) {
	record := slog.NewRecord(time.Now(), slog.LevelError, message, 0)
	record.AddAttrs(fields...)
	_ = slog.NewJSONHandler(w, nil).Handle(context.Background(), record)
}

// placeOf is where in a dbake.yaml a problem is.
func placeOf(e *spec.Error) []slog.Attr {
	return []slog.Attr{
		slog.String("file", e.File), slog.Int("line", e.Pos.Line), slog.Int("column", e.Pos.Column),
		slog.String("path", e.Path), slog.String("hint", e.Hint),
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
	cmd.PersistentFlags().String("log-format", "text", `how errors are printed: "text", or "json" for one object a line`)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.PersistentPreRunE = checkLogFormat
	cmd.AddCommand(
		newBakeCommand(),
		newDumpCommand(),
		newMaskCommand(),
		newResolveCommand(),
		newInspectCommand(),
		newVerifyCommand(),
		newRunCommand(),
		newUpCommand(),
		newResetCommand(),
		newDeployCommand(),
		newCheckCommand(),
		newSchemaCommand(),
		newVersionCommand(),
		newManCommand(),
	)
	return cmd
}

func checkLogFormat(cmd *cobra.Command, _ []string) error {
	switch format, _ := cmd.Flags().GetString("log-format"); format {
	case "text", "json":
		return nil
	default:
		return usageError{fmt.Errorf("--log-format %q is not known; it is text or json", format)}
	}
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

// oneArg is for commands that take one argument, which what names.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usageError{fmt.Errorf("%s is missing", what)}
		case len(args) > 1:
			return usageError{fmt.Errorf("unexpected argument %q", args[1])}
		}
		return nil
	}
}
