package parts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// EnvDockerHost names the variable with the address of a Docker Engine that takes
// the place of the one that DockerHost would start, as hack/docker26 prints it.
// It has to see the folder for temporary files at the same path as the tests.
const EnvDockerHost = "DBAKE_TEST_DOCKER_HOST"

const (
	dockerSocket = "docker.sock"
	// bridgeFile holds the name of dockerd's bridge, for sweep.
	bridgeFile = "bridge"
)

// DockerHost starts Docker Engine and returns its address, for DOCKER_HOST.
//
// The engine leaves the machine's firewall alone: ports that containers
// publish on 127.0.0.1 answer (through docker-proxy), and containers reach the
// machine, but not the internet.
func (p *Parts) DockerHost(ctx context.Context) (string, error) {
	return p.docker.do(ctx, p.startDocker)
}

// Docker runs "docker ARGS…" against the parts' engine and returns its
// standard output.
func (p *Parts) Docker(ctx context.Context, args ...string) (string, error) {
	cmd, err := p.DockerCommand(ctx, args...)
	if err != nil {
		return "", err
	}
	return output(cmd)
}

// DockerCommand is "docker ARGS…" against the parts' engine, ready to be run.
func (p *Parts) DockerCommand(ctx context.Context, args ...string) (*exec.Cmd, error) {
	if _, err := p.DockerHost(ctx); err != nil {
		return nil, err
	}
	return p.command(ctx, args)
}

func (p *Parts) startDocker(ctx context.Context) (string, error) {
	if _, err := p.cli.do(ctx, p.setUpCLI); err != nil {
		return "", err
	}
	if os.Getenv(EnvDockerHost) != "" {
		return p.dockerAddress(), nil // whoever started it stops it
	}
	dir, err := p.folder("dockerd")
	if err != nil {
		return "", err
	}
	containerd, err := p.startContainerd(ctx, dir)
	if err != nil {
		return "", err
	}
	bridge, err := p.makeBridge(ctx)
	if err != nil {
		return "", err
	}
	config := filepath.Join(dir, "daemon.json")
	if err := os.WriteFile(config, []byte("{}"), 0o600); err != nil {
		return "", fmt.Errorf("write dockerd's configuration: %w", err)
	}
	host := p.dockerAddress()
	pr, err := p.spawn("dockerd", lasting(ctx, "dockerd",
		"--config-file", config, "--host", host, "--containerd", containerd,
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "dockerd.pid"), "--storage-driver", "overlay2",
		"--cgroup-parent", "/"+filepath.Base(p.root), "--exec-opt", "native.cgroupdriver=cgroupfs",
		"--bridge", bridge, "--iptables=false", "--ip-forward=false", "--ip-masq=false",
	), 30*time.Second)
	if err != nil {
		return "", err
	}
	// Registered last, so that it runs first: dockerd would wait 10 s for
	// each container.
	if err := p.onClose(p.removeContainers); err != nil {
		return "", err
	}
	err = pr.ready(ctx, func(ctx context.Context) error {
		cmd, err := p.command(ctx, []string{"version", "--format", "{{.Server.Version}}"})
		if err == nil {
			_, err = output(cmd)
		}
		return err
	})
	return host, err
}

// dockerAddress is where the engine is, or will be.
func (p *Parts) dockerAddress() string {
	if host := os.Getenv(EnvDockerHost); host != "" {
		return host
	}
	return "unix://" + filepath.Join(p.root, dockerSocket)
}

// startContainerd runs the container runtime that dockerd uses. A machine's
// own containerd, should there be one, has nothing to do with it.
func (p *Parts) startContainerd(ctx context.Context, dir string) (string, error) {
	socket := filepath.Join(dir, "containerd.sock")
	config := fmt.Sprintf(`version = 2
root = %q
state = %q
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = %q
`, filepath.Join(dir, "containerd"), filepath.Join(dir, "containerd-state"), socket)
	file := filepath.Join(dir, "containerd.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return "", fmt.Errorf("write containerd's configuration: %w", err)
	}
	pr, err := p.spawn("containerd", lasting(ctx, "containerd", "--config", file), 20*time.Second)
	if err != nil {
		return "", err
	}
	return socket, pr.ready(ctx, dialProbe("unix", socket))
}

// removeContainers removes all containers with their volumes.
func (p *Parts) removeContainers() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	list, err := p.command(ctx, []string{"ps", "--all", "--quiet"})
	if err != nil {
		return err
	}
	out, err := output(list)
	if err != nil || strings.TrimSpace(out) == "" {
		return err
	}
	remove, err := p.command(ctx, append([]string{"rm", "--force", "--volumes"}, strings.Fields(out)...))
	if err == nil {
		_, err = output(remove)
	}
	return err
}

// makeBridge makes the network bridge of dockerd's containers, with a name and
// a subnet that are free.
func (p *Parts) makeBridge(ctx context.Context) (string, error) {
	subnet, err := freeSubnet()
	if err != nil {
		return "", err
	}
	var random [4]byte
	rand.Read(random[:])
	name := fmt.Sprintf("dbake%x", random)
	if err := os.WriteFile(filepath.Join(p.root, bridgeFile), []byte(name), 0o600); err != nil {
		return "", fmt.Errorf("note the bridge's name: %w", err)
	}
	for _, args := range [][]string{
		{"link", "add", "name", name, "type", "bridge"},
		{"address", "add", subnet, "dev", name},
		{"link", "set", name, "up"},
	} {
		if _, err := output(exec.CommandContext(ctx, "ip", args...)); err != nil {
			return "", fmt.Errorf("make a network bridge for dockerd: %w", err)
		}
	}
	return name, p.onClose(func() error { return removeBridge(context.WithoutCancel(ctx), name) })
}

// freeSubnet is the address of a bridge in a private subnet that no network
// interface of the machine is in.
func freeSubnet() (string, error) {
	taken, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("list the machine's addresses: %w", err)
	}
	for range 100 {
		var random [2]byte
		rand.Read(random[:])
		candidate := net.IPv4(10, 128+random[0]%128, random[1], 1)
		free := true
		for _, address := range taken {
			network, ok := address.(*net.IPNet)
			free = free && !(ok && network.Contains(candidate))
		}
		if free {
			return candidate.String() + "/24", nil
		}
	}
	return "", errors.New("no private subnet is free for dockerd's bridge")
}
