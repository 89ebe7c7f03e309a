package mask

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/dbake/dbake/seed/mask/words"
	"github.com/dbake/dbake/seed/rows"
)

// template is a text with placeholders, none of which shows the value.
type template struct {
	parts []templatePart
	words *words.Locale
}

// templatePart is literal text, or a placeholder with a name.
type templatePart struct {
	text, name string
	n          int
}

func newTemplate(t *transform, o options) (definition, error) {
	locale, err := words.Of(o.text("locale", "en"))
	if err != nil {
		return nil, o.fail("locale", "", "%v", err)
	}
	d := template{words: locale}
	rest := o.text("text", "")
	for rest != "" {
		at := strings.IndexAny(rest, "{}")
		switch {
		case at < 0:
			d.parts = append(d.parts, templatePart{text: rest})
			return d, nil
		case at > 0:
			d.parts = append(d.parts, templatePart{text: rest[:at]})
			rest = rest[at:]
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			d.parts = append(d.parts, templatePart{text: rest[:1]})
			rest = rest[2:]
		default:
			inner, after, closed := strings.Cut(rest[1:], "}")
			part, fault := placeholder(inner)
			if rest[0] == '}' || !closed {
				fault = "a { or } stands alone; the characters themselves are {{ and }}"
			}
			if fault != "" {
				return nil, o.fail("text", "{hash:8}, {digits:4}, {column}, {table}, {first_name}, {last_name}, {city}, {company}, {job}", "%s", fault)
			}
			t.keyed = t.keyed || (part.name != "column" && part.name != "table")
			d.parts = append(d.parts, part)
			rest = after
		}
	}
	return d, nil
}

func placeholder(inner string) (templatePart, string) {
	name, count, counted := strings.Cut(inner, ":")
	p := templatePart{name: name, n: 8}
	switch name {
	case "hash", "digits":
		if counted {
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 || n > 64 {
				return p, fmt.Sprintf("{%s:…} needs a number from 1 to 64", name)
			}
			p.n = n
		}
		return p, ""
	case "column", "table", "first_name", "last_name", "city", "company", "job":
		if !counted {
			return p, ""
		}
	}
	return p, fmt.Sprintf("there is no placeholder {%s}", inner)
}

func (d template) bind(b *binder) (step, traits, error) {
	err := b.wants(textFamily, binaryFamily, integerFamily, decimalFamily, dateFamily, timeFamily, jsonFamily)
	s := &templateStep{template: d, seeder: b.seeder("template")}
	has := traits{}
	s.parts = append([]templatePart(nil), d.parts...)
	for i, p := range s.parts {
		switch p.name {
		case "hash":
			has.injective = has.injective || p.n*4 >= strongBits
		case "table":
			s.parts[i] = templatePart{text: b.table.Name}
		case "column":
			s.parts[i] = templatePart{}
			if b.column != nil {
				s.parts[i].text = b.column.def.Name
			}
		}
	}
	if has.injective && d.hashes() > 1 {
		has.injective = false
	}
	return valued{s}, has, err
}

func (d template) hashes() int {
	n := 0
	for _, p := range d.parts {
		if p.name != "" {
			n++
		}
	}
	return n
}

type templateStep struct {
	template
	*seeder
	out []byte
}

func (s *templateStep) apply(_ *row, v value) (value, error) {
	r := *s.seed(v.text)
	sum := s.digest(v.text)
	out := s.out[:0]
	for _, p := range s.parts {
		switch p.name {
		case "":
			out = append(out, p.text...)
		case "hash":
			at := len(out)
			out = hex.AppendEncode(out, sum)[:at+p.n]
		case "digits":
			out = r.digits(out, p.n)
		case "first_name":
			out = append(out, s.words.Given[r.below(uint64(len(s.words.Given)))].Text...)
		case "last_name":
			out = append(out, s.words.Family[r.below(uint64(len(s.words.Family)))].Text...)
		case "city":
			out = append(out, pick(&r, s.words.Cities)...)
		case "company":
			out = appendCompany(out, &r, s.words)
		case "job":
			out = append(out, pick(&r, s.words.Jobs)...)
		}
	}
	s.out = out
	return value{rows.Text, out}, nil
}

func pick(r *random, list []string) string { return list[r.below(uint64(len(list)))] }
