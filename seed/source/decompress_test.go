package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// encoders make one complete stream; bzip2 has none in Go, so that there are
// files made by the real tool in testdata.
var encoders = map[Format]func(t testing.TB, text []byte) []byte{
	FormatGzip: func(t testing.TB, text []byte) []byte {
		t.Helper()
		return encode(t, text, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, 6) })
	},
	FormatZstd: func(t testing.TB, text []byte) []byte {
		t.Helper()
		return encode(t, text, func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
		})
	},
	FormatXz: func(t testing.TB, text []byte) []byte {
		t.Helper()
		return encode(t, text, func(w io.Writer) (io.WriteCloser, error) {
			return xz.WriterConfig{BlockSize: 4000, CheckSum: xz.CRC64}.NewWriter(w)
		})
	},
	FormatLz4: func(t testing.TB, text []byte) []byte {
		t.Helper()
		return encode(t, text, func(w io.Writer) (io.WriteCloser, error) {
			z := lz4.NewWriter(w)
			return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(true))
		})
	},
	FormatBzip2: func(t testing.TB, text []byte) []byte {
		t.Helper()
		if !bytes.Equal(text, sqlText(len(text), 1)) {
			t.Skip("there is no bzip2 file of this text")
		}
		switch len(text) {
		case 150000:
			return testdata(t, "large.sql.bz2")
		case 9000:
			return testdata(t, "small.sql.bz2")
		default:
			t.Skip("there is no bzip2 file of this size")
			return nil
		}
	},
}

func encode(t testing.TB, text []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decompress reads all of data. Whatever happens, the input gets closed.
func decompress(data []byte) ([]byte, Format, error) {
	return decompressFrom(bytes.NewReader(data))
}

func decompressFrom(r io.Reader) ([]byte, Format, error) {
	z, format, err := Decompress(r)
	if err != nil {
		return nil, format, err
	}
	out, err := io.ReadAll(z)
	return out, format, errors.Join(err, z.Close())
}

func TestEveryFormatGivesTheText(t *testing.T) {
	for format, encode := range encoders {
		for _, size := range []int{150000, 9000, 700, 1, 0} {
			t.Run(string(format), func(t *testing.T) {
				text := sqlText(size, 1)
				data := encode(t, text)
				out, got, err := decompress(data)
				if err != nil || got != format || !bytes.Equal(out, text) {
					t.Fatalf("%d bytes as %s, err %v; want %d bytes as %s", len(out), got, err, len(text), format)
				}
				// Readers that give one byte at a time, and data together
				// with io.EOF, are readers too.
				if size > 10000 {
					return
				}
				for _, r := range []io.Reader{iotest.OneByteReader(bytes.NewReader(data)), iotest.DataErrReader(bytes.NewReader(data))} {
					if out, _, err := decompressFrom(r); err != nil || !bytes.Equal(out, text) {
						t.Fatalf("an awkward reader gave %d bytes, err %v", len(out), err)
					}
				}
			})
		}
	}
}

// TestFilesOfTheRealTools reads what gzip, zstd, bzip2, xz, lz4, pigz-like
// concatenations and so on have written; testdata/README says how.
func TestFilesOfTheRealTools(t *testing.T) {
	text := sqlText(150000, 1)
	files, err := filepath.Glob("testdata/large.sql*")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			out, format, err := decompress(testdata(t, filepath.Base(file)))
			if err != nil || !bytes.Equal(out, text) {
				t.Fatalf("%s: %d bytes, err %v", format, len(out), err)
			}
		})
	}
}

func TestConcatenatedStreamsAreOne(t *testing.T) {
	text := sqlText(9000, 1)
	for format, encode := range encoders {
		t.Run(string(format), func(t *testing.T) {
			one := encode(t, text)
			for n := 2; n <= 3; n++ {
				out, _, err := decompress(bytes.Repeat(one, n))
				if err != nil || !bytes.Equal(out, bytes.Repeat(text, n)) {
					t.Fatalf("%d streams: %d bytes, err %v; want %d bytes", n, len(out), err, n*len(text))
				}
			}
		})
	}
}

