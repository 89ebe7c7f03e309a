package engine

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"
)

// Spec is a container to be made. Only Image is needed.
type Spec struct {
	Image string
	// Name is the container's name; empty: the engine's choice.
	Name string
	// Args replace the image's command.
	Args []string
	// Env has entries NAME=value.
	Env    []string
	Labels map[string]string
	Ports  []Port
	Mounts []Mount
	// Network is a network's name, "host" or "none"; empty: the engine's
	// default.
	Network string
	// Restart is "no" (or empty), "always", "unless-stopped" or "on-failure".
	Restart string
	// AutoRemove removes the container and its unnamed volumes when it stops.
	AutoRemove bool
}

// Port publishes a TCP port.
type Port struct {
	Container int
	// Host is the port on the engine's machine; 0: a free one.
	Host int
	// IP is the address to listen on; the zero value: 127.0.0.1.
	IP netip.Addr
}

// Mount puts something at a path of a container.
type Mount struct {
	// Source is a directory or file of the engine's machine when it is an
	// absolute path, and the name of a volume otherwise; empty: a tmpfs.
	Source, Target string
	ReadOnly       bool
}

// Container is a container of the engine.
type Container struct {
	ID, Name string
	// Image is the reference it was made from, ImageID that image's ID.
	Image, ImageID string
	Labels         map[string]string
	// Running says that its process runs; ExitCode is that of one that ran.
	Running  bool
	ExitCode int
	// Health is "starting", "healthy", "unhealthy", or empty without a check.
	Health string
	// Ports has what is published: "3306/tcp" → "127.0.0.1:49153".
	Ports map[string]string
	// Env is its environment, the image's included.
	Env []string
	// Mounts are what the engine was asked for.
	Mounts []Mount

	check []string // the health check, as in the image's config
}

// Create makes a container and returns its ID.
func (c *Client) Create(ctx context.Context, s Spec) (string, error) {
	config := &container.Config{Image: s.Image, Cmd: s.Args, Env: s.Env, Labels: s.Labels, ExposedPorts: nat.PortSet{}}
	host := &container.HostConfig{
		PortBindings:  nat.PortMap{},
		NetworkMode:   container.NetworkMode(s.Network),
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyMode(s.Restart)},
		AutoRemove:    s.AutoRemove,
	}
	for _, p := range s.Ports {
		ip := p.IP
		if !ip.IsValid() {
			ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		port := nat.Port(strconv.Itoa(p.Container) + "/tcp")
		binding := nat.PortBinding{HostIP: ip.String()}
		if p.Host != 0 {
			binding.HostPort = strconv.Itoa(p.Host)
		}
		config.ExposedPorts[port] = struct{}{}
		host.PortBindings[port] = append(host.PortBindings[port], binding)
	}
	for _, m := range s.Mounts {
		host.Mounts = append(host.Mounts, m.engine())
	}
	response, err := c.api.ContainerCreate(ctx, config, host, &network.NetworkingConfig{}, nil, s.Name)
	if err != nil {
		return "", c.failed("make a container of "+s.Image, err)
	}
	return response.ID, nil
}

