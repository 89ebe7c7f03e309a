// Package local is the builder that needs no daemon: it unpacks the base image
// into a cache and runs the agent in it on this machine, with what the machine
// allows (see package jail). Linux only.
//
// Programs that use it must call jail.Main first of all.
package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/agent"
	"github.com/dbake/dbake/baker/base"
	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/jail"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/tree"
	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
)

// Options say where things are. The zero value is right but for tests.
type Options struct {
	// Agent is a directory in the layout of the frontend image's root; empty:
	// agent.Open finds one.
	Agent string
	// Cache holds unpacked base images; empty: base.DefaultDir.
	Cache string
	// Work is the directory for everything that is written, below which each
	// bake has its own; empty: EnvWork, or where there is space, the
	// filesystem of Cache first.
	Work string
	// Level is how the agent is confined; empty: what jail.Detect finds.
	Level jail.Level
}

// Builder is the builder "local". Its methods may be called at the same time.
type Builder struct {
	options Options
	level   jail.Level
	reason  string
}

var _ builder.Builder = (*Builder)(nil)

// detectTimeout bounds the look at what this machine allows.
const detectTimeout = 30 * time.Second

// unusedFor is how long a base image stays in the cache after its last use.
const unusedFor = 30 * 24 * time.Hour

// New makes a builder. The error wraps jail.ErrImpossible when this user cannot
// restore on this machine, or agent.ErrMissing when nobody brought the agent.
func New(ctx context.Context, o Options) (*Builder, error) {
	ctx, cancel := context.WithTimeout(ctx, detectTimeout)
	defer cancel()
	b := &Builder{options: o, level: o.Level, reason: "asked for"}
	var err error
	if b.level == "" {
		if b.level, b.reason, err = jail.Detect(ctx); err != nil {
			return nil, err
		}
	}
	if b.options.Agent == "" {
		if b.options.Agent, err = agent.Open(ctx, runtime.GOARCH); err != nil {
			return nil, err
		}
	}
	if b.options.Cache == "" {
		if b.options.Cache, err = base.DefaultDir(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Level says how the agent will be confined, and why.
func (b *Builder) Level() (level jail.Level, reason string) { return b.level, b.reason }

// Resolve says what the dumps are right now and what server the base has.
func (b *Builder) Resolve(ctx context.Context, o builder.Order, w progress.Writer) (resolved plan.Resolved, err error) {
	s, err := b.open(ctx, o, w)
	if err != nil {
		return plan.Resolved{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.resolve(ctx)
}

// Restore restores what Resolve would say now.
func (b *Builder) Restore(ctx context.Context, o builder.Order, w progress.Writer) (restored *builder.Restored, err error) {
	s, err := b.open(ctx, o, w)
	if err != nil {
		return nil, err
	}
	defer func() {
		if restored == nil {
			err = errors.Join(err, s.close())
		}
	}()
	var resolved plan.Resolved
	if o.Resolved != nil {
		resolved = *o.Resolved
	} else if resolved, err = s.resolve(ctx); err != nil {
		return nil, err
	}
	if err := s.work.checkSpace(resolved.Objects); err != nil {
		return nil, err
	}
	if err := s.restore(ctx, resolved); err != nil {
		return nil, err
	}
	return s.finish(resolved)
}

// BaseFiles gives the root file system of a base that Restore has worked in, to be
// read until done is called. Links that lead out of it are not followed.
func (b *Builder) BaseFiles(ctx context.Context, img v1.Image) (files fs.FS, done func() error, err error) {
	unpacked, err := base.Cache{Dir: b.options.Cache}.Open(ctx, img, nil, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("look into the base: %w", err)
	}
	root, err := os.OpenRoot(unpacked.Dir)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("look into the base: %w", err), unpacked.Close())
	}
	return root.FS(), func() error { return errors.Join(root.Close(), unpacked.Close()) }, nil
}

// session is one order's work.
type session struct {
	builder *Builder
	order   builder.Order
	write   progress.Writer
	work    *workDir
	root    *base.Root
	jail    *jail.Jail
	// baseEnv is the environment that the base image's config gives.
	baseEnv []string
}

// open brings the base and makes the jail.
func (b *Builder) open(ctx context.Context, o builder.Order, w progress.Writer) (*session, error) {
	files, err := contextFiles(o)
	if err != nil {
		return nil, err
	}
	s := &session{builder: b, order: o, write: w}
	if err := s.furnish(ctx, files); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *session) furnish(ctx context.Context, files []jail.File) (err error) {
	if s.work, err = newWorkDir(s.builder.options); err != nil {
		return err
	}
	if err := s.openBase(ctx); err != nil {
		return err
	}
	config, err := s.jailConfig(files)
	if err != nil {
		return err
	}
	s.jail, err = jail.New(ctx, config)
	return err
}

// openBase unpacks the base, if need be.
func (s *session) openBase(ctx context.Context) error {
	config, err := s.order.Base.ConfigFile()
	if err != nil {
		return s.atBase(fmt.Errorf("read its config: %w", err))
	}
	if config.Architecture != "" && config.Architecture != runtime.GOARCH {
		return s.atBase(fmt.Errorf("it is for linux/%s, and this machine, where it is to run, is linux/%s", config.Architecture, runtime.GOARCH))
	}
	s.baseEnv = config.Config.Env
	return s.write.Run("[base] unpack "+s.order.File.Base, func(step *progress.Step) error {
		cache := base.Cache{Dir: s.builder.options.Cache}
		s.root, err = cache.Open(ctx, s.order.Base,
			func(read, total int64) { step.Count("unpack", read, total) },
			func() { step.Log([]byte("another bake is unpacking this image: waiting for it\n")) })
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return s.atBase(err)
		}
		if s.root.Cached {
			step.Cached()
		}
		if _, err := cache.Prune(unusedFor); err != nil {
			step.Log([]byte("remove unused base images from the cache: " + err.Error() + "\n"))
		}
		return nil
	})
}

// atBase is an error about the base, at its place in the file.
func (s *session) atBase(err error) error {
	return s.order.Fail(plan.Failure{Path: "base", Message: fmt.Sprintf("%s: %v", s.order.File.Base, err)})
}

// workInside is where the agent has its files that are not kept: see seed.Dirs.
const workInside = "/run/dbake/work"

// jailConfig is the jail as the agent expects it: see package plan.
func (s *session) jailConfig(files []jail.File) (jail.Config, error) {
	c := jail.Config{
		Level: s.builder.level, Root: s.root.Dir, Work: s.work.jail(),
		Dirs: []string{plan.PlanDir, plan.StatusDir, plan.OutDir, workInside},
		Temp: []string{plan.SecretDir},
	}
	for _, name := range []string{agentSeed, agentCerts} {
		c.Files = append(c.Files, jail.File{From: filepath.Join(s.builder.options.Agent, name), To: plan.AgentDir + name, Copy: true})
	}
	c.Files = append(c.Files, files...)
	var err error
	switch s.builder.level {
	case jail.UserNamespace:
		// The one user there is has to be the server's: the agent, finding that
		// it is not root, leaves owners alone, and finish gives them back.
		c.UID, c.GID, err = serverAccount(s.root.Dir)
	case jail.Chroot:
		var meminfo string
		if meminfo, err = s.work.meminfo(); err == nil {
			c.Files = append(c.Files, jail.File{From: meminfo, To: "/proc/meminfo", Copy: true})
		}
	case jail.Namespaces:
	}
	return c, err
}

// Names in the agent's directory.
const (
	agentSeed  = "/bin/dbake-seed"
	agentCerts = "/etc/ssl/certs/ca-certificates.crt"
)

// close ends and removes everything. It may be called again.
func (s *session) close() error {
	var errs []error
	if s.jail != nil {
		errs = append(errs, s.jail.Close())
		s.jail = nil
	}
	if s.root != nil {
		errs = append(errs, s.root.Close())
		s.root = nil
	}
	if s.work != nil {
		errs = append(errs, s.work.remove())
		s.work = nil
	}
	return errors.Join(errs...)
}

// finish takes what the agent made.
func (s *session) finish(resolved plan.Resolved) (*builder.Restored, error) {
	out := s.jail.Path(plan.OutDir)
	text, err := os.ReadFile(filepath.Join(out, plan.ManifestPath))
	if err != nil {
		return nil, fmt.Errorf("read the manifest of the restore: %w", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, fmt.Errorf("read the manifest of the restore: %w", err)
	}
	data, err := tree.FromDir(out, nil)
	if err != nil {
		return nil, fmt.Errorf("read the restored data directory: %w", err)
	}
	if s.jail.Level() == jail.UserNamespace {
		giveOwners(data, s.order.File.DataDir, resolved.Base)
	}
	return &builder.Restored{
		Resolved: resolved, Manifest: compact.Bytes(), Data: data,
		Close: func() error { return errors.Join(data.Close(), s.close()) },
	}, nil
}

// giveOwners gives files the owners they have when root restores: the data
// directory and its twin are the server's, what is around them root's.
func giveOwners(data *tree.Tree, dataDir string, server plan.Base) {
	for i := range data.Entries {
		h := &data.Entries[i].Header
		h.Uid, h.Gid = 0, 0
		for _, dir := range []string{dataDir, plan.PristineDir} {
			if strings.HasPrefix("/"+strings.TrimSuffix(h.Name, "/")+"/", strings.TrimSuffix(dir, "/")+"/") {
				h.Uid, h.Gid = server.UID, server.GID
			}
		}
	}
}

// resolve runs the agent's first step.
func (s *session) resolve(ctx context.Context) (plan.Resolved, error) {
	var resolved plan.Resolved
	names := make([]string, 0, len(s.order.File.Dump)+1)
	for _, d := range s.order.File.Dump {
		names = append(names, imageconfig.LocationName(d.Location))
	}
	name := "[resolve] " + strings.Join(append(names, s.order.File.Base), ", ")
	query := plan.NewResolve(s.order.File)
	var ids []string
	if query.MaskKey != "" {
		ids = append(ids, query.MaskKey)
	}
	secrets, err := s.secrets(ctx, ids)
	if err != nil {
		return resolved, err
	}
	if err := s.step(ctx, name, stepResolve, plan.ResolveFile, query, secrets); err != nil {
		return resolved, err
	}
	text, err := os.ReadFile(filepath.Join(s.jail.Path(plan.StatusDir), plan.ResolvedFile))
	if err == nil {
		err = json.Unmarshal(text, &resolved)
	}
	if err != nil {
		return resolved, fmt.Errorf("read what the agent found out: %w", err)
	}
	return resolved, nil
}

// restore runs the agent's second step.
func (s *session) restore(ctx context.Context, resolved plan.Resolved) error {
	secrets, err := s.secrets(ctx, s.order.File.Secrets())
	if err != nil {
		return err
	}
	name := fmt.Sprintf("[restore] %s → %s", strings.Join(imageconfig.ObjectNames(resolved.Objects), ", "), s.order.File.DataDir)
	return s.step(ctx, name, stepRestore, plan.RestoreFile, plan.NewRestore(s.order.File, resolved), secrets)
}
