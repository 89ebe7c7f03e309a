package source

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
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// backoff is how failed requests are tried again.
type backoff struct {
	attempts  int           // tries in a row that bring nothing new
	base, max time.Duration // first and longest pause; each doubles the last
	stall     time.Duration // how long a connection may deliver nothing
}

var (
	errStalled = errors.New("the connection delivered nothing for too long")
	errShort   = errors.New("the connection ended before all bytes had arrived")
)

// progress is how many bytes an attempt must bring for the ones before it to
// be forgotten: a transfer that breaks often but advances is not given up.
const progress = 256 << 10

// pause waits before try number failed+1 (failed counts from 1). It returns
// the reason when ctx ends first.
func (b backoff) pause(ctx context.Context, failed int) error {
	d := b.max
	if shift := failed - 1; shift < 20 {
		d = min(d, b.base<<shift)
	}
	// Between half of it and all of it, so that parts that failed together
	// do not come back together.
	if half := int64(d / 2); half > 0 {
		d = time.Duration(half + rand.Int64N(half+1))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// do calls f until it succeeds, fails for good, or has failed b.attempts times.
// Every call has b.stall to come back.
func (b backoff) do(ctx context.Context, f func(context.Context) error) error {
	for failed := 0; ; {
		err := b.once(ctx, f)
		if err == nil {
			return nil
		}
		if cause := ended(ctx); cause != nil {
			return cause
		}
		failed++
		if !retryable(err) || failed >= b.attempts {
			return tries(err, failed)
		}
		if err := b.pause(ctx, failed); err != nil {
			return err
		}
	}
}

func (b backoff) once(ctx context.Context, f func(context.Context) error) error {
	watched, dog := watch(ctx, b.stall)
	defer dog.stop()
	return dog.explain(f(watched))
}

// triedError is an error that came back every time.
type triedError struct {
	times int
	err   error
}

func tries(err error, times int) error {
	if times < 2 {
		return err
	}
	return &triedError{times: times, err: err}
}

func (t *triedError) Error() string { return fmt.Sprintf("%v (tried %d times)", t.err, t.times) }
func (t *triedError) Unwrap() error { return t.err }

// watchdog cancels a request that delivers nothing for a while.
type watchdog struct {
	timer  *time.Timer
	after  time.Duration
	cancel context.CancelCauseFunc
	bit    atomic.Bool
}

func watch(ctx context.Context, after time.Duration) (context.Context, *watchdog) {
	watched, cancel := context.WithCancelCause(ctx)
	dog := &watchdog{after: after, cancel: cancel}
	dog.timer = time.AfterFunc(after, func() {
		dog.bit.Store(true)
		cancel(errStalled)
	})
	return watched, dog
}

// kick says that something has arrived.
func (d *watchdog) kick() { d.timer.Reset(d.after) }

// rest stops the clock while nobody waits for the connection.
func (d *watchdog) rest() { d.timer.Stop() }

func (d *watchdog) stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// explain puts the watchdog's own reason in the place of the "context
// canceled" it has caused.
func (d *watchdog) explain(err error) error {
	if err != nil && d.bit.Load() {
		return errStalled
	}
	return err
}

// statusError is an answer of a web server that is not the wanted one.
type statusError struct {
	status int
	header http.Header
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.status, http.StatusText(e.status))
}

// statusOf returns the HTTP status that err is about; 0 when there was none.
func statusOf(err error) int {
	var web *statusError
	if errors.As(err, &web) {
		return web.status
	}
	var aws *smithyhttp.ResponseError
	if errors.As(err, &aws) && aws.Response != nil {
		return aws.HTTPStatusCode()
	}
	return 0
}

// retryable says whether the same request may succeed a moment later.
func retryable(err error) bool {
	if errors.Is(err, ErrChanged) || errors.Is(err, errPermanent) {
		return false
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted",
			"Throttling", "ThrottlingException", "RequestThrottled", "TooManyRequests", "BandwidthLimitExceeded",
			"RequestTimeTooSkewed": // the SDK learns the server's clock from the answer
			return true
		}
	}
	switch status := statusOf(err); {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return true
	case status == http.StatusOK, status == http.StatusPartialContent:
		// The answer was good and its body broke; see below.
	case status != 0:
		return status >= 500 && status != http.StatusNotImplemented
	}
	return isNetwork(err) && !isPermanentNetwork(err)
}

// errPermanent marks an error that no retry mends: it is wrapped in front of
// the text, as in fmt.Errorf("%w: text", errPermanent).
var errPermanent = errors.New("permanent")

// permanentText is the text behind errPermanent. What http.Client puts in
// front of an error, among it the URL, is left out.
func permanentText(err error) string {
	_, text, _ := strings.Cut(err.Error(), errPermanent.Error()+": ")
	return text
}

func isNetwork(err error) bool {
	if errors.Is(err, errStalled) || errors.Is(err, errShort) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return true
	}
	var (
		sent  *smithyhttp.RequestSendError
		web   *url.Error
		net   net.Error
		errno syscall.Errno
	)
	return errors.As(err, &sent) || errors.As(err, &web) || errors.As(err, &net) || errors.As(err, &errno)
}

func isPermanentNetwork(err error) bool {
	var (
		dns    *net.DNSError
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		roots  x509.SystemRootsError
	)
	if errors.As(err, &dns) {
		return dns.IsNotFound
	}
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &roots) || errors.Is(err, errDowngrade)
}
