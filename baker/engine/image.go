package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Image is an image in the engine.
type Image struct {
	// ID is its digest in the engine: of its config, or of its manifest where
	// the engine keeps images in containerd's store.
	ID string
	// Tags are its references; Digests those by digest that it was pulled or
	// pushed as. Either may be empty.
	Tags, Digests []string
	Labels        map[string]string
	// Size is in bytes, unpacked.
	Size int64
}

// Progress is told how far each part of a transfer is, in bytes. total is 0
// while it is unknown.
type Progress func(part string, current, total int64)

// Image looks an image up by reference or ID. The error is ErrNotFound when
// there is none.
func (c *Client) Image(ctx context.Context, ref string) (Image, error) {
	i, err := c.api.ImageInspect(ctx, ref)
	if err != nil {
		return Image{}, c.failed("look at the image "+ref, err)
	}
	found := Image{ID: i.ID, Tags: i.RepoTags, Digests: i.RepoDigests, Size: i.Size}
	if i.Config != nil {
		found.Labels = i.Config.Labels
	}
	return found, nil
}

// Images lists the images that have all the labels; an empty value stands for
// any. They come newest first.
func (c *Client) Images(ctx context.Context, labels map[string]string) ([]Image, error) {
	list, err := c.api.ImageList(ctx, image.ListOptions{Filters: labelFilter(labels)})
	if err != nil {
		return nil, c.failed("list images", err)
	}
	images := make([]Image, len(list))
	for i, s := range list {
		images[i] = Image{ID: s.ID, Tags: s.RepoTags, Digests: s.RepoDigests, Labels: s.Labels, Size: s.Size}
	}
	return images, nil
}

// labelFilter asks for all the labels.
func labelFilter(labels map[string]string) filters.Args {
	f := filters.NewArgs()
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		entry := key
		if value := labels[key]; value != "" {
			entry += "=" + value
		}
		f.Add("label", entry)
	}
	return f
}

// Pull makes the engine pull an image. It logs in with the Client's keychain.
// progress may be nil.
func (c *Client) Pull(ctx context.Context, ref string, progress Progress) error {
	auth, err := c.login(ctx, ref)
	if err != nil {
		return fmt.Errorf("pull %s: %w", ref, err)
	}
	body, err := c.api.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: auth})
	if err != nil {
		return c.failed("pull "+ref, err)
	}
	defer body.Close()
	if _, err := readMessages(ctx, body, progress); err != nil {
		return fmt.Errorf("pull %s: %w", ref, err)
	}
	return nil
}

// login is the header with the credentials for the registry of ref; empty when
// there are none.
func (c *Client) login(ctx context.Context, ref string) (string, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return "", err
	}
	found, err := authn.Resolve(ctx, c.keychain, parsed.Context())
	if err != nil {
		return "", fmt.Errorf("log in to %s: %w", parsed.Context().RegistryStr(), err)
	}
	a, err := authn.Authorization(ctx, found)
	if err != nil {
		return "", fmt.Errorf("log in to %s: %w", parsed.Context().RegistryStr(), err)
	}
	if *a == (authn.AuthConfig{}) {
		return "", nil
	}
	text, err := json.Marshal(registry.AuthConfig{
		Username: a.Username, Password: a.Password, Auth: a.Auth,
		IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken,
		ServerAddress: parsed.Context().RegistryStr(),
	})
	if err != nil {
		return "", fmt.Errorf("log in to %s: %w", parsed.Context().RegistryStr(), err)
	}
	return base64.URLEncoding.EncodeToString(text), nil
}

// Load gives the engine the images of an archive as "docker save" writes it, or
// of an OCI layout where the engine knows those, and returns what they are
// called: references or, of images without one, IDs.
func (c *Client) Load(ctx context.Context, archive io.Reader) ([]string, error) {
	response, err := c.api.ImageLoad(ctx, archive)
	if err != nil {
		return nil, c.failed("load an image into the Docker Engine", err)
	}
	defer response.Body.Close()
	lines, err := readMessages(ctx, response.Body, nil)
	if err != nil {
		return nil, fmt.Errorf("load an image into the Docker Engine: %w", err)
	}
	var loaded []string
	for _, line := range lines {
		for _, prefix := range []string{"Loaded image: ", "Loaded image ID: "} {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
				loaded = append(loaded, name)
			}
		}
	}
	return loaded, nil
}

// readMessages reads the engine's progress to its end. It returns the lines
// that are no progress, or the error that is among the messages.
func readMessages(ctx context.Context, body io.Reader, progress Progress) ([]string, error) {
	var lines []string
	for d := json.NewDecoder(body); ; {
		var m struct {
			Stream   string `json:"stream"`
			Status   string `json:"status"`
			ID       string `json:"id"`
			Progress struct {
				Current int64 `json:"current"`
				Total   int64 `json:"total"`
			} `json:"progressDetail"`
			Error struct {
				Message string `json:"message"`
			} `json:"errorDetail"`
		}
		err := d.Decode(&m)
		switch {
		case errors.Is(err, io.EOF):
			return lines, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, fmt.Errorf("read the engine's answer: %w", err)
		case m.Error.Message != "":
			return nil, errors.New(m.Error.Message)
		case m.Stream != "":
			lines = append(lines, m.Stream)
		}
		if progress != nil && m.ID != "" && m.Progress.Current > 0 {
			progress(strings.ToLower(m.Status)+" "+m.ID, m.Progress.Current, m.Progress.Total)
		}
	}
}

// Tag gives an image one more reference, taking it from the image that had it.
func (c *Client) Tag(ctx context.Context, from, to string) error {
	if err := c.api.ImageTag(ctx, from, to); err != nil {
		return c.failed(fmt.Sprintf("tag %s as %s", from, to), err)
	}
	return nil
}

// RemoveImage removes a reference and, with its last one, the image. Force
// removes an image by ID with all its references; containers that run keep it in
// either case.
func (c *Client) RemoveImage(ctx context.Context, ref string, force bool) error {
	if _, err := c.api.ImageRemove(ctx, ref, image.RemoveOptions{Force: force, PruneChildren: true}); err != nil {
		return c.failed("remove the image "+ref, err)
	}
	return nil
}

// PruneImages removes the images that have all the labels, no reference any
// more and no container. It returns how many bytes that has freed. Without
// labels it does nothing.
func (c *Client) PruneImages(ctx context.Context, labels map[string]string) (int64, error) {
	if len(labels) == 0 {
		return 0, nil
	}
	f := labelFilter(labels)
	f.Add("dangling", "true")
	report, err := c.api.ImagesPrune(ctx, f)
	if err != nil {
		return 0, c.failed("remove images that were replaced", err)
	}
	return int64(report.SpaceReclaimed), nil
}

// Commit makes an image of a container's files and gives it a reference. It
// returns the image's ID.
func (c *Client) Commit(ctx context.Context, id, ref string) (string, error) {
	response, err := c.api.ContainerCommit(ctx, id, container.CommitOptions{Reference: ref, Pause: true})
	if err != nil {
		return "", c.failed("commit the container "+id, err)
	}
	return response.ID, nil
}
