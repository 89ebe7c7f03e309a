// Package ready knows whether the server serves: PID 1 learns it from the
// server and writes it down, the health check reads it and looks again.
package ready

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// NotifyEnv is the variable by which a service tells its manager that it is
// ready: sd_notify(3). MySQL and MariaDB both do.
const NotifyEnv = "NOTIFY_SOCKET"

// Notifier hears the server say that it is ready. That is exact, costs no
// polling, and unlike a look at the port it leaves no "Aborted connection"
// line in MariaDB's log.
type Notifier struct {
	conn *net.UnixConn
	// Address is the value for NotifyEnv.
	Address string
	ready   chan struct{}
	// heard says that something has come, be it only "STATUS=…".
	heard atomic.Bool
}

// Listen returns a Notifier that listens until Close.
func Listen() (*Notifier, error) {
	// The name is in no file system: it needs no writable directory. Other
	// containers of a pod share the name space, hence a name nobody guesses.
	address := "@dbake-" + rand.Text()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the server's notifications: %w", err)
	}
	n := &Notifier{conn: conn, Address: address, ready: make(chan struct{})}
	go n.receive()
	return n, nil
}

// receive reads for as long as the server may write: the server blocks once
// ten messages are unread.
func (n *Notifier) receive() {
	buf := make([]byte, 4096)
	said := false
	for {
		size, err := n.conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		n.heard.Store(true)
		for line := range bytes.Lines(buf[:size]) {
			if !said && string(bytes.TrimSpace(line)) == "READY=1" {
				said = true
				close(n.ready)
			}
		}
	}
}

// Ready is closed when the server has said that it is ready.
func (n *Notifier) Ready() <-chan struct{} { return n.ready }

// Close stops the Notifier. The server should have ended before.
func (n *Notifier) Close() error { return n.conn.Close() }

// Tell passes readiness on to the manager of this container, whose socket is
// at address; podman has one. Without an address it does nothing.
func Tell(address string) error {
	if address == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", address) //nolint:noctx // a datagram socket connects at once
	if err != nil {
		return fmt.Errorf("%s: %w", NotifyEnv, err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("READY=1")); err != nil {
		return fmt.Errorf("%s: %w", NotifyEnv, err)
	}
	return nil
}

// silence is how long a MariaDB server may listen without a notification
// before it is taken for one that was built without them.
const silence = 2 * time.Second

// ErrEnded is Wait's answer when the server ended before it was ready.
var ErrEnded = errors.New("the server ended before it was ready")

// Wait returns nil as soon as the server at socket serves, ErrEnded when ended
// is closed first, and ctx's error when ctx is done first. A server built
// without notifications is found out by its greeting; shy says that it would
// log that, so it gets more time to speak first.
func Wait(ctx context.Context, n *Notifier, socket string, shy bool, ended <-chan struct{}) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	var since time.Time
	for {
		select {
		case <-n.Ready():
			return nil
		case <-ended:
			return ErrEnded
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if ok, _ := Listening(socket); !ok || n.heard.Load() {
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		if (!shy || time.Since(since) > silence) && Greet(socket, silence) == nil {
			return nil
		}
	}
}

// Listening says whether a process of this network name space listens at
// socket. It asks the kernel and so does not disturb the process.
func Listening(socket string) (bool, error) {
	data, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return false, fmt.Errorf("the kernel's list of sockets: %w", err)
	}
	for line := range bytes.Lines(data) {
		// Num RefCount Protocol Flags Type St Inode Path
		f := bytes.Fields(line)
		const acceptsConnections = "00010000"
		if len(f) >= 8 && string(f[3]) == acceptsConnections && string(bytes.Join(f[7:], []byte(" "))) == socket {
			return true, nil
		}
	}
	return false, nil
}

// Greet connects to socket and reads the server's first packet. A refusal
// such as "too many connections" counts as a greeting: the server serves.
//
// MariaDB logs a warning for each such connection.
func Greet(socket string, limit time.Duration) error {
	conn, err := net.DialTimeout("unix", socket, limit) //nolint:noctx // limited by itself
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	// Three bytes of length, a sequence number, and the protocol's version
	// (10) or an error's mark (255).
	var head [5]byte
	if _, err := conn.Read(head[:]); err != nil {
		return fmt.Errorf("no greeting: %w", err)
	}
	if head[4] != 10 && head[4] != 255 {
		return fmt.Errorf("%s does not speak the MySQL protocol", socket)
	}
	return nil
}
