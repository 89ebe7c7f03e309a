package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/baker/agent"
	"github.com/dbake/dbake/baker/buildkit"
	"github.com/dbake/dbake/baker/docker"
	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/local"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/secrets"
)

// Kinds of builders.
const (
	builderAuto     = "auto"
	builderLocal    = "local"
	builderBuildKit = "buildkit"
	builderDocker   = "docker"
)

var builderKinds = []string{builderAuto, builderLocal, builderBuildKit, builderDocker}

// builderFlags say where the restore runs, and with which secrets.
type builderFlags struct {
	kind      string
	address   string
	tls       buildkit.TLS
	secrets   []string
	profile   string
	cacheFrom []string
	cacheTo   []string
	network   string

	store *secrets.Store // secretStore's, once it was asked for
}

func (o *builderFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.kind, "builder", builderAuto,
		"where the restore runs: local (needs no daemon), buildkit, docker, or auto for the first of them that can")
	f.StringVar(&o.address, "buildkit", "",
		"address of the BuildKit, or name of a buildx builder, for --builder buildkit (default: $BUILDKIT_HOST)")
	f.StringVar(&o.tls.CACert, "buildkit-cacert", "", "PEM file with the CA of the BuildKit's certificate, for tcp:// with TLS")
	f.StringVar(&o.tls.Cert, "buildkit-cert", "", "PEM file with a client certificate for the BuildKit")
	f.StringVar(&o.tls.Key, "buildkit-key", "", "PEM file with the client certificate's key")
	f.StringVar(&o.tls.ServerName, "buildkit-servername", "", "name in the BuildKit's certificate, if it is not the address's")
	f.StringArrayVar(&o.secrets, "secret", nil,
		"a secret that dbake.yaml names, as id=NAME,src=FILE or id=NAME,env=VARIABLE (repeatable); AWS credentials need none")
	f.StringVar(&o.profile, "aws-profile", "", "profile of the AWS configuration (default: $AWS_PROFILE)")
	f.StringArrayVar(&o.cacheFrom, "cache-from", nil, "external cache of the BuildKit to read (repeatable)")
	f.StringVar(&o.network, "network", "", "network of the restore in a BuildKit or Docker: host, none (default: the BuildKit's own)")
	f.StringArrayVar(&o.cacheTo, "cache-to", nil, "external cache of the BuildKit to write (repeatable)")
}

// secretStore is the store of the secrets on the command line and of this
// machine's AWS credentials.
func (o *builderFlags) secretStore() (*secrets.Store, error) {
	if o.store != nil {
		return o.store, nil // secrets that are pipes can be read only once
	}
	var sources []secrets.Source
	for _, text := range o.secrets {
		s, err := secrets.Parse(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("--secret: %w", err)}
		}
		sources = append(sources, s)
	}
	store, err := secrets.New(secrets.Options{Sources: sources, Profile: o.profile})
	if err != nil {
		return nil, usageError{fmt.Errorf("--secret: %w", err)}
	}
	o.store = store
	return store, nil
}

// open makes the builder, puts it into b, and gives what ends it.
func (o *builderFlags) open(ctx context.Context, b *baker.Options, w progress.Writer) (func() error, error) {
	if !slices.Contains(builderKinds, o.kind) {
		return nil, usageError{fmt.Errorf("--builder %q is not known; it is one of %s", o.kind, strings.Join(builderKinds, ", "))}
	}
	if o.kind == builderAuto && o.address != "" { // who names one wants it
		o.kind = builderBuildKit
	}
	dir, err := agent.Open(ctx, "")
	if err != nil {
		return nil, err
	}
	b.Agent, b.BuilderName = dir, o.kind
	switch o.kind {
	case builderLocal:
		return o.openLocal(ctx, b)
	case builderBuildKit:
		return o.openBuildKit(ctx, b)
	case builderDocker:
		return o.openDocker(ctx, b)
	}
	return o.openFirst(ctx, b, w)
}

// openFirst takes the first builder that can work here.
func (o *builderFlags) openFirst(ctx context.Context, b *baker.Options, w progress.Writer) (func() error, error) {
	var reasons []string
	for _, candidate := range []struct {
		kind string
		open func() (func() error, error)
	}{
		{builderLocal, func() (func() error, error) { return o.openLocal(ctx, b) }},
		{builderBuildKit, func() (func() error, error) {
			if o.address == "" && os.Getenv(buildkit.EnvHost) == "" {
				return nil, errors.New("neither --buildkit nor $" + buildkit.EnvHost + " names one")
			}
			return o.openBuildKit(ctx, b)
		}},
		{builderDocker, func() (func() error, error) { return o.openDocker(ctx, b) }},
	} {
		done, err := candidate.open()
		if err == nil {
			b.BuilderName = candidate.kind
			step := w.Start("[builder] " + candidate.kind)
			step.Done(nil)
			return done, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		reasons = append(reasons, candidate.kind+": "+err.Error())
	}
	return nil, fmt.Errorf("no builder can work here:\n  %s", strings.Join(reasons, "\n  "))
}

func (o *builderFlags) openLocal(ctx context.Context, b *baker.Options) (func() error, error) {
	l, err := local.New(ctx, local.Options{Agent: b.Agent})
	if err != nil {
		return nil, err
	}
	b.Builder = l
	return func() error { return nil }, nil
}

func (o *builderFlags) openBuildKit(ctx context.Context, b *baker.Options) (func() error, error) {
	options, err := o.buildkitOptions()
	if err != nil {
		return nil, err
	}
	if (o.tls.Cert == "") != (o.tls.Key == "") {
		return nil, usageError{errors.New("--buildkit-cert and --buildkit-key belong together: give both or none")}
	}
	c, err := buildkit.Connect(ctx, o.address, o.tls)
	if err != nil {
		return nil, err
	}
	b.Builder = buildkit.New(c, options)
	return c.Close, nil
}

func (o *builderFlags) openDocker(ctx context.Context, b *baker.Options) (func() error, error) {
	options, err := o.buildkitOptions()
	if err != nil {
		return nil, err
	}
	e, err := engine.New(ctx, engine.Options{})
	if err != nil {
		return nil, err
	}
	d, err := docker.New(ctx, e, options)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	b.Builder = d
	return func() error { return errors.Join(d.Close(), e.Close()) }, nil
}

func (o *builderFlags) buildkitOptions() (buildkit.Options, error) {
	from, err := build.ParseImportCache(o.cacheFrom)
	if err != nil {
		return buildkit.Options{}, usageError{fmt.Errorf("--cache-from: %w", err)}
	}
	to, err := build.ParseExportCache(o.cacheTo)
	if err != nil {
		return buildkit.Options{}, usageError{fmt.Errorf("--cache-to: %w", err)}
	}
	return buildkit.Options{
		Agent: agent.Open, CacheFrom: from, CacheTo: to, Network: o.network,
	}, nil
}

// gitSHA is the commit that a directory is at; empty when it is in no work tree
// or there is no git.
func gitSHA(ctx context.Context, dir string) string {
	for _, name := range []string{"GITHUB_SHA", "CIRCLE_SHA1", "CODEBUILD_RESOLVED_SOURCE_VERSION", "CI_COMMIT_SHA"} {
		if sha := os.Getenv(name); len(sha) == 40 {
			return sha
		}
	}
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func parseSeconds(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }
