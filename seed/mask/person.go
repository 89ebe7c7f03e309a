package mask

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dbake/dbake/seed/mask/words"
	"github.com/dbake/dbake/seed/rows"
)

// person gives names of people.
type person struct {
	label         string
	given, family bool
	script        string
	words         *words.Locale
}

func newPerson(t *transform, o options) (definition, error) {
	name := o.text("locale", "en")
	locale, err := words.Of(name)
	if err != nil {
		return nil, o.fail("locale", "", "%v", err)
	}
	d := person{label: t.name, given: t.name != "last_name", family: t.name != "first_name", words: locale}
	d.script = o.text("script", "")
	if d.script != "" && d.script != "latin" && name != "ja" {
		return nil, o.fail("script", "write locale: ja", "%s is a script of Japanese names", d.script)
	}
	return d, nil
}

func (d person) bind(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	s := &personStep{seeder: b.seeder(d.label)}
	s.space, s.familyFirst = d.words.Space, d.words.FamilyFirst
	if d.script == "latin" {
		s.space = " "
	}
	var err error
	if d.given {
		s.given, err = b.writable(d.names(d.words.Given))
	}
	if d.family && err == nil {
		s.family, err = b.writable(d.names(d.words.Family))
	}
	return valued{s}, traits{cut: true}, err
}

// names are the names in the script that is asked for.
func (d person) names(list []words.Name) []string {
	names := make([]string, len(list))
	for i, n := range list {
		switch d.script {
		case "latin":
			names[i] = n.Latin
		case "katakana":
			names[i] = n.Kana
		case "hiragana":
			names[i] = hiragana(n.Kana)
		default:
			names[i] = n.Text
		}
	}
	return names
}

// hiragana are the katakana 0x60 further on.
func hiragana(katakana string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'ァ' && r <= 'ヶ' {
			return r - 0x60
		}
		return r
	}, katakana)
}

// writable makes texts ones that the column's character set takes, without their
// accents where it must be.
func (b *binder) writable(list []string) ([]string, error) {
	m := b.model
	if m == nil || m.family != textFamily || (m.charset.single == nil && m.charset.several == nil && !m.charset.ascii) {
		return list, nil
	}
	texts := make([]string, len(list))
	for i, text := range list {
		if !m.charset.takes([]byte(text)) {
			text = words.ASCII(text)
		}
		if !m.charset.takes([]byte(text)) {
			return nil, fmt.Errorf("%s cannot hold the words of this locale: choose another locale", m.def.Charset)
		}
		texts[i] = text
	}
	return texts, nil
}

type personStep struct {
	*seeder
	given, family []string
	space         string
	familyFirst   bool
	out           []byte
}

func (s *personStep) apply(_ *row, v value) (value, error) {
	r := s.seed(v.text)
	first, last := s.given, s.family
	if s.familyFirst {
		first, last = last, first
	}
	s.out = s.out[:0]
	if first != nil {
		s.out = append(s.out, pick(r, first)...)
	}
	if last != nil {
		if first != nil {
			s.out = append(s.out, s.space...)
		}
		s.out = append(s.out, pick(r, last)...)
	}
	return value{rows.Text, s.out}, nil
}

// place gives addresses, cities, countries, companies and jobs.
type place struct {
	kind  string
	words *words.Locale
}

func newPlace(t *transform, o options) (definition, error) {
	locale, err := words.Of(o.text("locale", "en"))
	if err != nil {
		return nil, o.fail("locale", "", "%v", err)
	}
	return place{t.name, locale}, nil
}

func (d place) bind(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	w := *d.words
	var err error
	for _, list := range []*[]string{&w.Cities, &w.Streets, &w.Jobs, &w.Companies, &w.Addresses} {
		if *list, err = b.writable(*list); err != nil {
			return nil, traits{}, err
		}
	}
	families := make([]string, len(w.Family))
	for i, n := range w.Family {
		families[i] = n.Text
	}
	if families, err = b.writable(families); err != nil {
		return nil, traits{}, err
	}
	w.Family = make([]words.Name, len(families))
	for i, n := range families {
		w.Family[i].Text = n
	}
	countries := make([]string, len(w.Countries))
	for i, c := range w.Countries {
		countries[i] = c.Name
	}
	if countries, err = b.writable(countries); err != nil {
		return nil, traits{}, err
	}
	return valued{&placeStep{kind: d.kind, words: &w, countries: countries, seeder: b.seeder(d.kind)}}, traits{cut: true}, nil
}

type placeStep struct {
	kind      string
	words     *words.Locale
	countries []string
	*seeder
	out []byte
}

func (s *placeStep) apply(_ *row, v value) (value, error) {
	r := s.seed(v.text)
	out := s.out[:0]
	switch s.kind {
	case "address":
		out = s.address(out, r)
	case "city":
		out = append(out, pick(r, s.words.Cities)...)
	case "job":
		out = append(out, pick(r, s.words.Jobs)...)
	case "company":
		out = appendCompany(out, r, s.words)
	case "country":
		out = s.country(out, r, v.text)
	}
	s.out = out
	return value{rows.Text, out}, nil
}

// country gives a code where there was one.
func (s *placeStep) country(out []byte, r *random, text []byte) []byte {
	i := r.below(uint64(len(s.countries)))
	letters := len(text) == 2 || len(text) == 3
	for _, c := range text {
		letters = letters && ((c|0x20) >= 'a' && (c|0x20) <= 'z')
	}
	if !letters {
		return append(out, s.countries[i]...)
	}
	code := s.words.Countries[i].Alpha3
	if len(text) == 2 {
		code = s.words.Countries[i].Alpha2
	}
	if text[0] >= 'a' {
		return lowerASCII(out, []byte(code))
	}
	return append(out, code...)
}

func (s *placeStep) address(out []byte, r *random) []byte {
	return fill(out, pick(r, s.words.Addresses), func(out []byte, name string) []byte {
		switch name {
		case "street":
			return append(out, pick(r, s.words.Streets)...)
		case "city":
			return append(out, pick(r, s.words.Cities)...)
		case "d":
			return strconv.AppendUint(out, 1+r.below(28), 10)
		}
		return strconv.AppendUint(out, 1+r.below(199), 10)
	})
}

func appendCompany(out []byte, r *random, w *words.Locale) []byte {
	return fill(out, pick(r, w.Companies), func(out []byte, _ string) []byte {
		return append(out, w.Family[r.below(uint64(len(w.Family)))].Text...)
	})
}

// fill writes a form with what is in braces replaced.
func fill(out []byte, form string, one func(out []byte, name string) []byte) []byte {
	for {
		before, rest, found := strings.Cut(form, "{")
		out = append(out, before...)
		if !found {
			return out
		}
		name, after, _ := strings.Cut(rest, "}")
		out = one(out, name)
		form = after
	}
}
