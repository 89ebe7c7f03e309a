package registry

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	c := newClient(t, func(o *Options) { o.Insecure = []string{"registry.lan:5000"} })
	for ref, want := range map[string]string{
		"mysql":                           "index.docker.io/library/mysql:latest https",
		"mysql:8.4":                       "index.docker.io/library/mysql:8.4 https",
		"docker.io/acme/db:1":             "index.docker.io/acme/db:1 https",
		"localhost/db":                    "localhost/db:latest http",
		"localhost:5000/db":               "localhost:5000/db:latest http",
		"registry.lan:5000/db":            "registry.lan:5000/db:latest http",
		"registry.lan:5001/db":            "registry.lan:5001/db:latest https",
		"ghcr.io/acme/db:1@" + digest:     "ghcr.io/acme/db@" + digest + " https",
		"mysql@" + digest:                 "index.docker.io/library/mysql@" + digest + " https",
		"MyApp:1":                         "must be lowercase",
		"https://registry.example.com/db": "leave out https://",
		"registry.example.com/db:":        "invalid reference format",
		"":                                "invalid reference format",
	} {
		var got string
		if parsed, err := c.parse(ref); err != nil {
			got = err.Error()
		} else {
			got = parsed.Name() + " " + parsed.Context().Scheme()
		}
		if got != want && !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", ref, got, want)
		}
	}
	if _, err := c.Push([]string{"app@" + digest}); err == nil {
		t.Error("a push to a digest is no error")
	}
	if _, err := c.Push(nil); err == nil {
		t.Error("a push to no tag is no error")
	}
}

func TestPullSurvivesFaults(t *testing.T) {
	t.Parallel()
	for what, faults := range map[string][]*fault{
		"nothing":              nil,
		"busy":                 {{method: "GET", path: "/manifests/", times: 2, do: answer(429, "Retry-After", "0")}},
		"truncated manifest":   {{method: "GET", path: "/manifests/", times: 2, do: truncate}},
		"truncated blobs":      {{method: "GET", path: "/blobs/", times: 3, do: truncate}},
		"dropped blobs":        {{method: "GET", path: "/blobs/", times: 3, do: drop}},
		"broken for some time": {{method: "GET", path: "/blobs/", times: 3, do: answer(502)}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			upstreams(t, func(t *testing.T, front func(...*fault) *proxy) {
				t.Helper()
				p := front()
				c, image, ref := newClient(t), newImage(t), p.Host+"/"+repository(t)+":1"
				if err := push(t.Context(), c, image, ref); err != nil {
					t.Fatal(err)
				}
				p.mu.Lock()
				for _, f := range faults {
					one := *f
					p.faults = append(p.faults, &one)
				}
				p.mu.Unlock()
				pulled, err := c.Image(t.Context(), ref, amd64)
				if err != nil {
					t.Fatalf("%v\n%v", err, p)
				}
				want, err := image.Layers()
				if err != nil {
					t.Fatal(err)
				}
				got, err := pulled.Image.Layers()
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					if !bytes.Equal(bytesOf(t, want[i]), bytesOf(t, got[i])) {
						t.Errorf("layer %d differs", i)
					}
				}
			})
		})
	}
}

func bytesOf(t *testing.T, layer v1.Layer) []byte {
	t.Helper()
	r, err := layer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDamagedBlobsAreNoticed(t *testing.T) {
	t.Parallel()
	p := newProxy(t, memory(), "")
	c, image := newClient(t), newImage(t)
	if err := push(t.Context(), c, image, p.Host+"/app:1"); err != nil {
		t.Fatal(err)
	}
	pulled, err := c.Image(t.Context(), p.Host+"/app:1", amd64)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.faults = []*fault{{method: "GET", path: "/blobs/", times: -1, do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		_, _ = w.Write(make([]byte, 1000))
	}}}
	p.mu.Unlock()
	layers, err := pulled.Image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, errTorn) {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	p := newProxy(t, memory(), "")
	c := newClient(t)
	_, err := c.Image(t.Context(), p.Host+"/app:1", v1.Platform{})
	if err == nil || !strings.HasPrefix(err.Error(), "there is no image "+p.Host+"/app:1") {
		t.Errorf("error %v", err)
	}
	if err := push(t.Context(), c, newImage(t), p.Host+"/app:1"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Image(t.Context(), p.Host+"/app:1", v1.Platform{OS: "linux", Architecture: "s390x"})
	if err == nil || !strings.HasSuffix(err.Error(), "has no image for linux/s390x, only for linux/amd64") {
		t.Errorf("error %v", err)
	}
}

func TestInsecureOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	contacted := false
	plain := roundTripper{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Scheme == "https" {
			panic("asked with TLS")
		}
		contacted = true
		memory().ServeHTTP(w, r)
	})}
	onlyPlain := func(r *http.Request) (*http.Response, error) {
		if r.URL.Scheme == "https" {
			return nil, errors.New("no TLS here")
		}
		return plain.RoundTrip(r)
	}
	for host, ok := range map[string]bool{"10.1.2.3:5000": false, "registry.lan:5000": true} {
		contacted = false
		c := newClient(t, func(o *Options) {
			o.Transport, o.Insecure = transportFunc(onlyPlain), []string{"registry.lan:5000"}
		})
		_, _, err := c.Head(t.Context(), host+"/app:1")
		if (err == nil) != ok || contacted != ok {
			t.Errorf("%s: %v, contacted without TLS: %v", host, err, contacted)
		}
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCertificates is not parallel: it changes the environment.
func TestCertificates(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	server := httptest.NewUnstartedServer(memory())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	// The certificate is also for example.com; a name that is not this machine's.
	address := strings.TrimPrefix(server.URL, "https://")
	host := "example.com:" + address[strings.LastIndex(address, ":")+1:]
	head := func(change ...func(*Options)) error {
		c := newClient(t, change...)
		c.hosts.dial = address
		_, _, err := c.Head(t.Context(), host+"/app:1")
		return err
	}
	if err := head(); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: error %v", err)
	}
	if err := head(func(o *Options) { o.Insecure = []string{host} }); err != nil {
		t.Error(err)
	}
	dir := filepath.Join(home, ".docker/certs.d", host)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := head(); err != nil {
		t.Error(err)
	}
}
