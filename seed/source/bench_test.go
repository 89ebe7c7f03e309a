package source

import (
	"bytes"
	"io"
	"testing"

	"github.com/ulikunitz/xz"
)

// BenchmarkDecompress measures text bytes per second.
func BenchmarkDecompress(b *testing.B) {
	text := sqlText(32<<20, 1)
	for _, format := range []Format{FormatGzip, FormatZstd, FormatLz4, FormatXz, FormatNone} {
		b.Run(string(format), func(b *testing.B) {
			data := text
			switch format {
			case FormatNone:
			case FormatXz: // one block, as xz makes it
				data = encode(b, text, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
			default:
				data = encoders[format](b, text)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				z, _, err := Decompress(bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, struct{ io.Reader }{z}); err != nil || n != int64(len(text)) {
					b.Fatal(n, err)
				}
				_ = z.Close()
			}
		})
	}
	b.Run(string(FormatBzip2), func(b *testing.B) {
		data := testdata(b, "large.sql.bz2")
		b.SetBytes(150000)
		for b.Loop() {
			if _, _, err := decompress(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
