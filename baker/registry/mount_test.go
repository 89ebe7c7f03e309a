package registry

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

var amd64 = v1.Platform{OS: "linux", Architecture: "amd64"}

// bake puts a layer onto an image in a registry.
func bake(t *testing.T, c *Client, base string) v1.Image {
	t.Helper()
	pulled, err := c.Image(t.Context(), base, amd64)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(pulled.Image, newLayer(5000))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestBaseLayersAreMountedNotSent(t *testing.T) {
	t.Parallel()
	p := newProxy(t, nil, realRegistry(t).Host)
	c := newClient(t)
	repo := repository(t)
	base := p.Host + "/" + repo + "/base:1"
	if err := push(t.Context(), c, newImage(t), base); err != nil {
		t.Fatal(err)
	}
	image := bake(t, c, base)
	if err := push(t.Context(), c, image, p.Host+"/"+repo+"/app:1", p.Host+"/"+repo+"/copy:1"); err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	isComplete(t, p.Host+"/"+repo+"/app:1", image)
	isComplete(t, p.Host+"/"+repo+"/copy:1", image)
	config, err := image.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.sent(repo+"/app"), int64(5000+len(config)); got != want {
		t.Errorf("%d bytes were sent, want %d: the data and the configuration\n%v", got, want, p)
	}
	if got := p.sent(repo + "/copy"); got != 0 {
		t.Errorf("%d bytes were sent into the second repository", got)
	}
	mounts := 0
	for _, e := range p.exchanges() {
		if e.Method == "POST" && e.Query.Get("from") == repo+"/base" && e.Status == 201 {
			mounts++
		}
	}
	if mounts != 4 {
		t.Errorf("%d layers of the base were mounted, want 2 in both repositories\n%v", mounts, p)
	}

	before := len(p.exchanges())
	if err := push(t.Context(), c, image, p.Host+"/"+repo+"/app:2"); err != nil {
		t.Fatal(err)
	}
	for _, e := range p.exchanges()[before:] {
		if strings.Contains(e.Path, "/blobs/") && e.Method != "HEAD" {
			t.Errorf("blobs that exist: %s %s", e.Method, e.Path)
		}
	}
}

func TestBaseLayersAreCopiedBetweenRegistries(t *testing.T) {
	t.Parallel()
	// The connection breaks while the base is read, and while it is written.
	from := newProxy(t, memory(), "", &fault{method: "GET", path: "/blobs/", skip: 1, times: 1, do: truncate})
	to := newProxy(t, nil, realRegistry(t).Host, &fault{method: "PATCH", path: "/blobs/", skip: 1, times: 1, do: answer(500)})
	c := newClient(t)
	if err := push(t.Context(), c, newImage(t), from.Host+"/base:1"); err != nil {
		t.Fatal(err)
	}
	image := bake(t, c, from.Host+"/base:1")
	ref := to.Host + "/" + repository(t) + ":1"
	if err := push(t.Context(), c, image, ref); err != nil {
		t.Fatalf("%v\n%v\n%v", err, from, to)
	}
	isComplete(t, ref, image)
	if n := to.count("POST", "/blobs/uploads/"); n != 4 {
		t.Errorf("%d uploads were started, want 4: a failed chunk is sent again, not the blob\n%v", n, to)
	}
}

func TestUploadsGoOnWhereTheyBrokeOff(t *testing.T) {
	t.Parallel()
	p := newProxy(t, nil, realRegistry(t).Host, &fault{method: "PATCH", path: "/blobs/", skip: 2, times: 2, do: answer(503)})
	image, ref := newImage(t), p.Host+"/"+repository(t)+":1"
	if err := push(t.Context(), newClient(t), image, ref); err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	isComplete(t, ref, image)
	var ranges []string
	for _, e := range p.exchanges() {
		if e.Method == "PATCH" {
			ranges = append(ranges, strings.SplitN(e.Range, "-", 2)[0])
		}
	}
	if got, want := strings.Join(ranges, " "), "0 262144 524288 524288 524288 786432"; got != want {
		t.Errorf("chunks begin at %s, want %s\n%v", got, want, p)
	}
}

func TestPushOfAnIndex(t *testing.T) {
	t.Parallel()
	upstreams(t, func(t *testing.T, front func(...*fault) *proxy) {
		t.Helper()
		p := front()
		first, second := newImage(t), newImage(t)
		index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
			mutate.IndexAddendum{Add: first, Descriptor: v1.Descriptor{Platform: &amd64}},
			mutate.IndexAddendum{Add: second, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}}})
		c := newClient(t)
		ref := p.Host + "/" + repository(t) + ":1"
		push, err := c.Push([]string{ref})
		if err != nil {
			t.Fatal(err)
		}
		if err := push.Commit(t.Context(), index); err != nil {
			t.Fatalf("%v\n%v", err, p)
		}
		isComplete(t, ref, first) // remote.Image takes amd64
		pulled, err := c.Image(t.Context(), ref, v1.Platform{OS: "linux", Architecture: "arm64"})
		if err != nil {
			t.Fatal(err)
		}
		if pulled.Descriptor.Digest != digestOf(t, second) || pulled.Index != digestOf(t, index) || pulled.Ref.DigestStr() != digestOf(t, second).String() {
			t.Errorf("pulled %+v, want %s of %s", pulled, digestOf(t, second), digestOf(t, index))
		}
		_, err = c.Image(t.Context(), ref, v1.Platform{OS: "linux", Architecture: "s390x"})
		if err == nil || !strings.HasSuffix(err.Error(), "has no image for linux/s390x, only for linux/amd64, linux/arm64/v8") {
			t.Errorf("error %v", err)
		}
	})
}
