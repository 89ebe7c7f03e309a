package registry

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/buildkit/client"
	"go.uber.org/goleak"

	"github.com/dbake/dbake/test/parts"
)

// all has the real registries; nil where they cannot be started.
var all *parts.Parts

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if _, err := exec.LookPath("docker-registry"); err == nil && os.Geteuid() == 0 {
		all, err = parts.Start(context.Background(), parts.Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer all.Close()
	}
	code := m.Run()
	if all != nil {
		if err := all.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// memory is a registry within the test.
func memory(options ...ggcr.Option) http.Handler {
	return ggcr.New(append(options, ggcr.Logger(log.New(io.Discard, "", 0)))...)
}

// upstreams runs a test in front of the registry within the test and in front
// of a real one.
func upstreams(t *testing.T, test func(t *testing.T, front func(...*fault) *proxy)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, func(faults ...*fault) *proxy { return newProxy(t, memory(), "", faults...) })
	})
	t.Run("docker-registry", func(t *testing.T) {
		t.Parallel()
		host := realRegistry(t).Host
		test(t, func(faults ...*fault) *proxy { return newProxy(t, nil, host, faults...) })
	})
}

func realRegistry(t *testing.T) *parts.Registry {
	t.Helper()
	if all == nil {
		t.Skip("needs root and Debian's docker-registry")
	}
	r, err := all.Registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const chunk = 256 << 10

// newClient has waits that fit tests.
func newClient(t *testing.T, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{ChunkBytes: chunk, FirstWait: time.Millisecond, Retries: 4, Stall: 10 * time.Second}
	for _, f := range change {
		f(&o)
	}
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// newLayer has random bytes.
func newLayer(size int64) v1.Layer {
	var seed [32]byte
	_, _ = crand.Read(seed[:])
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(data)
	return static.NewLayer(data, types.OCILayerZStd)
}

// newImage has one layer of a single chunk and one of several.
func newImage(t *testing.T) v1.Image {
	t.Helper()
	image := empty.Image
	for _, size := range []int64{1000, 3*chunk + 12345} {
		var err error
		if image, err = mutate.AppendLayers(image, newLayer(size)); err != nil {
			t.Fatal(err)
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)
}

// push pushes an image as the baker does.
func push(ctx context.Context, c *Client, image v1.Image, refs ...string) error {
	p, err := c.Push(refs)
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := p.Blob(ctx, layer); err != nil {
			return err
		}
	}
	return p.Commit(ctx, image)
}

// isComplete pulls all of an image with other code and compares every digest.
func isComplete(t *testing.T, ref string, want interface{ Digest() (v1.Hash, error) }) {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Image(parsed, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if digestOf(t, got) != digestOf(t, want) {
		t.Errorf("%s is %s, want %s", ref, digestOf(t, got), digestOf(t, want))
	}
	layers, err := got.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		r, err := layer.Compressed() // it checks the digest
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
		r.Close()
	}
}

func digestOf(t *testing.T, m interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// repository is a name that no other test of the shared registry uses.
func repository(t *testing.T) string {
	t.Helper()
	return strings.ToLower(strings.NewReplacer("/", "-", "_", "-", "#", "-", ",", "", " ", "-").Replace(t.Name()))
}

func TestPushSurvivesFaults(t *testing.T) {
	t.Parallel()
	tests := map[string][]*fault{
		"nothing":                               nil,
		"dropped starts":                        {{method: "POST", path: "/blobs/uploads/", times: 3, do: drop}},
		"busy":                                  {{method: "POST", path: "/blobs/", times: 2, do: answer(429)}, {method: "HEAD", path: "/blobs/", times: 2, do: answer(503)}},
		"500 for chunks":                        {{method: "PATCH", path: "/blobs/", skip: 1, times: 2, do: answer(500)}},
		"429 for chunks":                        {{method: "PATCH", path: "/blobs/", skip: 1, times: 2, do: answer(429, "Retry-After", "0")}},
		"500 for the end":                       {{method: "PUT", path: "/blobs/", times: 2, do: answer(500)}},
		"500 for manifests":                     {{method: "PUT", path: "/manifests/", times: 2, do: answer(500)}},
		"connection before a chunk":             {{method: "PATCH", path: "/blobs/", skip: 2, times: 1, do: drop}},
		"connection within a chunk":             {{method: "PATCH", path: "/blobs/", skip: 1, times: 2, do: cut(chunk / 3)}},
		"connection within a PUT":               {{method: "PUT", path: "/blobs/", times: 1, do: cut(500)}},
		"acknowledgement of a chunk lost":       {{method: "PATCH", path: "/blobs/", skip: 1, times: 1, do: swallow}},
		"acknowledgement of the end lost":       {{method: "PUT", path: "/blobs/", times: 2, do: swallow}},
		"acknowledgement of the manifests lost": {{method: "PUT", path: "/manifests/", times: 2, do: swallow}},
		"upload lost":                           {{method: "PATCH", path: "/blobs/", skip: 2, times: 1, do: forget}},
		"upload always lost between chunks":     {{method: "PATCH", path: "/blobs/", skip: 1, times: 3, do: forget}},
		"chunks refused":                        {{method: "PATCH", path: "/blobs/", times: 1, do: answer(416)}},
		"slow":                                  {{method: "PATCH", path: "/blobs/", times: -1, do: crawl}},
	}
	upstreams(t, func(t *testing.T, front func(...*fault) *proxy) {
		t.Helper()
		for what, faults := range tests {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				var copies []*fault
				for _, f := range faults {
					one := *f
					copies = append(copies, &one)
				}
				p := front(copies...)
				image, ref := newImage(t), p.Host+"/"+repository(t)+":new"
				if err := push(t.Context(), newClient(t), image, ref); err != nil {
					t.Fatalf("%v\n%v", err, p)
				}
				isComplete(t, ref, image)
				for _, f := range copies {
					if f.times > 0 {
						t.Errorf("the fault did not happen:\n%v", p)
					}
				}
			})
		}
	})
}

func TestPushFailsCleanly(t *testing.T) {
	t.Parallel()
	tests := map[string]*fault{
		"uploads cannot be started":    {method: "POST", path: "/blobs/", times: -1, do: answer(500)},
		"chunks never arrive":          {method: "PATCH", path: "/blobs/", times: -1, do: drop},
		"chunks stop in the middle":    {method: "PATCH", path: "/blobs/", skip: 2, times: -1, do: cut(10)},
		"the end is refused":           {method: "PUT", path: "/blobs/", times: -1, do: answer(503)},
		"manifests are refused":        {method: "PUT", path: "/manifests/sha256:", times: -1, do: answer(400)},
		"the tag cannot be moved":      {method: "PUT", path: "/manifests/tag", times: -1, do: answer(500)},
		"a blob is gone in the end":    {method: "HEAD", path: "/blobs/", skip: 3, times: -1, do: answer(404)},
		"too long a wait is asked for": {method: "PATCH", path: "/blobs/", times: -1, do: answer(429, "Retry-After", "3600")},
	}
	upstreams(t, func(t *testing.T, front func(...*fault) *proxy) {
		t.Helper()
		for what, f := range tests {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				one := *f
				one.skip, one.times = 1<<30, f.times // off
				p := front(&one)
				repo := p.Host + "/" + repository(t)
				old := newImage(t)
				c := newClient(t, func(o *Options) { o.Retries = 2 })
				if err := push(t.Context(), c, old, repo+":tag"); err != nil {
					t.Fatalf("%v\n%v", err, p)
				}
				p.mu.Lock()
				one.skip = f.skip
				p.mu.Unlock()
				err := push(t.Context(), c, newImage(t), repo+":tag", repo+":tag2")
				if err == nil {
					t.Fatalf("no error:\n%v", p)
				}
				t.Log(err)
				p.mend()
				isComplete(t, repo+":tag", old)
				if _, ok, err := c.Head(t.Context(), repo+":tag2"); ok || err != nil {
					t.Errorf("the second tag exists: %v %v", ok, err)
				}
			})
		}
	})
}

