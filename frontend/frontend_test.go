package frontend

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const remoteSpec = `# syntax=registry.test/dbake-frontend:1
version: 1
base: mysql:9.7
dump: s3://acme-backup/app.sql.gz
accounts:
  root: {password: {secret: root_password}}
server: {max_allowed_packet: 64M}
after: [post.sql]
verify: ["SELECT 1"]
image:
  labels: {team: data}
`

func remoteFiles() map[string]string {
	return map[string]string{"dbake.yaml": remoteSpec, "post.sql": "SELECT 1"}
}

func contextFilesWith(yaml string) map[string]string {
	return map[string]string{"dbake.yaml": "version: 1\nbase: mysql:9.7\n" + yaml, "dump.sql": "-- dump"}
}

// The same input must give the same bytes of LLB, or nothing is ever cached.
func TestDefinitionsAreStable(t *testing.T) {
	var first [][]byte
	for i := range 30 {
		s := newStub(t, remoteFiles())
		s.opts["platform"] = "linux/amd64"
		s.opts["build-arg:AWS_REGION"] = "eu-west-1"
		s.opts["build-arg:AWS_ENDPOINT_URL"] = "http://s3.test"
		s.opts["build-arg:HTTPS_PROXY"] = "http://proxy.test"
		s.build(t)
		var all [][]byte
		for _, def := range s.solved {
			all = append(all, bytes.Join(def.Def, nil))
		}
		if i == 0 {
			first = all
		}
		if !slices.EqualFunc(first, all, bytes.Equal) {
			t.Fatalf("run %d gave other definitions than run 0", i)
		}
	}
}

func TestResolveStepRunsEveryTimeOnlyForRemoteDumps(t *testing.T) {
	remote := newStub(t, remoteFiles())
	remote.build(t)
	op, _, ignored := remote.step(t, stepResolve)
	if !ignored {
		t.Error("the resolve step of a remote dump is cached: a changed dump would go unnoticed")
	}
	if !slices.Contains(op.GetExec().Meta.Env, "DBAKE_BUILD=session-1") {
		t.Error("the resolve step is not this build's own: concurrent builds would share it")
	}
	local := newStub(t, contextFilesWith("dump: dump.sql\n"))
	local.build(t)
	if op, _, ignored = local.step(t, stepResolve); ignored {
		t.Error("the resolve step of a dump in the build context is not cached")
	}
	if env := strings.Join(op.GetExec().Meta.Env, " "); strings.Contains(env, "DBAKE_BUILD") {
		t.Errorf("the session is in the cache key of a step that could be cached: %s", env)
	}
	if len(op.GetExec().Secretenv) != 0 {
		t.Error("a build without remote dumps asks for credentials")
	}
}

