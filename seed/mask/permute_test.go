package mask

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func testPermuter(label string) *permuter {
	k := newKeys([]byte("a key that only tests have"))
	return (&binder{keys: &k}).permuter(label)
}

// TestNumbersArePermuted goes over whole sets: no result is missing, none comes
// twice.
func TestNumbersArePermuted(t *testing.T) {
	t.Parallel()
	p := testPermuter("test")
	sizes := []uint64{1000, 1 << 10, 9000}
	for n := range uint64(130) {
		sizes = append(sizes, n+1)
	}
	for _, n := range sizes {
		moved := 0
		seen := make([]bool, n)
		for x := range n {
			y := p.number(x, n, 7)
			if y >= n || seen[y] {
				t.Fatalf("of %d numbers %d becomes %d, which is out of the set or taken", n, x, y)
			}
			seen[y] = true
			if x != y {
				moved++
			}
		}
		if n > 50 && moved < int(n)*8/10 {
			t.Errorf("of %d numbers only %d move", n, moved)
		}
	}
}

// TestLargeSetsAreNotLeft: the largest sets work as well.
func TestLargeSetsAreNotLeft(t *testing.T) {
	t.Parallel()
	p := testPermuter("test")
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 1<<63).Draw(t, "n")
		x := rapid.Uint64Max(n-1).Draw(t, "x")
		y := rapid.Uint64Max(n-1).Draw(t, "y")
		a, b := p.number(x, n, 0), p.number(y, n, 0)
		if a >= n || b >= n || (a == b) != (x == y) {
			t.Fatalf("%d and %d become %d and %d of %d", x, y, a, b, n)
		}
	})
}

// TestRowsArePermuted goes over all rows of digits of some radices, through both
// networks.
func TestRowsArePermuted(t *testing.T) {
	t.Parallel()
	p := testPermuter("test")
	networks := map[string]func([]byte, []uint16){"any": p.digits, "long": p.row}
	for name, permute := range networks {
		for _, radices := range [][]uint16{{10, 10, 10}, {26, 10, 4}, {2, 3, 4, 5, 6}, {64, 64}, {4, 16, 16}, {6, 26}, {2, 2, 2, 2, 2, 2, 2}} {
			seen := map[string]bool{}
			digits := make([]byte, len(radices))
			for {
				row := bytes.Clone(digits)
				permute(row, radices)
				for i, d := range row {
					if uint16(d) >= radices[i] {
						t.Fatalf("%s network, radices %v: digit %d of %v is too large", name, radices, i, row)
					}
				}
				if seen[string(row)] {
					t.Fatalf("%s network, radices %v: %v comes twice", name, radices, row)
				}
				seen[string(row)] = true
				if !increment(digits, radices) {
					break
				}
			}
			if len(seen) != productOf(radices) {
				t.Errorf("%s network, radices %v: %d results", name, radices, len(seen))
			}
		}
	}
}

func increment(digits []byte, radices []uint16) bool {
	for i := range digits {
		if uint16(digits[i])+1 < radices[i] {
			digits[i]++
			return true
		}
		digits[i] = 0
	}
	return false
}

func productOf(radices []uint16) int {
	n := 1
	for _, r := range radices {
		n *= int(r)
	}
	return n
}

// TestLongRowsDiffer: one digit changed changes all of a long row.
func TestLongRowsDiffer(t *testing.T) {
	t.Parallel()
	p := testPermuter("test")
	rapid.Check(t, func(t *rapid.T) {
		radix := rapid.SampledFrom([]uint16{10, 26, 256}).Draw(t, "radix")
		a := rapid.SliceOfN(rapid.ByteMax(byte(radix-1)), 30, 200).Draw(t, "digits")
		b := bytes.Clone(a)
		i := rapid.IntRange(0, len(b)-1).Draw(t, "i")
		b[i] = byte((uint16(b[i]) + 1) % radix)
		radices := make([]uint16, len(a))
		for i := range radices {
			radices[i] = radix
		}
		p.digits(a, radices)
		p.digits(b, radices)
		same := 0
		for i := range a {
			if a[i] == b[i] {
				same++
			}
		}
		if same > len(a)/2 {
			t.Fatalf("%d of %d digits are the same", same, len(a))
		}
	})
}

// TestCodesAreUnique goes over all texts of one byte and some of two, and lengths.
func TestCodesAreUnique(t *testing.T) {
	t.Parallel()
	p := testPermuter("test")
	seen := map[string]bool{}
	add := func(text []byte) {
		c := string(p.code(nil, text))
		if seen[c] {
			t.Fatalf("the code of %x comes twice", text)
		}
		seen[c] = true
	}
	for a := range 256 {
		add([]byte{byte(a)})
		for b := range 30 {
			add([]byte{byte(a), byte(b)})
		}
	}
	lengths := map[int]bool{}
	for n := range 300 {
		l := len(p.code(nil, make([]byte, n)))
		if lengths[l] {
			t.Errorf("codes of texts of %d bytes have the length of those of others", n)
		}
		lengths[l] = true
	}
}

// TestRandomNumbersStay: the first numbers of a seed, which all masks rest on.
func TestRandomNumbersStay(t *testing.T) {
	t.Parallel()
	k := newKeys([]byte("a key that only tests have"))
	r := (&binder{keys: &k}).seeder("test").seed([]byte("value"))
	got := fmt.Sprintf("%016x %016x %d", r.next(), r.next(), r.below(1000))
	if want := "bb02b2b9ad896d69 9a135622e33ff600 102"; got != want {
		t.Errorf("random numbers are %s, want %s", got, want)
	}
}

func TestSpellingsOfAValueAreOne(t *testing.T) {
	t.Parallel()
	k := newKeys([]byte("a key that only tests have"))
	s := (&binder{keys: &k}).seeder("test")
	want := *s.seed([]byte("müller straße"))
	for _, text := range []string{"Müller Straße", " MÜLLER STRAße ", "müller straße  "} {
		if *s.seed([]byte(text)) != want {
			t.Errorf("%q has a seed of its own", text)
		}
	}
	if *s.seed([]byte("muller strasse")) == want {
		t.Error("another value has the same seed")
	}
}
