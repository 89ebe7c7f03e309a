package buildkit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/docker/cli/cli/config"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/util/staticfs"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/secrets"
	"github.com/dbake/dbake/frontend"
	"github.com/dbake/dbake/spec"
)

// Names of the directories that a build reads from this machine. BuildKit's own
// library knows the first two.
const (
	localFile    = "dockerfile"
	localContext = "context"
	localAgent   = "dbake-agent"
)

// run is one build for one order.
type run struct {
	client  *client.Client
	order   builder.Order
	opt     client.SolveOpt
	secrets *store
	// begun, unless nil, says that what the build gives has begun to arrive.
	begun *atomic.Bool
}

// newRun says what the build gets from this machine.
func (b *Builder) newRun(ctx context.Context, o builder.Order) (*run, error) {
	mounts, err := b.mounts(ctx, o)
	if err != nil {
		return nil, err
	}
	registries, err := config.Load(config.Dir())
	if err != nil {
		return nil, fmt.Errorf("read the docker command's configuration: %w", err)
	}
	r := &run{client: b.client, order: o, secrets: &store{secrets: o.Secrets, profile: o.Args["AWS_PROFILE"]}}
	r.opt = client.SolveOpt{
		FrontendAttrs: b.attrs(o),
		LocalMounts:   mounts,
		SharedKey:     sharedKey(o.Context),
		CacheImports:  b.options.CacheFrom,
		Session: []session.Attachable{
			secretsprovider.NewSecretProvider(r.secrets),
			authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
				AuthConfigProvider: authprovider.LoadAuthConfig(registries),
			}),
		},
	}
	if b.options.Network == "host" {
		r.opt.AllowedEntitlements = []string{"network.host"}
	}
	return r, nil
}

// attrs are the options of the build as docker buildx would give them.
func (b *Builder) attrs(o builder.Order) map[string]string {
	attrs := map[string]string{"filename": fileName(o)}
	for name, value := range o.Args {
		attrs["build-arg:"+name] = value
	}
	if o.NoCache {
		attrs["no-cache"] = ""
	}
	if b.options.Network != "" {
		attrs["force-network-mode"] = b.options.Network
	}
	return attrs
}

// fileName is the name that the build knows the dbake.yaml by.
func fileName(o builder.Order) string {
	if name := path.Base(filepath.ToSlash(o.Name)); name != "." && name != "/" {
		return name
	}
	return frontend.DefaultFilename
}

// mounts are the directories that the build may read.
func (b *Builder) mounts(ctx context.Context, o builder.Order) (map[string]fsutil.FS, error) {
	file := staticfs.NewFS()
	file.Add(fileName(o), &fstypes.Stat{Mode: 0o644}, o.Data)
	mounts := map[string]fsutil.FS{localFile: file, localContext: staticfs.NewFS()}
	if o.Context != "" {
		dir, err := directory(o.Context)
		if err != nil {
			return nil, fmt.Errorf("read the build context: %w", err)
		}
		mounts[localContext] = dir
	}
	arch, err := b.architecture(ctx)
	if err != nil {
		return nil, err
	}
	agent, err := b.options.Agent(ctx, arch)
	if err != nil {
		return nil, err
	}
	if mounts[localAgent], err = directory(agent); err != nil {
		return nil, fmt.Errorf("read dbake's own programs: %w", err)
	}
	return mounts, nil
}

// architecture is that of the machine on which the steps run: like BuildKit's own
// frontends, dbake's takes the first platform of the first worker for it.
func (b *Builder) architecture(ctx context.Context) (string, error) {
	workers, err := b.client.ListWorkers(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("ask the BuildKit for its platform: %w", err)
	}
	if len(workers) == 0 || len(workers[0].Platforms) == 0 {
		return "", nil
	}
	return workers[0].Platforms[0].Architecture, nil
}

