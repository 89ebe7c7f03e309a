package buildkit

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	bksecrets "github.com/moby/buildkit/session/secrets"
	digest "github.com/opencontainers/go-digest"
	"go.uber.org/goleak"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed are secrets; those whose value is "!" cannot be had.
type fixed map[string]string

var errVault = errors.New("the vault is sealed")

func (f fixed) Secret(_ context.Context, id string) ([]byte, error) {
	value, ok := f[id]
	switch {
	case !ok:
		return nil, builder.ErrNoSecret
	case value == "!":
		return nil, errVault
	}
	return []byte(value), nil
}

func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	keys := fixed{"AWS_ACCESS_KEY_ID": "AKID\n", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}
	all := fixed{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_SESSION_TOKEN": "tok", "AWS_REGION": "eu-west-1"}
	const short = "aws_access_key_id = AKID\naws_secret_access_key = s3cr3t\n"
	const long = short + "aws_session_token = tok\nregion = eu-west-1\n"
	for name, test := range map[string]struct {
		secrets builder.Secrets
		profile string
		want    string
		err     error
	}{
		"keys":               {secrets: keys, want: "[default]\n" + short},
		"all of it":          {secrets: all, profile: "default", want: "[default]\n" + long},
		"a profile":          {secrets: all, profile: "team", want: "[default]\n" + long + "[team]\n" + long},
		"the user's own":     {secrets: fixed{"aws": "[x]\n", "AWS_ACCESS_KEY_ID": "AKID"}, want: "[x]\n"},
		"no credentials":     {secrets: fixed{"AWS_REGION": "eu-west-1"}, err: bksecrets.ErrNotFound},
		"no secrets":         {err: bksecrets.ErrNotFound},
		"they cannot be had": {secrets: fixed{"AWS_ACCESS_KEY_ID": "!"}, err: errVault},
	} {
		s := &store{secrets: test.secrets, profile: test.profile}
		got, err := s.GetSecret(t.Context(), "aws")
		if string(got) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	_, err := (&store{secrets: fixed{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "planted\nregion = x"}}).GetSecret(t.Context(), "aws")
	if err == nil || strings.Contains(err.Error(), "planted") {
		t.Errorf("a value of several lines: %v", err)
	}
}

func testOrder(t *testing.T) builder.Order {
	t.Helper()
	o := builder.Order{Name: "team/dbake.yaml", Data: []byte("version: 1\nbase: mysql:9.7\ndump: s3://bucket/key\nverify:\n  - SELECT 1\n  - SELECT 0\n")}
	var err error
	if o.File, err = spec.Parse(o.Name, o.Data, nil); err != nil {
		t.Fatal(err)
	}
	return o
}

// AWS credentials that cannot be had are a problem of the dump; other secrets
// have no place of their own here.
func TestSecretError(t *testing.T) {
	t.Parallel()
	r := &run{order: testOrder(t), secrets: &store{secrets: fixed{"AWS_SESSION_TOKEN": "!"}}}
	if _, err := r.secrets.GetSecret(t.Context(), "AWS_SESSION_TOKEN"); !errors.Is(err, errVault) {
		t.Fatal(err)
	}
	err := r.secretError(r.secrets.failure())
	if err.Error() != "team/dbake.yaml:3:7: the vault is sealed" || !errors.Is(err, errVault) {
		t.Errorf("the error is %v", err)
	}
	if err := r.secretError("app_pw", errVault); err.Error() != "the vault is sealed" {
		t.Errorf("the error is %v", err)
	}
}

func TestFailureInTheLog(t *testing.T) {
	t.Parallel()
	step, other := digest.FromString("step"), digest.FromString("other")
	l := &restoreLog{}
	say := func(d digest.Digest, text string) {
		l.add(&client.SolveStatus{Logs: []*client.VertexLog{{Vertex: d, Data: []byte(text)}}})
	}
	say(step, "error: too early\n")
	l.add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: step, Name: "[restore] s3://bucket/key"}, {Digest: other, Name: "[resolve] x"}}})
	say(step, strings.Repeat("a line\n", maxLog))
	say(step, "error: verify[1]: not")
	say(other, "error: of another step\n")
	say(step, " true\n")
	got, ok := l.failure(testOrder(t).File)
	if diff := cmp.Diff(plan.Failure{Path: "verify[1]", Message: "not true"}, got); !ok || diff != "" {
		t.Error(ok, diff)
	}
	if len(l.text) > maxLog {
		t.Errorf("%d bytes are kept", len(l.text))
	}
}