func TestSkippableFramesAreSkipped(t *testing.T) {
	skip := func(n int) []byte {
		frame := binary.LittleEndian.AppendUint32([]byte("\x5a\x2a\x4d\x18"), uint32(n))
		return append(frame, bytes.Repeat([]byte("x"), n)...)
	}
	text := sqlText(9000, 1)
	for _, format := range []Format{FormatZstd, FormatLz4} {
		one := encoders[format](t, text)
		data := bytes.Join([][]byte{skip(4), skip(1000), one, skip(0), one, skip(7)}, nil)
		out, got, err := decompress(data)
		if err != nil || got != format || !bytes.Equal(out, append(bytes.Clone(text), text...)) {
			t.Errorf("%s: %d bytes as %s, err %v", format, len(out), got, err)
		}
		if out, _, err := decompress(skip(1000)); err != nil || len(out) != 0 {
			t.Errorf("nothing but a skippable frame: %d bytes, err %v", len(out), err)
		}
		if _, _, err := decompress(append(skip(10), "-- MySQL dump\n"...)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("text behind a skippable frame: %v", err)
		}
		if _, _, err := decompress(skip(1000)[:500]); !errors.Is(err, ErrTruncated) {
			t.Errorf("a skippable frame that ends early: %v", err)
		}
	}
}

// TestEveryTruncationIsNoticed cuts two streams at every byte of headers and
// trailers and at many in between (at every byte with DBAKE_TEST_LONG set). Only
// a cut between the two leaves something complete.
func TestEveryTruncationIsNoticed(t *testing.T) {
	text := sqlText(9000, 1)
	for format, encode := range encoders {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			one := encode(t, text)
			data := append(bytes.Clone(one), one...)
			step, edge := len(data)/60, 20
			if format == FormatXz { // its index and footer, and an 8 MiB dictionary each time
				step, edge = len(data)/20, 40
			}
			if os.Getenv("DBAKE_TEST_LONG") != "" {
				step = 1
			}
			for n := 1; n < len(data); n++ {
				near := n < edge || n > len(data)-edge || n > len(one)-edge && n < len(one)+edge
				if n == len(one) || !near && n%step != 0 {
					continue
				}
				if format == FormatBzip2 && n < 3 || format == FormatZstd && n == 1 {
					continue // "B", "BZ" and "(" are text
				}
				out, _, err := decompress(data[:n])
				if !errors.Is(err, ErrTruncated) {
					t.Fatalf("cut at %d of %d: %d bytes, err %v", n, len(data), len(out), err)
				}
				if text := err.Error(); !strings.HasPrefix(text, string(format)+" stream ends early after ") {
					t.Fatalf("cut at %d: the error does not say format and offset: %s", n, text)
				}
			}
		})
	}
}

func TestTruncationErrorSaysWhere(t *testing.T) {
	data := encoders[FormatGzip](t, sqlText(9000, 1))
	_, _, err := decompress(data[:1234])
	want := "gzip stream ends early after 1234 bytes: the dump is truncated; make the dump again, or upload it again"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestDamageIsNoticed turns bits over everywhere: either the text is still
// what it was (some header bits mean nothing) or there is an error.
func TestDamageIsNoticed(t *testing.T) {
	text := sqlText(9000, 1)
	for format, encode := range encoders {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			data := encode(t, text)
			found := 0
			for at := 8; at < len(data); at += max(1, len(data)/150) {
				bad := bytes.Clone(data)
				bad[at] ^= 1 << (at % 8)
				out, _, err := decompress(bad)
				if err == nil && !bytes.Equal(out, text) {
					t.Fatalf("a wrong bit in byte %d of %d gives another text and no error", at, len(data))
				}
				if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrTruncated) || errors.Is(err, ErrUnsupported) {
					found++
				} else if err != nil {
					t.Fatalf("byte %d: an error of no kind: %v", at, err)
				}
			}
			if found < 100 {
				t.Errorf("only %d errors", found)
			}
		})
	}
}

