// Package words holds the names, cities and jobs that masks are made of, by
// locale. Lists only ever grow with a new major version of dbake: an entry more
// changes masks of values that have nothing to do with it.
package words

import (
	"embed"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Name is a given or family name.
type Name struct {
	// Text is the name in its own script.
	Text string
	// Kana is a Japanese name in katakana; else empty.
	Kana string
	// Latin is the name in letters of ASCII.
	Latin string
}

// Country is a country with its codes of ISO 3166-1.
type Country struct{ Name, Alpha2, Alpha3 string }

// Locale holds the lists of one locale. Nobody changes them.
type Locale struct {
	Given, Family []Name
	Cities        []string
	Streets       []string
	Jobs          []string
	Companies     []string // forms with {} for a family name
	Addresses     []string // forms with {street}, {city} and {n}
	Countries     []Country
	// FamilyFirst: the family name goes before the given one.
	FamilyFirst bool
	// Space stands between the two.
	Space string
}

//go:embed *.txt
var files embed.FS

// all reads the files once, when the first locale is asked for.
var all = sync.OnceValues(func() (map[string]*Locale, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	locales := make(map[string]*Locale, len(entries))
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".txt")
		if locales[name], err = read(name); err != nil {
			return nil, err
		}
	}
	return locales, nil
})

// Of returns the lists of a locale: "en", "ja", …
func Of(name string) (*Locale, error) {
	locales, err := all()
	if err != nil {
		return nil, err
	}
	l := locales[name]
	if l == nil {
		return nil, fmt.Errorf("there are no words for the locale %q", name)
	}
	return l, nil
}

func read(name string) (*Locale, error) {
	l := &Locale{Space: " "}
	if err := l.add(name); err != nil {
		return nil, err
	}
	return l, nil
}

// add reads a file: sections in brackets, then entries, separated by semicolons.
func (l *Locale) add(name string) error {
	data, err := files.ReadFile(name + ".txt")
	if err != nil {
		return err
	}
	section := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		default:
			for entry := range strings.SplitSeq(strings.TrimSuffix(line, ";"), ";") {
				if err := l.entry(section, strings.TrimSpace(entry)); err != nil {
					return fmt.Errorf("%s.txt: %w", name, err)
				}
			}
		}
	}
	return nil
}

func (l *Locale) entry(section, text string) error {
	switch section {
	case "given":
		l.Given = append(l.Given, nameOf(text))
	case "family":
		l.Family = append(l.Family, nameOf(text))
	case "cities":
		l.Cities = append(l.Cities, text)
	case "streets":
		l.Streets = append(l.Streets, text)
	case "jobs":
		l.Jobs = append(l.Jobs, text)
	case "companies":
		l.Companies = append(l.Companies, text)
	case "addresses":
		l.Addresses = append(l.Addresses, text)
	case "countries":
		parts := strings.Split(text, "|")
		if len(parts) != 3 {
			return fmt.Errorf("%q is no country", text)
		}
		l.Countries = append(l.Countries, Country{Alpha2: parts[0], Alpha3: parts[1], Name: parts[2]})
	case "order":
		l.FamilyFirst = true
		if text == "joined" {
			l.Space = ""
		}
	default:
		return fmt.Errorf("there is no section %q", section)
	}
	return nil
}

// nameOf reads "text", "text|latin" or "text|kana|latin".
func nameOf(text string) Name {
	parts := strings.Split(text, "|")
	switch len(parts) {
	case 1:
		return Name{Text: text, Latin: ASCII(text)}
	case 2:
		return Name{Text: parts[0], Latin: parts[1]}
	}
	return Name{Text: parts[0], Kana: parts[1], Latin: parts[2]}
}

var ligatures = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "Ø", "O", "Æ", "Ae", "Œ", "Oe", "ł", "l", "’", "'")

// ASCII takes the accents off a text in Latin letters.
func ASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(ligatures.Replace(text)))
}
