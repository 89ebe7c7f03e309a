package frontend

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// Names of the two steps, for --no-cache-filter.
const (
	stepResolve = "resolve"
	stepRestore = "restore"
)

// awsSecret is the id of the secret that holds an AWS credentials file.
const awsSecret = "aws"

// resolveStep returns the directory that the resolve step writes into.
//
// While a dump lies somewhere else than in the build context, or masks have a key,
// the step runs every time: the values of secrets are in no cache key. Steps that ignore the cache are still shared by builds that run
// at the same moment, so the session makes it this build's own. Its output is
// read by the frontend and never an input of another step, which keeps it out
// of the cache that is exported and out of provenance.
func (b *bake) resolveStep(bs base) (llb.State, error) {
	order, err := planFile(plan.ResolveFile, plan.NewResolve(b.file))
	if err != nil {
		return llb.State{}, err
	}
	opts := []llb.RunOption{
		llb.Args([]string{plan.AgentDir + agentSeed, stepResolve}),
		llb.ReadonlyRootFS(),
		llb.AddMount(plan.PlanDir, order, llb.Readonly),
		llb.WithCustomName("[resolve] " + strings.Join(append(b.dumpNames(), b.file.Base), ", ")),
		b.src.location("dump"),
	}
	opts = append(opts, b.stepOptions()...)
	key := plan.NewResolve(b.file).MaskKey
	if key != "" {
		opts = append(opts, llb.AddSecret(path.Join(plan.SecretDir, key), llb.SecretID(key)))
	}
	if b.hasRemoteDump() || key != "" {
		opts = append(opts, llb.IgnoreCache, llb.AddEnv("DBAKE_BUILD", b.c.BuildOpts().SessionID))
	} else if b.isNoCache(stepResolve) {
		opts = append(opts, llb.IgnoreCache)
	}
	run := bs.state.Run(opts...)
	return run.AddMount(plan.StatusDir, llb.Scratch()), nil
}

// restoreStep returns the root of the data layer: the restored data directory,
// the manifest and the pristine links, each at its final path.
func (b *bake) restoreStep(bs base, r plan.Resolved, files contextFiles) (llb.State, error) {
	order, err := planFile(plan.RestoreFile, plan.NewRestore(b.file, r))
	if err != nil {
		return llb.State{}, err
	}
	opts := []llb.RunOption{
		llb.Args([]string{plan.AgentDir + agentSeed, stepRestore}),
		llb.AddMount(plan.PlanDir, order, llb.Readonly),
		llb.AddMount(plan.TempDir, llb.Scratch(), llb.Tmpfs()),
		llb.WithCustomNamef("[restore] %s → %s", strings.Join(imageconfig.ObjectNames(r.Objects), ", "), b.file.DataDir),
		b.src.location("dump"),
	}
	for _, name := range files.names {
		opts = append(opts, llb.AddMount(path.Join(plan.ContextDir, name), files.state, llb.Readonly, llb.SourcePath(path.Join("/", name))))
	}
	for _, id := range b.file.Secrets() {
		opts = append(opts, llb.AddSecret(path.Join(plan.SecretDir, id), llb.SecretID(id)))
	}
	opts = append(opts, b.stepOptions()...)
	if b.isNoCache(stepRestore) || !r.Identified() {
		opts = append(opts, llb.IgnoreCache)
	}
	run := bs.state.Run(opts...)
	run.AddMount(plan.StatusDir, llb.Scratch())
	return run.AddMount(plan.OutDir, llb.Scratch()), nil
}

// stepOptions are what both steps have in common: the agent, root, the
// builder's network settings and what is needed to reach a remote dump.
func (b *bake) stepOptions() []llb.RunOption {
	opts := append(b.agent.mounts(),
		llb.With(llb.User("0:0"), llb.Dir("/"), llb.Network(b.dc.NetworkMode)))
	for _, h := range b.dc.ExtraHosts {
		opts = append(opts, llb.AddExtraHost(h.Host, h.IP))
	}
	for _, u := range b.dc.Ulimits {
		opts = append(opts, llb.AddUlimit(llb.UlimitName(u.Name), u.Soft, u.Hard))
	}
	if b.dc.CgroupParent != "" {
		opts = append(opts, llb.WithCgroupParent(b.dc.CgroupParent))
	}
	if !b.hasRemoteDump() {
		return opts
	}
	for _, name := range slices.Sorted(maps.Keys(b.args.env)) {
		opts = append(opts, llb.AddEnv(name, b.args.env[name]))
	}
	if b.args.proxy != nil {
		opts = append(opts, llb.WithProxy(*b.args.proxy))
	}
	return append(opts, b.awsSecrets()...)
}

// awsSecrets are all optional: a public object needs none, and an instance
// role gives credentials without any. Builders that know no secrets as
// environment (Docker Engine 20.10) bring the credentials file only.
func (b *bake) awsSecrets() []llb.RunOption {
	opts := []llb.RunOption{llb.AddSecret(path.Join(plan.SecretDir, awsSecret), llb.SecretID(awsSecret), llb.SecretOptional)}
	if caps := b.c.BuildOpts().LLBCaps; caps.Supports(pb.CapExecSecretEnv) == nil {
		for _, id := range credentialEnv {
			opts = append(opts, llb.AddSecret(id, llb.SecretID(id), llb.SecretAsEnv(true), llb.SecretOptional))
		}
	}
	return opts
}

// planFile is a directory with v as JSON in a file.
func planFile(name string, v any) (llb.State, error) {
	dt, err := json.Marshal(v)
	if err != nil {
		return llb.State{}, fmt.Errorf("write %s: %w", name, err)
	}
	return llb.Scratch().File(llb.Mkfile("/"+name, 0o444, dt), llb.WithCustomName("[internal] write "+name)), nil
}

func (b *bake) hasRemoteDump() bool {
	return slices.ContainsFunc(b.file.Dump, func(d spec.Dump) bool { return !d.Location.InContext() })
}

// isNoCache says whether --no-cache or --no-cache-filter names the step or the
// target.
func (b *bake) isNoCache(step string) bool {
	return b.dc.IsNoCache(step) || b.dc.IsNoCache(b.target.name)
}

func (b *bake) dumpNames() []string {
	names := make([]string, len(b.file.Dump))
	for i, d := range b.file.Dump {
		names[i] = imageconfig.LocationName(d.Location)
	}
	return names
}
