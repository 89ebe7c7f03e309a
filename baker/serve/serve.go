// Package serve starts baked images in a Docker Engine, the way dbake run, verify
// and up do: on a port of this machine, with a root password, until the server
// answers.
package serve

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/seed/plan"
)

// Label is on every container that this package makes; its value is the reference
// of the image.
const Label = "io.dbake.run"

// RestartLabel is on those that have a restart policy; its value is the policy.
const RestartLabel = "io.dbake.restart"

// PortLabel is on those that were given a port; its value is the port.
const PortLabel = "io.dbake.port"

// RootPassword is the variable of the container that root's password is in.
const RootPassword = "MYSQL_ROOT_PASSWORD"

// serverPort is the port of the server inside.
const serverPort = 3306

// Options say how an image is started.
type Options struct {
	// Image is its reference. It is pulled when the engine has none, or always
	// with Pull.
	Image string
	Pull  bool
	// Registry looks at the image before it is pulled; nil: nobody does.
	Registry *registry.Client
	// Name is the container's; empty: the engine's choice.
	Name string
	// Port is the one on this machine; 0: a free one.
	Port int
	// RootPassword is set for root, who may then log in from everywhere; empty:
	// a new one.
	RootPassword string
	// Env has further variables for the container, as NAME=value.
	Env    []string
	Mounts []engine.Mount
	Labels map[string]string
	// Restart is the engine's restart policy.
	Restart string
	// AutoRemove removes the container when it stops.
	AutoRemove bool
	// Timeout bounds the wait for the server; 0: 5 minutes.
	Timeout time.Duration
}

// Running is a container whose server answers.
type Running struct {
	ID, Name string
	// Address is host:port on this machine.
	Address string
	// User and Password let in over Address.
	User, Password string
	// Labels are the image's.
	Labels map[string]string
}

// DSN is the address for drivers and clients, as a URL; schema may be empty.
func (r *Running) DSN(schema string) string {
	u := url.URL{Scheme: "mysql", User: url.UserPassword(r.User, r.Password), Host: r.Address, Path: "/" + schema}
	return u.String()
}

// Start starts an image and waits until its server answers. A container that does
// not come that far is removed; its last lines are in the error, because there is
// nowhere else to look.
func Start(ctx context.Context, e *engine.Client, o Options, w progress.Writer) (*Running, error) {
	image, err := ensure(ctx, e, o, w)
	if err != nil {
		return nil, err
	}
	if image.Labels[imageconfig.LabelServer] == "" {
		return nil, fmt.Errorf("%s is no image that dbake baked: it has no label %s", o.Image, imageconfig.LabelServer)
	}
	r := &Running{User: "root", Password: o.RootPassword, Labels: image.Labels}
	if r.Password == "" {
		r.Password = rand.Text()
	}
	labels := map[string]string{Label: o.Image}
	if o.Restart != "" {
		labels[RestartLabel] = o.Restart
	}
	if o.Port != 0 {
		labels[PortLabel] = strconv.Itoa(o.Port)
	}
	for name, value := range o.Labels {
		labels[name] = value
	}
	c, err := e.Run(ctx, engine.Spec{
		Image: o.Image, Name: o.Name, Env: append([]string{RootPassword + "=" + r.Password}, o.Env...), Labels: labels,
		Ports:  []engine.Port{{Container: serverPort, Host: o.Port, IP: netip.MustParseAddr("127.0.0.1")}},
		Mounts: o.Mounts, Restart: o.Restart, AutoRemove: o.AutoRemove,
	})
	if err != nil {
		return nil, err
	}
	r.ID, r.Name, r.Address = c.ID, c.Name, c.Ports[fmt.Sprintf("%d/tcp", serverPort)]
	if err := waitHealthy(ctx, e, r, o, w); err != nil {
		return nil, errors.Join(err, remove(ctx, e, r.ID))
	}
	return r, nil
}

// Schema is the first schema that was baked; empty when there is none.
func (r *Running) Schema(ctx context.Context, e *engine.Client) string {
	m, err := r.Manifest(ctx, e)
	if err != nil || len(m.Tables) == 0 {
		return ""
	}
	return m.Tables[0].Schema
}

// Manifest is the image's manifest: its label, or the file when it is too long for
// one.
func (r *Running) Manifest(ctx context.Context, e *engine.Client) (*manifest.Manifest, error) {
	if text := r.Labels[imageconfig.LabelManifest]; text != "" {
		return manifest.Parse([]byte(text))
	}
	var out, failure bytes.Buffer
	status, err := e.Exec(ctx, r.ID, engine.Command{Args: []string{"cat", plan.ManifestPath}, Stdout: &out, Stderr: &failure})
	if err == nil && status != 0 {
		err = fmt.Errorf("exit status %d: %s", status, strings.TrimSpace(failure.String()))
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest in the container: %w", err)
	}
	return manifest.Parse(out.Bytes())
}

// Stop removes the container, also when ctx has ended.
func (r *Running) Stop(ctx context.Context, e *engine.Client) error { return remove(ctx, e, r.ID) }

func remove(ctx context.Context, e *engine.Client, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return e.Remove(ctx, id)
}

// ensure has the engine hold the image.
func ensure(ctx context.Context, e *engine.Client, o Options, w progress.Writer) (engine.Image, error) {
	image, err := e.Image(ctx, o.Image)
	if err == nil && !o.Pull {
		return image, nil
	}
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return image, err
	}
	if err := Pull(ctx, e, o.Registry, o.Image, w); err != nil {
		return image, err
	}
	return e.Image(ctx, o.Image)
}

// Pull has the engine pull an image that it can unpack.
func Pull(ctx context.Context, e *engine.Client, r *registry.Client, ref string, w progress.Writer) error {
	return w.Run("[pull] "+ref, func(s *progress.Step) error {
		if err := CheckLayers(ctx, e, r, ref); err != nil {
			return err
		}
		return e.Pull(ctx, ref, s.Count)
	})
}

// lastLines are what a container has printed last, as far as it can be had.
func lastLines(ctx context.Context, e *engine.Client, id string) []byte {
	const lines = 30
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var printed bytes.Buffer
	_ = e.Logs(ctx, id, lines, false, &printed)
	return append(bytes.TrimRight(printed.Bytes(), "\n"), '\n')
}

func waitHealthy(parent context.Context, e *engine.Client, r *Running, o Options, w progress.Writer) error {
	timeout := o.Timeout
	if timeout == 0 {
		timeout = 5 * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(parent, timeout, fmt.Errorf("the server in %s did not answer within %s", o.Image, timeout))
	defer cancel()
	return w.Run("[start] wait until the server answers", func(s *progress.Step) error {
		err := e.WaitHealthy(ctx, r.ID)
		var exited *engine.ExitedError
		switch {
		case errors.As(err, &exited):
			s.Log([]byte(strings.TrimRight(exited.Log, "\n") + "\n"))
		case ctx.Err() != nil && parent.Err() == nil:
			s.Log(lastLines(parent, e, r.ID))
		}
		// What the health check said last is worth more than that time is up.
		if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
			return cause
		}
		return err
	})
}
