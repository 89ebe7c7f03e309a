package target

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestHoldBackKeepsTheEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var out, want bytes.Buffer
		h := NewHoldBack(&out)
		for i, n := range rapid.SliceOfN(rapid.IntRange(0, 3*held), 0, 8).Draw(t, "sizes") {
			p := []byte(strings.Repeat(string(rune('a'+i)), n))
			want.Write(p)
			if written, err := h.Write(p); written != n || err != nil {
				t.Fatalf("wrote %d of %d bytes: %v", written, n, err)
			}
			if n := max(want.Len()-held, 0); out.Len() != n || !bytes.HasPrefix(want.Bytes(), out.Bytes()) {
				t.Fatalf("%d bytes are written, want the first %d of %d", out.Len(), n, want.Len())
			}
		}
		if err := h.Release(); err != nil || !bytes.Equal(out.Bytes(), want.Bytes()) {
			t.Fatalf("%d bytes in the end (%v), want %d", out.Len(), err, want.Len())
		}
	})
}
