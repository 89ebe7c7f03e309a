package policy

import (
	"bytes"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/dbake/dbake/seed/mask/words"
	"github.com/dbake/dbake/seed/rows"
)

// maxValue is how much of a value is looked at, in bytes.
const maxValue = 4 << 10

// seen are the kinds that values show, with how many percent of a column's values
// must be of the kind: one address among a hundred settings is somebody's, but some
// words are names, and some numbers look like those of cards.
var seen = [...]struct {
	kind  Kind
	share int64
	look  func(value []byte) bool
}{
	{Email, 1, holdsEmail},
	{IBAN, 5, isIBAN},
	{Card, 40, isCard},
	{IP, 40, isIP},
	{MAC, 40, isMAC},
	{Phone, 40, isPhone},
	{FullName, 40, isName},
}

// Sample counts what the values of one column look like. Its methods may be called
// from several goroutines.
type Sample struct {
	values atomic.Int64
	of     [len(seen)]atomic.Int64
}

// Add looks at a value.
func (s *Sample) Add(kind rows.Kind, value []byte) {
	if kind == rows.Null || len(value) == 0 {
		return
	}
	s.values.Add(1)
	if kind != rows.Text && kind != rows.Bytes {
		return
	}
	value = value[:min(len(value), maxValue)]
	for i := range seen {
		if seen[i].look(value) {
			s.of[i].Add(1)
			return
		}
	}
}

// Kind says what the values seem to be, how many of them are, and how many there
// were, not counting NULL and empty ones; empty when nothing personal.
func (s *Sample) Kind() (kind Kind, hits, values int64) {
	values = s.values.Load()
	for i := range seen {
		if n := s.of[i].Load(); n > 0 && n*100 >= values*seen[i].share {
			return seen[i].kind, n, values
		}
	}
	return "", 0, values
}

// Certain says what personal thing a text holds for sure, such as an email address;
// empty when none.
func Certain(text []byte) Kind {
	text = text[:min(len(text), maxValue)]
	if holdsEmail(text) {
		return Email
	}
	for _, word := range bytes.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if isIBAN(word) {
			return IBAN
		}
		if len(word) >= 15 && isCard(word) {
			return Card
		}
	}
	return ""
}

// holdsEmail looks for an address anywhere in a text, apart from domains that are
// nobody's (RFC 2606).
func holdsEmail(v []byte) bool {
	for from := 0; ; {
		i := bytes.IndexByte(v[from:], '@')
		if i < 0 {
			return false
		}
		i += from
		from = i + 1
		if i == 0 || !isLocal(v[i-1]) {
			continue
		}
		end := i + 1
		for end < len(v) && (isAlnum(v[end]) || v[end] == '-' || v[end] == '.' || v[end] >= 0x80) {
			end++
		}
		domain := strings.ToLower(strings.Trim(string(v[i+1:end]), ".-"))
		dot := strings.LastIndexByte(domain, '.')
		if dot < 1 || len(domain)-dot < 3 || strings.ContainsAny(domain[dot:], "0123456789") || isReserved(domain) {
			continue
		}
		return true
	}
}

func isReserved(domain string) bool {
	for _, r := range []string{"example.com", "example.org", "example.net", "example.jp", "example.co.jp"} {
		if domain == r || strings.HasSuffix(domain, "."+r) {
			return true
		}
	}
	for _, r := range []string{".test", ".example", ".invalid", ".localhost", ".local"} {
		if strings.HasSuffix(domain, r) {
			return true
		}
	}
	return false
}

func isLocal(b byte) bool {
	return isAlnum(b) || strings.IndexByte("._%+-!#$&'*/=?^`{|}~\"", b) >= 0 || b >= 0x80
}

