package expr

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dbake/dbake/internal/inroot"
	inrootserver "github.com/dbake/dbake/internal/inroot/server"
)

// updateWeights, when set, writes the tables instead of comparing them.
const updateWeights = "DBAKE_UPDATE_WEIGHTS"

type family struct {
	weights          *weights
	collation        string
	charset, flavour string // flavour: that of the server that has it; empty: both
}

var families = []family{
	{&generalWeights, "utf8mb4_general_ci", "utf8mb4", ""},
	{&unicodeWeights, "utf8mb4_unicode_ci", "utf8mb4", ""},
	{&unicode520Weights, "utf8mb4_unicode_520_ci", "utf8mb4", ""},
	{&uca0900Weights, "utf8mb4_0900_ai_ci", "utf8mb4", "mysql"},
	{&uca1400Weights, "utf8mb4_uca1400_ai_ci", "utf8mb4", "mariadb"},
	{&latin1Weights, "latin1_swedish_ci", "latin1", ""},
}

// serverWeights asks the server for the weights of some characters.
func serverWeights(ctx context.Context, conn *sql.Conn, f family, list []rune) (map[rune][]uint16, error) {
	out := map[rune][]uint16{}
	for part := range slices.Chunk(list, 500) {
		var q strings.Builder
		for i, r := range part {
			if i > 0 {
				q.WriteString(" UNION ALL ")
			}
			fmt.Fprintf(&q, "SELECT %d, HEX(WEIGHT_STRING(CONVERT(_utf8mb4 0x%x USING %s) COLLATE %s))", r, string(r), f.charset, f.collation)
		}
		if err := scanWeights(ctx, conn, q.String(), f, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func scanWeights(ctx context.Context, conn *sql.Conn, query string, f family, out map[rune][]uint16) error {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	size := 4
	if f.charset == "latin1" {
		size = 2
	}
	for rows.Next() {
		var r rune
		var hex sql.NullString
		if err := rows.Scan(&r, &hex); err != nil {
			return err
		}
		weights := []uint16{}
		for i := 0; i+size <= len(hex.String); i += size {
			w, err := strconv.ParseUint(hex.String[i:i+size], 16, 16)
			if err != nil {
				return err
			}
			weights = append(weights, uint16(w))
		}
		out[r] = weights
	}
	return rows.Err()
}

// TestServerWeights compares the tables with what the servers say, for a part of
// the characters, or writes them.
func TestServerWeights(t *testing.T) {
	inroot.Skip(t)
	conn := inrootserver.Session(t)
	update := os.Getenv(updateWeights) != ""
	for _, f := range families {
		if f.flavour != "" && f.flavour != inroot.Flavour() {
			continue
		}
		t.Run(f.collation, func(t *testing.T) {
			var list []rune
			for r := rune(1); r <= lastRune; r++ {
				ok := utf8.ValidRune(r) && (f.charset != "latin1" || isLatin1(r))
				if ok && (update || r < 0x600 || r%97 == 0) {
					list = append(list, r)
				}
			}
			got, err := serverWeights(t.Context(), conn, f, list)
			if err != nil {
				t.Fatal(err)
			}
			if update {
				writeWeights(t, f, list, got)
				return
			}
			if err := f.weights.load(); err != nil {
				t.Fatal(err)
			}
			bad := 0
			for _, r := range list {
				var scratch [2]uint16
				want, err := f.weights.of(r, &scratch)
				if (err != nil || !slices.Equal(want, got[r])) && bad < 10 {
					t.Errorf("U+%04X weighs %x, the server says %x (%v)", r, want, got[r], err)
					bad++
				}
			}
		})
	}
}

func writeWeights(t *testing.T, f family, list []rune, got map[rune][]uint16) {
	t.Helper()
	var raw []byte
	last := rune(0)
	for _, r := range list {
		var scratch [2]uint16
		if rule, ok := f.weights.rule(r, &scratch); ok && slices.Equal(rule, got[r]) {
			continue
		}
		raw = binary.AppendUvarint(raw, uint64(r-last))
		raw = binary.AppendUvarint(raw, uint64(len(got[r])))
		for _, w := range got[r] {
			raw = binary.AppendUvarint(raw, uint64(w))
		}
		last = r
	}
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zip.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("weights/"+f.weights.file+".gz", out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes", f.weights.file, out.Len())
}

// isLatin1 reports whether a character is in the servers' latin1, which is cp1252.
func isLatin1(r rune) bool {
	return r < 0x80 || (r >= 0xA0 && r <= 0xFF) || strings.ContainsRune("€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ", r)
}
