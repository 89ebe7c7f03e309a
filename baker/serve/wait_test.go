package serve

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/dbake/dbake/baker/engine"
)

// slowEngine is a Docker Engine with one container, whose health check fails once
// and then does not end.
func slowEngine(t *testing.T) *engine.Client {
	t.Helper()
	var checks atomic.Int64
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		switch path := strings.TrimPrefix(r.URL.Path, "/v1.41"); path {
		case "/containers/c/json":
			fmt.Fprint(w, `{"Id":"c","Name":"/app-db","State":{"Running":true},"HostConfig":{},"NetworkSettings":{},`+
				`"Config":{"Healthcheck":{"Test":["CMD","check"]}}}`)
		case "/containers/c/exec":
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"Id":"x"}`)
		case "/exec/x/start":
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprint(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
			if checks.Add(1) > 1 {
				<-over
				return
			}
			printed(conn, "the server does not answer yet\n")
		case "/exec/x/json":
			fmt.Fprint(w, `{"ExitCode":1}`)
		case "/containers/c/logs":
			printed(w, "InnoDB: recovery\n")
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	e, err := engine.New(t.Context(), engine.Options{Host: "tcp://" + strings.TrimPrefix(server.URL, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// printed is what a program writes to standard error, as the engine sends it (Engine
// API, "Attach to a container", "Stream format").
func printed(w io.Writer, text string) {
	head := binary.BigEndian.AppendUint32([]byte{2, 0, 0, 0}, uint32(len(text)))
	_, _ = w.Write(append(head, text...))
}

// Whoever waits in vain learns what the check said and the server printed: the
// container is removed.
func TestWaitInVain(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := func(s *client.SolveStatus) {
		for _, l := range s.Logs {
			log.Write(l.Data)
		}
	}
	err := waitHealthy(t.Context(), slowEngine(t), &Running{ID: "c"}, Options{Image: "team/app", Timeout: 500 * time.Millisecond}, w)
	for _, want := range []string{"app-db", "the server in team/app did not answer within 500ms", "the server does not answer yet"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	if log.String() != "InnoDB: recovery\n" {
		t.Errorf("the log shown is %q", &log)
	}
}
