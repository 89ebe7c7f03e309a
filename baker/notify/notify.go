// Package notify tells people and programs how a bake ended: a message to a Slack
// incoming webhook, or a JSON document to any web server.
//
// Formats: api.slack.com/messaging/webhooks, api.slack.com/reference/block-kit.
package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/dbake/dbake/seed/manifest"
)

// Status is how a bake ended.
type Status string

// The values of Status.
const (
	Baked     Status = "baked"
	Unchanged Status = "unchanged" // the data layers of an earlier image were taken
	Failed    Status = "failed"
)

// Event is the end of a bake. It holds no value of a row and no secret.
type Event struct {
	Status Status `json:"status"`
	// Refs are the tags that were moved, Digest is the image's.
	Refs   []string `json:"refs,omitempty"`
	Digest string   `json:"digest,omitempty"`
	// Bytes is the compressed size of the data layers.
	Bytes   int64   `json:"bytes,omitempty"`
	Rows    int64   `json:"rows,omitempty"`
	Tables  int     `json:"tables,omitempty"`
	Seconds float64 `json:"seconds"`
	// Dumps are what was restored.
	Dumps []string `json:"dumps,omitempty"`
	// Changes are what differs from the image before; nil when there was none.
	Changes *Changes `json:"changes,omitempty"`
	// Error is why the bake failed.
	Error string `json:"error,omitempty"`
	// Link leads to the build's log; it may be empty.
	Link string `json:"link,omitempty"`
}

// Changes are the tables that came, went, or have another number of rows.
type Changes struct {
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	// Rows is the difference of the rows of all tables; Changed counts the tables
	// whose rows differ in number or content.
	Rows    int64 `json:"rows"`
	Changed int   `json:"changed"`
}

// Compare says what is different in after.
func Compare(before, after *manifest.Manifest) *Changes {
	c := &Changes{Rows: after.Rows - before.Rows}
	old := map[string]manifest.Table{}
	for _, t := range before.Tables {
		old[t.Schema+"."+t.Name] = t
	}
	for _, t := range after.Tables {
		name := t.Schema + "." + t.Name
		was, known := old[name]
		delete(old, name)
		switch {
		case !known:
			c.Added = append(c.Added, name)
		case was.Rows != t.Rows || was.Digest != t.Digest:
			c.Changed++
		}
	}
	for _, t := range before.Tables {
		if _, gone := old[t.Schema+"."+t.Name]; gone {
			c.Removed = append(c.Removed, t.Schema+"."+t.Name)
		}
	}
	return c
}

// Kind is the form of a message.
type Kind string

// The kinds of targets.
const (
	Slack   Kind = "slack"
	Webhook Kind = "webhook"
)

// Target is who is told.
type Target struct {
	Kind Kind
	// URL is a secret: whoever has it may post.
	URL string
	// Key signs a Webhook's body, when it is not empty: the header
	// X-Dbake-Signature is then "sha256=" and the HMAC-SHA256 in hex.
	Key []byte
}

// SignatureHeader carries the signature of a Webhook's body.
const SignatureHeader = "X-Dbake-Signature"

// Sender tells. The zero value is ready to use, from several goroutines.
type Sender struct {
	// Client is http.DefaultClient when nil.
	Client *http.Client
	// Timeout bounds a try; 0: 10 seconds. Wait comes between tries; 0: 1 second.
	Timeout, Wait time.Duration
}

const tries = 3

// Send tells one target. It tries three times when the server is not there, is
// busy or fails. The error never holds the URL. Nobody should fail a bake for it.
func (s Sender) Send(ctx context.Context, t Target, e Event) error {
	u, err := url.Parse(t.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("notify %s: the secret holds no web address", t.Kind)
	}
	body, err := encode(t.Kind, e)
	if err != nil {
		return fmt.Errorf("notify %s: %w", t.Kind, err)
	}
	for try := 1; ; try++ {
		again, err := s.post(ctx, t, body)
		if err == nil {
			return nil
		}
		if !again || try == tries {
			return fmt.Errorf("notify %s at %s: %w", t.Kind, u.Host, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(orDefault(s.Wait, time.Second) << (try - 1)):
		}
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func encode(kind Kind, e Event) ([]byte, error) {
	switch kind {
	case Slack:
		return json.Marshal(slackMessage(e))
	case Webhook:
		return json.Marshal(e)
	}
	return nil, errors.New("there is no such kind of target; it is slack or webhook")
}

// post tries once. again says whether another try may help.
func (s Sender) post(ctx context.Context, t Target, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, orDefault(s.Timeout, 10*time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the secret holds no web address")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "dbake")
	if len(t.Key) > 0 {
		mac := hmac.New(sha256.New, t.Key)
		mac.Write(body)
		req.Header.Set(SignatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		var ue *url.Error // its text has the whole address
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return true, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	switch {
	case resp.StatusCode < 300:
		return false, nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return true, fmt.Errorf("it answers %s", resp.Status)
	}
	return false, fmt.Errorf("it answers %s; is the address still right?", resp.Status)
}
