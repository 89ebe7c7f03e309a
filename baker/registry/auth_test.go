package registry

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
)

// staticKeychain gives the same credentials for everything.
type staticKeychain struct{ authn.AuthConfig }

func (k staticKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(k.AuthConfig), nil
}

const secret = "correct-horse-battery" // a password that must not be told

func withKeychain(user, password string) func(*Options) {
	return func(o *Options) { o.Keychain = staticKeychain{authn.AuthConfig{Username: user, Password: password}} }
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	if all == nil {
		t.Skip("needs root and Debian's docker-registry")
	}
	r, err := all.AuthRegistry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, nil, r.Host)
	image, ref := newImage(t), p.Host+"/"+repository(t)+":1"
	good := newClient(t, withKeychain(r.Username, r.Password))
	if err := push(t.Context(), good, image, ref); err != nil {
		t.Fatal(err)
	}
	pulled, err := good.Image(t.Context(), ref, amd64)
	if err != nil || pulled.Descriptor.Digest != digestOf(t, image) {
		t.Errorf("pulled %+v: %v", pulled, err)
	}

	for what, test := range map[string]struct {
		keychain authn.Keychain
		want     []string
	}{
		"wrong": {staticKeychain{authn.AuthConfig{Username: "baker", Password: secret}}, []string{"the credentials are from the given keychain", "Run: docker login " + p.Host}},
		"none":  {authn.NewMultiKeychain(), []string{"there are no credentials for it", "Run: docker login " + p.Host}},
	} {
		c := newClient(t, func(o *Options) { o.Keychain = test.keychain })
		err := push(t.Context(), c, image, ref)
		var auth *AuthError
		if !errors.As(err, &auth) {
			t.Fatalf("%s: error %v, want an AuthError", what, err)
		}
		for _, want := range append(test.want, "push to "+strings.TrimSuffix(ref, ":1"), "the registry refused: 401 ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", what, err, want)
			}
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the password", what)
		}
	}
}

// TestDockerConfig is not parallel: it changes the environment.
func TestDockerConfig(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("HOME", dir)
	guard := &tokens{t: t, user: "ci", password: secret, lives: 1 << 30}
	p := newProxy(t, guard.protect(memory()), "")
	guard.host = p.Host
	auth := base64.StdEncoding.EncodeToString([]byte("ci:" + secret))
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, p.Host, auth)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := push(t.Context(), newClient(t), newImage(t), p.Host+"/app:1"); err != nil {
		t.Fatal(err)
	}
	// A credential helper that fails is told about when the registry insists.
	config = fmt.Sprintf(`{"credHelpers":{%q:"does-not-exist"}}`, p.Host)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	err := push(t.Context(), newClient(t), newImage(t), p.Host+"/app:1")
	if err == nil || !strings.Contains(err.Error(), "credentials from the Docker config") || !strings.Contains(err.Error(), "docker-credential-does-not-exist") {
		t.Errorf("error %v, want one about the helper", err)
	}
}

// tokens is a token server and a registry that wants its tokens
// (https://distribution.github.io/distribution/spec/auth/token/).
type tokens struct {
	t              *testing.T
	host           string
	user, password string
	lives          int // requests that a token is good for

	mu     sync.Mutex
	issued int
	scopes map[string][]string
	left   map[string]int
}

func (s *tokens) protect(next http.Handler) http.Handler {
	s.scopes, s.left = map[string][]string{}, map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			s.issue(w, r)
			return
		}
		repo, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/")
		action := "pull"
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			action = "push,pull"
		}
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		need := []string{"repository:" + repo + ":" + action}
		if from := r.URL.Query().Get("from"); from != "" {
			need = append(need, "repository:"+from+":pull")
		}
		if !s.good(token, repo, need) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test",scope=%q`, s.host, need[0]))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *tokens) good(token, repo string, need []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left[token] <= 0 {
		return false
	}
	s.left[token]--
	for _, scope := range need {
		if repo != "" && !slices.ContainsFunc(s.scopes[token], func(has string) bool {
			return has == scope || has == strings.Replace(scope, ":pull", ":push,pull", 1)
		}) {
			return false
		}
	}
	return true
}

func (s *tokens) issue(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if user != s.user || password != s.password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := fmt.Sprintf("token-%d", s.issued)
	s.scopes[token], s.left[token] = r.URL.Query()["scope"], s.lives
	fmt.Fprintf(w, `{"token":%q}`, token)
}

