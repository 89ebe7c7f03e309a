package buildkit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	controlapi "github.com/moby/buildkit/api/services/control"
	apitypes "github.com/moby/buildkit/api/types"
	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/dbake/dbake/baker/progress"
)

// arm is a BuildKit that only says what machine it runs on.
type arm struct {
	controlapi.UnimplementedControlServer
}

func (arm) ListWorkers(context.Context, *controlapi.ListWorkersRequest) (*controlapi.ListWorkersResponse, error) {
	return &controlapi.ListWorkersResponse{Record: []*apitypes.WorkerRecord{
		{Platforms: []*pb.Platform{{OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "amd64"}}},
	}}, nil
}

// authority makes a CA and, vouched for by it, one certificate for server and
// client, in a folder with ca.pem, cert.pem and key.pem.
func authority(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames:    []string{"buildkit.test"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("key.pem", "PRIVATE KEY", private)
	for name, certificate := range map[string]*x509.Certificate{"ca.pem": ca, "cert.pem": leaf} {
		der, err := x509.CreateCertificate(rand.Reader, certificate, ca, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		write(name, "CERTIFICATE", der)
	}
	return dir
}

// serveTLS starts a BuildKit that asks for a certificate of the authority.
func serveTLS(t *testing.T, dir string) string {
	t.Helper()
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	})))
	controlapi.RegisterControlServer(server, arm{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return "tcp://" + listener.Addr().String()
}

// A BuildKit far away is reached with TLS, and gets the agent of its architecture.
func TestConnectTLS(t *testing.T) {
	t.Parallel()
	dir := authority(t)
	address := serveTLS(t, dir)
	good := TLS{
		ServerName: "buildkit.test", CACert: filepath.Join(dir, "ca.pem"),
		Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"),
	}
	c, err := Connect(t.Context(), address, good)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	asked, wanted := "", errors.New("that is all")
	b := New(c, Options{Agent: func(_ context.Context, arch string) (string, error) {
		asked = arch
		return "", wanted
	}})
	if _, err := b.Resolve(t.Context(), testOrder(t), progress.Discard); !errors.Is(err, wanted) || asked != "arm64" {
		t.Errorf("the agent for %q was asked for, %v", asked, err)
	}
}

// Whoever cannot be trusted, or is not, is not spoken to.
func TestConnectTLSFails(t *testing.T) {
	t.Parallel()
	dir := authority(t)
	address := serveTLS(t, dir)
	ca, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, test := range map[string]struct {
		where, want string
		tls         TLS
	}{
		"another's name":       {address, "127.0.0.1", TLS{CACert: ca, Cert: cert, Key: key}},
		"nobody vouches":       {address, "unknown authority", TLS{ServerName: "buildkit.test", Cert: cert, Key: key}},
		"no certificate":       {address, "does not answer", TLS{ServerName: "buildkit.test", CACert: ca}},
		"not over the network": {"unix:///nowhere.sock", "tcp://HOST:PORT", TLS{CACert: ca}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		c, err := Connect(ctx, test.where, test.tls)
		cancel()
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
