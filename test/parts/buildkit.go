package parts

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// builderName is the buildx builder that stands for the parts' buildkitd.
const builderName = "dbake"

// BuildKit starts buildkitd and returns its address. Build steps share the
// machine's network, so they reach the other parts on the loopback interface.
func (p *Parts) BuildKit(ctx context.Context) (string, error) {
	return p.buildkit.do(ctx, p.startBuildKit)
}

// buildkitAddress is known before buildkitd runs, so that the docker client can
// be set up without it.
func (p *Parts) buildkitAddress() string { return "unix://" + filepath.Join(p.root, "buildkitd.sock") }

func (p *Parts) startBuildKit(ctx context.Context) (string, error) {
	bin, err := p.installed(ctx, "buildkit")
	if err != nil {
		return "", err
	}
	dir, err := p.folder("buildkitd")
	if err != nil {
		return "", err
	}
	address := p.buildkitAddress()
	// A registry at localhost is spoken to without TLS by default.
	config := fmt.Sprintf(`root = %q
[grpc]
  address = [%q]
[otel]
  socketPath = %q
[cdi]
  disabled = true
[worker.oci]
  enabled = true
  snapshotter = "overlayfs"
  networkMode = "host"
  defaultCgroupParent = %q
[worker.containerd]
  enabled = false
`, filepath.Join(dir, "root"), address, filepath.Join(dir, "otel.sock"), "/"+filepath.Base(p.root))
	file := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return "", fmt.Errorf("write buildkitd's configuration: %w", err)
	}
	pr, err := p.spawn("buildkitd", lasting(ctx, filepath.Join(bin, "buildkitd"), "--config", file), 20*time.Second)
	if err != nil {
		return "", err
	}
	err = pr.ready(ctx, func(ctx context.Context) error {
		_, err := output(exec.CommandContext(ctx, filepath.Join(bin, "buildctl"), "--addr", address, "debug", "workers"))
		return err
	})
	return address, err
}

// Buildctl runs buildctl against the parts' buildkitd and returns what it
// printed.
func (p *Parts) Buildctl(ctx context.Context, args ...string) (string, error) {
	address, err := p.BuildKit(ctx)
	if err != nil {
		return "", err
	}
	bin, err := p.installed(ctx, "buildkit")
	if err != nil {
		return "", err
	}
	return output(exec.CommandContext(ctx, filepath.Join(bin, "buildctl"), append([]string{"--addr", address}, args...)...))
}

// Buildx runs "docker buildx ARGS…" with the parts' buildkitd as builder and
// returns its standard output. An error holds everything that was printed,
// BuildKit's own message included.
func (p *Parts) Buildx(ctx context.Context, args ...string) (string, error) {
	cmd, err := p.BuildxCommand(ctx, args...)
	if err != nil {
		return "", err
	}
	return output(cmd)
}

// BuildxCommand is "docker buildx ARGS…", ready to be run, with the parts'
// buildkitd as builder.
func (p *Parts) BuildxCommand(ctx context.Context, args ...string) (*exec.Cmd, error) {
	if _, err := p.BuildKit(ctx); err != nil {
		return nil, err
	}
	return p.command(ctx, append([]string{"buildx"}, args...))
}

// command is "docker ARGS…" in an environment of its own: the user's docker
// configuration is neither read nor written.
func (p *Parts) command(ctx context.Context, args []string) (*exec.Cmd, error) {
	env, err := p.cli.do(ctx, p.setUpCLI)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), env...)
	return cmd, nil
}

// setUpCLI makes the docker client's configuration folder, with buildx as a
// plug-in, and returns the environment that points to it.
func (p *Parts) setUpCLI(ctx context.Context) ([]string, error) {
	bin, err := p.installed(ctx, "buildx")
	if err != nil {
		return nil, err
	}
	config, err := p.folder("docker-config")
	if err != nil {
		return nil, err
	}
	plugins := filepath.Join(config, "cli-plugins")
	if err := os.Mkdir(plugins, 0o755); err != nil {
		return nil, fmt.Errorf("set up the docker client: %w", err)
	}
	if err := os.Symlink(filepath.Join(bin, "buildx"), filepath.Join(plugins, "docker-buildx")); err != nil {
		return nil, fmt.Errorf("set up the docker client: %w", err)
	}
	env := []string{
		"DOCKER_CONFIG=" + config,
		"DOCKER_HOST=" + p.dockerAddress(),
		"BUILDX_CONFIG=" + filepath.Join(config, "buildx"),
		"BUILDX_BUILDER=" + builderName,
		"BUILDX_METADATA_PROVENANCE=disabled",
		"DOCKER_CLI_HINTS=false",
		"DOCKER_BUILDKIT=1",
	}
	cmd := exec.CommandContext(ctx, "docker", "buildx", "create", "--name", builderName, "--driver", "remote",
		p.buildkitAddress())
	cmd.Env = append(os.Environ(), env...)
	_, err = output(cmd)
	return env, err
}