func TestBearerTokensExpireWithinAPush(t *testing.T) {
	t.Parallel()
	guard := &tokens{t: t, user: "ci", password: secret, lives: 5}
	p := newProxy(t, guard.protect(memory()), "")
	guard.host = p.Host
	c := newClient(t, withKeychain("ci", secret))
	base := newImage(t)
	if err := push(t.Context(), c, base, p.Host+"/base:1"); err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	image := bake(t, c, p.Host+"/base:1")
	if err := push(t.Context(), c, image, p.Host+"/app:1"); err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	pulled, err := c.Image(t.Context(), p.Host+"/app:1", amd64)
	if err != nil || pulled.Descriptor.Digest != digestOf(t, image) {
		t.Errorf("pulled %+v: %v", pulled, err)
	}
	if guard.issued < 4 {
		t.Errorf("%d tokens were issued", guard.issued)
	}
	err = push(t.Context(), newClient(t, withKeychain("ci", "wrong")), image, p.Host+"/app:1")
	var auth *AuthError
	if !errors.As(err, &auth) {
		t.Errorf("error %v, want an AuthError", err)
	}
}

// roundTripper serves all hosts by one handler.
type roundTripper struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (h roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	response := recorder.Result()
	response.Request = r
	if response.ContentLength < 0 {
		response.ContentLength = int64(recorder.Body.Len())
	}
	return response, nil
}

const ecrHost = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"

// ecr is Amazon's registry: its API gives passwords, of which the registry
// accepts only the last, and this only for some requests.
type ecrFake struct {
	mu     sync.Mutex
	issued int
	left   int
}

// ServeHTTP is the API of ECR.
func (e *ecrFake) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.issued++
	e.left = 12
	token := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "AWS:password-%d", e.issued))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	fmt.Fprintf(w, `{"authorizationData":[{"authorizationToken":%q,"proxyEndpoint":"https://%s"}]}`, token, ecrHost)
}

func (e *ecrFake) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, ok := r.BasicAuth()
		e.mu.Lock()
		good := password == fmt.Sprintf("password-%d", e.issued) && e.left > 0
		e.left--
		e.mu.Unlock()
		switch {
		case good:
			next.ServeHTTP(w, r)
		case ok:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`)
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

// TestECR is not parallel: it changes the environment.
func TestECR(t *testing.T) {
	fake := &ecrFake{}
	api := httptest.NewServer(fake)
	defer api.Close()
	for key, value := range map[string]string{
		"AWS_ENDPOINT_URL_ECR": api.URL, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": secret,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"HOME": t.TempDir(), "DOCKER_CONFIG": t.TempDir(), "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
	} {
		t.Setenv(key, value)
	}
	client := func(handler http.Handler) *Client {
		return newClient(t, func(o *Options) { o.Transport = roundTripper{handler} })
	}

	t.Run("another host", func(t *testing.T) {
		if err := push(t.Context(), client(memory()), newImage(t), "registry.example.com/app:1"); err != nil || fake.issued != 0 {
			t.Errorf("%v, %d logins", err, fake.issued)
		}
	})
	t.Run("tokens expire", func(t *testing.T) {
		if err := push(t.Context(), client(fake.protect(memory())), newImage(t), ecrHost+"/app:1"); err != nil {
			t.Fatal(err)
		}
		if fake.issued < 2 {
			t.Errorf("%d logins", fake.issued)
		}
	})
	t.Run("no repository", func(t *testing.T) {
		missing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"The repository does not exist"}]}`)
				return
			}
			memory().ServeHTTP(w, r)
		})
		err := push(t.Context(), client(missing), newImage(t), ecrHost+"/team/app:1")
		if err == nil || !strings.Contains(err.Error(), "aws ecr create-repository --region eu-central-1 --repository-name team/app") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no permission", func(t *testing.T) {
		denied := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"errors":[{"code":"DENIED","message":"not authorized to perform: ecr:InitiateLayerUpload"}]}`)
		})
		err := push(t.Context(), client(denied), newImage(t), ecrHost+"/app:1")
		for _, want := range []string{"ecr:InitiateLayerUpload", "aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin " + ecrHost} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v does not say %q", err, want)
			}
		}
	})
}
