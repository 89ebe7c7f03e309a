package frontend

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gwclient "github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// stub is a builder that runs nothing: it answers for the two steps and keeps
// what it was asked to solve.
type stub struct {
	opts     map[string]string
	context  map[string]string // build context and dbake.yaml
	agent    map[string]string // files of the frontend image
	base     []byte            // the base's config
	resolved plan.Resolved
	// resolveFailure and restoreFailure make the steps fail; restoreErr makes
	// the restore fail without an ErrorFile.
	resolveFailure, restoreFailure *plan.Failure
	restoreErr                     error
	manifest                       string
	withoutCaps                    []apicaps.CapID

	mu       sync.Mutex
	solved   []*pb.Definition
	warnings []string
}

// newStub is a builder with a base of MySQL, the dump's identity known, and
// the given files in the build context.
func newStub(t *testing.T, files map[string]string) *stub {
	t.Helper()
	base, err := os.ReadFile("testdata/base.json")
	if err != nil {
		t.Fatal(err)
	}
	return &stub{
		opts:     map[string]string{"filename": "dbake.yaml", "source": "registry.test/dbake-frontend:1"},
		context:  files,
		manifest: "{\n  \"tables\": []\n}\n",
		agent:    map[string]string{"/entrypoint/linux_amd64/dbake-entrypoint": "amd64", "/entrypoint/linux_arm64/dbake-entrypoint": "arm64"},
		base:     base,
		resolved: plan.Resolved{
			Objects: []plan.Object{{
				Location:  spec.Location{Kind: spec.KindS3Object, Bucket: "acme-backup", Key: "app.sql.gz"},
				ETag:      `"0123"`,
				VersionID: "v1",
				Size:      42,
			}},
			Base: plan.Base{
				Flavour: "mysql", Version: "9.7.0", Server: "/usr/sbin/mysqld", User: "mysql", UID: 999, GID: 999,
				Socket: "/var/run/mysqld/mysqld.sock", OptionFile: "/etc/mysql/conf.d/zz-dbake.cnf",
			},
		},
	}
}

// build runs the frontend and fails the test on an error.
func (s *stub) build(t *testing.T) *gwclient.Result {
	t.Helper()
	res, err := Build(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (s *stub) BuildOpts() gwclient.BuildOpts {
	caps := slices.DeleteFunc(pb.Caps.All(), func(c *apicaps.PBCap) bool {
		return slices.Contains(s.withoutCaps, apicaps.CapID(c.ID))
	})
	return gwclient.BuildOpts{
		Opts:      s.opts,
		SessionID: "session-1",
		Workers:   []gwclient.WorkerInfo{{ID: "w", Platforms: []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}}}},
		LLBCaps:   pb.Caps.CapSet(caps),
		Caps:      gwpb.Caps.CapSet(gwpb.Caps.All()),
	}
}

func (s *stub) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

func (s *stub) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	if strings.Contains(ref, "missing") {
		return "", "", nil, fmt.Errorf("%s: not found", ref)
	}
	return ref, digest.FromString(ref), s.base, nil
}

func (s *stub) ResolveSourceMetadata(context.Context, *pb.SourceOp, sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	return nil, fmt.Errorf("not in this builder")
}

func (s *stub) Warn(_ context.Context, _ digest.Digest, msg string, _ gwclient.WarnOpts) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warnings = append(s.warnings, msg)
	return nil
}

func (s *stub) Solve(_ context.Context, req gwclient.SolveRequest) (*gwclient.Result, error) {
	s.mu.Lock()
	s.solved = append(s.solved, req.Definition)
	s.mu.Unlock()
	res := gwclient.NewResult()
	head := headOp(req.Definition)
	switch args := head.GetExec().GetMeta().GetArgs(); {
	case slices.Contains(args, stepResolve):
		res.SetRef(stubRef(s.resolveFiles()))
	case slices.Contains(args, stepRestore):
		if err := s.failRestore(head); err != nil {
			return nil, err
		}
		res.SetRef(stubRef{plan.ManifestPath: s.manifest})
	case strings.HasPrefix(head.GetSource().GetIdentifier(), "local://"):
		res.SetRef(stubRef(s.context))
	default:
		res.SetRef(stubRef(s.agent))
	}
	return res, nil
}

