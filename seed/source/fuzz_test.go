package source

import (
	"bytes"
	"io"
	"testing"
)

func FuzzDecompress(f *testing.F) {
	text := sqlText(700, 1)
	for format, encode := range encoders {
		if format != FormatBzip2 {
			f.Add(encode(f, text))
		}
	}
	f.Add(testdata(f, "small.sql.bz2"))
	f.Add([]byte("-- MySQL dump\n"))
	f.Add([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd\x28\xb5\x2f\xfd"))
	for _, foreign := range foreigners {
		f.Add([]byte(foreign.bytes))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		z, format, err := Decompress(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer z.Close()
		// Few bytes may stand for very many; a consumer need not want them.
		n, err := io.Copy(io.Discard, io.LimitReader(z, 64<<20))
		if format == FormatNone && (err != nil || n != int64(len(data))) {
			t.Fatalf("%d of %d bytes, err %v", n, len(data), err)
		}
	})
}
