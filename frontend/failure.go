package frontend

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	gwclient "github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/dbake/dbake/seed/plan"
)

// maxFailure bounds what is read of an ErrorFile, in bytes.
const maxFailure = 64 << 10

// explain turns the error of a failed restore step into the one error that the
// user gets to see: what the agent left in its ErrorFile or, where that cannot
// be had, what the exit status means.
func (b *bake) explain(ctx context.Context, stepErr error) error {
	if ctx.Err() != nil {
		return stepErr
	}
	if id := missingSecret(stepErr); id != "" {
		key := b.secretKey(id)
		return b.src.at(key, fmt.Errorf("%s: secret %[2]s was not given to the build; pass --secret id=%[2]s,src=FILE", key, id))
	}
	if dt, err := b.readFailure(ctx, stepErr); err == nil {
		if failure := parseFailure(dt); failure != nil {
			return b.failed(*failure)
		}
	}
	if code, ok := exitStatus(stepErr); ok {
		return b.src.at("dump", &StepError{Status: code})
	}
	return b.src.at("dump", fmt.Errorf("restore: %w", stepErr))
}

// failed is the error for what the agent says. Whatever has no place of its own
// is about the dump.
func (b *bake) failed(f plan.Failure) error {
	return b.src.at(cmp.Or(f.Path, "dump"), errors.New(f.Message))
}

func parseFailure(dt []byte) *plan.Failure {
	var f plan.Failure
	if err := json.Unmarshal(bytes.TrimSpace(dt), &f); err != nil || f.Message == "" {
		return nil
	}
	return &f
}

// Builders that give no typed error (Docker Engine 20.10) put the exit status
// at the end of the text.
var exitPattern = regexp.MustCompile(`exit code: (\d+)$`)

func exitStatus(err error) (uint32, bool) {
	var exit *gwpb.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode, true
	}
	m := exitPattern.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, false
	}
	code, err := strconv.ParseUint(m[1], 10, 32)
	return uint32(code), err == nil
}

// StepError says how the restore step ended, where the builder keeps nothing of
// what the agent says but its output. The BuildKit inside of Docker Engine
// 20.10 is such a builder for programs that are not frontend images.
type StepError struct{ Status uint32 }

func (e *StepError) Error() string {
	switch e.Status {
	case 137:
		return "the restore was killed, most likely because the builder ran out of memory"
	case gwpb.UnknownExitStatus:
		return "the restore could not be started; the step's log says why"
	}
	return fmt.Sprintf("the restore failed with exit status %d; the step's log says why", e.Status)
}

// readFailure reads the ErrorFile out of the mounts of the failed step, which
// the builder keeps for as long as this build lasts.
func (b *bake) readFailure(ctx context.Context, stepErr error) ([]byte, error) {
	id := statusMount(stepErr)
	if id == "" {
		return nil, errors.New("the builder kept no mounts of the failed step")
	}
	caps := b.c.BuildOpts().Caps
	if caps.Supports(gwpb.CapGatewayExecFilesystem) == nil {
		return b.readMount(ctx, id)
	}
	return b.printMount(ctx, id)
}

// statusMount is the id of the failed step's StatusDir, or empty.
func statusMount(err error) string {
	var se *errdefs.SolveError
	if !errors.As(err, &se) || se.Solve == nil {
		return ""
	}
	for i, m := range se.Op.GetExec().GetMounts() {
		if m.Dest == plan.StatusDir && i < len(se.MountIDs) {
			return se.MountIDs[i]
		}
	}
	return ""
}

// readMount reads the file without running anything.
func (b *bake) readMount(ctx context.Context, id string) ([]byte, error) {
	ctr, err := b.c.NewContainer(ctx, gwclient.NewContainerRequest{
		Mounts: []gwclient.Mount{{Dest: "/", ResultID: id}},
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = ctr.Release(context.WithoutCancel(ctx)) }()
	return ctr.ReadFile(ctx, gwclient.ReadContainerRequest{
		ReadRequest: gwclient.ReadRequest{Filename: "/" + plan.ErrorFile, Range: &gwclient.FileRange{Length: maxFailure}},
	})
}

// printMount has the agent print the file, for builders that cannot read a
// container's files.
func (b *bake) printMount(ctx context.Context, id string) ([]byte, error) {
	root, err := b.solve(ctx, b.agent.state, false)
	if err != nil {
		return nil, err
	}
	ctr, err := b.c.NewContainer(ctx, gwclient.NewContainerRequest{
		Mounts:  []gwclient.Mount{{Dest: "/", Ref: root}, {Dest: plan.StatusDir, ResultID: id}},
		NetMode: pb.NetMode_NONE,
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = ctr.Release(context.WithoutCancel(ctx)) }()
	var out limitedBuffer
	proc, err := ctr.Start(ctx, gwclient.StartRequest{
		Args:   []string{agentSeed, "print-failure"},
		Cwd:    "/",
		Stdout: &out,
		Stderr: discard{},
	})
	if err != nil {
		return nil, err
	}
	if err := proc.Wait(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// limitedBuffer keeps the first maxFailure bytes written to it.
type limitedBuffer struct{ bytes.Buffer }

func (l *limitedBuffer) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), maxFailure-l.Len())])
	return len(p), nil
}

func (l *limitedBuffer) Close() error { return nil }

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

var _ io.WriteCloser = (*limitedBuffer)(nil)

// BuildKit's error for a secret that the client does not have has no type of
// its own; this is its text, now and in
// old versions.
var missingSecretPattern = regexp.MustCompile(`secret (\S+?):? not found`)

func missingSecret(err error) string {
	if m := missingSecretPattern.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return ""
}

// secretKey is the key of the file that names the secret.
func (b *bake) secretKey(id string) string {
	if m := b.file.Mask; m != nil && m.Key != nil && m.Key.Secret == id {
		return "mask.key"
	}
	if r := b.file.Accounts.Root; r != nil && r.Password != nil && r.Password.Secret == id {
		return "accounts.root.password"
	}
	for i, u := range b.file.Accounts.Users {
		if u.Password != nil && u.Password.Secret == id {
			return fmt.Sprintf("accounts.users[%d].password", i)
		}
	}
	return "dump"
}
