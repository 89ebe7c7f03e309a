package main

import (
	"context"
	"errors"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
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

// Unchanged data is looked for under the first tag as it will be.
func TestFirstTag(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"":                               nil,
		"-t app:1 -t app:2":              {"app:1"},
		"-t app:1 --tag-suffix -arm":     {"app:1-arm"},
		"-t host:5/app --tag-suffix -x":  {"host:5/app:latest-x"},
		"-t app:{{.ETag}}":               nil,
		"-t app --tag-suffix -{{.ETag}}": nil,
		"-t app --cache none":            nil,
		"-t app --cache other":           {"other"},
	} {
		var o bakeOptions
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		o.addFlags(flags)
		if err := flags.Parse(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		if got := o.reuse(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// A terminal that is closed stops a bake as Ctrl-C does.
func TestHangUpStops(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("run with nohup")
	}
	ctx, stop := untilSignal(t.Context())
	defer stop()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, signalError{syscall.SIGHUP}) {
		t.Errorf("the cause is %v", cause)
	}
}

// What dbake resolve prints ends up in logs.
func TestResolvedAddressIsShownWithoutItsSignature(t *testing.T) {
	t.Parallel()
	l := spec.Location{Kind: spec.KindHTTPS, URL: "https://ci:planted@dumps.example.com/app.sql?token=planted#planted"}
	r := plan.Resolved{Objects: []plan.Object{{Location: l, ETag: `"1"`}}}
	if got, want := shown(r).Objects[0].Location.URL, "https://dumps.example.com/app.sql"; got != want {
		t.Errorf("it is shown as %s, want %s", got, want)
	}
	if r.Objects[0].Location != l {
		t.Error("the original has changed")
	}
}
