package local

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/dbake/dbake/baker/builder"
)

// Secrets that are AWS credentials: see builder.Secrets.
const (
	keyID        = "AWS_ACCESS_KEY_ID"
	secretKeyID  = "AWS_SECRET_ACCESS_KEY"
	sessionToken = "AWS_SESSION_TOKEN"
)

// goodFor is how long the agent keeps credentials before it asks again. Those of
// roles live for 15 minutes at the least; the AWS SDK asks some minutes early.
const goodFor = 10 * time.Minute

// credentialServer hands AWS credentials to the agent, in the way that containers
// get them in ECS ("Container credential provider" in the AWS SDKs' reference).
// So they are in no file and no environment, and a restore that lasts longer than
// they do gets new ones.
type credentialServer struct {
	server  *http.Server
	url     string
	token   string
	secrets builder.Secrets
}

// serveCredentials starts a server that only processes of this machine reach and
// that answers only who knows its token. It gives nil when there are no
// credentials. The context is that of all questions for secrets.
func serveCredentials(ctx context.Context, secrets builder.Secrets) (*credentialServer, error) {
	if _, err := secrets.Secret(ctx, keyID); errors.Is(err, builder.ErrNoSecret) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("find AWS credentials: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve AWS credentials to the agent: %w", err)
	}
	c := &credentialServer{url: "http://" + listener.Addr().String() + "/credentials", token: rand.Text(), secrets: secrets}
	c.server = &http.Server{
		Handler: c, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go func() { _ = c.server.Serve(listener) }() // ends with close
	return c, nil
}

// env makes the AWS SDK ask this server.
func (c *credentialServer) env() map[string]string {
	return map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": c.url,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN":  c.token,
	}
}

func (c *credentialServer) close() { _ = c.server.Close() }

// ServeHTTP gives credentials as the SDK wants them.
func (c *credentialServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(c.token)) != 1 {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	answer, err := c.read(r.Context())
	if err != nil {
		// The SDK shows code and message.
		w.WriteHeader(http.StatusInternalServerError)
		answer = map[string]string{"code": "NoCredentials", "message": "the AWS credentials of the machine that bakes cannot be had any more"}
	}
	text, err := json.Marshal(answer)
	if err == nil {
		_, _ = w.Write(text) // who has gone away needs no answer
	}
}

// read gives credentials that belong together, though they are asked for one by
// one and may change in between.
func (c *credentialServer) read(ctx context.Context) (map[string]string, error) {
	for range 3 {
		var values [4]string
		for i, id := range []string{keyID, secretKeyID, sessionToken, keyID} {
			value, err := c.secrets.Secret(ctx, id)
			if err != nil && (id != sessionToken || !errors.Is(err, builder.ErrNoSecret)) {
				return nil, err
			}
			values[i] = string(value)
		}
		if values[0] == values[3] {
			return map[string]string{
				"AccessKeyId": values[0], "SecretAccessKey": values[1], "Token": values[2],
				"Expiration": time.Now().Add(goodFor).UTC().Format(time.RFC3339),
			}, nil
		}
	}
	return nil, errors.New("the credentials change all the time")
}
