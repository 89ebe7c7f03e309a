package stream

import "io"

// recorder keeps the bytes of a dump that a scanner has read, until they are handed
// on: a scanner gives statements only, and a masked dump has everything else, too.
type recorder struct {
	r    io.Reader
	buf  []byte
	from int   // of buf: what has not been handed on
	at   int64 // where buf[from] stands in the dump
}

// keepable is how much room the recorder keeps when it is not needed, in bytes.
const keepable = 16 << 20

// Read implements io.Reader.
func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.makeRoom(n)
	r.buf = append(r.buf, p[:n]...)
	return n, err
}

// makeRoom moves what is kept to the front before the buffer would grow.
func (r *recorder) makeRoom(n int) {
	kept := len(r.buf) - r.from
	switch {
	case r.from == 0 || len(r.buf)+n <= cap(r.buf):
		return
	case cap(r.buf) > keepable && kept+n < keepable/4:
		r.buf = append(make([]byte, 0, keepable/2), r.buf[r.from:]...)
	default:
		r.buf = r.buf[:copy(r.buf, r.buf[r.from:])]
	}
	r.from = 0
}

// upTo gives the bytes up to an offset of the dump that has been read, and takes
// them for handed on. They are valid until the next Read.
func (r *recorder) upTo(end int64) []byte {
	n := max(int(end-r.at), 0)
	b := r.buf[r.from : r.from+n]
	r.from += n
	r.at += int64(n)
	return b
}

// rest gives all bytes that have been read.
func (r *recorder) rest() []byte { return r.upTo(r.at + int64(len(r.buf)-r.from)) }