func TestProgress(t *testing.T) {
	t.Parallel()
	p := newProxy(t, memory(), "")
	image := newImage(t)
	for _, cached := range []bool{false, true} {
		var mu sync.Mutex
		sent, steps, open := map[string]bool{}, map[string]bool{}, 0
		c := newClient(t, func(o *Options) {
			o.Progress = func(s *client.SolveStatus) {
				mu.Lock()
				defer mu.Unlock()
				for _, v := range s.Vertexes {
					if v.Completed == nil {
						open++
						continue
					}
					open--
					steps[v.Name] = v.Cached
				}
				for _, status := range s.Statuses {
					sent[status.Vertex.String()] = status.Current == status.Total
				}
			}
		})
		if err := push(t.Context(), c, image, p.Host+"/app:1"); err != nil {
			t.Fatal(err)
		}
		if open != 0 || len(steps) != 4 {
			t.Errorf("%d steps are open, %v ended; want three blobs, and the tags", open, steps)
		}
		blobs := 0
		for name, was := range steps {
			if strings.HasPrefix(name, "push sha256:") && was == cached {
				blobs++
			}
		}
		if blobs != 3 {
			t.Errorf("steps %v, want those of blobs to be cached: %v", steps, cached)
		}
		for step, all := range sent {
			if !all {
				t.Errorf("the counter of %s did not reach its total", step)
			}
		}
		if (len(sent) == 0) != cached {
			t.Errorf("%d counters", len(sent))
		}
	}
}

func TestPushEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped by the user")
	p := newProxy(t, memory(), "", &fault{method: "PATCH", path: "/blobs/", skip: 1, times: 1, do: func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel(stop)
		<-r.Context().Done()
		hangUp(w)
	}})
	err := push(ctx, newClient(t), newImage(t), p.Host+"/app:1")
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want the context's cause", err)
	}
	if n := p.count("DELETE", "/blobs/uploads/"); n != 1 {
		t.Errorf("%d uploads were abandoned, want 1\n%v", n, p)
	}
}

func TestStalledTransfersAreTriedAgain(t *testing.T) {
	t.Parallel()
	hang := func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.CopyN(io.Discard, r.Body, 1000)
		time.Sleep(time.Second)
		hangUp(w)
	}
	p := newProxy(t, memory(), "", &fault{method: "PUT", path: "/blobs/", times: 1, do: hang})
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), newLayer(16<<20)) // more than sockets buffer
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, func(o *Options) { o.ChunkBytes, o.Stall = 64<<20, 200*time.Millisecond })
	start := time.Now()
	if err := push(t.Context(), c, image, p.Host+"/app:1"); err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	if n := p.count("PUT", "/blobs/"); time.Since(start) > time.Minute || n < 2 {
		t.Errorf("it took %v and %d uploads", time.Since(start), n)
	}
	isComplete(t, p.Host+"/app:1", image)
}
