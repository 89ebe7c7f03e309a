package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/dbake/dbake/seed/folder"
)

// lines splits the rows of a file at their ends. It knows no more than that a
// row's end is not one when an escape stands before it.
type lines struct {
	r     io.Reader
	end   []byte
	field []byte
	esc   byte
	rest  []byte // bytes read that belong to the next piece
	read  int64
	eof   bool
}

func newLines(r io.Reader, d folder.Dialect) (*lines, error) {
	if len(d.Escape) != 1 || d.RowEnd == "" || d.FieldEnd == "" {
		return nil, errors.New("its dialect has no end of rows, no end of fields or no escape")
	}
	return &lines{r: r, end: []byte(d.RowEnd), field: []byte(d.FieldEnd), esc: d.Escape[0]}, nil
}

// fill appends whole rows to an empty buffer until it has size bytes or the file
// ends, and gives how many there are; one row at least, however large it is.
func (l *lines) fill(buffer []byte, size int) ([]byte, int64, error) {
	buffer = append(buffer, l.rest...)
	l.rest = l.rest[:0]
	rows, done := l.count(buffer, 0)
	for !l.eof && (len(buffer) < size || rows == 0) {
		from := len(buffer)
		buffer = grow(buffer, max(size-from, 64<<10))
		n, err := l.r.Read(buffer[from:cap(buffer)])
		buffer = buffer[:from+n]
		l.read += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			l.eof = true
		case err != nil:
			return buffer, rows, err
		}
		more, to := l.count(buffer, done)
		rows, done = rows+more, to
	}
	if l.eof && done < len(buffer) {
		return buffer, rows, fmt.Errorf("the last row, behind %d bytes, has no end: the file is not complete", l.read-int64(len(buffer)-done))
	}
	l.rest = append(l.rest, buffer[done:]...)
	return buffer[:done], rows, nil
}

// grow makes room behind what a buffer holds.
func grow(buffer []byte, room int) []byte {
	if cap(buffer)-len(buffer) >= room/2 && cap(buffer) > len(buffer) {
		return buffer
	}
	return append(make([]byte, 0, len(buffer)+room), buffer...)
}

// count counts the rows in text from an offset at which a row begins, and gives
// where the last of them ends.
func (l *lines) count(text []byte, from int) (rows int64, done int) {
	done, at := from, from
	for {
		i := bytes.Index(text[at:], l.end)
		if i < 0 {
			return rows, done
		}
		i += at
		at = i + 1
		if l.escaped(text[done:i]) {
			continue
		}
		rows++
		done = i + len(l.end)
		at = done
	}
}

// escaped reports whether what follows a text is escaped by its end.
func (l *lines) escaped(text []byte) bool {
	n := 0
	for n < len(text) && text[len(text)-1-n] == l.esc {
		n++
	}
	return n%2 == 1
}

// fields counts the fields of the first row of a piece.
func (l *lines) fields(piece []byte) int {
	_, row := l.count(piece, 0)
	for i := range piece {
		if bytes.HasPrefix(piece[i:], l.end) && !l.escaped(piece[:i]) {
			row = i
			break
		}
	}
	n := 1
	for i := 0; i < row; {
		switch {
		case piece[i] == l.esc:
			i += 2
		case bytes.HasPrefix(piece[i:row], l.field):
			n++
			i += len(l.field)
		default:
			i++
		}
	}
	return n
}
