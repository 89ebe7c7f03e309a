package subset

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/text/unicode/norm"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// nameOf is how a table is looked up: without case, since servers differ in that.
func nameOf(schemaName, table string) string {
	return strings.ToLower(schemaName) + "." + strings.ToLower(table)
}

// counters are numbers by table.
type counters struct {
	mu   sync.Mutex
	list map[string]*atomic.Int64
}

func (c *counters) of(name string) *atomic.Int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.list == nil {
		c.list = map[string]*atomic.Int64{}
	}
	if c.list[name] == nil {
		c.list[name] = new(atomic.Int64)
	}
	return c.list[name]
}

// percentage keeps a share of a table's rows: those whose primary key hashes low
// enough. So the same rows stay in every bake, rows that are added change nothing
// about the others, and a smaller share is part of a larger one.
type percentage struct {
	buffer  []byte
	table   string
	columns []int
	below   uint64
	all     bool
}

// newPercentage takes the primary key of the table, or all of a row when there is
// none among columns.
func newPercentage(t *schema.Table, columns []string, percent float64) *percentage {
	p := &percentage{table: nameOf(t.Schema, t.Name), all: percent >= 100}
	p.below = uint64(math.Min(percent/100*math.MaxUint64, math.MaxUint64-4096))
	if len(t.Keys) > 0 && t.Keys[0].Primary {
		for _, name := range t.Keys[0].Columns {
			i := slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
			if i < 0 {
				p.columns = nil
				break
			}
			p.columns = append(p.columns, i)
		}
	}
	if p.columns == nil {
		for i := range columns {
			p.columns = append(p.columns, i)
		}
	}
	return p
}

func (p *percentage) keeps(cells []rows.Cell) bool {
	if p.all {
		return true
	}
	b := p.buffer[:0]
	b = append(b, p.table...)
	for _, i := range p.columns {
		if cells[i].Kind == rows.Null {
			b = append(b, 1)
			continue
		}
		b = binary.LittleEndian.AppendUint32(append(b, 0), uint32(len(cells[i].Value)))
		b = append(b, cells[i].Value...)
	}
	p.buffer = b
	return xxhash.Sum64(b) < p.below
}

// kind is how values of a key column are told apart.
type kind uint8

const (
	kindNumber kind = iota // by value
	kindFolded             // text, without case, accents and spaces at its end
	kindExact              // text of a _bin collation, without spaces at its end
	kindBytes
	kindTime
)

var kindNames = [...]string{"numbers", "text", "text with a _bin collation", "bytes", "dates or times"}

func kindOf(c *schema.Column) kind {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal", "numeric", "float", "double", "year":
		return kindNumber
	case "date", "datetime", "timestamp", "time":
		return kindTime
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		switch {
		case c.Charset == "binary":
			return kindBytes
		case strings.HasSuffix(c.Collation, "_bin"):
			return kindExact
		}
		return kindFolded
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit":
		return kindBytes
	}
	return kindFolded // types such as MariaDB's uuid
}

// hasher hashes values of keys so that values which a server takes for equal have
// the same hash. Two values that have it although they differ cost nothing but
// rows that are kept without need. 0 stands for NULL.
type hasher struct {
	buffer []byte
}

func (h *hasher) hash(k kind, c *rows.Cell) uint64 {
	if c.Kind == rows.Null {
		return 0
	}
	v := c.Value
	switch k {
	case kindNumber:
		v = h.number(v)
	case kindFolded:
		v = h.fold(v)
	case kindExact:
		v = bytes.TrimRight(v, " ")
	case kindTime:
		if bytes.IndexByte(v, '.') >= 0 {
			v = bytes.TrimRight(bytes.TrimRight(v, "0"), ".")
		}
	case kindBytes:
	}
	return max(xxhash.Sum64(v), 1)
}

// number writes a number in one way only.
func (h *hasher) number(v []byte) []byte {
	if bytes.ContainsAny(v, "eE") {
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return v
		}
		h.buffer = strconv.AppendFloat(h.buffer[:0], f, 'f', -1, 64)
		v = h.buffer
	}
	negative := len(v) > 0 && v[0] == '-'
	if negative || (len(v) > 0 && v[0] == '+') {
		v = v[1:]
	}
	v = bytes.TrimLeft(v, "0")
	if bytes.IndexByte(v, '.') >= 0 {
		v = bytes.TrimRight(bytes.TrimRight(v, "0"), ".")
	}
	if negative && len(v) > 0 {
		return append([]byte{'-'}, v...)
	}
	return v
}

// fold makes texts the same that some collation takes for equal: letters lose
// their case and their accents, sharp and doubled s are one s.
func (h *hasher) fold(v []byte) []byte {
	v = bytes.TrimRight(v, " ")
	out := h.buffer[:0]
	for _, c := range v {
		switch {
		case c >= 0x80:
			h.buffer = h.foldWide(out[:0], v)
			return h.buffer
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		case c < ' ' || c == 0x7f:
			continue
		}
		if c == 's' && len(out) > 0 && out[len(out)-1] == 's' {
			continue
		}
		out = append(out, c)
	}
	h.buffer = out
	return out
}

var spelled = strings.NewReplacer("ß", "s", "ẞ", "s", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ł", "l", "ı", "i", "ſ", "s", "þ", "th")

func (h *hasher) foldWide(dst, v []byte) []byte {
	text := spelled.Replace(strings.ToLower(norm.NFKD.String(string(v))))
	for _, r := range norm.NFKD.String(text) {
		switch {
		case unicode.Is(unicode.M, r) || unicode.Is(unicode.C, r):
			continue
		case r >= 'ァ' && r <= 'ヶ': // katakana and hiragana are the same letters
			r -= 'ァ' - 'ぁ'
		case r == 's' && len(dst) > 0 && dst[len(dst)-1] == 's':
			continue
		}
		dst = utf8.AppendRune(dst, oneCase(r))
	}
	return bytes.TrimRight(dst, " ")
}

// oneCase gives the same letter for all cases of a letter.
func oneCase(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return unicode.ToLower(least)
}

// join makes one hash of those of a key's columns; 0 when one is NULL.
func join(record []uint64, columns []int) uint64 {
	if len(columns) == 1 {
		return record[columns[0]]
	}
	var b [8]byte
	h := uint64(len(columns))
	for _, c := range columns {
		if record[c] == 0 {
			return 0
		}
		binary.LittleEndian.PutUint64(b[:], record[c]^h)
		h = xxhash.Sum64(b[:]) + h*0x9E3779B97F4A7C15
	}
	return max(h, 1)
}
