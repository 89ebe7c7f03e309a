package parts

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"golang.org/x/crypto/bcrypt"
)

// Registry is an image registry that runs without TLS.
type Registry struct {
	// Host is the first part of its image references: "localhost:PORT".
	Host string
	// Username and Password are empty for a registry that asks for none.
	Username, Password string
	// Dir is where it keeps its blobs.
	Dir string
}

// Auth is what go-containerregistry logs in with.
func (r *Registry) Auth() authn.Authenticator {
	if r.Username == "" {
		return authn.Anonymous
	}
	return &authn.Basic{Username: r.Username, Password: r.Password}
}

// Registry starts an image registry that anyone may push to.
func (p *Parts) Registry(ctx context.Context) (*Registry, error) {
	return p.registry.do(ctx, func(ctx context.Context) (*Registry, error) {
		return p.startRegistry(ctx, &Registry{})
	})
}

// AuthRegistry starts an image registry that asks for a user name and a
// password, also for pulling. The docker client does not know them until
// Login.
func (p *Parts) AuthRegistry(ctx context.Context) (*Registry, error) {
	return p.authed.do(ctx, func(ctx context.Context) (*Registry, error) {
		return p.startRegistry(ctx, &Registry{Username: "baker", Password: rand.Text()})
	})
}

// Login makes the docker client and buildx send the registry's password.
func (p *Parts) Login(ctx context.Context, r *Registry) error {
	cmd, err := p.command(ctx, nil)
	if err != nil {
		return err
	}
	var config string
	for _, entry := range cmd.Env {
		if value, ok := strings.CutPrefix(entry, "DOCKER_CONFIG="); ok {
			config = value
		}
	}
	auth := base64.StdEncoding.EncodeToString([]byte(r.Username + ":" + r.Password))
	data, err := json.Marshal(map[string]any{"auths": map[string]any{r.Host: map[string]string{"auth": auth}}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(config, "config.json"), data, 0o600)
}

func (p *Parts) startRegistry(ctx context.Context, r *Registry) (*Registry, error) {
	if err := p.packages(ctx); err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := p.folder("registry")
	if err != nil {
		return nil, err
	}
	r.Host, r.Dir = fmt.Sprintf("localhost:%d", port), filepath.Join(dir, "blobs")
	config := fmt.Sprintf(`version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
http: {addr: "127.0.0.1:%d"}
`, r.Dir, port)
	if r.Username != "" {
		hash, err := bcrypt.GenerateFromPassword([]byte(r.Password), bcrypt.MinCost)
		if err != nil {
			return nil, err
		}
		passwords := filepath.Join(dir, "htpasswd")
		if err := os.WriteFile(passwords, []byte(r.Username+":"+string(hash)+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("write the registry's passwords: %w", err)
		}
		config += fmt.Sprintf("auth: {htpasswd: {realm: dbake, path: %q}}\n", passwords)
	}
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("write the registry's configuration: %w", err)
	}
	pr, err := p.spawn(filepath.Base(dir), lasting(ctx, "docker-registry", "serve", file), 10*time.Second)
	if err != nil {
		return nil, err
	}
	return r, pr.ready(ctx, func(ctx context.Context) error { return answers(ctx, "http://"+r.Host+"/v2/", r) })
}

// answers asks the registry for its API's root with the right password.
func answers(ctx context.Context, url string, r *Registry) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if r.Username != "" {
		request.SetBasicAuth(r.Username, r.Password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return nil
}
