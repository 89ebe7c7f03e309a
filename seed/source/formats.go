package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// errTrailing: behind a complete stream comes something that is not one.
var errTrailing = errors.New("trailing bytes")

// newOther makes the decoder for a format whose library does all the work.
func newOther(format Format, in *bufio.Reader) (io.Reader, error) {
	switch format {
	case FormatBzip2:
		return bzip2.NewReader(in), nil
	case FormatXz:
		if err := checkXzWindow(in); err != nil {
			return nil, err
		}
		return xz.NewReader(&xzInput{r: in})
	case FormatLz4:
		return lz4.NewReader(in), nil
	default:
		return nil, fmt.Errorf("%w: no decoder for %s", ErrUnsupported, format)
	}
}

// gzipMembers reads gzip members one after the other. The library's own way of
// doing that cannot tell garbage behind a member from a damaged header.
type gzipMembers struct {
	in *bufio.Reader
	z  *gzip.Reader
}

func newGzipMembers(in *bufio.Reader) (*gzipMembers, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, early(err)
	}
	z.Multistream(false)
	return &gzipMembers{in: in, z: z}, nil
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 || err == nil {
			return n, nil
		}
		if err != io.EOF { //nolint:errorlint // the library's end is the bare io.EOF
			return 0, err
		}
		if err := g.nextMember(); err != nil {
			return 0, err
		}
	}
}

// nextMember returns io.EOF when there is none. Zero bytes up to the end are
// padding, as gzip's own tool has it.
func (g *gzipMembers) nextMember() error {
	for {
		head, err := g.in.Peek(2)
		switch {
		case bytes.Equal(head, []byte{0x1f, 0x8b}):
			if err := g.z.Reset(g.in); err != nil {
				return early(err)
			}
			g.z.Multistream(false)
			return nil
		case len(head) == 0:
			return err
		case len(head) == 1 && head[0] == 0x1f:
			return early(err)
		case head[0] != 0:
			return errTrailing
		}
		if _, err := g.in.Discard(1); err != nil {
			return err
		}
	}
}

// early turns an end in the middle of a header into what it is.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// xzInput gives io.ErrUnexpectedEOF in place of io.EOF unless the last bytes
// are the footer of an xz stream: the library takes an end of input between
// two blocks for the end of the stream.
//
// The footer, from the format's specification: CRC32 of the six bytes behind
// it, backward size (4), flags (2), "YZ"; zero bytes may follow as padding.
type xzInput struct {
	r     io.Reader
	tail  []byte // the last bytes, up to the last one that is not zero
	zeros int    // zero bytes behind them
}

const xzFooter = 12

func (x *xzInput) Read(p []byte) (int, error) {
	n, err := x.r.Read(p)
	x.note(p[:n])
	if err == io.EOF && !x.complete() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (x *xzInput) note(p []byte) {
	kept := bytes.TrimRight(p, "\x00")
	if len(kept) > 0 {
		x.tail = append(x.tail, make([]byte, min(x.zeros, xzFooter))...)
		x.tail = append(x.tail, kept[max(0, len(kept)-xzFooter):]...)
		x.tail = append(x.tail[:0], x.tail[max(0, len(x.tail)-xzFooter):]...)
		x.zeros = 0
	}
	x.zeros += len(p) - len(kept)
}

func (x *xzInput) complete() bool {
	t := x.tail
	return len(t) == xzFooter && t[10] == 'Y' && t[11] == 'Z' &&
		binary.LittleEndian.Uint32(t) == crc32.ChecksumIEEE(t[4:10]) && x.zeros%4 == 0
}

// checkXzWindow refuses a first block whose dictionary is too large; the
// library would allocate it at once. A block header, which follows the stream
// header's 12 bytes, has its size, flags, two sizes if the flags say so, and
// the filters: for LZMA2 the bytes 0x21, 1 and the dictionary size.
func checkXzWindow(in *bufio.Reader) error {
	head, err := in.Peek(12 + 2 + 2*9 + 3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(head) < 14 {
		return nil // too short to be anything; the decoder says so
	}
	flags, at := head[13], 14
	for _, present := range []byte{0x40, 0x80} {
		for present&flags != 0 && at < len(head) {
			at++
			if head[at-1]&0x80 == 0 {
				break
			}
		}
	}
	if at+3 > len(head) || head[at] != 0x21 || head[at+1] != 1 {
		return nil
	}
	size, err := lzma.DecodeDictCap(head[at+2])
	if err == nil && size > maxWindow {
		return fmt.Errorf("%w: the xz stream needs a dictionary of more than %d MiB; compress it with xz -9 or less", ErrUnsupported, maxWindow>>20)
	}
	return nil
}
