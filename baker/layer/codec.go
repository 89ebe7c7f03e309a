package layer

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Levels that are used when none is asked for. Measured on the 307 MB of tar that
// the benchmark's 100 MB dump becomes, one core, chunks of 1 to 4 MiB:
//
//	zstd 1  525 MB/s, 55.0 MB    gzip 1  424 MB/s, 63.1 MB
//	zstd 3  365 MB/s, 54.0 MB    gzip 5  256 MB/s, 57.2 MB
//	zstd 7  230 MB/s, 53.5 MB    gzip 6  227 MB/s, 57.2 MB
//	zstd 11  36 MB/s, 48.7 MB    compress/gzip 6 (docker push): 71 MB/s, 55.3 MB
const (
	zstdLevel = 3
	gzipLevel = 5
)

// codec compresses chunks, each by itself: the compressed chunks in a row are one
// valid stream (RFC 8878, 3.1: frames; RFC 1952, 2.2: members). So chunks can be
// compressed on all cores, and the result does not hang on their number.
type codec interface {
	// pack appends src, compressed, to dst, which is empty; it may give src
	// itself. It may be called from several goroutines.
	pack(dst, src []byte) ([]byte, error)
	close()
}

// newCodec makes the codec for as many calls of pack at a time as workers.
func newCodec(c Compression, level, workers int) (codec, error) {
	switch c {
	case Zstd:
		if level == 0 {
			level = zstdLevel
		}
		if level < 1 || level > 22 {
			return nil, &UnsupportedError{c, fmt.Sprintf("there is no level %d", level), "use 1 to 22, or 0 for the default"}
		}
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
			zstd.WithEncoderConcurrency(workers), zstd.WithWindowSize(chunkSize))
		if err != nil {
			return nil, fmt.Errorf("start the compression: %w", err)
		}
		return zstdCodec{encoder}, nil
	case Gzip, EStargz:
		if level == 0 {
			level = gzipLevel
		}
		if level < gzip.BestSpeed || level > gzip.BestCompression {
			return nil, &UnsupportedError{c, fmt.Sprintf("there is no level %d", level), "use 1 to 9, or 0 for the default"}
		}
		return &gzipCodec{level: level}, nil
	case None:
		return plainCodec{}, nil
	default:
		_, err := MediaType(c, false)
		return nil, err
	}
}

type zstdCodec struct{ encoder *zstd.Encoder }

func (c zstdCodec) pack(dst, src []byte) ([]byte, error) { return c.encoder.EncodeAll(src, dst), nil }

func (c zstdCodec) close() { c.encoder.Close() }

type gzipCodec struct {
	level   int
	writers sync.Pool
}

func (c *gzipCodec) pack(dst, src []byte) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	w, ok := c.writers.Get().(*gzip.Writer)
	if !ok {
		var err error
		if w, err = gzip.NewWriterLevel(out, c.level); err != nil {
			return nil, err
		}
	}
	defer c.writers.Put(w)
	w.Reset(out)
	if _, err := w.Write(src); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func (*gzipCodec) close() {}

type plainCodec struct{}

func (plainCodec) pack(_, src []byte) ([]byte, error) { return src, nil }

func (plainCodec) close() {}
