package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Format is how a dump is compressed.
type Format string

// The formats Decompress reads.
const (
	FormatNone  Format = "none"
	FormatGzip  Format = "gzip"
	FormatZstd  Format = "zstd"
	FormatBzip2 Format = "bzip2"
	FormatXz    Format = "xz"
	FormatLz4   Format = "lz4"
)

const (
	// inputBuffer is how many compressed bytes are read at once.
	inputBuffer = 256 << 10
	// maxWindow is how far back zstd and xz data may refer, and so the most
	// memory that decoding takes: what "zstd --long=27" and "xz -9" need.
	maxWindow = 128 << 20
)

// Decompress finds out by the first bytes how r is compressed, and returns a
// reader of what is in it. Concatenated streams (gzip members, zstd and lz4
// frames, bzip2 and xz streams) are read as one. Decoding runs ahead of the
// consumer in a goroutine, with bounded buffers.
//
// The error wraps ErrUnsupported when the bytes are known not to be a dump,
// ErrTruncated when they end too early, and ErrCorrupt when they contradict
// themselves; the latter two come from Read as a rule. An error of r comes out
// unchanged.
//
// Decompress owns r from the call on: if r is an io.Closer it is closed by the
// reader's Close, or here in case of an error. Close waits for a Read of r to
// return, which closing a Stream brings about. To end a Read of the returned
// reader from another goroutine, close r or cancel its context; the returned
// reader itself is for one goroutine.
func Decompress(r io.Reader) (io.ReadCloser, Format, error) {
	in := &input{r: r}
	in.buf = bufio.NewReaderSize(in, inputBuffer)
	format, err := sniff(in)
	if err != nil {
		_ = in.close()
		return nil, "", err
	}
	if format == FormatNone {
		return &plain{in: in}, format, nil
	}
	d := &decoded{in: in, format: format}
	err = d.start()
	if err == nil {
		err = d.look()
	} else {
		err = d.explain(err)
	}
	if err != nil {
		_ = d.Close()
		return nil, "", err
	}
	return d, format, nil
}

// input counts the compressed bytes and remembers what went wrong with them,
// so that a broken connection is not taken for a truncated file.
type input struct {
	r   io.Reader
	buf *bufio.Reader
	n   atomic.Int64
	err atomic.Pointer[error]
}

func (in *input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	in.n.Add(int64(n))
	if err != nil && err != io.EOF {
		in.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

// broken is the error of the underlying reader, if it had one.
func (in *input) broken() error {
	if err := in.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (in *input) close() error {
	if c, ok := in.r.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// plain is a dump that is not compressed.
type plain struct{ in *input }

func (p *plain) Read(b []byte) (int, error) { return p.in.buf.Read(b) }
func (p *plain) Close() error               { return p.in.close() }

// decoded is the output of a decoder.
type decoded struct {
	in     *input
	format Format
	out    io.Reader
	stop   func() // waits for the decoder's goroutines; the input is closed before
	head   []byte // bytes that look has taken from out
	err    error  // what comes after them
}

// start makes the decoder.
func (d *decoded) start() error {
	switch d.format {
	case FormatZstd:
		// One, because with more its goroutines cost more than they bring.
		z, err := zstd.NewReader(d.in.buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		d.ahead(z)
		wait := d.stop
		d.stop = func() { wait(); z.Close() }
	case FormatGzip:
		z, err := newGzipMembers(d.in.buf)
		if err != nil {
			return err
		}
		d.ahead(z)
	default:
		z, err := newOther(d.format, d.in.buf)
		if err != nil {
			return err
		}
		d.ahead(z)
	}
	return nil
}

func (d *decoded) ahead(decoder io.Reader) {
	a := newAhead(decoder)
	d.out, d.stop = a, a.stop
}

// look refuses what is not SQL inside of the compression either.
func (d *decoded) look() error {
	head := make([]byte, sniffLen)
	n, err := io.ReadFull(d.out, head)
	d.head = head[:n]
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		// Either the content is this short or it is truncated: ReadFull does
		// not say which, the next Read does.
		err = nil
		if n < sniffLen {
			_, err = d.out.Read(make([]byte, 1))
		}
	}
	d.err = d.explain(err)
	return refuse(d.head, d.format)
}

func (d *decoded) Read(p []byte) (int, error) {
	if len(d.head) > 0 {
		n := copy(p, d.head)
		d.head = d.head[n:]
		return n, nil
	}
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.out.Read(p)
	if err != nil {
		d.err = d.explain(err)
		if n > 0 {
			return n, nil
		}
	}
	return n, d.err
}

// Close closes the input first, which ends a read that waits for it.
func (d *decoded) Close() error {
	err := d.in.close()
	if d.stop != nil {
		d.stop()
		d.stop = nil
	}
	return err
}

// explain turns a decoder's error into one of this package.
func (d *decoded) explain(err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // decoders end with the bare io.EOF
		return err
	}
	if broken := d.in.broken(); broken != nil {
		return broken
	}
	at := d.in.n.Load()
	switch {
	case errors.Is(err, errClosed), errors.Is(err, ErrUnsupported):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%s stream ends early after %d bytes: %w; make the dump again, or upload it again", d.format, at, ErrTruncated)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("%w: the zstd stream needs a window of more than %d MiB; compress it with --long=27 or less", ErrUnsupported, maxWindow>>20)
	case errors.Is(err, errTrailing), errors.Is(err, zstd.ErrMagicMismatch):
		return fmt.Errorf("%s stream is followed by something else before byte %d: %w", d.format, at, ErrCorrupt)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return fmt.Errorf("%s stream has a wrong checksum before byte %d: %w", d.format, at, ErrCorrupt)
	}
	return fmt.Errorf("%s stream is broken before byte %d: %w (%w)", d.format, at, ErrCorrupt, err)
}

// FormatOf says by a file's name how it is compressed, and gives the name that
// it has when it is not.
func FormatOf(name string) (Format, string) {
	for _, f := range []struct {
		suffix string
		format Format
	}{{".gz", FormatGzip}, {".zst", FormatZstd}, {".bz2", FormatBzip2}, {".xz", FormatXz}, {".lz4", FormatLz4}} {
		if plain, ok := strings.CutSuffix(name, f.suffix); ok {
			return f.format, plain
		}
	}
	return FormatNone, name
}

// DecompressAs is Decompress for data that may be anything, such as the rows of
// a table, and so must not be judged by its first bytes: the format is given.
func DecompressAs(r io.Reader, format Format) (io.ReadCloser, error) {
	in := &input{r: r}
	in.buf = bufio.NewReaderSize(in, inputBuffer)
	if format == FormatNone {
		return &plain{in: in}, nil
	}
	d := &decoded{in: in, format: format}
	if err := d.start(); err != nil {
		_ = d.Close()
		return nil, d.explain(err)
	}
	return d, nil
}
