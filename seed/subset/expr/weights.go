package expr

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// weights are the weights that a family of collations gives to characters, on
// the level that decides in an _ai_ci or _ci collation. They are what the
// servers' WEIGHT_STRING() gives for single characters: the tables in the folder
// weights are written by TestServerWeights, which also compares them.
type weights struct {
	file string
	// rule gives the weights of a character that the table does not hold.
	rule func(r rune, scratch *[2]uint16) ([]uint16, bool)

	once  sync.Once
	pages [lastRune>>8 + 1]*[256]entry
	all   []uint16
	err   error
}

// lastRune is the last character the tables cover. What is above has no letters.
const lastRune = 0x2FFFF

// entry is where a character's weights are: n of them, from all[start-1] on;
// start is 0 for a character that the rule decides.
type entry struct {
	start uint32
	n     uint8
}

//go:embed weights
var weightFiles embed.FS

var (
	generalWeights    = weights{file: "general", rule: generalRule}
	unicodeWeights    = weights{file: "unicode", rule: planeRule}
	unicode520Weights = weights{file: "unicode_520", rule: implicitRule}
	uca0900Weights    = weights{file: "uca0900", rule: implicitRule}
	uca1400Weights    = weights{file: "uca1400", rule: implicitRule}
	latin1Weights     = weights{file: "latin1", rule: noRule}
)

// generalRule: a character weighs its code point, and one beyond the first
// plane what U+FFFD does.
func generalRule(r rune, scratch *[2]uint16) ([]uint16, bool) {
	scratch[0] = utf8.RuneError
	if r < 0x10000 {
		scratch[0] = uint16(r)
	}
	return scratch[:1], true
}

func noRule(rune, *[2]uint16) ([]uint16, bool) { return nil, false }

// implicitRule is han's.
func implicitRule(r rune, scratch *[2]uint16) ([]uint16, bool) {
	*scratch = han(r)
	return scratch[:], true
}

// planeRule is han's for the first plane; all beyond it weigh the same.
func planeRule(r rune, scratch *[2]uint16) ([]uint16, bool) {
	if r >= 0x10000 {
		return generalRule(r, scratch)
	}
	return implicitRule(r, scratch)
}

// han gives the implicit weights of a character without an entry of its own in
// the Unicode Collation Algorithm (UTS #10, section 10.1.3).
func han(r rune) [2]uint16 {
	base := rune(0xFBC0)
	switch {
	case r >= 0x4E00 && r <= 0x9FFF:
		base = 0xFB40
	case (r >= 0x3400 && r <= 0x4DBF) || r >= 0x20000:
		base = 0xFB80
	}
	return [2]uint16{uint16(base + (r >> 15)), uint16(r&0x7FFF | 0x8000)}
}

// load reads the table: gzip over, for each character, the distance from the
// one before, the number of weights, and the weights, all as uvarints.
func (w *weights) load() error {
	w.once.Do(func() {
		data, err := weightFiles.ReadFile("weights/" + w.file + ".gz")
		if err != nil {
			w.err = err
			return
		}
		zip, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			w.err = err
			return
		}
		w.err = w.read(bufio.NewReader(zip))
	})
	if w.err != nil {
		return fmt.Errorf("read the weights of %s: %w", w.file, w.err)
	}
	return nil
}

func (w *weights) read(in *bufio.Reader) error {
	r := uint64(0)
	for {
		step, err := binary.ReadUvarint(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		n, err2 := binary.ReadUvarint(in)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if r += step; r > lastRune {
			return errors.New("a character is out of range")
		}
		page := &w.pages[r>>8]
		if *page == nil {
			*page = new([256]entry)
		}
		(*page)[r&0xFF] = entry{uint32(len(w.all)) + 1, uint8(n)}
		for range n {
			x, err := binary.ReadUvarint(in)
			if err != nil {
				return err
			}
			w.all = append(w.all, uint16(x))
		}
	}
}

// of gives the weights of a character; it may have none at all.
func (w *weights) of(r rune, scratch *[2]uint16) ([]uint16, error) {
	if r >= 0 && r <= lastRune {
		if page := w.pages[r>>8]; page != nil {
			if e := page[r&0xFF]; e.start > 0 {
				return w.all[e.start-1 : e.start-1+uint32(e.n)], nil
			}
		}
		if list, ok := w.rule(r, scratch); ok {
			return list, nil
		}
	}
	return nil, errUnknown
}

// walk gives the weights of a text one after the other.
type walk struct {
	w       *weights
	s       []byte
	pending []uint16
	scratch [2]uint16
}

func (k *walk) next() (weight uint16, ok bool, err error) {
	for len(k.pending) == 0 {
		if len(k.s) == 0 {
			return 0, false, nil
		}
		r, n := rune(k.s[0]), 1
		if r >= utf8.RuneSelf {
			if r, n = utf8.DecodeRune(k.s); r == utf8.RuneError && n == 1 {
				return 0, false, errNotText
			}
		}
		k.s = k.s[n:]
		if k.pending, err = k.w.of(r, &k.scratch); err != nil {
			return 0, false, err
		}
	}
	weight, k.pending = k.pending[0], k.pending[1:]
	return weight, true, nil
}

func (w *weights) compare(a, b []byte, pad bool) (int, error) {
	if bytes.Equal(a, b) {
		return 0, nil
	}
	x, y := walk{w: w, s: a}, walk{w: w, s: b}
	var scratch [2]uint16
	space, err := w.of(' ', &scratch)
	if err != nil {
		return 0, err
	}
	for {
		wx, okx, errx := x.next()
		wy, oky, erry := y.next()
		if err := errors.Join(errx, erry); err != nil {
			return 0, err
		}
		switch {
		case !okx && !oky:
			return 0, nil
		case !pad && (!okx || !oky):
			if okx {
				return 1, nil
			}
			return -1, nil
		case !okx:
			wx = space[0]
		case !oky:
			wy = space[0]
		}
		if wx != wy {
			return cmp.Compare(wx, wy), nil
		}
	}
}
