package repair

import (
	"strings"

	"github.com/dbake/dbake/seed/dump"
)

// tailorings are MySQL's language tags in the names of its 0900 collations and
// what MariaDB's uca1400 collations call the same or the nearest language.
var tailorings = map[string]string{
	"bs": "croatian", "cs": "czech", "da": "danish", "de_pb": "german2", "eo": "esperanto", "es": "spanish",
	"es_trad": "spanish2", "et": "estonian", "gl": "spanish", "hr": "croatian", "hu": "hungarian", "is": "icelandic",
	"la": "roman", "lt": "lithuanian", "lv": "latvian", "nb": "danish", "nn": "danish", "pl": "polish",
	"ro": "romanian", "sk": "slovak", "sl": "slovenian", "sr_latn": "croatian", "sv": "swedish", "tr": "turkish",
	"vi": "vietnamese",
}

// languages are MySQL's tags for MariaDB's names; several tags share a name.
var languages = map[string]string{
	"czech": "cs", "danish": "da", "german2": "de_pb", "esperanto": "eo", "spanish": "es", "spanish2": "es_trad",
	"estonian": "et", "croatian": "hr", "hungarian": "hu", "icelandic": "is", "roman": "la", "lithuanian": "lt",
	"latvian": "lv", "polish": "pl", "romanian": "ro", "slovak": "sk", "slovenian": "sl", "swedish": "sv",
	"turkish": "tr", "vietnamese": "vi",
}

// Versions that decide which collations there are.
const (
	uca1400Since  = 101001 // MariaDB
	aliases0900   = 110405 // MariaDB that takes most of MySQL's 0900 names (MDEV-20912)
	utf8mb3Names  = 80030  // MySQL that calls them utf8mb3_… rather than utf8_…
	bin0900Since  = 80017  // MySQL with utf8mb4_0900_bin
	all0900Since  = 80001  // MySQL with the first of them
	utf8mb3Others = 100600 // MariaDB that does
)

// collation gives the collation of the server that is nearest to one it does not
// have. It returns false for one that it has, as far as this package knows.
func (s Server) collation(name string) (string, bool) {
	near := s.nearest(name)
	return near, near != "" && near != name
}

func (s Server) nearest(name string) string {
	if s.Flavour == MariaDB {
		return s.nearestMariaDB(name)
	}
	return s.nearestMySQL(name)
}

// nearestMariaDB keeps MySQL's NO PAD: two values that differ in blanks at their
// ends may share a unique key no more than they did.
func (s Server) nearestMariaDB(name string) string {
	language, kind, is0900 := split0900(name)
	switch {
	case is0900 && kind == "bin":
		if s.id() >= aliases0900 {
			return name
		}
		return "utf8mb4_nopad_bin"
	case is0900 && s.id() >= aliases0900 && language != "ja" && language != "zh" && language != "ru":
		return name
	case is0900:
		return s.uca1400("utf8mb4", tailorings[language], "_nopad", kind)
	case strings.Contains(name, "uca1400") && s.id() < uca1400Since:
		charset, rest, _ := strings.Cut(name, "_uca1400")
		pad := ""
		if strings.Contains(rest, "_nopad") {
			pad = "_nopad"
		}
		return s.uca1400(charset, "", pad, rest[max(0, len(rest)-5):])
	case strings.HasPrefix(name, "utf8mb3_") && s.id() < utf8mb3Others:
		return "utf8_" + strings.TrimPrefix(name, "utf8mb3_")
	case name == "utf8mb3_tolower_ci" || name == "utf8_tolower_ci":
		return "utf8mb3_general_ci"
	}
	return name
}

// uca1400 names a collation of the Unicode algorithm on MariaDB. Before it had
// that of Unicode 14 there was no accent-sensitive one but the binary.
func (s Server) uca1400(charset, language, pad, kind string) string {
	kind = strings.TrimPrefix(kind, "_")
	if s.id() >= uca1400Since {
		if language != "" {
			language = "_" + language
		}
		return charset + "_uca1400" + language + pad + "_" + kind
	}
	if kind == "as_cs" || kind == "ai_cs" {
		return charset + pad + "_bin"
	}
	return charset + "_unicode_520" + pad + "_ci"
}

// split0900 takes the name of one of MySQL's 0900 collations apart:
// utf8mb4[_language]_0900_kind.
func split0900(name string) (language, kind string, ok bool) {
	rest, ok := strings.CutPrefix(name, "utf8mb4_")
	if !ok {
		return "", "", false
	}
	rest = strings.TrimSuffix(rest, "_ks") // Japanese that tells kana apart
	if kind, ok := strings.CutPrefix(rest, "0900_"); ok {
		return "", kind, true
	}
	return strings.Cut(rest, "_0900_")
}

