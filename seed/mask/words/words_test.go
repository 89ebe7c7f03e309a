package words_test

import (
	"testing"

	"github.com/dbake/dbake/seed/mask/words"
)

var locales = []string{"de", "en", "es", "fr", "it", "ja", "ko", "nl", "pt", "zh"}

// TestLocalesAreWhole: every list has entries, none of which is empty or there
// twice, and every name can be written in ASCII.
func TestLocalesAreWhole(t *testing.T) {
	t.Parallel()
	for _, name := range locales {
		l, err := words.Of(name)
		if err != nil {
			t.Fatal(err)
		}
		for list, names := range map[string][]words.Name{"given": l.Given, "family": l.Family} {
			var texts []string
			for _, n := range names {
				texts = append(texts, n.Text)
				for _, c := range n.Latin {
					if c >= 0x80 {
						t.Errorf("%s: %q is written %q in Latin letters", name, n.Text, n.Latin)
					}
				}
				if n.Latin == "" || (name == "ja") != (n.Kana != "") {
					t.Errorf("%s: %q lacks a spelling", name, n.Text)
				}
			}
			check(t, name+" "+list, texts, 40)
		}
		var countries []string
		for _, c := range l.Countries {
			countries = append(countries, c.Name)
			if len(c.Alpha2) != 2 || len(c.Alpha3) != 3 {
				t.Errorf("%s: %q has the codes %q and %q", name, c.Name, c.Alpha2, c.Alpha3)
			}
		}
		check(t, name+" countries", countries, 10)
		check(t, name+" cities", l.Cities, 10)
		check(t, name+" streets", l.Streets, 10)
		check(t, name+" jobs", l.Jobs, 10)
		check(t, name+" companies", l.Companies, 5)
		check(t, name+" addresses", l.Addresses, 1)
	}
	if _, err := words.Of("xx"); err == nil {
		t.Error("there are words for xx")
	}
}

func check(t *testing.T, list string, texts []string, least int) {
	t.Helper()
	if len(texts) < least {
		t.Errorf("%s has %d entries", list, len(texts))
	}
	seen := map[string]bool{}
	for _, text := range texts {
		if text == "" || seen[text] {
			t.Errorf("%s has %q twice or empty", list, text)
		}
		seen[text] = true
	}
}
