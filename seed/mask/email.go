package mask

import (
	"bytes"
	"errors"

	"github.com/dbake/dbake/seed/mask/words"
	"github.com/dbake/dbake/seed/rows"
)

// email gives addresses. In the style "unique" the letters and digits of the
// whole address are permuted as one shape, its @ becomes a _, and a domain that
// receives nothing is put behind: "jo.doe@acme.org" may become
// "qk.wzt_bxae.pfm@example.com". The way back is: cut the domain off, make the
// last _ an @, and permute back. So different addresses have different masks.
// What that does not work for gets a code, which begins with ~ as no other mask does.
type email struct {
	domain string
	keep   bool
	named  bool
	words  *words.Locale
}

func newEmail(_ *transform, o options) (definition, error) {
	locale, err := words.Of(o.text("locale", "en"))
	if err != nil {
		return nil, o.fail("locale", "", "%v", err)
	}
	d := email{o.text("domain", "example.com"), o.flag("keep_domain"), o.text("style", "unique") == "name", locale}
	if o.has("domain") && d.keep {
		return nil, o.fail("domain", "choose one", "keep_domain keeps the domain")
	}
	for _, c := range d.domain {
		if class, _ := classOf(c); c >= 0x80 || class == fixed && c != '.' && c != '-' {
			return nil, o.fail("domain", "write example.com", "this is no domain")
		}
	}
	return d, nil
}

func (d email) bind(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	if d.named {
		s := &namedEmail{email: d, seeder: b.seeder("email"), limit: -1}
		if b.model != nil {
			s.limit = shortest(b.model.chars, b.model.bytes)
		}
		return valued{s}, traits{}, nil
	}
	s := &uniqueEmail{email: d, shape: shape{permuter: b.permuter("email")}}
	return valued{s}, traits{injective: !b.folded()}, nil
}

// shortest is the smaller of two limits, of which -1 is none.
func shortest(a, b int64) int {
	if a < 0 || (b >= 0 && b < a) {
		a = b
	}
	return int(a)
}

type uniqueEmail struct {
	email
	shape shape
	out   []byte
}

func (s *uniqueEmail) apply(_ *row, v value) (value, error) {
	at := bytes.LastIndexByte(v.text, '@')
	if s.keep && at >= 0 {
		s.keepDomain(v.text[:at], v.text[at:])
		return value{rows.Text, s.out}, nil
	}
	s.out = s.out[:0]
	if at >= 0 && bytes.IndexByte(v.text[at:], '_') < 0 && s.shape.shaped(v.text) {
		s.out = append(s.out, s.shape.apply(v.text)...)
		s.out[at] = '_'
	} else {
		s.out = s.shape.code(append(s.out, mark), v.text)
		if s.keep {
			// "~code~@domain" is no mask of an address whose domain is kept.
			s.out = append(s.out, mark)
		}
	}
	s.out = append(s.out, '@')
	s.out = append(s.out, s.domain...)
	return value{rows.Text, s.out}, nil
}

// keepDomain masks what is before the @.
func (s *uniqueEmail) keepDomain(local, domain []byte) {
	s.out = append(s.out[:0], s.shape.apply(local)...)
	s.out = append(s.out, domain...)
}

// namedEmail makes addresses of names.
type namedEmail struct {
	email
	*seeder
	limit int
	out   []byte
}

var errShortEmail = errors.New("the column is too short for an address (choose a shorter domain)")

func (s *namedEmail) apply(_ *row, v value) (value, error) {
	domain := append([]byte{'@'}, s.domain...)
	if at := bytes.LastIndexByte(v.text, '@'); s.keep && at >= 0 {
		domain = v.text[at:]
	}
	s.out = appendLogin(s.out[:0], s.seed(v.text), s.words)
	if s.limit >= 0 && len(s.out)+len(domain) > s.limit {
		if s.limit <= len(domain) {
			return v, errShortEmail
		}
		s.out = s.out[:s.limit-len(domain)]
	}
	s.out = append(s.out, domain...)
	return value{rows.Text, s.out}, nil
}

// appendLogin writes a name as people have it in addresses: "emma.moreau27".
func appendLogin(dst []byte, r *random, w *words.Locale) []byte {
	given := w.Given[r.below(uint64(len(w.Given)))]
	family := w.Family[r.below(uint64(len(w.Family)))]
	for i, name := range []string{given.Latin, family.Latin} {
		if i > 0 {
			dst = append(dst, '.')
		}
		for _, c := range []byte(name) {
			if c |= 0x20; c >= 'a' && c <= 'z' {
				dst = append(dst, c)
			}
		}
	}
	return r.digits(dst, 2)
}

// username gives names of users.
type username struct {
	named bool
	words *words.Locale
}

func newUsername(_ *transform, o options) (definition, error) {
	locale, err := words.Of(o.text("locale", "en"))
	if err != nil {
		return nil, o.fail("locale", "", "%v", err)
	}
	return username{o.text("style", "unique") == "name", locale}, nil
}

func (d username) bind(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	if d.named {
		return valued{&loginStep{words: d.words, seeder: b.seeder("username")}}, traits{cut: true}, nil
	}
	return valued{&shapeStep{shape: shape{permuter: b.permuter("username")}}}, traits{injective: !b.folded()}, nil
}

type loginStep struct {
	words *words.Locale
	*seeder
	out []byte
}

func (s *loginStep) apply(_ *row, v value) (value, error) {
	s.out = appendLogin(s.out[:0], s.seed(v.text), s.words)
	return value{rows.Text, s.out}, nil
}

// shapeStep permutes a text within its shape.
type shapeStep struct{ shape shape }

func (s *shapeStep) apply(_ *row, v value) (value, error) {
	return value{v.kind, s.shape.apply(v.text)}, nil
}