func (m Mount) engine() mount.Mount {
	to := mount.Mount{Type: mount.TypeVolume, Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
	switch {
	case m.Source == "":
		to.Type = mount.TypeTmpfs
	case strings.HasPrefix(m.Source, "/"):
		to.Type = mount.TypeBind
	}
	return to
}

// Start starts a container.
func (c *Client) Start(ctx context.Context, id string) error {
	if err := c.api.ContainerStart(ctx, id, container.StartOptions{}); err != nil {
		return c.failed("start the container "+id, err)
	}
	return nil
}

// Run makes and starts a container. One that does not start is removed.
func (c *Client) Run(ctx context.Context, s Spec) (Container, error) {
	id, err := c.Create(ctx, s)
	if err != nil {
		return Container{}, err
	}
	if err = c.Start(ctx, id); err == nil {
		var started Container
		if started, err = c.Container(ctx, id); err == nil {
			return started, nil
		}
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = c.Remove(undo, id)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return Container{}, err
}

// Container looks a container up by ID or name. The error is ErrNotFound when
// there is none.
func (c *Client) Container(ctx context.Context, id string) (Container, error) {
	r, err := c.api.ContainerInspect(ctx, id)
	if err != nil {
		return Container{}, c.failed("look at the container "+id, err)
	}
	found := Container{
		ID: r.ID, Name: strings.TrimPrefix(r.Name, "/"),
		Image: r.Config.Image, ImageID: r.Image, Labels: r.Config.Labels, Env: r.Config.Env,
		Running: r.State.Running, ExitCode: r.State.ExitCode,
		Ports: map[string]string{},
	}
	if r.State.Health != nil && r.State.Health.Status != container.NoHealthcheck {
		found.Health = r.State.Health.Status
	}
	if r.Config.Healthcheck != nil {
		found.check = r.Config.Healthcheck.Test
	}
	for port, bindings := range r.NetworkSettings.Ports {
		if len(bindings) > 0 {
			found.Ports[string(port)] = net.JoinHostPort(bindings[0].HostIP, bindings[0].HostPort)
		}
	}
	for _, m := range r.HostConfig.Mounts {
		found.Mounts = append(found.Mounts, Mount{Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly})
	}
	return found, nil
}

// Containers lists the containers that have all the labels, also stopped ones;
// an empty value stands for any. They come newest first.
func (c *Client) Containers(ctx context.Context, labels map[string]string) ([]Container, error) {
	list, err := c.api.ContainerList(ctx, container.ListOptions{All: true, Filters: labelFilter(labels)})
	if err != nil {
		return nil, c.failed("list containers", err)
	}
	found := make([]Container, 0, len(list))
	for _, s := range list {
		one, err := c.Container(ctx, s.ID)
		if isGone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

// Rename gives a container another name.
func (c *Client) Rename(ctx context.Context, id, name string) error {
	if err := c.api.ContainerRename(ctx, id, name); err != nil {
		return c.failed(fmt.Sprintf("rename the container %s to %s", id, name), err)
	}
	return nil
}

// Stop asks a container's process to end and kills it after grace, which is
// rounded up to whole seconds. It is no error when the container does not run.
func (c *Client) Stop(ctx context.Context, id string, grace time.Duration) error {
	seconds := int((grace + time.Second - 1) / time.Second)
	if err := c.api.ContainerStop(ctx, id, container.StopOptions{Timeout: &seconds}); err != nil {
		return c.failed("stop the container "+id, err)
	}
	return nil
}

// Remove removes a container, killing its process, and its unnamed volumes. It
// is no error when there is none.
func (c *Client) Remove(ctx context.Context, id string) error {
	err := c.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil {
		return nil
	}
	if err = c.failed("remove the container "+id, err); isGone(err) {
		return nil
	}
	return err
}

// Logs writes what a container has printed, both its outputs, to out: the last
// lines of it, or everything when lines is 0. With follow it goes on until the
// container stops or the context ends.
func (c *Client) Logs(ctx context.Context, id string, lines int, follow bool, out io.Writer) error {
	tail := "all"
	if lines > 0 {
		tail = strconv.Itoa(lines)
	}
	body, err := c.api.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: tail, Follow: follow})
	if err != nil {
		return c.failed("read the log of the container "+id, err)
	}
	defer body.Close()
	if _, err := stdcopy.StdCopy(out, out, body); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("read the log of the container %s: %w", id, err)
	}
	return nil
}

// probe is the command of the container's health check; nil when it has none.
func (c Container) probe() []string {
	if len(c.check) < 2 {
		return nil
	}
	switch c.check[0] {
	case "CMD":
		return slices.Clone(c.check[1:])
	case "CMD-SHELL":
		return []string{"/bin/sh", "-c", c.check[1]}
	}
	return nil
}
