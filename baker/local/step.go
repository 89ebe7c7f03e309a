package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/jail"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// The agent's commands.
const (
	stepResolve = "resolve"
	stepRestore = "restore"
)

// step runs one of the agent's commands on its order.
func (s *session) step(ctx context.Context, name, command, file string, order any, secrets map[string][]byte) error {
	text, err := json.Marshal(order)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.jail.Path(plan.PlanDir), file), text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the order of the %s step: %w", command, err)
	}
	env, secrets, stop, err := s.environment(ctx, secrets)
	if err != nil {
		return err
	}
	defer stop()
	return s.write.Run(name, func(step *progress.Step) error {
		if command == stepRestore {
			step.Log([]byte(fmt.Sprintf("confined by: %s (%s)\n", s.builder.level, s.builder.reason)))
		}
		lines := &lines{step: step}
		err := s.jail.Run(ctx, jail.Command{
			Path: plan.AgentDir + agentSeed, Args: []string{command}, Env: env, Secrets: secrets, Output: lines,
		})
		lines.end()
		return s.explain(ctx, err)
	})
}

// explain turns what became of a step into the one error that the user gets to
// see.
func (s *session) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	text, readErr := os.ReadFile(filepath.Join(s.jail.Path(plan.StatusDir), plan.ErrorFile))
	if readErr == nil {
		var failure plan.Failure
		if json.Unmarshal(text, &failure) == nil && failure.Message != "" {
			return s.order.Fail(failure)
		}
	} else if !errors.Is(readErr, fs.ErrNotExist) {
		return fmt.Errorf("read why the step failed: %w", readErr)
	}
	var exit *jail.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	message := fmt.Sprintf("the agent %v; the step's log says why", exit)
	if exit.Code == 128+9 {
		message = "the agent was killed, most likely because this machine, or the container, ran out of memory"
	}
	return s.order.Fail(plan.Failure{Path: "dump", Message: message})
}

// lines passes what the agent prints on to a step, line by line.
type lines struct {
	step *progress.Step
	rest []byte
}

// maxLine bounds what is kept of a line, in bytes.
const maxLine = 64 << 10

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			break
		}
		l.line(l.rest[:i+1])
		l.rest = l.rest[i+1:]
	}
	if len(l.rest) > maxLine {
		l.end()
	}
	return len(p), nil
}

// end passes on a last line without its end.
func (l *lines) end() {
	if len(l.rest) > 0 {
		l.line(append(l.rest, '\n'))
		l.rest = nil
	}
}

func (l *lines) line(text []byte) {
	if warning, ok := bytes.CutPrefix(text, []byte("warning: ")); ok {
		l.step.Warn(string(bytes.TrimSpace(warning)))
	}
	l.step.Log(text)
}

// defaultPath is what BuildKit gives to images that name none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// stepEnv are the build arguments that steer how the agent reaches a dump, as in
// package frontend, and how it works, for tests and benchmarks.
var stepEnv = []string{
	"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_REGION", "DBAKE_S3_PATH_STYLE",
}

var proxyEnv = []string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}

// tuningEnv are variables of this process that the agent gets, too.
var tuningEnv = []string{"DBAKE_LANES", "DBAKE_CHUNK_BYTES"}

// environment is that of the agent, and what goes into its secrets' directory.
// Only a dump that lies elsewhere needs more than the base's environment. Call
// stop when the agent has ended.
func (s *session) environment(ctx context.Context, given map[string][]byte) (env []string, secrets map[string][]byte, stop func(), err error) {
	values := map[string]string{"PATH": defaultPath}
	for _, entry := range s.baseEnv {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	values["HOME"] = "/root"
	values["SSL_CERT_FILE"] = plan.AgentDir + agentCerts
	for _, name := range tuningEnv {
		if value := os.Getenv(name); value != "" {
			values[name] = value
		}
	}
	secrets, stop = maps.Clone(given), func() {}
	if secrets == nil {
		secrets = map[string][]byte{}
	}
	if slices.ContainsFunc(s.order.File.Dump, func(d spec.Dump) bool { return !d.Location.InContext() }) {
		s.reachDumps(values)
		if stop, err = s.giveCredentials(ctx, values, secrets); err != nil {
			return nil, nil, nil, err
		}
	}
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env, secrets, stop, nil
}

// reachDumps adds the build arguments that say where S3 is.
func (s *session) reachDumps(values map[string]string) {
	args := s.order.Args
	for _, name := range stepEnv {
		if value := args[name]; value != "" {
			values[name] = value
		}
	}
	for _, name := range proxyEnv {
		value := args[name]
		if value == "" {
			value = args[strings.ToLower(name)]
		}
		if value != "" {
			values[name], values[strings.ToLower(name)] = value, value
		}
	}
}

// awsSecret is the id of the secret that holds an AWS credentials file.
const awsSecret = "aws"

// giveCredentials gives the agent credentials for S3, when there are any: through
// a server on this machine, which always has fresh ones, or as a credentials
// file. Without any, the agent looks for the role of the machine.
func (s *session) giveCredentials(ctx context.Context, values map[string]string, secrets map[string][]byte) (stop func(), err error) {
	server, err := serveCredentials(ctx, s.order.Secrets)
	if err != nil {
		return nil, err
	}
	if server != nil {
		maps.Copy(values, server.env())
		return server.close, nil
	}
	text, err := s.order.Secrets.Secret(ctx, awsSecret)
	switch {
	case err == nil:
		secrets[path.Join(plan.SecretDir, awsSecret)] = text
	case !errors.Is(err, builder.ErrNoSecret):
		return nil, fmt.Errorf("get the secret %s: %w", awsSecret, err)
	}
	return func() {}, nil
}

// secrets are the files for the secrets that the dbake.yaml names.
func (s *session) secrets(ctx context.Context, ids []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, id := range ids {
		value, err := s.order.Secrets.Secret(ctx, id)
		if errors.Is(err, builder.ErrNoSecret) {
			return nil, s.order.Fail(plan.Failure{
				Path:    secretKey(s.order.File, id),
				Message: fmt.Sprintf("secret %[1]s was not given to the build; pass --secret id=%[1]s,src=FILE", id),
			})
		}
		if err != nil {
			return nil, fmt.Errorf("get the secret %s: %w", id, err)
		}
		files[path.Join(plan.SecretDir, id)] = value
	}
	return files, nil
}

// secretKey is the key of the file that names the secret.
func secretKey(f *spec.File, id string) string {
	if m := f.Mask; m != nil && m.Key != nil && m.Key.Secret == id {
		return "mask.key"
	}
	if r := f.Accounts.Root; r != nil && r.Password != nil && r.Password.Secret == id {
		return "accounts.root.password"
	}
	for i, u := range f.Accounts.Users {
		if u.Password != nil && u.Password.Secret == id {
			return fmt.Sprintf("accounts.users[%d].password", i)
		}
	}
	return ""
}
