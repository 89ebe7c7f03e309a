package connect

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Flags count most, then later option files, then earlier ones, then the
// environment.
func TestSettings(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("MYSQL_HOST", "from-environment")
	t.Setenv("MYSQL_PWD", "environment password")
	include := write(t, "more.cnf", "[client]\nssl_ca = /ca.pem\n")
	mine := `# mine
[mysqld]
user=server
[client]
user = "quo\"ted # user"  # a comment
password='it''s;\\ #'
!include ` + include + `
[dbake]
port=3307
loose-host = file-host # comment
`
	if err := os.WriteFile(filepath.Join(home, ".my.cnf"), []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	extra := write(t, "extra.cnf", "[client]\nport=1\nsocket=/extra.sock\n")
	for _, test := range []struct {
		name  string
		files Files
		flags Config
		want  Config
	}{
		{"usual", Files{}, Config{}, Config{Host: "file-host", Port: 3307, User: `quo"ted # user`, Password: `it''s;\ #`, CA: "/ca.pem"}},
		{"flags", Files{}, Config{User: "me", Host: "h", CA: "/b"}, Config{Host: "h", Port: 3307, User: "me", Password: `it''s;\ #`, CA: "/b"}},
		{"only", Files{Only: extra}, Config{}, Config{Host: "from-environment", Port: 1, Socket: "/extra.sock", Password: "environment password"}},
		{"none", Files{None: true}, Config{}, Config{Host: "from-environment", Password: "environment password"}},
		{"extra", Files{Extra: extra}, Config{}, Config{Host: "file-host", Port: 3307, Socket: "/extra.sock", User: `quo"ted # user`, Password: `it''s;\ #`, CA: "/ca.pem"}},
	} {
		test.files.noMachine = true
		settings, err := test.files.Read()
		if err != nil {
			t.Fatal(err)
		}
		got := test.flags
		if err := settings.Fill(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	if _, err := (Files{Only: "/none.cnf"}).Read(); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		c    Config
		want string
	}{
		{Config{Host: "db", Socket: "/x.sock"}, "tcp db:3306"},
		{Config{Host: "localhost", Socket: "/x.sock"}, "unix /x.sock"},
		{Config{Host: "localhost", Port: 7}, "tcp localhost:7"},
		{Config{Host: "::1", Port: 7}, "tcp [::1]:7"},
		{Config{Port: 7}, "tcp 127.0.0.1:7"},
	} {
		network, address := test.c.address()
		if got := network + " " + address; got != test.want {
			t.Errorf("%+v: %s, want %s", test.c, got, test.want)
		}
	}
}

// A token is a request to this host, port and region for this account, signed
// with the credentials of the moment, and is made anew for every connection.
func TestTokens(t *testing.T) {
	t.Parallel()
	c := Config{Host: "db.abc.eu-west-1.rds.amazonaws.com", User: "dumper", IAM: true, CA: write(t, "ca.pem", certificate(t))}
	config := mysql.NewConfig()
	config.Net, config.Addr = c.address()
	config.User = c.User
	if err := c.protect(config); err != nil {
		t.Fatal(err)
	}
	if config.TLS == nil || config.TLS.InsecureSkipVerify || config.TLS.ServerName != c.Host || config.AllowFallbackToPlaintext {
		t.Error("the server is not verified before it gets the token")
	}
	from := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "planted-secret", "planted-session")}
	if err := minter(from)(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	token := config.Passwd
	u, err := url.Parse("https://" + token)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Host != c.Host+":3306" || q.Get("Action") != "connect" || q.Get("DBUser") != "dumper" || q.Get("X-Amz-Expires") != "900" ||
		!strings.HasPrefix(q.Get("X-Amz-Credential"), "AKIDTEST/") || !strings.Contains(q.Get("X-Amz-Credential"), "/eu-west-1/rds-db/") ||
		q.Get("X-Amz-Security-Token") != "planted-session" || len(q.Get("X-Amz-Signature")) != 64 {
		t.Errorf("%s %v", u.Host, q)
	}
	if strings.Contains(token, "planted-secret") {
		t.Error("the token says too much")
	}
}

func TestTokensAreForVerifiedServersOnly(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	ca := write(t, "ca.pem", certificate(t))
	for _, test := range []struct {
		c    Config
		want string
	}{
		{Config{Host: "h", User: "u"}, "--rds-iam needs --ssl-ca"},
		{Config{Host: "h", User: "u", CA: ca, Mode: Required}, "not required"},
		{Config{Host: "h", User: "u", CA: ca, Mode: Disabled}, "not disabled"},
		{Config{Host: "h", User: "u", CA: ca, Mode: VerifyCA}, "not verify-ca"},
		{Config{Host: "h", CA: ca}, "needs --user"},
		{Config{Socket: "/x", User: "u", CA: ca}, "by --host"},
		{Config{Host: "h", User: "u", CA: write(t, "no.pem", "nothing")}, "holds no PEM certificate"},
		{Config{Host: "h", User: "u", CA: ca}, ""},
		{Config{Host: "h", User: "u", CA: "system"}, ""},
	} {
		test.c.IAM = true
		_, err := test.c.Connector(t.Context())
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: %v, want %q", test.c, err, test.want)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	ca := write(t, "ca.pem", certificate(t))
	type outcome struct{ Named, TLS, Skips, Checks, Falls bool }
	for _, test := range []struct {
		c    Config
		want outcome
	}{
		{Config{Host: "h"}, outcome{Named: true}},
		{Config{Host: "h", Mode: Disabled, CA: ca}, outcome{}},
		{Config{Host: "h", Mode: Preferred, CA: ca}, outcome{TLS: true, Skips: true, Falls: true}},
		{Config{Host: "h", Mode: Required}, outcome{TLS: true, Skips: true}},
		{Config{Host: "h", CA: ca}, outcome{TLS: true, Skips: true, Checks: true}},
		{Config{Host: "h", CA: ca, Mode: VerifyIdentity}, outcome{TLS: true}},
		{Config{Socket: "/s", CA: ca}, outcome{}},
	} {
		config := mysql.NewConfig()
		config.Net, config.Addr = test.c.address()
		if err := test.c.protect(config); err != nil {
			t.Fatal(err)
		}
		got := outcome{Named: config.TLSConfig != "", TLS: config.TLS != nil, Falls: config.AllowFallbackToPlaintext}
		if config.TLS != nil {
			got.Skips, got.Checks = config.TLS.InsecureSkipVerify, config.TLS.VerifyConnection != nil
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v: %s", test.c, diff)
		}
	}
	if _, err := ParseMode("VERIFY_CA"); err != nil {
		t.Error(err)
	}
	if _, err := ParseMode("sometimes"); err == nil {
		t.Error("a mode that is none")
	}
}

// certificate makes one that is its own CA.
func certificate(t *testing.T) string {
	t.Helper()
	_, text := newCertificate(t, "db")
	return text
}

func newCertificate(t *testing.T, name string) (*x509.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// verify-ca takes a certificate of the CA for any name, and no other.
func TestVerifyChain(t *testing.T) {
	t.Parallel()
	good, text := newCertificate(t, "other-name")
	bad, _ := newCertificate(t, "db")
	pool, err := roots(write(t, "ca.pem", text))
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyChain(tls.ConnectionState{PeerCertificates: []*x509.Certificate{good}}, pool); err != nil {
		t.Error(err)
	}
	for _, list := range [][]*x509.Certificate{{bad}, nil} {
		if err := verifyChain(tls.ConnectionState{PeerCertificates: list}, pool); err == nil {
			t.Errorf("%d certificates of another CA were taken", len(list))
		}
	}
}
