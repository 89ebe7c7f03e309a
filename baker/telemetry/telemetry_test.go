package telemetry_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/telemetry"
)

func TestNoEndpointNoTrace(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	trace, err := telemetry.Start(t.Context(), "dbake bake", "test")
	if trace != nil || err != nil {
		t.Fatalf("%v, %v", trace, err)
	}
	trace.Writer(progress.Discard).Start("step").Done(nil)
	trace.End(t.Context(), nil)
}

func TestStepsAreSpans(t *testing.T) {
	var got collector.ExportTraceServiceRequest
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := proto.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	trace, err := telemetry.Start(t.Context(), "dbake bake", "test")
	if err != nil {
		t.Fatal(err)
	}
	w := trace.Writer(progress.Discard)
	w.Start("[restore]").Done(nil)
	w.Start("push").Done(errors.New("the registry is full"))
	trace.End(t.Context(), errors.New("the registry is full"))
	status := map[string]string{}
	for _, resource := range got.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				status[span.Name] = span.Status.Message
				if id := span.TraceId; id[0] != 0x0a || id[15] != 0x9c {
					t.Errorf("%s is in the trace %x", span.Name, id)
				}
			}
		}
	}
	if len(status) != 3 || status["[restore]"] != "" || status["push"] == "" || status["dbake bake"] == "" {
		t.Errorf("spans: %v", status)
	}
}
