package repair

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// draft is a statement being repaired.
type draft struct {
	st       dump.Statement
	repairer *Repairer
	to       Server
	// live are the tokens that the server executes, dead those in version
	// comments for other servers.
	live, dead []dump.Token
	edits      []edit
	notes      []string // warnings, each once
	skip       string
}

// edit replaces the bytes from..to of the statement.
type edit struct {
	from, to int
	text     string
}

// read takes the statement apart.
func (d *draft) read() {
	t := dump.NewTokens(d.st.Text, d.st.Mode)
	for tok, ok := t.Next(); ok; tok, ok = t.Next() {
		if d.to.runs(tok.Comment) {
			d.live = append(d.live, tok)
		} else {
			d.dead = append(d.dead, tok)
		}
	}
}

// at gives a live token, or the zero Token, which is none.
func (d *draft) at(i int) dump.Token {
	if i < 0 || i >= len(d.live) {
		return dump.Token{}
	}
	return d.live[i]
}

// phrase reports whether the live tokens from i on are these keywords.
func (d *draft) phrase(i int, keywords ...string) bool {
	for n, k := range keywords {
		if !d.at(i + n).Is(k) {
			return false
		}
	}
	return true
}

// isByte reports whether live token i is this punctuation.
func (d *draft) isByte(i int, c byte) bool {
	return i >= 0 && i < len(d.live) && d.live[i].IsByte(c)
}

// replace puts text in a token's place.
func (d *draft) replace(t dump.Token, text string) {
	d.edits = append(d.edits, edit{t.From, t.To, text})
}

// remove takes out the live tokens from..to, one by one, since they may lie in
// several version comments.
func (d *draft) remove(from, to int) {
	for _, t := range d.live[from:to] {
		d.replace(t, "")
	}
}

// wrap puts the live tokens from..to in parentheses.
func (d *draft) wrap(from, to int) {
	first, last := d.live[from], d.live[to-1]
	d.edits = append(d.edits, edit{first.From, first.From, "("}, edit{last.To, last.To, ")"})
}

// note adds a warning.
func (d *draft) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(d.notes, text) {
		d.notes = append(d.notes, text)
	}
}

// leaveOut skips the statement.
func (d *draft) leaveOut(format string, args ...any) {
	d.skip = fmt.Sprintf(format, args...)
	d.note("%s", d.skip)
}

// closing gives the index of the token that closes the parenthesis at live
// token i, or the number of tokens.
func (d *draft) closing(i int) int {
	depth := 0
	for ; i < len(d.live); i++ {
		switch {
		case d.isByte(i, '('):
			depth++
		case d.isByte(i, ')'):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

// result carries out the edits.
func (d *draft) result() Result {
	for _, n := range d.notes {
		d.repairer.Warn(n, d.st)
	}
	if d.skip != "" || len(d.edits) == 0 {
		return Result{Text: d.st.Text, Skip: d.skip}
	}
	// Stable: what goes to the same place stays in its order.
	slices.SortStableFunc(d.edits, func(a, b edit) int { return a.from - b.from })
	var out []byte
	i := 0
	for _, e := range d.edits {
		if e.from < i {
			continue // lies in what another edit took out
		}
		out = append(append(out, d.st.Text[i:e.from]...), e.text...)
		i = e.to
	}
	return Result{Text: bytes.TrimSpace(append(out, d.st.Text[i:]...))}
}

// word gives a token's text without quotes, in lower case.
func word(t dump.Token) string { return strings.ToLower(unquoted(t)) }

// unquoted gives a token's text without its quotes.
func unquoted(t dump.Token) string {
	raw := string(t.Raw)
	if t.Kind != dump.NameToken && t.Kind != dump.TextToken || len(raw) < 2 {
		return raw
	}
	q := raw[:1]
	return strings.ReplaceAll(raw[1:len(raw)-1], q+q, q)
}

// requoted gives text in the quotes of the token it replaces.
func requoted(t dump.Token, text string) string {
	if t.Kind == dump.NameToken || t.Kind == dump.TextToken {
		return string(t.Raw[:1]) + text + string(t.Raw[:1])
	}
	return text
}