func (s Server) nearestMySQL(name string) string {
	if _, kind, ok := split0900(name); ok {
		switch {
		case s.id() < all0900Since:
			return unicode520("utf8mb4", kind)
		case kind == "bin" && s.id() < bin0900Since:
			return "utf8mb4_bin"
		}
		return name
	}
	if charset, rest, ok := cutUCA1400(name); ok {
		return s.plainName(s.from1400(charset, rest))
	}
	switch charset, rest, _ := strings.Cut(name, "_"); {
	case strings.Contains(rest, "nopad"):
		return s.plainName(s.withoutNopad(charset, rest))
	case rest == "croatian_mysql561_ci":
		return s.plainName(charset + "_croatian_ci")
	case rest == "myanmar_ci" || rest == "thai_520_w2":
		return s.plainName(charset + "_unicode_520_ci")
	case strings.HasPrefix(rest, "general1400_"):
		return s.plainName(s.from1400(charset, strings.TrimPrefix(rest, "general1400_")))
	}
	return s.plainName(name)
}

// cutUCA1400 takes charset_uca1400_rest apart; MariaDB also has the names without
// a character set, which stand for that of the column.
func cutUCA1400(name string) (charset, rest string, ok bool) {
	if rest, ok := strings.CutPrefix(name, "uca1400_"); ok {
		return "utf8mb4", rest, true
	}
	return strings.Cut(name, "_uca1400_")
}

// from1400 finds MySQL's collation for [language_][nopad_]kind.
func (s Server) from1400(charset, rest string) string {
	kind := rest[max(0, len(rest)-5):]
	language := strings.Trim(strings.TrimSuffix(strings.TrimSuffix(rest, kind), "nopad_"), "_")
	if charset != "utf8mb4" || s.id() < all0900Since {
		return unicode520(charset, kind)
	}
	if kind == "ai_cs" {
		kind = "as_cs" // there is none that tells case but not accents
	}
	if tag := languages[language]; tag != "" {
		if kind == "as_ci" {
			kind = "as_cs" // languages have no other
		}
		return "utf8mb4_" + tag + "_0900_" + kind
	}
	return "utf8mb4_0900_" + kind
}

// unicode520 is what every server has in every Unicode character set.
func unicode520(charset, kind string) string {
	if strings.HasSuffix(kind, "_cs") || kind == "bin" {
		return charset + "_bin"
	}
	return charset + "_unicode_520_ci"
}

// withoutNopad finds MySQL's collation for one of MariaDB's NO PAD ones.
func (s Server) withoutNopad(charset, rest string) string {
	if charset == "utf8mb4" && s.id() >= bin0900Since {
		switch rest {
		case "nopad_bin":
			return "utf8mb4_0900_bin"
		case "unicode_nopad_ci", "unicode_520_nopad_ci":
			return "utf8mb4_0900_ai_ci"
		}
	}
	return charset + "_" + strings.Replace(rest, "nopad_", "", 1)
}

// plainName spells a collation of utf8mb3 as the server does.
func (s Server) plainName(name string) string {
	if rest, ok := strings.CutPrefix(name, "utf8mb3_"); ok && s.Flavour == MySQL && s.id() < utf8mb3Names {
		return "utf8_" + rest
	}
	return name
}

// collations maps every collation that the statement names.
func (d *draft) collations() {
	for i, t := range d.live {
		switch {
		case t.Is("COLLATE"):
		case d.st.Kind == dump.SetStatement && strings.HasPrefix(word(t), "collation_"):
			if !d.isByte(i+1, '=') && !d.isByte(i+1, ':') {
				continue
			}
		default:
			continue
		}
		i++
		for d.isByte(i, '=') || d.isByte(i, ':') {
			i++
		}
		d.collation(d.at(i))
	}
}

func (d *draft) collation(t dump.Token) {
	if t.Kind == dump.ByteToken || len(t.Raw) == 0 {
		return
	}
	old := word(t)
	near, differs := d.to.collation(old)
	if !differs {
		return
	}
	d.replace(t, requoted(t, near))
	if !sameName(old, near) {
		d.note("%s has no collation %s; %s is used instead, which may sort and compare a little differently", d.to, old, near)
	}
}

// sameName reports whether two names differ in the spelling of utf8 only.
func sameName(a, b string) bool {
	return strings.TrimPrefix(a, "utf8mb3_") == strings.TrimPrefix(b, "utf8_")
}
