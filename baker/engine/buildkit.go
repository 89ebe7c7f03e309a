package engine

import (
	"context"
	"net"
)

// DialBuildKit opens a connection to the BuildKit inside the engine, for
// BuildKit's client.WithContextDialer; the address is not looked at.
func (c *Client) DialBuildKit(ctx context.Context, _ string) (net.Conn, error) {
	conn, err := c.api.DialHijack(ctx, "/grpc", "h2c", nil)
	if err != nil {
		return nil, c.failed("reach the BuildKit inside the Docker Engine at "+c.host, err)
	}
	return conn, nil
}

// DialSession opens the connection that a build's files and secrets go over,
// for BuildKit's client.WithSessionDialer.
func (c *Client) DialSession(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
	conn, err := c.api.DialHijack(ctx, "/session", proto, meta)
	if err != nil {
		return nil, c.failed("open a build session with the Docker Engine at "+c.host, err)
	}
	return conn, nil
}