func TestRestoreStep(t *testing.T) {
	s := newStub(t, remoteFiles())
	s.opts["build-arg:AWS_ENDPOINT_URL"] = "http://s3.test"
	s.opts["build-arg:HTTPS_PROXY"] = "http://proxy.test"
	s.opts["force-network-mode"] = "host"
	s.build(t)
	op, _, ignored := s.step(t, stepRestore)
	if ignored {
		t.Error("the restore step ignores the cache")
	}
	e := op.GetExec()
	var mounts []string
	for _, m := range e.Mounts {
		line := strings.Join([]string{strings.ToLower(m.MountType.String()), m.Dest, m.Selector}, " ")
		if m.Readonly {
			line += " ro"
		}
		if m.SecretOpt != nil {
			line += m.SecretOpt.ID
			if m.SecretOpt.Optional {
				line += " optional"
			}
		}
		mounts = append(mounts, line)
	}
	want := []string{
		"bind / ",
		"bind /run/dbake/agent/bin/dbake-seed /bin/dbake-seed ro",
		"bind /run/dbake/agent/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt ro",
		"bind /run/dbake/context/post.sql /post.sql ro",
		"bind /run/dbake/out ",
		"bind /run/dbake/plan  ro",
		"bind /run/dbake/status ",
		"tmpfs /run/dbake/tmp ",
		"secret /run/secrets/root_password root_password",
		"secret /run/secrets/aws aws optional",
	}
	if diff := cmp.Diff(want, mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	for _, env := range e.Secretenv {
		if !env.Optional || env.ID != env.Name {
			t.Errorf("secret %v must be optional and keep its name", env)
		}
	}
	if len(e.Secretenv) != 3 || e.Network != pb.NetMode_HOST || e.Meta.User != "0:0" || e.Meta.Cwd != "/" {
		t.Errorf("secrets %v, network %v, user %q, directory %q", e.Secretenv, e.Network, e.Meta.User, e.Meta.Cwd)
	}
	if !slices.Contains(e.Meta.Env, "AWS_ENDPOINT_URL=http://s3.test") {
		t.Errorf("the step does not know the S3 endpoint: %v", e.Meta.Env)
	}
	if e.Meta.ProxyEnv.GetHttpsProxy() != "http://proxy.test" {
		t.Error("the step does not know the proxy")
	}
}

// What decides the bytes of the data directory, and nothing else, is in the
// restore step.
func TestRestoreStepChangesWithItsInputOnly(t *testing.T) {
	digestOf := func(change func(*stub)) string {
		s := newStub(t, remoteFiles())
		change(s)
		s.build(t)
		_, dgst, _ := s.step(t, stepRestore)
		return dgst
	}
	same := digestOf(func(*stub) {})
	edit := func(from, to string) func(*stub) {
		return func(s *stub) { s.context["dbake.yaml"] = strings.Replace(remoteSpec, from, to, 1) }
	}
	for name, change := range map[string]func(*stub){
		"label":       edit("team: data", "team: other"),
		"image label": func(s *stub) { s.opts["label:x"] = "y" },
		"epoch":       func(s *stub) { s.opts["build-arg:SOURCE_DATE_EPOCH"] = "1" },
		"target":      func(s *stub) { s.opts["target"] = "manifest" },
		"session":     func(s *stub) { s.opts["local-sessionid:x"] = "z" },
	} {
		if digestOf(change) != same {
			t.Errorf("%s: another value restores again", name)
		}
	}
	for name, change := range map[string]func(*stub){
		"etag":    func(s *stub) { s.resolved.Objects[0].ETag = `"4567"` },
		"version": func(s *stub) { s.resolved.Objects[0].VersionID = "v2" },
		"verify":  edit("SELECT 1", "SELECT 2"),
		"server":  edit("64M", "65M"),
	} {
		if digestOf(change) == same {
			t.Errorf("%s: another value does not restore again", name)
		}
	}
}

func TestNoCache(t *testing.T) {
	for _, value := range []string{"", "restore", "image"} {
		s := newStub(t, remoteFiles())
		s.opts["no-cache"] = value
		s.build(t)
		if _, _, ignored := s.step(t, stepRestore); !ignored {
			t.Errorf("no-cache=%q does not restore again", value)
		}
	}
}

func TestImageConfig(t *testing.T) {
	s := newStub(t, remoteFiles())
	s.opts["build-arg:SOURCE_DATE_EPOCH"] = "1700000000"
	s.opts["label:from"] = "command line"
	res := s.build(t)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, res.Metadata[exptypes.ExporterImageConfigKey], "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/image.golden.json", pretty.Bytes())
	if got := string(res.Metadata[exptypes.AnnotationManifestKey(nil, imageconfig.LabelSource)]); got != "s3://acme-backup/app.sql.gz" {
		t.Errorf("annotation %s is %q", imageconfig.LabelSource, got)
	}
}

func TestConfigLayer(t *testing.T) {
	s := newStub(t, remoteFiles())
	s.resolved.Base.OptionPrefix = "[client]\nuser=x\n"
	s.build(t)
	files := map[string]string{}
	for _, def := range s.solved {
		ops, _ := graph(def)
		for _, op := range ops {
			for _, a := range op.GetFile().GetActions() {
				if f := a.GetMkfile(); f != nil {
					files[f.Path] = string(f.Data)
				}
			}
		}
	}
	want := "[client]\nuser=x\n# Written by dbake.\n[mysqld]\ndatadir=/data/mysql\nmax_allowed_packet=64M\n"
	if got := files["/etc/mysql/conf.d/zz-dbake.cnf"]; got != want {
		t.Errorf("option file:\n%s\nwant:\n%s", got, want)
	}
	var e plan.Entrypoint
	if err := json.Unmarshal([]byte(files[plan.EntrypointConfig]), &e); err != nil {
		t.Fatal(err)
	}
	wantConfig := plan.Entrypoint{
		Flavour: "mysql", Server: "/usr/sbin/mysqld", User: "mysql", UID: 999, GID: 999,
		Socket: "/var/run/mysqld/mysqld.sock", DataDir: "/data/mysql", Pristine: plan.PristineDir,
	}
	if diff := cmp.Diff(wantConfig, e); diff != "" {
		t.Errorf("entrypoint.json (-want +got):\n%s", diff)
	}
}

