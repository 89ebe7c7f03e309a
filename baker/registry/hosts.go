package registry

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// responseTimeout bounds the wait for an answer once a request is out. Some
// registries copy a blob of many gigabytes before they answer its last request.
const responseTimeout = 5 * time.Minute

// hosts is the transport to all registries: it knows which of them may be
// talked to without TLS, or with a certificate that nobody vouches for, and
// which have certificates of their own in Docker's certs.d folders.
type hosts struct {
	insecure map[string]bool
	certs    []string          // certs.d folders, the most specific first
	fixed    http.RoundTripper // replaces all transports when set
	dial     string            // replaces all addresses when set, in tests

	mu     sync.Mutex
	byHost map[string]*http.Transport
}

func newHosts(insecure []string, fixed http.RoundTripper) *hosts {
	h := &hosts{insecure: map[string]bool{}, fixed: fixed, byHost: map[string]*http.Transport{}}
	for _, host := range insecure {
		h.insecure[host] = true
	}
	if home, err := os.UserHomeDir(); err == nil {
		h.certs = append(h.certs, filepath.Join(home, ".docker/certs.d"), filepath.Join(home, ".config/docker/certs.d"))
	}
	h.certs = append(h.certs, "/etc/docker/certs.d")
	return h
}

// plain says whether the host (with its port) may be talked to without TLS: it
// was named insecure, or is this machine, as with Docker.
func (h *hosts) plain(host string) bool {
	if h.insecure[host] {
		return true
	}
	hostname := host
	if only, _, err := net.SplitHostPort(host); err == nil {
		hostname = only
	}
	if hostname == "localhost" || strings.HasSuffix(hostname, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(hostname, "[]"))
	return err == nil && address.IsLoopback()
}

// plainError is a request without TLS that was not sent.
type plainError struct{ host string }

func (e *plainError) Error() string {
	return fmt.Sprintf("%s would be talked to without TLS, which is only done for registries that are named insecure", e.host)
}

// RoundTrip implements http.RoundTripper.
func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !h.plain(r.URL.Host) {
		closeBody(r)
		return nil, &plainError{r.URL.Host}
	}
	if h.fixed != nil {
		return h.fixed.RoundTrip(r)
	}
	t, err := h.transport(r.URL.Host)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	return t.RoundTrip(r)
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

func (h *hosts) transport(host string) (*http.Transport, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.byHost[host]; t != nil {
		return t, nil
	}
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: h.plain(host), //nolint:gosec // asked for by name
	}
	for _, dir := range h.certs {
		if err := addCertificates(config, filepath.Join(dir, host)); err != nil {
			return nil, err
		}
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, cmp.Or(h.dial, address))
		},
		TLSClientConfig:       config,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   20 * time.Second,
		ResponseHeaderTimeout: responseTimeout,
		WriteBufferSize:       64 << 10,
		ReadBufferSize:        64 << 10,
	}
	h.byHost[host] = t
	return t, nil
}

func (h *hosts) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.byHost {
		t.CloseIdleConnections()
	}
}

// addCertificates reads a folder of Docker's certs.d: NAME.crt are authorities,
// NAME.cert with NAME.key are for the client
// (https://docs.docker.com/engine/security/certificates/).
func addCertificates(config *tls.Config, dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the registry's certificates: %w", err)
	}
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		switch filepath.Ext(file) {
		case ".crt":
			err = addAuthority(config, file)
		case ".cert":
			var pair tls.Certificate
			pair, err = tls.LoadX509KeyPair(file, strings.TrimSuffix(file, ".cert")+".key")
			config.Certificates = append(config.Certificates, pair)
		}
		if err != nil {
			return fmt.Errorf("read the registry's certificate %s: %w", file, err)
		}
	}
	return nil
}

func addAuthority(config *tls.Config, file string) error {
	if config.RootCAs == nil {
		pool, err := x509.SystemCertPool() // honours SSL_CERT_FILE
		if err != nil {
			return err
		}
		config.RootCAs = pool
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !config.RootCAs.AppendCertsFromPEM(data) {
		return errors.New("it holds no certificate in PEM form")
	}
	return nil
}
