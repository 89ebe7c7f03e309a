package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker"
	"github.com/dbake/dbake/baker/builder"
	"github.com/dbake/dbake/baker/notify"
	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
	"github.com/dbake/dbake/frontend/imageconfig"
	"github.com/dbake/dbake/seed/manifest"
	"github.com/dbake/dbake/spec"
)

// notifyFlags say who is told how a bake ended.
type notifyFlags struct {
	targets []string
	link    string
}

func (o *notifyFlags) addFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.targets, "notify", nil,
		"tell how the bake ended: slack=SECRET or webhook=SECRET[,key=SECRET], where SECRET names a --secret with the address, and key one that signs (repeatable)")
	f.StringVar(&o.link, "notify-link", "", "address of the log in notifications (default: the build's in CodeBuild, GitHub Actions, CircleCI and GitLab)")
}

// notifyTime bounds all notifications of a bake, and notifyLook the look at the
// image before.
const (
	notifyTime = 30 * time.Second
	notifyLook = 15 * time.Second
)

// notifier tells how one bake ended.
type notifier struct {
	targets []notify.Target
	link    string
	started time.Time
	// hide are values that no message may hold.
	hide   []string
	refs   []string
	dumps  []string
	before *manifest.Manifest
}

// open reads the addresses. A secret that is missing is a fault of the command
// line: nothing has been done yet.
func (o *notifyFlags) open(ctx context.Context, secrets builder.Secrets, refs []string) (*notifier, error) {
	n := &notifier{link: o.link, started: time.Now(), refs: refs}
	if n.link == "" {
		n.link = buildLink(os.Getenv)
	}
	for _, text := range o.targets {
		t, err := parseTarget(text, func(id string) (string, error) {
			value, err := secrets.Secret(ctx, id)
			if errors.Is(err, builder.ErrNoSecret) {
				return "", fmt.Errorf("there is no secret %s; give --secret id=%s,src=FILE or id=%s,env=VARIABLE", id, id, id)
			}
			return strings.TrimSpace(string(value)), err
		})
		if err != nil {
			return nil, usageError{fmt.Errorf("--notify: %w", err)}
		}
		n.targets = append(n.targets, t)
	}
	return n, nil
}

// notifier is who is told of this bake.
func (o *bakeOptions) notifier(ctx context.Context) (*notifier, error) {
	if len(o.notify.targets) == 0 {
		return &notifier{}, nil
	}
	store, err := o.builder.secretStore()
	if err != nil {
		return nil, err
	}
	n, err := o.notify.open(ctx, store, o.tags)
	if err == nil {
		n.hide = o.builder.secretValues(ctx, store)
	}
	return n, err
}

// before is the image that a bake is compared with.
func (o *bakeOptions) before() []string {
	if first := o.first(); first != nil {
		return first
	}
	return o.reuse()
}

// parseTarget reads slack=ID or webhook=ID[,key=ID]. Errors do not repeat the
// text: somebody may have put the address itself there.
func parseTarget(text string, secret func(id string) (string, error)) (notify.Target, error) {
	const form = "slack=SECRET or webhook=SECRET[,key=SECRET], where SECRET is the id of a --secret"
	first, key, signed := strings.Cut(text, ",key=")
	kind, id, ok := strings.Cut(first, "=")
	t := notify.Target{Kind: notify.Kind(kind)}
	switch {
	case !ok || id == "" || signed && key == "" || t.Kind != notify.Slack && t.Kind != notify.Webhook:
		return t, errors.New("it has the form " + form)
	case strings.Contains(id+key, "/"):
		return t, errors.New("an address is a secret; it has the form " + form)
	case signed && t.Kind == notify.Slack:
		return t, errors.New("only a webhook's body is signed; leave out key= for Slack")
	}
	var err error
	if t.URL, err = secret(id); err != nil || !signed {
		return t, err
	}
	value, err := secret(key)
	t.Key = []byte(value)
	return t, err
}

// buildLink is the address of the build's log where the CI system tells it.
func buildLink(env func(string) string) string {
	if run := env("GITHUB_RUN_ID"); run != "" && env("GITHUB_REPOSITORY") != "" {
		return env("GITHUB_SERVER_URL") + "/" + env("GITHUB_REPOSITORY") + "/actions/runs/" + run
	}
	for _, name := range []string{"CODEBUILD_BUILD_URL", "CIRCLE_BUILD_URL", "CI_JOB_URL"} {
		if link := env(name); link != "" {
			return link
		}
	}
	return ""
}

// look reads what the image before holds, for the difference. That there is none,
// or that it cannot be read, is fine.
func (n *notifier) look(ctx context.Context, c *registry.Client, refs []string, file *spec.File) {
	for _, d := range file.Dump {
		n.dumps = append(n.dumps, imageconfig.LocationName(d.Location))
	}
	if len(n.targets) == 0 || len(refs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, notifyLook)
	defer cancel()
	if in, err := baker.Inspect(ctx, c, refs[0], v1.Platform{}); err == nil {
		n.before = in.Manifest
	}
}

// event is what is told.
func (n *notifier) event(r *baker.Result, err error) notify.Event {
	e := notify.Event{
		Status: notify.Failed, Refs: n.refs, Dumps: n.dumps, Link: n.link, Seconds: time.Since(n.started).Seconds(),
	}
	if err != nil {
		e.Error = n.clean(err.Error())
		return e
	}
	e.Status, e.Digest, e.Bytes = notify.Baked, r.Digest.String(), r.DataBytes
	if r.Reused != "" {
		e.Status = notify.Unchanged
	}
	if len(r.Refs) > 0 {
		e.Refs = r.Refs
	}
	if m := r.Manifest; m != nil {
		e.Rows, e.Tables, e.Dumps = m.Rows, len(m.Tables), nil
		for _, d := range m.Dumps {
			e.Dumps = append(e.Dumps, d.From)
		}
		if n.before != nil {
			e.Changes = notify.Compare(n.before, m)
		}
	}
	return e
}

// clean takes values of secrets out of a text. None should be in it.
func (n *notifier) clean(text string) string {
	for _, value := range n.hide {
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}

// tell tells everybody, also when ctx has ended. What fails is a warning: nobody's
// bake fails because a chat is down.
func (n *notifier) tell(ctx context.Context, r *baker.Result, failure error, w progress.Writer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyTime)
	defer cancel()
	event := n.event(r, failure)
	for _, t := range n.targets {
		step := w.Start("[notify] " + string(t.Kind))
		if err := (notify.Sender{}).Send(ctx, t, event); err != nil {
			text := n.clean(err.Error())
			step.Log([]byte("warning: " + text + "\n"))
			step.Warn(text)
		}
		step.Done(nil)
	}
}

// secretValues are the values of all secrets of the command line that are long
// enough to be told from other text.
func (o *builderFlags) secretValues(ctx context.Context, store builder.Secrets) []string {
	var values []string
	for _, text := range o.secrets {
		for field := range strings.SplitSeq(text, ",") {
			id, ok := strings.CutPrefix(field, "id=")
			if !ok {
				continue
			}
			if value, err := store.Secret(ctx, id); err == nil && len(strings.TrimSpace(string(value))) >= 6 {
				values = append(values, strings.TrimSpace(string(value)))
			}
		}
	}
	return values
}