func TestLayersAreMergedOrCopied(t *testing.T) {
	s := newStub(t, remoteFiles())
	s.build(t)
	if head := headOp(s.solved[len(s.solved)-1]); len(head.GetMerge().GetInputs()) != 3 {
		t.Errorf("the image is not base, config and data merged: %v", head)
	}
	if len(s.warnings) != 0 {
		t.Errorf("warnings: %q", s.warnings)
	}
	old := newStub(t, remoteFiles())
	old.withoutCaps = append(old.withoutCaps, pb.CapMergeOp)
	old.build(t)
	if head := headOp(old.solved[len(old.solved)-1]); head.GetFile() == nil {
		t.Errorf("the image is not copied together: %v", head)
	}
	if len(old.warnings) != 1 || !strings.Contains(old.warnings[0], "cannot merge") {
		t.Errorf("warnings: %q", old.warnings)
	}
}

// One restore serves all platforms; each image has its own base and entrypoint.
func TestPlatforms(t *testing.T) {
	s := newStub(t, remoteFiles())
	s.opts["platform"] = "linux/amd64,linux/arm64"
	res := s.build(t)
	if len(res.Refs) != 2 {
		t.Fatalf("%d results for two platforms", len(res.Refs))
	}
	restores, entrypoints := map[string]bool{}, map[string]bool{}
	for _, def := range s.solved {
		ops, _ := graph(def)
		for d, op := range ops {
			if slices.Contains(op.GetExec().GetMeta().GetArgs(), stepRestore) {
				restores[d] = true
			}
			for _, a := range op.GetFile().GetActions() {
				if c := a.GetCopy(); c != nil && strings.HasSuffix(c.Src, "dbake-entrypoint") {
					entrypoints[c.Src] = true
				}
			}
		}
	}
	if len(restores) != 1 || len(entrypoints) != 2 {
		t.Errorf("%d restores and entrypoints %v", len(restores), entrypoints)
	}
}

// A cached restore prints nothing, so its warnings come out of the manifest.
func TestWarningsOfTheManifestAreShown(t *testing.T) {
	s := newStub(t, remoteFiles())
	s.manifest = `{"warnings": ["root has no password"]}`
	s.build(t)
	if !slices.Equal(s.warnings, []string{"root has no password"}) {
		t.Errorf("warnings: %q", s.warnings)
	}
}

func TestAgentOfTheCaller(t *testing.T) {
	s := newStub(t, remoteFiles())
	delete(s.opts, "source")
	if _, err := Build(t.Context(), s); err == nil {
		t.Error("a build without any agent succeeded")
	}
	own := llb.Local("dbake-agent")
	s.agent = nil
	s.context["bin/dbake-entrypoint"] = "own"
	if _, err := New(Options{Agent: &own})(t.Context(), s); err != nil {
		t.Error(err)
	}
}

func TestErrorsPointIntoTheFile(t *testing.T) {
	exit := func(code uint32) error { return &gwpb.ExitError{ExitCode: code} }
	tests := map[string]struct {
		yaml   string // after version and base, so that it starts on line 3
		change func(*stub)
		line   int32
		want   string
	}{
		"unknown key":    {yaml: "dump: dump.sql\nx: 1\n", line: 4, want: "unknown key"},
		"condition":      {yaml: "dump: dump.sql\nrestore:\n  tables: [{match: a.b, where: 'x >'}]\n", line: 5, want: "expected"},
		"mask":           {yaml: "dump: dump.sql\nmask:\n  columns:\n    a.b.c: {email: {}}\n", line: 4, want: "needs a key"},
		"missing file":   {yaml: "dump: other.sql\n", line: 3, want: "no file other.sql in the build context"},
		"file as folder": {yaml: "dump: dump.sql/\n", line: 3, want: "dump.sql is no directory of the build context"},
		"missing folder": {yaml: "dump: dumps/\n", line: 3, want: "no directory dumps in the build context"},
		"missing script": {yaml: "dump: dump.sql\nafter:\n  - a.sql\n", line: 5, want: "no file a.sql"},
		"ignored file": {yaml: "dump: other.sql\n", line: 3, want: "kept out of the build context by .dockerignore", change: func(s *stub) {
			s.context[".dockerignore"] = "*.sql\n"
		}},
		"datadir below a VOLUME": {yaml: "dump: dump.sql\ndatadir: /var/lib/mysql/x\n", line: 4, want: "VOLUME"},
		"default datadir below a VOLUME": {yaml: "dump: dump.sql\n", line: 2, want: "VOLUME", change: func(s *stub) {
			s.base = bytes.Replace(s.base, []byte("/var/lib/mysql"), []byte("/data"), 1)
		}},
		"no base": {yaml: "dump: dump.sql\n", line: 2, want: "not found", change: func(s *stub) {
			s.context["dbake.yaml"] = strings.Replace(s.context["dbake.yaml"], "mysql:9.7", "missing:1", 1)
		}},
		"no server": {yaml: "dump: dump.sql\n", line: 2, want: "no mysqld", change: func(s *stub) {
			s.resolveFailure = &plan.Failure{Message: "no mysqld in the base", Path: "base"}
		}},
		"failed query": {yaml: "dump: dump.sql\nverify:\n  - SELECT 1\n  - SELECT 0\n", line: 6, want: "the query gave 0", change: func(s *stub) {
			s.restoreFailure = &plan.Failure{Message: "the query gave 0", Path: "verify[1]"}
		}},
		"out of memory": {yaml: "dump: dump.sql\n", line: 3, want: "out of memory", change: func(s *stub) { s.restoreErr = exit(137) }},
		"silent":        {yaml: "dump: dump.sql\n", line: 3, want: "exit status 3", change: func(s *stub) { s.restoreErr = exit(3) }},
		"old builder": {yaml: "dump: dump.sql\n", line: 3, want: "exit status 4", change: func(s *stub) {
			s.restoreErr = errors.New("executor failed running [x]: exit code: 4")
		}},
		"missing secret": {yaml: "dump: dump.sql\naccounts:\n  root: {password: {secret: pw}}\n", line: 5, want: "--secret id=pw", change: func(s *stub) {
			s.restoreErr = errors.New("failed to solve: secret pw: not found")
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, contextFilesWith(tt.yaml))
			if tt.change != nil {
				tt.change(s)
			}
			_, err := Build(t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			sources := errdefs.Sources(err)
			if len(sources) == 0 || sources[0].Ranges[0].Start.Line != tt.line {
				t.Errorf("error %v points at %v, want line %d", err, sources, tt.line)
			}
		})
	}
}

