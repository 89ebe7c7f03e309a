package notify

import (
	"fmt"
	"strings"
	"time"
)

// slackMessage is what Slack shows: a line that also goes into notifications, and
// blocks with the details.
func slackMessage(e Event) map[string]any {
	blocks := []any{section("*" + escapeSlack(headline(e)) + "*")}
	if details := details(e); details != "" {
		blocks = append(blocks, section(details))
	}
	if e.Link != "" {
		blocks = append(blocks, section("<"+e.Link+"|Log of the build>"))
	}
	return map[string]any{"text": headline(e), "blocks": blocks}
}

func section(text string) map[string]any {
	// A section's text has at most 3,000 characters.
	if runes := []rune(text); len(runes) > 2900 {
		text = string(runes[:2900]) + "…"
	}
	return map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": text}}
}

// escapeSlack keeps names from being taken for links and mentions
// (api.slack.com/reference/surfaces/formatting, "Escaping text").
func escapeSlack(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func headline(e Event) string {
	name := "the image"
	if len(e.Refs) > 0 {
		name = e.Refs[0]
	}
	switch e.Status {
	case Failed:
		return "dbake: the bake of " + name + " failed"
	case Unchanged:
		return "dbake: " + name + " is up to date"
	case Baked:
	}
	return "dbake: " + name + " is baked"
}

func details(e Event) string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if e.Error != "" {
		add("```%s```", escapeSlack(strings.ReplaceAll(e.Error, "```", "'''")))
	}
	if len(e.Dumps) > 0 {
		add("Dump: %s", escapeSlack(strings.Join(e.Dumps, ", ")))
	}
	if e.Status == Failed {
		return strings.Join(lines, "\n")
	}
	add("%d tables, %d rows, %.1f MB, in %s", e.Tables, e.Rows, float64(e.Bytes)/1e6,
		time.Duration(e.Seconds*float64(time.Second)).Round(time.Second))
	if c := e.Changes; c != nil {
		add("Since the last image: %+d rows, %d tables changed%s%s", c.Rows, c.Changed,
			tables(", new: ", c.Added), tables(", gone: ", c.Removed))
	}
	if e.Digest != "" {
		add("`%s`", e.Digest)
	}
	return strings.Join(lines, "\n")
}

func tables(before string, names []string) string {
	const most = 10
	if len(names) == 0 {
		return ""
	}
	if more := len(names) - most; more > 0 {
		return before + escapeSlack(strings.Join(names[:most], ", ")) + fmt.Sprintf(" and %d more", more)
	}
	return before + escapeSlack(strings.Join(names, ", "))
}
