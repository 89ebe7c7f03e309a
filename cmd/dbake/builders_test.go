package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker"
)

// The flags for a BuildKit behind TLS get to the connection.
func TestBuildKitFlags(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"--buildkit-cert mine.pem":                     "--buildkit-cert and --buildkit-key belong together",
		"--buildkit-key mine.pem":                      "--buildkit-cert and --buildkit-key belong together",
		"--buildkit-cacert /missing/ca.pem":            "/missing/ca.pem",
		"--buildkit-servername x":                      "does not answer",
		"--buildkit-cert /a.pem --buildkit-key /a.key": "/a.pem",
		"--buildkit unix:///x --buildkit-cacert y":     "not reached with TLS",
	} {
		var o builderFlags
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		o.addFlags(flags)
		if err := flags.Parse(append([]string{"--buildkit", "tcp://127.0.0.1:1"}, strings.Fields(line)...)); err != nil {
			t.Fatal(err)
		}
		_, err := o.openBuildKit(t.Context(), &baker.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
		if usage := errors.As(err, new(usageError)); usage != strings.Contains(want, "belong") {
			t.Errorf("%s: a usage error: %v", line, usage)
		}
	}
}
