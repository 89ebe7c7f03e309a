// Package connect says how to reach a running server, in the words of MySQL's own
// clients: options, environment variables, option files and TLS modes, and the
// tokens of RDS. Passwords come from files, the environment and option files,
// never from a command line.
package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Mode is how a connection is protected, named as by MySQL's --ssl-mode.
type Mode string

// The modes. Unset, a connection that has a CA is verified, and another one is
// encrypted when the server can.
const (
	Unset          Mode = ""
	Disabled       Mode = "disabled"
	Preferred      Mode = "preferred"       // encrypted if the server can
	Required       Mode = "required"        // encrypted, by whomever
	VerifyCA       Mode = "verify-ca"       // the certificate is of a known CA
	VerifyIdentity Mode = "verify-identity" // and for this host
)

// Config says where the server is and who asks.
type Config struct {
	// Host is empty for this machine; then Socket is tried first. Port is 3306
	// when it is 0.
	Host   string
	Port   int
	Socket string
	// User is the process's own when it is empty.
	User     string
	Password string

	Mode Mode
	// CA is a file of PEM certificates, or "system" for those the machine
	// trusts. Cert and Key are the client's own, both or none.
	CA, Cert, Key string

	// IAM logs in to RDS by a token, which is made for each connection from the
	// AWS credentials of the SDK's default chain, instead of by a password.
	// Region is the database's; empty: the configured one.
	IAM    bool
	Region string
}

// defaultSockets are where servers listen.
var defaultSockets = []string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock", "/var/lib/mysql/mysql.sock"}

const dialTimeout = 20 * time.Second

// Connector makes connections. ctx is for finding AWS credentials only.
func (c Config) Connector(ctx context.Context) (driver.Connector, error) {
	config := mysql.NewConfig()
	config.Logger = &mysql.NopLogger{}
	config.Timeout = dialTimeout
	config.User, config.Passwd = c.user(), c.Password
	config.Net, config.Addr = c.address()
	if err := c.protect(config); err != nil {
		return nil, err
	}
	if c.IAM {
		if err := c.useTokens(ctx, config); err != nil {
			return nil, err
		}
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return &explaining{connector, config.Net, config.Addr, config.User}, nil
}

func (c Config) user() string {
	if c.User != "" {
		return c.User
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "root"
}

// address is a Unix socket, or host and port. As for MySQL's clients, localhost
// without a port is the socket, where there is one.
func (c Config) address() (network, address string) {
	if c.Socket != "" && (c.Host == "" || c.Host == "localhost") {
		return "unix", c.Socket
	}
	host, port := c.Host, c.Port
	if (host == "" || host == "localhost") && port == 0 {
		for _, name := range defaultSockets {
			if info, err := os.Stat(name); err == nil && info.Mode()&os.ModeSocket != 0 {
				return "unix", name
			}
		}
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if port == 0 {
		port = 3306
	}
	return "tcp", net.JoinHostPort(host, strconv.Itoa(port))
}

// Describe names the server for people.
func (c Config) Describe() string {
	_, address := c.address()
	return address
}

// explaining says more about connections that fail.
type explaining struct {
	driver.Connector
	network, address, user string
}

// Connect implements driver.Connector.
func (e *explaining) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := e.Connector.Connect(ctx)
	if err == nil {
		return conn, nil
	}
	const denied = 1045
	var refused *mysql.MySQLError
	var verify *tls.CertificateVerificationError
	var name x509.HostnameError
	switch {
	case errors.As(err, &name):
		return nil, fmt.Errorf("%s: %w; --ssl-mode=verify-ca does not compare names", e.address, err)
	case errors.As(err, &refused) && refused.Number == denied:
		return nil, fmt.Errorf("%s: %w; give the password by --password-file, MYSQL_PWD or an option file", e.address, err)
	case errors.As(err, &verify):
		return nil, fmt.Errorf("%s: %w; --ssl-ca names the file of the CA that signed the server's certificate", e.address, err)
	case errors.Is(err, mysql.ErrNoTLS):
		return nil, fmt.Errorf("%s: %w; --ssl-mode=disabled connects without", e.address, err)
	case errors.Is(err, mysql.ErrCleartextPassword):
		return nil, fmt.Errorf("%s: the server wants the password in clear text, which dbake sends for --rds-iam only", e.address)
	}
	return nil, fmt.Errorf("%s: %w", e.address, err)
}
