// Package up keeps a developer's database container at the image that a tag points
// to: it pulls when the tag has moved, recreates the container, and removes what it
// replaced.
package up

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker/engine"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/baker/serve"
)

// Options say what is to be up.
type Options struct {
	// Start has the image and the container as it is to be. A new container is made
	// when it has another port, password, restart policy, variable or mount; without a
	// port, a password or a policy the old container's stay. Variables and mounts are
	// given each time.
	Start serve.Options
	// Recreate makes a new container although nothing has changed: the database is
	// pristine again.
	Recreate bool
	// NoPull does not ask the registry.
	NoPull bool
	// KeepImage leaves the replaced image in the engine.
	KeepImage bool
	// Migrate is run when the server answers, also when nothing has changed: it may
	// have failed before, or be another one. What it writes to log is shown. When it
	// fails the container goes on running, so that the failure can be looked at. Nil:
	// nothing is run.
	Migrate Migration
}

// Migration is the project's own command for a database that answers.
type Migration = func(ctx context.Context, r *serve.Running, log io.Writer) error

// Result is what came of it.
type Result struct {
	*serve.Running

	// Pulled and Recreated say what had to be done; FreedImage is the image that
	// was removed, or empty.
	Pulled, Recreated bool
	FreedImage        string
}

// stopGrace is how long the old server may take: what is in it is thrown away.
const stopGrace = 2 * time.Second

// Up brings the container up. The old container is put back when the new one does
// not come up.
func Up(ctx context.Context, e *engine.Client, r *registry.Client, o Options, w progress.Writer) (*Result, error) {
	if o.Start.Name == "" {
		return nil, errors.New("the container needs a name")
	}
	result := &Result{}
	var err error
	if !o.NoPull {
		if result.Pulled, err = pull(ctx, e, r, o.Start.Image, w); err != nil {
			return nil, err
		}
	}
	old, err := find(ctx, e, o.Start.Name)
	if err != nil {
		return nil, err
	}
	image, err := e.Image(ctx, o.Start.Image)
	if err != nil {
		return nil, err
	}
	if old != nil && old.ImageID == image.ID && !o.Recreate && suits(old, o.Start) {
		err = keep(ctx, e, old, result, w)
	} else {
		err = renew(ctx, e, old, image, o, result, w)
	}
	if err == nil {
		err = migrate(ctx, result.Running, o.Migrate, w)
	}
	return result, err
}

func migrate(ctx context.Context, r *serve.Running, m Migration, w progress.Writer) error {
	if m == nil {
		return nil
	}
	return w.Run("[migrate]", func(s *progress.Step) error { return m(ctx, r, s) })
}

// suits says whether a container is as the options want it.
func suits(c *engine.Container, o serve.Options) bool {
	for _, e := range o.Env {
		if !slices.Contains(c.Env, e) {
			return false
		}
	}
	for _, m := range o.Mounts {
		if !slices.Contains(c.Mounts, m) {
			return false
		}
	}
	has, err := again(c)
	return err == nil && (o.Port == 0 || o.Port == has.Port) &&
		(o.RootPassword == "" || o.RootPassword == has.RootPassword) && (o.Restart == "" || o.Restart == has.Restart)
}

// renew puts a new container in the place of old, which may be nil, and removes the
// image that is not used any more.
func renew(ctx context.Context, e *engine.Client, old *engine.Container, image engine.Image, o Options, result *Result, w progress.Writer) error {
	start := o.Start
	if old != nil {
		has, err := again(old)
		if err != nil {
			return err
		}
		start.RootPassword = cmp.Or(start.RootPassword, has.RootPassword)
		start.Port = cmp.Or(start.Port, has.Port)
		start.Restart = cmp.Or(start.Restart, has.Restart)
	}
	result.Recreated = true
	var err error
	if result.Running, err = replace(ctx, e, old, start, w); err != nil {
		return err
	}
	if old != nil && old.ImageID != image.ID && !o.KeepImage {
		if err := e.RemoveImage(ctx, old.ImageID, false); err == nil { // others may still use it
			result.FreedImage = old.ImageID
		}
	}
	return nil
}

// find gives the container of a name; nil when there is none. A container that is
// not dbake's is left alone.
func find(ctx context.Context, e *engine.Client, name string) (*engine.Container, error) {
	c, err := e.Container(ctx, name)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if err != nil {
		return nil, err
	}
	if _, ours := c.Labels[serve.Label]; !ours {
		return nil, fmt.Errorf("the container %s was not made by dbake; choose another --name, or remove it: docker rm -f %s", name, name)
	}
	return &c, nil
}

// pull has the engine pull the image if its tag points to another one than the
// engine has. A registry that cannot be reached is no failure when there is an
// image to go on with.
func pull(ctx context.Context, e *engine.Client, r *registry.Client, ref string, w progress.Writer) (bool, error) {
	have, err := e.Image(ctx, ref)
	known := err == nil
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return false, err
	}
	desc, found, err := look(ctx, r, ref, known)
	switch {
	case err == nil && !found && known, err != nil && known && ctx.Err() == nil:
		if err == nil {
			err = errors.New("it has no such tag")
		}
		step := w.Start("[pull] " + ref)
		step.Warn(fmt.Sprintf("%s cannot be looked up in its registry; going on with the image that Docker has: %v", ref, err))
		step.Done(nil)
		return false, nil
	case err != nil:
		return false, err
	case !found:
		return false, fmt.Errorf("%s is neither in Docker nor in its registry; is the tag right?", ref)
	}
	if known && hasDigest(have, ref, desc.Digest.String()) {
		return false, nil
	}
	return true, serve.Pull(ctx, e, r, ref, w)
}

