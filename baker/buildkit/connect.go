package buildkit

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/docker/cli/cli/connhelper/commandconn"
	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // docker-container://
	_ "github.com/moby/buildkit/client/connhelper/kubepod"         // kube-pod://
	_ "github.com/moby/buildkit/client/connhelper/npipe"           // npipe://
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer" // podman-container://
	_ "github.com/moby/buildkit/client/connhelper/ssh"             // ssh://
	"github.com/moby/buildkit/util/appdefaults"
)

// EnvHost names the variable with the address of buildkitd, as for buildctl.
const EnvHost = "BUILDKIT_HOST"

// answerTime is how long a BuildKit may take to answer for the first time. A
// connection through ssh or kubectl takes its seconds.
const answerTime = 30 * time.Second

// TLS says how a buildkitd is reached with TLS, as for buildctl. The zero value
// means without.
type TLS struct {
	// ServerName is the name in the certificate; empty: the address's.
	ServerName string
	// CACert is a PEM file of who vouches for the certificate; empty: whom this
	// machine trusts.
	CACert string
	// Cert and Key are PEM files of the client's own certificate, if any.
	Cert, Key string
}

func (t TLS) options() []client.ClientOpt {
	if t == (TLS{}) {
		return nil
	}
	opts := []client.ClientOpt{client.WithServerConfigSystem(t.ServerName)}
	if t.CACert != "" {
		opts[0] = client.WithServerConfig(t.ServerName, t.CACert)
	}
	if t.Cert != "" || t.Key != "" {
		opts = append(opts, client.WithCredentials(t.Cert, t.Key))
	}
	return opts
}

// Connect connects to a BuildKit and makes sure that it answers. Where is an
// address: unix://, npipe://, tcp://, ssh://, docker-container://,
// podman-container:// or kube-pod://; or, without "://", the name of a buildx
// builder. Empty: BUILDKIT_HOST or the usual address. The caller closes the
// client, which also ends what the connection goes through. TLS is for tcp://.
func Connect(ctx context.Context, where string, tls TLS) (*client.Client, error) {
	where = cmp.Or(where, os.Getenv(EnvHost), appdefaults.Address)
	if tls != (TLS{}) && !strings.HasPrefix(where, "tcp://") {
		return nil, fmt.Errorf("the BuildKit %s is not reached with TLS: certificates are for addresses like tcp://HOST:PORT", where)
	}
	if !strings.Contains(where, "://") {
		return connectBuildx(ctx, where)
	}
	c, err := client.New(ctx, where, tls.options()...)
	if err != nil {
		return nil, fmt.Errorf("connect to the BuildKit at %s: %w", where, err)
	}
	return answers(ctx, c, "at "+where)
}

// connectBuildx goes through "docker buildx dial-stdio", which reaches builders
// of every driver. Its process ends with the connection.
func connectBuildx(ctx context.Context, name string) (*client.Client, error) {
	command := []string{"docker", "buildx"}
	if _, err := exec.LookPath("docker"); err != nil {
		command = []string{"buildx"}
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		return nil, fmt.Errorf("reach the buildx builder %s: there is neither a docker nor a buildx command", name)
	}
	command = append(command, "dial-stdio", "--builder", name, "--progress=plain")
	c, err := client.New(ctx, "", client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		// The connection is there for longer than it takes to dial.
		return commandconn.New(context.WithoutCancel(ctx), command[0], command[1:]...)
	}))
	if err != nil {
		return nil, fmt.Errorf("connect to the buildx builder %s: %w", name, err)
	}
	return answers(ctx, c, "of the buildx builder "+name)
}

// answers makes sure that a BuildKit is at the other end.
func answers(ctx context.Context, c *client.Client, which string) (*client.Client, error) {
	limited, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err := c.ListWorkers(limited)
	if err == nil {
		return c, nil
	}
	_ = c.Close()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("the BuildKit %s does not answer: %w", which, err)
}
