package connect

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// ParseMode reads a mode the way MySQL's clients write it, in any case.
func ParseMode(s string) (Mode, error) {
	m := Mode(strings.ReplaceAll(strings.ToLower(s), "_", "-"))
	if !slices.Contains([]Mode{Unset, Disabled, Preferred, Required, VerifyCA, VerifyIdentity}, m) {
		return "", fmt.Errorf("%q is no TLS mode; there are disabled, preferred, required, verify-ca and verify-identity", s)
	}
	return m, nil
}

// mode is the mode that counts.
func (c Config) mode() Mode {
	switch {
	case c.Mode != Unset:
		return c.Mode
	case c.IAM:
		return VerifyIdentity
	case c.CA != "":
		return VerifyCA
	}
	return Preferred
}

// protect sets TLS up. A Unix socket needs none.
func (c Config) protect(config *mysql.Config) error {
	if (c.Cert == "") != (c.Key == "") {
		return errors.New("a client certificate takes both --ssl-cert and --ssl-key")
	}
	mode := c.mode()
	switch {
	case config.Net == "unix" && (mode == Preferred || c.Mode == Unset):
		return nil
	case mode == Disabled:
		return nil
	case mode == Preferred && c.CA == "" && c.Cert == "":
		config.TLSConfig = "preferred"
		return nil
	}
	host, _, err := net.SplitHostPort(config.Addr)
	if err != nil {
		host = "localhost"
	}
	t := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if t.RootCAs, err = roots(c.CA); err != nil {
		return err
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return fmt.Errorf("read the client's certificate: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	switch mode {
	case VerifyIdentity:
	case VerifyCA:
		if c.CA == "" {
			return errors.New("--ssl-mode=verify-ca needs --ssl-ca")
		}
		t.InsecureSkipVerify = true // the name may differ; the rest is checked here
		t.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, t.RootCAs) }
	default:
		t.InsecureSkipVerify = true // what the mode means
	}
	config.TLS = t
	config.AllowFallbackToPlaintext = mode == Preferred
	return nil
}

// roots reads the CAs; nil are the machine's.
func roots(file string) (*x509.CertPool, error) {
	if file == "" || file == "system" {
		return nil, nil //nolint:nilnil // nil is what crypto/tls takes for the machine's
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return pool, nil
}

func verifyChain(s tls.ConnectionState, pool *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server has no certificate")
	}
	options := x509.VerifyOptions{Roots: pool, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	if _, err := s.PeerCertificates[0].Verify(options); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}
