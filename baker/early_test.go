package baker_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/baker/progress"
)

// A restore may last for hours: what cannot end well must not begin.
func TestNothingIsRestoredInVain(t *testing.T) {
	t.Parallel()
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(locked.Close)
	full := t.TempDir()
	check(t, os.WriteFile(filepath.Join(full, "precious"), nil, 0o600))
	for want, change := range map[string]func(*kitchen){
		"the registry refused": func(k *kitchen) {
			k.options.Refs = []string{strings.TrimPrefix(locked.URL, "http://") + "/app:1"}
		},
		"could not be pushed": func(k *kitchen) { k.options.Refs = []string{"localhost:1/app:1"} },
		"platform linux/s390x: this dbake has no entrypoint": func(k *kitchen) {
			k.options.Platforms = []v1.Platform{{OS: "linux", Architecture: "s390x"}}
		},
		"neither empty nor an OCI image layout": func(k *kitchen) {
			k.options.Output = baker.Output{Kind: baker.OutputOCI, Path: full}
		},
		"no directory": func(k *kitchen) {
			k.options.Output = baker.Output{Kind: baker.OutputTar, Path: filepath.Join(full, "missing", "image.tar")}
		},
		"is a directory": func(k *kitchen) { k.options.Output = baker.Output{Kind: baker.OutputTar, Path: full} },
		"an image for Docker needs a tag": func(k *kitchen) {
			k.options.Output, k.options.Refs = baker.Output{Kind: baker.OutputDocker}, nil
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			k := newKitchen(t)
			change(k)
			_, err := baker.Bake(t.Context(), k.options, progress.Discard)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want %q", err, want)
			}
			if n := k.builder.restores.Load(); n > 0 {
				t.Error("the dump was restored all the same")
			}
		})
	}
}

// A registry that fails just now may answer when the restore is done.
func TestBusyRegistryStopsNoRestore(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.builder.restores.Load() == 0 {
			w.Header().Set("Retry-After", "1000")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(busy.Close)
	k.options.Refs = []string{strings.TrimPrefix(busy.URL, "http://") + "/app:1"}
	k.bake(t)
}

// When a registry takes no layer, no more are made for it, and it is told why.
func TestFailedUploadEndsTheBake(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(w, "the quota is used up", http.StatusInsufficientStorage)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(full.Close)
	k.options.Refs = []string{strings.TrimPrefix(full.URL, "http://") + "/app:1"}
	_, err := baker.Bake(t.Context(), k.options, progress.Discard)
	if err == nil || !strings.Contains(err.Error(), "the quota is used up") {
		t.Errorf("the error is %v", err)
	}
}
