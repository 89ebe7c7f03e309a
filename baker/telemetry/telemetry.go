// Package telemetry makes OpenTelemetry spans of a bake's progress: one for the
// command, and below it one for each step, as BuildKit's own traces have it.
//
// What is sent, and where, is up to the OTEL_… variables
// (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables);
// without an endpoint in them nothing is.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/dbake/dbake/baker/progress"
)

// shutdownTime bounds how long a command waits for its spans to be taken.
const shutdownTime = 5 * time.Second

// Trace is the trace of one command. Its methods may be called from several
// goroutines; a nil Trace does nothing.
type Trace struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	root     trace.Span
	ctx      context.Context //nolint:containedctx // of the root span, for its children

	mu    sync.Mutex
	spans map[digest.Digest]trace.Span
}

// Start begins the trace of a command, as a child of $TRACEPARENT if there is one.
// It returns nil when the environment names no endpoint.
func Start(ctx context.Context, command, version string) (*Trace, error) {
	if !wanted() {
		return nil, nil //nolint:nilnil // no trace is an answer: see Trace
	}
	exporter, err := newExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("send traces (OTEL_EXPORTER_OTLP_…): %w", err)
	}
	res, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "dbake"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("send traces (OTEL_RESOURCE_ATTRIBUTES): %w", err)
	}
	t := &Trace{
		provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res)),
		spans:    map[digest.Digest]trace.Span{},
	}
	t.tracer = t.provider.Tracer("github.com/dbake/dbake")
	parent := propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{
		"traceparent": os.Getenv("TRACEPARENT"), "tracestate": os.Getenv("TRACESTATE"),
	})
	t.ctx, t.root = t.tracer.Start(parent, command)
	return t, nil
}

func wanted() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// newExporter speaks the protocol of OTEL_EXPORTER_OTLP_PROTOCOL; the exporters
// read all other variables themselves.
func newExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	protocol := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if protocol == "" {
		protocol = os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	switch protocol {
	case "grpc":
		return otlptracegrpc.New(ctx)
	case "", "http/protobuf":
		return otlptracehttp.New(ctx)
	}
	return nil, fmt.Errorf("protocol %q is not known; it is http/protobuf or grpc", protocol)
}

// Writer is a Writer that also makes spans of the steps it passes on to w.
func (t *Trace) Writer(w progress.Writer) progress.Writer {
	if t == nil {
		return w
	}
	return func(s *client.SolveStatus) {
		for _, v := range s.Vertexes {
			t.vertex(v)
		}
		w(s)
	}
}

// vertex begins or ends the span of a step.
func (t *Trace) vertex(v *client.Vertex) {
	if v.Started == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	span := t.spans[v.Digest]
	if span == nil {
		_, span = t.tracer.Start(t.ctx, v.Name, trace.WithTimestamp(*v.Started))
		t.spans[v.Digest] = span
	}
	if v.Completed == nil {
		return
	}
	span.SetAttributes(attribute.Bool("dbake.cached", v.Cached))
	if v.Error != "" {
		span.SetStatus(codes.Error, v.Error)
	}
	span.End(trace.WithTimestamp(*v.Completed))
}

// End ends the trace and waits, a few seconds at most, until it is sent. err is the
// command's, and ctx may have ended. A server that does not take it fails no command.
func (t *Trace) End(ctx context.Context, err error) {
	if t == nil {
		return
	}
	if err != nil {
		t.root.SetStatus(codes.Error, err.Error())
	}
	t.root.End()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	_ = t.provider.Shutdown(ctx)
}