func TestWrongChecksum(t *testing.T) {
	for _, format := range []Format{FormatGzip, FormatZstd} {
		data := encoders[format](t, sqlText(9000, 1))
		if format == FormatGzip {
			data[len(data)-8]++ // CRC32, then length
		} else {
			data[len(data)-1]++
		}
		_, _, err := decompress(data)
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "wrong checksum") {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestBytesBehindAStream(t *testing.T) {
	for format, encode := range encoders {
		t.Run(string(format), func(t *testing.T) {
			data := encode(t, sqlText(9000, 1))
			_, _, err := decompress(append(bytes.Clone(data), "-- not compressed any more\n"...))
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("garbage: %v", err)
			}
			if format == FormatGzip || format == FormatXz {
				if _, _, err := decompress(append(bytes.Clone(data), make([]byte, 512)...)); err != nil {
					t.Errorf("zero padding: %v", err)
				}
			}
		})
	}
	_, _, err := decompress(append(encoders[FormatGzip](t, []byte("x")), "garbage"...))
	if err == nil || !strings.Contains(err.Error(), "is followed by something else") {
		t.Errorf("the gzip error is not clear: %v", err)
	}
}

func TestForeignInputsAreRefused(t *testing.T) {
	tar := make([]byte, 1024)
	copy(tar, "mysql.sql")
	copy(tar[257:], "ustar\x0000")
	ibd := make([]byte, 16384)
	copy(ibd, "\xd1\xb2\x5a\x01")
	ibd[25] = 8
	inputs := map[string]string{
		"PK\x03\x04rest of a zip":                 "a zip archive",
		"7z\xbc\xaf\x27\x1c\x00\x04":              "a 7z archive",
		string(tar):                               "a tar archive",
		"Salted__12345678":                        "encrypted by openssl",
		"-----BEGIN PGP MESSAGE-----\n":           "encrypted by gpg",
		"\x85\x02\x0c\x03key id":                  "encrypted by gpg",
		"\x8c\x0d\x04\x09\x03\x02":                "encrypted by gpg",
		string(ibd):                               "an InnoDB tablespace",
		"<?xml version=\"1.0\"?>\n<Error><Code>":  "XML",
		"SQLite format 3\x00":                     "a SQLite database",
		"PGDMP\x01\x0e":                           "a PostgreSQL dump",
		"\n\n<!DOCTYPE html>\n<title>Login":       "an HTML page",
		"<HTML><body>":                            "an HTML page",
		"XBSTCK01\x00P":                           "a backup made by xtrabackup",
		"\xfebin....":                             "a MySQL binary log",
		"\xff\xfe-\x00-\x00 \x00":                 "UTF-16 text",
		string(encoders[FormatGzip](t, []byte{})): "", // nothing is not foreign
	}
	for input, what := range inputs {
		_, _, err := decompress([]byte(input))
		if what == "" {
			if err != nil {
				t.Errorf("%.20q: %v", input, err)
			}
			continue
		}
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "this is "+what) {
			t.Errorf("%.20q: %v; want it to be %s", input, err, what)
		}
		_, _, err = decompress(encoders[FormatZstd](t, []byte(input)))
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "inside of zstd this is "+what) {
			t.Errorf("%.20q inside of zstd: %v", input, err)
		}
	}
	twice := encoders[FormatGzip](t, encoders[FormatGzip](t, sqlText(9000, 1)))
	if _, _, err := decompress(twice); err == nil || !strings.Contains(err.Error(), "compressed twice: inside of gzip there is gzip") {
		t.Errorf("compressed twice: %v", err)
	}
}

