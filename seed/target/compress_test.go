package target

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func unpack(t *testing.T, c Compression, packed []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(packed)
	var err error
	switch c {
	case Zstd:
		var z *zstd.Decoder
		z, err = zstd.NewReader(r)
		if err == nil {
			defer z.Close()
			r = z
		}
	case Gzip:
		r, err = gzip.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCompress(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("INSERT INTO `t` VALUES (1,'x');\n"), 9*frameSize/32/2)
	for _, c := range []Compression{Zstd, Gzip, Plain} {
		for _, size := range []int{1, frameSize, len(text)} {
			var packed bytes.Buffer
			z, err := Compress(&packed, c)
			if err != nil {
				t.Fatal(err)
			}
			for rest := text[:size]; len(rest) > 0; {
				n, err := z.Write(rest[:min(len(rest), 1_000_003)])
				if err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(unpack(t, c, packed.Bytes()), text[:size]) {
				t.Errorf("%s: %d bytes do not come back", c, size)
			}
		}
	}
	if _, err := Compress(io.Discard, "rar"); err == nil || CompressionOf("a.SQL.ZST") != Zstd || CompressionOf("a.sql") != Plain {
		t.Error(err)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("no space")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// A writer that fails is reported, and nothing hangs.
func TestCompressReportsItsWriter(t *testing.T) {
	t.Parallel()
	for _, c := range []Compression{Zstd, Gzip} {
		z, err := Compress(brokenWriter{}, c)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, err = z.Write(make([]byte, frameSize)); err != nil {
				break
			}
		}
		if err := errors.Join(err, z.Close()); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "a.sql")
	if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := File(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(name); string(text) != "old" {
		t.Errorf("before Commit there is %q", text)
	}
	if err := w.Commit(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(name); string(text) != "new" || names(t, dir) != "a.sql" {
		t.Errorf("after Commit there is %q in %s", text, names(t, dir))
	}
	if w, err = File(name); err != nil {
		t.Fatal(err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Commit(stopped, nil); err == nil {
		t.Error("committed after the end")
	}
	if err := w.Abort(); err != nil || names(t, dir) != "a.sql" {
		t.Error(err, names(t, dir))
	}
	if _, err := File(dir); err == nil {
		t.Error("wrote over a folder")
	}
	if _, err := File(filepath.Join(dir, "none", "a")); err == nil || !strings.HasSuffix(err.Error(), "/a: no such file or directory") {
		t.Error(err)
	}
}
