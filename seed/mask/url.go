package mask

import (
	"bytes"

	"github.com/dbake/dbake/seed/rows"
)

// webAddress gives URLs of the same scheme and shape, with their host below
// example.com: "https://acme.org/u/jo?id=7" may become
// "https://qxzt.kwb.example.com/p/ma?xe=2". A port stays.
type webAddress struct{ keepHost bool }

func newURL(_ *transform, o options) (definition, error) { return webAddress{o.flag("keep_host")}, nil }

func (d webAddress) bind(b *binder) (step, traits, error) {
	if err := b.wantsText(); err != nil {
		return nil, traits{}, err
	}
	s := &urlStep{keepHost: d.keepHost, shape: shape{permuter: b.permuter("url"), hex: true}}
	return valued{s}, traits{injective: !b.folded()}, nil
}

type urlStep struct {
	keepHost bool
	shape    shape
	bare     []byte
	out      []byte
}

// below is the domain that hosts are put below.
const below = ".example.com"

func (s *urlStep) apply(_ *row, v value) (value, error) {
	at := bytes.Index(v.text, []byte("://"))
	if at < 0 || !isScheme(v.text[:at]) || !s.shape.shaped(v.text) {
		return value{rows.Text, s.shape.apply(v.text)}, nil
	}
	start := at + len("://")
	end, port := hostEnd(v.text, start)
	// What is permuted is all but the scheme, the port and a host that stays.
	kept := end // where a host that stays begins: behind the user's name
	if s.keepHost {
		kept = start + bytes.LastIndexByte(v.text[start:end], '@') + 1
	}
	s.bare = append(s.bare[:0], v.text[start:kept]...)
	host := len(s.bare)
	s.bare = append(s.bare, v.text[port:]...)
	masked := s.shape.apply(s.bare)
	s.out = append(s.out[:0], v.text[:start]...)
	s.out = append(s.out, masked[:host]...)
	if !s.keepHost {
		s.out = append(s.out, below...)
	}
	s.out = append(s.out, v.text[kept:port]...)
	s.out = append(s.out, masked[host:]...)
	return value{rows.Text, s.out}, nil
}

// isScheme reports whether a text is a scheme (RFC 3986, section 3.1). Text before a
// URL is none, and does not stay. What is none has no mask that is one.
func isScheme(text []byte) bool {
	for i, c := range text {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || !isDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return len(text) > 0
}

// maxPort is how many digits a port has at most.
const maxPort = 5

// hostEnd returns where the host that begins at start ends, and the port behind
// it.
func hostEnd(text []byte, start int) (end, port int) {
	port = len(text)
	if at := bytes.IndexAny(text[start:], "/?#"); at >= 0 {
		port = start + at
	}
	end = port
	for end > start && text[end-1] >= '0' && text[end-1] <= '9' {
		end--
	}
	if end > start && text[end-1] == ':' && end < port && port-end <= maxPort {
		return end - 1, port
	}
	return port, port
}
