package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func newCheckCommand() *cobra.Command {
	var o specFlags
	cmd := &cobra.Command{
		Use:   "check [-f FILE] [--build-arg NAME=VALUE]... [--set KEY=VALUE]...",
		Short: "Check a dbake.yaml",
		Long: `Check a dbake.yaml without building anything. Every problem is printed to
standard error on a line of its own, as file:line:column: key: message.
` + exitHelp,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCheck(o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runCheck(o specFlags, stdin io.Reader, stdout io.Writer) error {
	order, err := o.load(stdin)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: ok\n", order.name)
	return err
}

// maxSpec bounds what is read; spec.Parse refuses less than that.
const maxSpec = 2 << 20

// readSpec reads the file, or stdin for "-", and returns it with the name to
// show in errors.
func readSpec(file string, stdin io.Reader) (string, []byte, error) {
	name, r := "<stdin>", stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", nil, fmt.Errorf("cannot read the build definition: %w", err)
		}
		defer f.Close()
		name, r = file, f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxSpec))
	if err != nil {
		return "", nil, fmt.Errorf("cannot read the build definition: %w", err)
	}
	return name, data, nil
}

// parseBuildArgs reads NAME=VALUE and NAME the way docker build does: a NAME
// that the environment does not have stays unset.
func parseBuildArgs(list []string) (map[string]string, error) {
	args := make(map[string]string, len(list))
	for _, arg := range list {
		name, value, given := strings.Cut(arg, "=")
		if name == "" {
			return nil, usageError{fmt.Errorf("--build-arg %q has no name; write NAME=VALUE", arg)}
		}
		if !given {
			env, ok := os.LookupEnv(name)
			if !ok {
				continue
			}
			value = env
		}
		args[name] = value
	}
	return args, nil
}