// patience is how long a registry may take to say where a tag is, when there is an
// image to go on with: whoever works in a train does not want to wait.
const patience = 5 * time.Second

// look asks the registry what a tag points to.
func look(ctx context.Context, r *registry.Client, ref string, known bool) (v1.Descriptor, bool, error) {
	if known {
		var cancel func()
		ctx, cancel = context.WithTimeoutCause(ctx, patience, fmt.Errorf("the registry did not answer within %s", patience))
		defer cancel()
	}
	return r.Head(ctx, ref)
}

// hasDigest says whether an image of the engine was pulled as this digest of ref's
// repository.
func hasDigest(image engine.Image, ref, digest string) bool {
	want, err := name.ParseReference(ref)
	if err != nil {
		return false
	}
	for _, d := range image.Digests {
		have, err := name.NewDigest(d)
		if err == nil && have.DigestStr() == digest && have.Context().Name() == want.Context().Name() {
			return true
		}
	}
	return false
}

// answerTime is how long the server of a container that is up to date may take.
const answerTime = 5 * time.Minute

// keep goes on with a container that is up to date, starting it when it is stopped.
func keep(ctx context.Context, e *engine.Client, c *engine.Container, result *Result, w progress.Writer) error {
	result.Running = running(c)
	return w.Run("[start] "+c.Name+" is up to date", func(*progress.Step) error {
		if !c.Running {
			if err := e.Start(ctx, c.ID); err != nil {
				return err
			}
		}
		limited, cancel := context.WithTimeoutCause(ctx, answerTime,
			fmt.Errorf("the server did not answer within %s; --recreate makes the container anew", answerTime))
		defer cancel()
		if err := e.WaitHealthy(limited, c.ID); err != nil {
			return err
		}
		now, err := e.Container(ctx, c.ID) // a free port may be another one now
		if err == nil {
			result.Running = running(&now)
		}
		return err
	})
}

// running describes a container of ours.
func running(c *engine.Container) *serve.Running {
	return &serve.Running{
		ID: c.ID, Name: c.Name, Address: c.Ports["3306/tcp"], User: "root", Password: variable(c.Env, serve.RootPassword),
		Labels: c.Labels,
	}
}

func variable(env []string, name string) string {
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// replace starts a new container in the place of the old one, which it removes when
// the new one answers and puts back when it does not.
func replace(ctx context.Context, e *engine.Client, old *engine.Container, o serve.Options, w progress.Writer) (*serve.Running, error) {
	aside := o.Name + "-replaced"
	left, err := find(ctx, e, aside) // of a run that was killed
	if err == nil && left != nil {
		err = e.Remove(ctx, left.ID)
	}
	switch {
	case err != nil:
		return nil, err
	case old == nil:
		return serve.Start(ctx, e, o, w)
	}
	if err := e.Rename(ctx, old.ID, aside); err != nil {
		return nil, err
	}
	var r *serve.Running
	if err = e.Stop(ctx, old.ID, stopGrace); err == nil {
		r, err = serve.Start(ctx, e, o, w)
	}
	if err != nil {
		return nil, putBack(ctx, e, old, err)
	}
	return r, e.Remove(ctx, old.ID)
}

// putBack makes the old container what it was, also when ctx has ended, and gives
// the error that was the reason.
func putBack(ctx context.Context, e *engine.Client, old *engine.Container, reason error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	err := e.Rename(ctx, old.ID, old.Name)
	if old.Running {
		err = errors.Join(err, e.Start(ctx, old.ID))
	}
	if err != nil {
		return errors.Join(reason, fmt.Errorf("the old container could not be put back: %w", err))
	}
	return fmt.Errorf("%w; the old container is back", reason)
}

// Reset gives a container of dbake's its pristine database back: it is made anew
// from the same image, with the same port, password, variables and mounts, and m is
// run, unless it is nil.
func Reset(ctx context.Context, e *engine.Client, name string, m Migration, w progress.Writer) (*serve.Running, error) {
	old, err := find(ctx, e, name)
	if err != nil {
		return nil, err
	}
	if old == nil {
		return nil, fmt.Errorf("there is no container %s; dbake up makes one", name)
	}
	o, err := again(old)
	if err != nil {
		return nil, err
	}
	// Nothing in it is wanted any more, so there is nothing to wait for.
	if err := e.Remove(ctx, old.ID); err != nil {
		return nil, err
	}
	r, err := serve.Start(ctx, e, o, w)
	if err == nil {
		err = migrate(ctx, r, m, w)
	}
	return r, err
}

// again are the options that a container of ours was made with. The image is taken
// by its ID: the tag may have moved on.
func again(c *engine.Container) (serve.Options, error) {
	o := serve.Options{
		Image: c.ImageID, Name: c.Name, RootPassword: variable(c.Env, serve.RootPassword), Mounts: c.Mounts,
		Labels: c.Labels, Restart: c.Labels[serve.RestartLabel],
	}
	for _, e := range c.Env {
		if !strings.HasPrefix(e, serve.RootPassword+"=") {
			o.Env = append(o.Env, e)
		}
	}
	port := c.Labels[serve.PortLabel]
	if address := c.Ports["3306/tcp"]; address != "" {
		_, bound, err := net.SplitHostPort(address)
		if err != nil {
			return o, fmt.Errorf("the port of %s: %w", c.Name, err)
		}
		port = bound
	}
	if port != "" {
		var err error
		if o.Port, err = strconv.Atoi(port); err != nil {
			return o, fmt.Errorf("the port of %s: %w", c.Name, err)
		}
	}
	return o, nil
}
