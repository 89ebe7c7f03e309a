package registry

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

func TestTagsMoveTogether(t *testing.T) {
	t.Parallel()
	upstreams(t, func(t *testing.T, front func(...*fault) *proxy) {
		t.Helper()
		failing := &fault{method: "PUT", path: "/manifests/new2", times: 0, do: answer(500)}
		p := front(failing)
		repo := p.Host + "/" + repository(t)
		c := newClient(t, func(o *Options) { o.Retries = 1 })
		old, image := newImage(t), newImage(t)
		if err := push(t.Context(), c, old, repo+":first", repo+":second"); err != nil {
			t.Fatal(err)
		}
		p.mu.Lock()
		failing.times = -1
		p.mu.Unlock()
		err := push(t.Context(), c, image, repo+":first", repo+":new1", repo+":second", repo+":new2", repo+"/other:1")
		var tags *TagsError
		if !errors.As(err, &tags) {
			t.Fatalf("error %v, want a TagsError", err)
		}
		isComplete(t, repo+":first", old)
		isComplete(t, repo+":second", old)
		for i, want := range []v1.Hash{digestOf(t, old), {}, digestOf(t, old), {}, {}} {
			state := tags.Tags[i]
			if state.Err != nil && state.New {
				continue // the real registry cannot remove a tag, and says so
			}
			if state.Digest != want || state.New {
				t.Errorf("%s is told to be at %s, want %s", state.Tag, state.Digest, want)
			}
		}
		_, exists, err := c.Head(t.Context(), repo+":new1")
		if err != nil || exists != tags.Tags[1].New {
			t.Errorf("the first new tag: %v %v, told %+v", exists, err, tags.Tags[1])
		}
		t.Log(tags)
	})
}

func TestTagsArePutBackWhenTheUserStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stop := &fault{method: "PUT", path: "/manifests/second", do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(w, r)
		cancel()
		hangUp(w)
	}}
	p := newProxy(t, memory(), "", stop)
	c := newClient(t)
	old := newImage(t)
	if err := push(ctx, c, old, p.Host+"/app:first", p.Host+"/app:second"); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	stop.times = 1
	p.mu.Unlock()
	err := push(ctx, c, newImage(t), p.Host+"/app:first", p.Host+"/app:second")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	isComplete(t, p.Host+"/app:first", old)
	isComplete(t, p.Host+"/app:second", old)
}

func TestReferrers(t *testing.T) {
	t.Parallel()
	header := &fault{method: "PUT", path: "/manifests/sha256:", times: -1, do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("OCI-Subject", "sha256:whatever")
		next.ServeHTTP(w, r)
	}}
	for what, test := range map[string]struct {
		registry http.Handler
		host     bool
		faults   []*fault
		fallback bool
	}{
		"by the registry":     {registry: memory(ggcr.WithReferrersSupport(true)), faults: []*fault{header}},
		"by a tag":            {registry: memory(), fallback: true},
		"by a tag, real":      {host: true, fallback: true},
		"by a tag, with loss": {registry: memory(), fallback: true, faults: []*fault{{method: "GET", path: "/manifests/sha256-", times: 1, do: truncate}}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			host := ""
			if test.host {
				host = realRegistry(t).Host
			}
			p := newProxy(t, test.registry, host, test.faults...)
			c, image := newClient(t), newImage(t)
			ref := p.Host + "/" + repository(t)
			push, err := c.Push([]string{ref + ":1"})
			if err != nil {
				t.Fatal(err)
			}
			subject, err := partial.Descriptor(image)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, kind := range []string{"application/spdx+json", "application/vnd.in-toto+json"} {
				a := Attachment{Subject: *subject, ArtifactType: kind, Payload: []byte(`{"kind":"` + kind + `"}`), Annotations: map[string]string{"a": "b"}}
				for range 2 { // the second time changes nothing
					if err := push.Commit(t.Context(), image, a); err != nil {
						t.Fatalf("%v\n%v", err, p)
					}
				}
				kinds = append(kinds, kind)
			}
			if got := referrers(t, c, ref, subject.Digest, test.fallback); strings.Join(got, " ") != strings.Join(kinds, " ") {
				t.Errorf("referrers %v, want %v\n%v", got, kinds, p)
			}
		})
	}
}

// referrers reads the artefact types of what refers to a subject, and each of
// them.
func referrers(t *testing.T, c *Client, ref string, subject v1.Hash, fallback bool) []string {
	t.Helper()
	parsed, err := c.parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	s := c.session(parsed.Context(), "pull")
	var raw []byte
	if fallback {
		raw, _, err = s.manifest(t.Context(), subject.Algorithm+"-"+subject.Hex)
	} else {
		answer, derr := s.do(t.Context(), request{op: "list", method: "GET", url: s.url("referrers/"+subject.String(), nil), want: []int{200}})
		if derr != nil {
			t.Fatal(derr)
		}
		defer answer.Body.Close()
		raw, err = readAll(answer.Body, maxManifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	index, err := v1.ParseIndexManifest(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, d := range index.Manifests {
		raw, desc, err := s.manifest(t.Context(), d.Digest.String())
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := v1.ParseManifest(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if manifest.Subject.Digest != subject || desc.Size != d.Size || manifest.Annotations["a"] != "b" {
			t.Errorf("referrer %s", raw)
		}
		kinds = append(kinds, manifest.ArtifactType)
	}
	if len(kinds) == 2 && kinds[0] > kinds[1] {
		kinds[0], kinds[1] = kinds[1], kinds[0]
	}
	return kinds
}

func TestFormatsThatARegistryDoesNotKnow(t *testing.T) {
	t.Parallel()
	p := newProxy(t, memory(), "", &fault{method: "PUT", path: "/manifests/", times: -1, do: answer(http.StatusUnsupportedMediaType)})
	err := push(t.Context(), newClient(t), newImage(t), p.Host+"/app:1")
	if err == nil || !strings.Contains(err.Error(), "set image.compression: gzip") {
		t.Errorf("error %v, want a hint at the compression", err)
	}
}
