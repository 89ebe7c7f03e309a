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
	if at < 0 || !s.shape.shaped(v.text) {
		return value{rows.Text, s.shape.apply(v.text)}, nil
	}
	start := at + len("://")
	end, port := hostEnd(v.text, start)
	// What is permuted is all but the scheme, the port and a host that stays.
	s.bare = append(s.bare[:0], v.text[start:end]...)
	if s.keepHost {
		s.bare = s.bare[:0]
	}
	host := len(s.bare)
	s.bare = append(s.bare, v.text[port:]...)
	masked := s.shape.apply(s.bare)
	s.out = append(s.out[:0], v.text[:start]...)
	if s.keepHost {
		s.out = append(s.out, v.text[start:port]...)
	} else {
		s.out = append(s.out, masked[:host]...)
		s.out = append(s.out, below...)
		s.out = append(s.out, v.text[end:port]...)
	}
	s.out = append(s.out, masked[host:]...)
	return value{rows.Text, s.out}, nil
}

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
	if end > start && text[end-1] == ':' && end < port {
		return end - 1, port
	}
	return port, port
}