func TestAttrs(t *testing.T) {
	t.Parallel()
	o := testOrder(t)
	o.Args, o.NoCache = map[string]string{"AWS_REGION": "eu-west-1"}, true
	got := New(nil, Options{Network: "host"}).attrs(o)
	want := map[string]string{"filename": "dbake.yaml", "build-arg:AWS_REGION": "eu-west-1", "no-cache": "", "force-network-mode": "host"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func tarOf(t *testing.T, w io.Writer, files ...string) {
	t.Helper()
	tw := tar.NewWriter(w)
	for _, name := range files {
		err := tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o640, Size: int64(len(name))})
		if err == nil {
			_, err = io.WriteString(tw, name)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Error(err)
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	whole := func(t *testing.T, w io.WriteCloser) { t.Helper(); tarOf(t, w, "a", "b"); w.Close() }
	half := func(_ *testing.T, w io.WriteCloser) { _, _ = w.Write(make([]byte, 100)) }
	broken := errors.New("the build is broken")
	for name, test := range map[string]struct {
		send  func(*testing.T, io.WriteCloser)
		build error
		dir   string
		want  string // in the error; empty: the data arrives
	}{
		"all well":              {send: whole},
		"build fails before":    {build: broken, want: "the build is broken"},
		"build fails after":     {send: whole, build: broken, want: "the build is broken"},
		"build fails meanwhile": {send: half, build: broken, want: "the build is broken"},
		"nothing comes":         {want: "sent no data directory"},
		"half of it comes":      {send: half, want: "sent no data directory"},
		"no place for it":       {send: half, build: broken, dir: "missing", want: "take the data directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDownload(filepath.Join(t.TempDir(), test.dir))
			if test.send != nil {
				w, err := d.output(nil)
				if err != nil {
					t.Fatal(err)
				}
				test.send(t, w)
			}
			got, err := d.finish(test.build)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || got != nil {
					t.Errorf("%v, %v, want the error %q", got, err, test.want)
				}
				return
			}
			if err != nil || len(got.Entries) != 2 {
				t.Fatalf("%v, %v", got, err)
			}
			if err := got.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConnectSaysWhatDoesNotAnswer(t *testing.T) {
	missing := "unix://" + filepath.Join(t.TempDir(), "s")
	t.Setenv(EnvHost, missing)
	for _, where := range []string{"", missing} {
		_, err := Connect(t.Context(), where, TLS{})
		if err == nil || !strings.Contains(err.Error(), "the BuildKit at "+missing+" does not answer") {
			t.Errorf("%q: the error is %v", where, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	_, err := Connect(t.Context(), "my-builder", TLS{})
	if err == nil || !strings.Contains(err.Error(), "neither a docker nor a buildx command") {
		t.Errorf("the error without docker is %v", err)
	}
	if _, err := Connect(t.Context(), "tcp://localhost:1", TLS{CACert: "/missing.pem"}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("the error without a certificate is %v", err)
	}
}

func TestConnectStops(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	why := errors.New("the user has changed their mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		if conn, err := l.Accept(); err == nil {
			defer conn.Close()
		}
		cancel(why)
	}()
	if _, err := Connect(ctx, "unix://"+socket, TLS{}); !errors.Is(err, why) {
		t.Errorf("the error is %v, want the context's cause", err)
	}
}