// directory is a directory of this machine, in which everything belongs to root:
// who owns it here must not be part of a step's cache key.
func directory(name string) (fsutil.FS, error) {
	dir, err := fsutil.NewFS(name)
	if err != nil {
		return nil, err
	}
	return fsutil.NewFilterFS(dir, &fsutil.FilterOpt{Map: func(_ string, st *fstypes.Stat) fsutil.MapResult {
		st.Uid, st.Gid = 0, 0
		return fsutil.MapResultKeep
	}})
}

// sharedKey lets the next build from the same directory of the same machine
// transfer only what has changed.
func sharedKey(dir string) string {
	host, _ := os.Hostname() // the directory alone does nearly as well
	sum := sha256.Sum256([]byte(host + "\x00" + dir))
	return "dbake:" + hex.EncodeToString(sum[:])
}

// agentState is the agent's directory as the build sees it.
func agentState(c gwclient.Client) *llb.State {
	st := llb.Local(localAgent,
		llb.SessionID(c.BuildOpts().SessionID),
		llb.SharedKeyHint(localAgent),
		llb.WithCustomName("[internal] load dbake's own programs"))
	return &st
}

// frontendFunc is a part of package frontend.
type frontendFunc func(context.Context, gwclient.Client, frontend.Options) (*gwclient.Result, error)

// The BuildKit inside of Docker Engine 20.10 gives up a client whose files or
// secrets it needs and that does not answer for some seconds, as happens on a
// machine with a load far above its cores. It has no type for that.
const (
	sessionLost = "no active session"
	maxTries    = 3
)

// build runs f inside of a build and passes the build's progress on. Its error
// is the one for the user.
func (r *run) build(ctx context.Context, w progress.Writer, f frontendFunc) error {
	for try := 1; ; try++ {
		err := r.buildOnce(ctx, w, f)
		again := err != nil && ctx.Err() == nil && try < maxTries && strings.Contains(err.Error(), sessionLost)
		if !again || r.begun != nil && r.begun.Load() {
			return err
		}
	}
}

func (r *run) buildOnce(ctx context.Context, w progress.Writer, f frontendFunc) error {
	statuses := make(chan *client.SolveStatus)
	printed := &restoreLog{}
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		for s := range statuses {
			printed.add(s)
			w(s)
		}
	}()
	var own error
	_, err := r.client.Build(ctx, r.opt, "dbake", func(ctx context.Context, c gwclient.Client) (*gwclient.Result, error) {
		var res *gwclient.Result
		res, own = f(ctx, c, frontend.Options{Agent: agentState(c), File: r.order.File, Base: r.order.BaseRef})
		return res, own
	}, statuses)
	<-passed
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if id, err := r.secrets.failure(); err != nil {
		return r.secretError(id, err)
	}
	if own != nil {
		return r.explain(own, printed)
	}
	return fmt.Errorf("the build in BuildKit failed: %w", plain{err})
}

// secretError is the error of a secret that could not be had. AWS credentials
// are needed for the dump.
func (r *run) secretError(id string, err error) error {
	if id != secrets.CredentialsFile && !slices.Contains(awsIDs, id) {
		return err
	}
	return &spec.Error{File: r.order.Name, Pos: r.order.File.Position("dump"), Msg: err.Error(), Err: err}
}

// explain is the frontend's error as the order's caller knows it: the file has
// the caller's name, and a failure that the frontend could not read comes from
// the step's log.
func (r *run) explain(err error, printed *restoreLog) error {
	var at *spec.Error
	if !errors.As(err, &at) {
		return plain{err}
	}
	named := *at
	named.File = r.order.Name
	if step := new(frontend.StepError); errors.As(err, &step) {
		if f, ok := printed.failure(r.order.File); ok {
			named.Msg, named.Pos = f.Message, r.order.File.Position(cmp.Or(f.Path, "dump"))
		}
	}
	return &named
}

// plain drops the words that BuildKit's client puts before an error, of which
// each stands for a function that it went through.
type plain struct{ error }

func (p plain) Error() string {
	text := p.error.Error()
	for _, words := range []string{"failed to run Build function: ", "failed to solve: "} {
		text = strings.TrimPrefix(text, words)
	}
	return text
}

func (p plain) Unwrap() error { return p.error }
