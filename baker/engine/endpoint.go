package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/docker/client"
)

// endpoint is where an engine is.
type endpoint struct {
	host string
	// from says who named it.
	from string
	// tlsDir has ca.pem, cert.pem and key.pem, as far as they are used; empty
	// for no TLS, or that of the environment.
	tlsDir  string
	fromEnv bool
}

const defaultContext = "default"

// findEndpoint follows the docker command's order of precedence.
func findEndpoint(o Options) (endpoint, error) {
	if o.Host != "" {
		return endpoint{host: o.Host, from: "as asked for", fromEnv: true}, nil
	}
	if o.Context != "" {
		return contextEndpoint(o.Context, "as asked for")
	}
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		return endpoint{host: host, from: "from DOCKER_HOST", fromEnv: true}, nil
	}
	if name := os.Getenv("DOCKER_CONTEXT"); name != "" {
		return contextEndpoint(name, "from DOCKER_CONTEXT")
	}
	file, err := config.Load(configDir())
	if err != nil {
		return endpoint{}, fmt.Errorf("read the docker command's configuration: %w", err)
	}
	return contextEndpoint(file.CurrentContext, `from "docker context use"`)
}

func configDir() string {
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir
	}
	return config.Dir()
}

// contextEndpoint reads a context as the docker command stores it:
// contexts/meta/<SHA-256 of its name>/meta.json and, for TLS,
// contexts/tls/<the same>/docker/*.pem.
func contextEndpoint(name, from string) (endpoint, error) {
	if name == "" || name == defaultContext {
		return endpoint{host: client.DefaultDockerHost, from: "the usual address", fromEnv: true}, nil
	}
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	dir := filepath.Join(configDir(), "contexts")
	text, err := os.ReadFile(filepath.Join(dir, "meta", id, "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return endpoint{}, fmt.Errorf("there is no docker context %q (%s); \"docker context ls\" lists those there are", name, from)
	}
	var meta struct {
		Endpoints struct {
			Docker struct {
				Host          string
				SkipTLSVerify bool
			} `json:"docker"`
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &meta)
	}
	if err != nil {
		return endpoint{}, fmt.Errorf("read the docker context %q: %w", name, err)
	}
	docker := meta.Endpoints.Docker
	if docker.Host == "" {
		return endpoint{}, fmt.Errorf("the docker context %q (%s) names no Docker Engine", name, from)
	}
	if docker.SkipTLSVerify {
		return endpoint{}, fmt.Errorf("the docker context %q (%s) skips the check of the engine's certificate, which dbake does not do", name, from)
	}
	at := endpoint{host: docker.Host, from: fmt.Sprintf("context %q, %s", name, from)}
	tls := filepath.Join(dir, "tls", id, "docker")
	if _, err := os.Stat(tls); err == nil {
		at.tlsDir = tls
	}
	return at, nil
}

// options are what makes the Docker client connect to the endpoint.
func (e endpoint) options() ([]client.Opt, error) {
	if strings.HasPrefix(e.host, "ssh://") {
		helper, err := connhelper.GetConnectionHelper(e.host)
		if err != nil {
			return nil, fmt.Errorf("reach the Docker Engine at %s (%s): %w", e.host, e.from, err)
		}
		return []client.Opt{client.WithHost(helper.Host), client.WithDialContext(helper.Dialer)}, nil
	}
	opts := []client.Opt{client.WithHost(e.host)}
	switch {
	case e.fromEnv:
		opts = append(opts, client.WithTLSClientConfigFromEnv())
	case e.tlsDir != "":
		opts = append(opts, client.WithTLSClientConfig(e.pem("ca"), e.pem("cert"), e.pem("key")))
	}
	return opts, nil
}

// pem is the path of a file with TLS material; empty when there is none.
func (e endpoint) pem(name string) string {
	path := filepath.Join(e.tlsDir, name+".pem")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// silent is the error for an engine that does not answer.
func (e endpoint) silent(err error) error {
	// The client has no types for these.
	if text := err.Error(); strings.Contains(text, "permission denied") && strings.HasPrefix(e.host, "unix://") {
		return fmt.Errorf("this user may not speak to the Docker Engine at %s (%s): run as root, or as a member of the socket's group", e.host, e.from)
	}
	return fmt.Errorf("no Docker Engine answers at %s (%s): start it, or name another in DOCKER_HOST: %w", e.host, e.from, err)
}