func TestAllProblemsOfTheFileAreShown(t *testing.T) {
	s := newStub(t, contextFilesWith("dump: dump.sql\nx: 1\ny: 1\n"))
	_, err := Build(t.Context(), s)
	var lines []int32
	for _, src := range errdefs.Sources(err) {
		lines = append(lines, src.Ranges[0].Start.Line)
	}
	if !slices.Equal(lines, []int32{4, 5}) {
		t.Errorf("lines %v of %v", lines, err)
	}
}

func TestRefusedCommandLines(t *testing.T) {
	for key, want := range map[string]string{
		"build-arg:AWS_SECRET_ACCESS_KEY": "--secret id=AWS_SECRET_ACCESS_KEY",
		"build-arg:SOURCE_DATE_EPOCH":     "not a number",
		"target":                          "the targets are image, datadir, manifest",
		"platform":                        "Linux",
	} {
		s := newStub(t, remoteFiles())
		s.opts[key] = "windows/amd64"
		if _, err := Build(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", key, err, want)
		}
	}
}

func TestUnusedBuildArgs(t *testing.T) {
	s := newStub(t, contextFilesWith("# ${COMMENT}\ndump: ${DUMP:-dump.sql}\n"))
	for _, name := range []string{"DUMP", "COMMENT", "TYPO", "AWS_REGION", "http_proxy", "BUILDKIT_INLINE_CACHE"} {
		s.opts["build-arg:"+name] = ""
	}
	s.build(t)
	want := []string{"build argument COMMENT is not used by dbake.yaml", "build argument TYPO is not used by dbake.yaml"}
	if diff := cmp.Diff(want, s.warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestSubrequests(t *testing.T) {
	for _, id := range []string{"outline", "targets", "lint"} {
		t.Run(id, func(t *testing.T) {
			yaml := "dump: s3://b-ucket/${NAME:-app}.sql\naccounts:\n  root: {password: {secret: pw}}\n"
			if id == "lint" {
				yaml += "x: 1\ny: 2\n"
			}
			s := newStub(t, contextFilesWith(yaml))
			s.opts["requestid"] = "frontend." + id
			res := s.build(t)
			golden(t, "testdata/"+id+".golden.txt", append(res.Metadata["result.txt"], res.Metadata["result.statuscode"]...))
			if len(s.solved) != 1 {
				t.Errorf("%d solves, want only that of the file", len(s.solved))
			}
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// The frontend image is pulled by every build on every builder: it must not
// grow by clients that only the agent and the command line need.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, bad := range []string{
			"github.com/aws/", "github.com/docker/docker/", "github.com/go-sql-driver/", "github.com/google/go-containerregistry/",
			"github.com/dbake/dbake/baker", "github.com/dbake/dbake/seed/source", "github.com/dbake/dbake/seed/load", "github.com/dbake/dbake/seed/mysqld",
		} {
			if strings.HasPrefix(dep+"/", bad) {
				t.Errorf("the frontend imports %s", dep)
			}
		}
	}
}