func TestTextIsNotForeign(t *testing.T) {
	for _, text := range []string{
		"", "B", "(", "-", "BZ", "B\n", "-- MySQL dump 10.13\n", "/*M!999999\\- enable the sandbox mode */ \n",
		"\xef\xbb\xbf-- with a byte order mark\n", "BEGIN;\n", "\n\n\nINSERT", "CREATE TABLE t (a int);", "<",
	} {
		out, format, err := decompress([]byte(text))
		if err != nil || format != FormatNone || string(out) != text {
			t.Errorf("%q: %q as %s, err %v", text, out, format, err)
		}
	}
}

func TestLargeWindowsAreRefused(t *testing.T) {
	// A zstd frame header: no single segment, window descriptor for 2 GiB.
	zst := append([]byte("\x28\xb5\x2f\xfd\x00"), 0xa8, 1, 0, 0)
	if _, _, err := decompress(zst); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "--long=27") {
		t.Errorf("zstd: %v", err)
	}
	x := encoders[FormatXz](t, sqlText(9000, 1))
	at := bytes.Index(x, []byte{0x21, 1})
	x[at+2] = 40 // 4 GiB
	if _, _, err := decompress(x); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "xz -9") {
		t.Errorf("xz: %v", err)
	}
	if _, _, err := decompress(testdata(t, "large.sql.long27.zst")); err != nil {
		t.Errorf("zstd --long=27: %v", err)
	}
}

// brokenReader gives some bytes and then an error of its own.
type brokenReader struct {
	io.Reader
	err    error
	closed bool
}

func (b *brokenReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

func (b *brokenReader) Close() error {
	b.closed = true
	return nil
}

func TestAnErrorOfTheInputIsNotTruncation(t *testing.T) {
	for format, encode := range encoders {
		t.Run(string(format), func(t *testing.T) {
			data := encode(t, sqlText(150000, 1))
			for _, n := range []int{3, 12, 100, len(data) / 2, len(data) - 1, len(data)} {
				r := &brokenReader{Reader: bytes.NewReader(data[:n]), err: &Error{Op: "GET", Err: io.ErrUnexpectedEOF}}
				_, _, err := decompressFrom(r)
				var e *Error
				if !errors.As(err, &e) || errors.Is(err, ErrTruncated) {
					t.Errorf("after %d bytes: %v", n, err)
				}
				if !r.closed {
					t.Errorf("after %d bytes: the input is still open", n)
				}
			}
		})
	}
}

func TestCloseInTheMiddle(t *testing.T) {
	for format, encode := range encoders {
		data := encode(t, sqlText(150000, 1))
		z, _, err := Decompress(io.MultiReader(bytes.NewReader(data), bytes.NewReader(data)))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if _, err := io.ReadFull(z, make([]byte, 5000)); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if err := z.Close(); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if err := z.Close(); err != nil {
			t.Errorf("%s: closed twice: %v", format, err)
		}
	}
}

// TestDecodingMemoryIsBounded decodes 64 MiB of text into nothing.
func TestDecodingMemoryIsBounded(t *testing.T) {
	block := sqlText(1<<20, 7)
	for _, format := range []Format{FormatGzip, FormatZstd, FormatLz4} {
		one := encoders[format](t, block)
		data := make([]io.Reader, 64)
		for i := range data {
			data[i] = bytes.NewReader(one)
		}
		peak := peakHeap(t, func() {
			z, _, err := Decompress(io.MultiReader(data...))
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			if n, err := io.Copy(io.Discard, z); err != nil || n != 64<<20 {
				t.Fatal(n, err)
			}
		})
		t.Logf("%s: %d MiB", format, peak>>20)
		if peak > 32<<20 {
			t.Errorf("%s: the heap grew by %d MiB", format, peak>>20)
		}
	}
}

// peakHeap runs f and returns by how many bytes the heap grew, at most.
func peakHeap(t testing.TB, f func()) int64 {
	t.Helper()
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		for {
			select {
			case <-stop:
				done <- peak
				return
			default:
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				peak = max(peak, int64(now.HeapAlloc)-int64(before.HeapAlloc))
				time.Sleep(time.Millisecond)
			}
		}
	}()
	f()
	close(stop)
	return <-done
}
