package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// longestWait bounds one wait between two tries.
	longestWait = 30 * time.Second
	// longestAsked bounds the wait that a registry may ask for; when it asks
	// for a longer one, its answer is final.
	longestAsked = 2 * time.Minute
)

// patience is how often and after which waits something is tried again.
type patience struct {
	tries int           // tries beyond the first
	first time.Duration // the wait before the second try; later ones double
}

// wait sleeps before try number n (from 1), at least as long as the registry
// asked for. Waits are spread over half their length, so that many clients
// which failed together do not come back together.
func (p patience) wait(ctx context.Context, n int, asked time.Duration) error {
	d := min(p.first<<min(n-1, 20), longestWait)
	d = max(d/2+rand.N(d/2+1), asked)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retrying repeats requests that failed for reasons that pass: the connection
// broke, or the registry said it is busy or broken just now. The bodies of
// requests come from their GetBody.
type retrying struct {
	inner    http.RoundTripper
	patience patience
}

// RoundTrip implements http.RoundTripper.
func (t *retrying) RoundTrip(r *http.Request) (*http.Response, error) {
	defer closeBody(r)
	for n := 1; ; n++ {
		try := r
		// The transport above, which logs in, sends a request again as it is,
		// so that its first body may be read already.
		if r.GetBody != nil {
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			try = r.Clone(r.Context())
			try.Body = body
		}
		response, err := t.inner.RoundTrip(try)
		if n > t.patience.tries || r.Context().Value(onceKey{}) != nil || !t.again(r, response, err) {
			return response, err
		}
		var asked time.Duration
		if response != nil {
			asked = retryAfter(response.Header)
			_, _ = io.CopyN(io.Discard, response.Body, maxErrorBody) // keeps the connection
			response.Body.Close()
		}
		if err := t.patience.wait(r.Context(), n, asked); err != nil {
			return nil, err
		}
	}
}

func (t *retrying) again(r *http.Request, response *http.Response, err error) bool {
	if err != nil {
		// Nobody listens at what is tried first: a wrong address, not a
		// registry that is being restarted.
		if r.URL.Path == "/v2/" && errors.Is(err, syscall.ECONNREFUSED) {
			return false
		}
		return r.Context().Err() == nil && passing(err)
	}
	return passingStatus(response.StatusCode) && retryAfter(response.Header) <= longestAsked
}

// onceKey marks the context of requests that are not repeated here, because
// their sender does that in its own way.
type onceKey struct{}

// retryAfter is how long the registry asks to wait; 0 when it does not.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// passingStatus says whether an answer may be another one later. 499, 520 to
// 524 come from proxies in front of a registry.
func passingStatus(status int) bool {
	return slices.Contains([]int{
		http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, 499,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		520, 521, 522, 523, 524,
	}, status)
}

// passing says whether a failed request may succeed when it is sent again.
func passing(err error) bool {
	var (
		answer   *Error
		auth     *AuthError
		plain    *plainError
		record   tls.RecordHeaderError
		verify   *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		dns      *net.DNSError
		operated *net.OpError
		timeout  net.Error
	)
	switch {
	case errors.Is(err, errStalled), errors.Is(err, errTorn):
		return true
	case errors.As(err, &answer):
		return passingStatus(answer.Status) && answer.after <= longestAsked
	case errors.As(err, &auth), errors.As(err, &plain), errors.As(err, &record), errors.As(err, &verify), errors.As(err, &unknown):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNREFUSED):
		return true
	case errors.As(err, &timeout) && timeout.Timeout():
		return true
	}
	// What net/http says about broken connections has no type of its own,
	// except that the kernel's part has.
	if errors.As(err, &operated) {
		return operated.Op != "remote error" // a TLS alert: it will come again
	}
	return brokenHTTP(err)
}

// brokenHTTP recognises by their words the errors of net/http and its HTTP/2
// that have neither a type nor a value.
func brokenHTTP(err error) bool {
	text := err.Error()
	return slices.ContainsFunc([]string{
		"server closed idle connection", "transport connection broken", "connection reset",
		"GOAWAY", "stream error", "client connection lost", "client connection force closed",
	}, func(words string) bool { return strings.Contains(text, words) })
}

// errTorn is content that ended early or is not what its digest says.
var errTorn = errors.New("the registry's answer is incomplete or damaged")

// errStalled is the cause of a context that ended because no byte moved.
var errStalled = errors.New("the connection stalled")

// repeat calls f until it does not fail with torn content. Failing requests are
// repeated below, by retrying.
func (p patience) repeat(ctx context.Context, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		if err == nil || n > p.tries || !errors.Is(err, errTorn) || ctx.Err() != nil {
			return err
		}
		if werr := p.wait(ctx, n, 0); werr != nil {
			return fmt.Errorf("%w (after: %w)", werr, err)
		}
	}
}