func isAlnum(b byte) bool { return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' }

// isIBAN checks length and check digits (ISO 13616).
func isIBAN(v []byte) bool {
	if len(v) < 15 || len(v) > 42 || v[0]|0x20 < 'a' || v[0]|0x20 > 'z' {
		return false
	}
	v = bytes.ReplaceAll(v, []byte(" "), nil)
	if len(v) < 15 || len(v) > 34 || !isLetter(v[0]) || !isLetter(v[1]) || !isDigit(v[2]) || !isDigit(v[3]) {
		return false
	}
	var digits strings.Builder
	for _, b := range append(bytes.Clone(v[4:]), v[:4]...) {
		switch {
		case isDigit(b):
			digits.WriteByte(b)
		case isLetter(b):
			n := int(b|0x20-'a') + 10
			digits.WriteByte(byte('0' + n/10))
			digits.WriteByte(byte('0' + n%10))
		default:
			return false
		}
	}
	n, ok := new(big.Int).SetString(digits.String(), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
func isDigit(b byte) bool  { return b >= '0' && b <= '9' }

// isCard checks length, issuer and check digit (ISO/IEC 7812).
func isCard(v []byte) bool {
	if len(v) < 13 || len(v) > 23 || v[0] < '2' || v[0] > '6' {
		return false
	}
	sum, n := 0, 0
	for i := len(v) - 1; i >= 0; i-- {
		switch b := v[i]; {
		case isDigit(b):
			d := int(b - '0')
			if n%2 == 1 {
				if d *= 2; d > 9 {
					d -= 9
				}
			}
			sum += d
			n++
		case b != ' ' && b != '-':
			return false
		}
	}
	return n >= 13 && n <= 19 && sum%10 == 0
}

func isIP(v []byte) bool {
	if len(v) < 7 || len(v) > 45 || bytes.IndexByte(v, '.') < 0 && bytes.IndexByte(v, ':') < 0 {
		return false
	}
	a, err := netip.ParseAddr(string(v))
	return err == nil && !a.IsUnspecified() && !a.IsLoopback()
}

func isMAC(v []byte) bool {
	if len(v) != 17 {
		return false
	}
	for i, b := range v {
		if i%3 == 2 {
			if b != ':' && b != '-' {
				return false
			}
		} else if !isDigit(b) && (b|0x20 < 'a' || b|0x20 > 'f') {
			return false
		}
	}
	return true
}

// isPhone takes what is written as phone numbers are: with a plus, a leading zero or
// separators. A number alone may be anything.
func isPhone(v []byte) bool {
	if len(v) < 8 || len(v) > 24 || v[0] != '+' && v[0] != '0' && v[0] != '(' && !isDigit(v[0]) {
		return false
	}
	digits, groups := 0, 1
	for i, b := range v {
		switch {
		case isDigit(b):
			digits++
		case b == '+' && i == 0:
		case b == ' ' || b == '-' || b == '.' || b == '/' || b == '(' || b == ')':
			groups++
		default:
			return false
		}
	}
	switch {
	case digits < 8 || digits > 15:
		return false
	case v[0] == '+':
		return true
	case bytes.Count(v, []byte("-")) == 2 && len(v) == 10: // 2026-11-21
		return false
	case v[0] == '0':
		return digits == 10 || digits == 11
	}
	return v[0] == '(' && digits == 10 || groups == 3 && digits == 10 && len(v) == 12
}

// known are given and family names, in lower case.
var known = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, locale := range []string{"en", "de", "es", "fr", "it", "ja", "ko", "nl", "pt", "zh"} {
		l, err := words.Of(locale)
		if err != nil {
			continue
		}
		for _, list := range [][]words.Name{l.Given, l.Family} {
			for _, n := range list {
				for _, text := range []string{n.Text, n.Kana} {
					if text != "" {
						names[strings.ToLower(text)] = true
					}
				}
			}
		}
	}
	return names
})

// isName takes two to four words that begin with capitals, one of which is a known
// name; and a known Japanese, Chinese or Korean name with one to three characters
// of another behind it.
func isName(v []byte) bool {
	if len(v) < 4 || len(v) > 60 {
		return false
	}
	r, _ := utf8.DecodeRune(v)
	switch {
	case unicode.IsUpper(r):
		return isWesternName(string(v))
	case unicode.In(r, unicode.Han, unicode.Katakana, unicode.Hangul):
		return isEasternName(string(v))
	}
	return false
}

func isWesternName(v string) bool {
	list := strings.Fields(v)
	if len(list) < 2 || len(list) > 4 {
		return false
	}
	hit := false
	for _, w := range list {
		for _, r := range w {
			if !unicode.IsLetter(r) && r != '-' && r != '\'' && r != '.' {
				return false
			}
		}
		hit = hit || known()[strings.ToLower(w)]
	}
	return hit
}

func isEasternName(v string) bool {
	v = strings.ReplaceAll(strings.ReplaceAll(v, " ", ""), "\u3000", "")
	runes := []rune(v)
	if len(runes) < 2 || len(runes) > 12 {
		return false
	}
	for _, r := range runes {
		if !unicode.In(r, unicode.Han, unicode.Katakana, unicode.Hiragana, unicode.Hangul) && r != 'ー' && r != '々' {
			return false
		}
	}
	limit := 4 // characters behind a family name in kanji
	if unicode.Is(unicode.Katakana, runes[0]) {
		limit = 8
	}
	for n := 1; n < len(runes) && n <= 6; n++ {
		if known()[string(runes[:n])] && len(runes)-n <= limit && (n > 1 || known()[string(runes[n:])]) {
			return true
		}
	}
	return false
}
