package registry

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/name"
)

// parse reads a reference as docker users write it: the registry is docker.io
// unless the first part looks like a host, the tag is "latest" unless there is
// one or a digest.
func (c *Client) parse(ref string) (name.Reference, error) {
	if scheme, rest, found := strings.Cut(ref, "://"); found {
		return nil, fmt.Errorf("image reference %q: leave out %s://, write %s", ref, scheme, rest)
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, fmt.Errorf("image reference %q: %w; write [registry[:port]/]name[:tag], the name in lower case", ref, err)
	}
	registry := reference.Domain(named)
	var options []name.Option
	if c.hosts.plain(registry) {
		options = append(options, name.Insecure)
	}
	var parsed name.Reference
	if _, pinned := named.(reference.Digested); pinned {
		parsed, err = name.NewDigest(named.String(), options...)
	} else {
		parsed, err = name.ParseReference(reference.TagNameOnly(named).String(), options...)
	}
	if err != nil {
		return nil, fmt.Errorf("image reference %q: %w", ref, err)
	}
	return parsed, nil
}

// tag reads a reference to push to.
func (c *Client) tag(ref string) (name.Tag, error) {
	parsed, err := c.parse(ref)
	if err != nil {
		return name.Tag{}, err
	}
	tag, ok := parsed.(name.Tag)
	if !ok {
		return name.Tag{}, fmt.Errorf("image reference %q: an image cannot be pushed to a digest, give a tag", ref)
	}
	return tag, nil
}

// familiar is a repository as docker users know it: docker.io, not
// index.docker.io.
func familiar(repo name.Repository) string {
	return docker(repo.RegistryStr()) + "/" + repo.RepositoryStr()
}

// docker is a registry's host as docker users know it.
func docker(host string) string {
	if host == name.DefaultRegistry {
		return "docker.io"
	}
	return host
}