func (s *stub) resolveFiles() map[string]string {
	if s.resolveFailure != nil {
		return map[string]string{plan.ErrorFile: toJSON(s.resolveFailure)}
	}
	return map[string]string{plan.ResolvedFile: toJSON(s.resolved)}
}

const stubMount = "mount-of-the-failed-step"

func (s *stub) failRestore(op *pb.Op) error {
	if s.restoreErr != nil {
		return s.restoreErr
	}
	if s.restoreFailure == nil {
		return nil
	}
	ids := make([]string, len(op.GetExec().Mounts))
	for i, m := range op.GetExec().Mounts {
		if m.Dest == plan.StatusDir {
			ids[i] = stubMount
		}
	}
	return &errdefs.SolveError{Solve: &errdefs.Solve{Op: op, MountIDs: ids}, Err: &gwpb.ExitError{ExitCode: 1}}
}

func (s *stub) NewContainer(_ context.Context, req gwclient.NewContainerRequest) (gwclient.Container, error) {
	if len(req.Mounts) != 1 || req.Mounts[0].ResultID != stubMount {
		return nil, fmt.Errorf("no such mounts: %v", req.Mounts)
	}
	return &stubContainer{file: toJSON(s.restoreFailure)}, nil
}

type stubContainer struct {
	gwclient.Container
	file string
}

func (c *stubContainer) ReadFile(_ context.Context, req gwclient.ReadContainerRequest) ([]byte, error) {
	if req.Filename != "/"+plan.ErrorFile {
		return nil, fs.ErrNotExist
	}
	return []byte(c.file), nil
}

func (c *stubContainer) Release(context.Context) error { return nil }

// stubRef is a result with files.
type stubRef map[string]string

func (r stubRef) file(name string) (string, error) {
	for _, key := range slices.Sorted(maps.Keys(r)) {
		if path.Join("/", key) == path.Join("/", name) {
			return r[key], nil
		}
	}
	return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (r stubRef) ReadFile(_ context.Context, req gwclient.ReadRequest) ([]byte, error) {
	text, err := r.file(req.Filename)
	return []byte(text), err
}

func (r stubRef) StatFile(_ context.Context, req gwclient.StatRequest) (*fstypes.Stat, error) {
	text, err := r.file(req.Path)
	return &fstypes.Stat{Path: req.Path, Size: int64(len(text))}, err
}

func (r stubRef) ReadDir(context.Context, gwclient.ReadDirRequest) ([]*fstypes.Stat, error) {
	return nil, fs.ErrInvalid
}
func (r stubRef) Evaluate(context.Context) error { return nil }
func (r stubRef) ToState() (llb.State, error)    { return llb.Scratch(), nil }

// graph is a definition's operations by digest.
func graph(def *pb.Definition) (ops map[string]*pb.Op, last *pb.Op) {
	ops = map[string]*pb.Op{}
	for _, dt := range def.Def {
		last = &pb.Op{}
		if err := last.Unmarshal(dt); err != nil {
			panic(err)
		}
		ops[digest.FromBytes(dt).String()] = last
	}
	return ops, last
}

func headOp(def *pb.Definition) *pb.Op {
	ops, last := graph(def)
	return ops[last.Inputs[0].Digest]
}

// step finds the exec that runs the agent with the given argument, in what was
// solved last with it, and says whether it ignores the cache.
func (s *stub) step(t *testing.T, arg string) (op *pb.Op, dgst string, ignoreCache bool) {
	t.Helper()
	for _, def := range slices.Backward(s.solved) {
		ops, _ := graph(def)
		for d, o := range ops {
			if slices.Contains(o.GetExec().GetMeta().GetArgs(), arg) {
				return o, d, def.Metadata[d].GetIgnoreCache()
			}
		}
	}
	t.Fatalf("no step runs the agent with %q", arg)
	return nil, "", false
}

func toJSON(v any) string {
	dt, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(dt)
}
