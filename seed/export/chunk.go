package export

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// span is a range of a primary key's first column: from is in it, to is not;
// empty means no bound.
type span struct{ from, to string }

// spans divides a table into ranges that hold about as much text as a chunk is
// to hold, if the keys are spread evenly. Without an integer key there is one.
func (s *session) spans(ctx context.Context, t *table, bytes int) ([]span, error) {
	whole := []span{{}}
	if !t.innodb() || len(t.key) == 0 || !t.key[0].integer || t.bytes < int64(bytes)*3/2 {
		return whole, nil
	}
	name := quote(t.key[0].name)
	records, err := s.query(ctx, fmt.Sprintf("SELECT MIN(%s) AS low, MAX(%s) AS high FROM %s", name, name, t.quoted()))
	if err != nil {
		return nil, err
	}
	if len(records) != 1 || records[0]["low"] == nil {
		return whole, nil
	}
	low, ok := new(big.Int).SetString(records[0].text("low"), 10)
	high, ok2 := new(big.Int).SetString(records[0].text("high"), 10)
	if !ok || !ok2 {
		return nil, errors.New("the server gave a key that is no number")
	}
	return divide(low, high, t.bytes/int64(bytes)), nil
}

// divide cuts low…high into about n ranges whose bounds are multiples of a power
// of two, so that they stay when rows are added.
func divide(low, high *big.Int, n int64) []span {
	const most = 1 << 20
	n = min(max(n, 1), most)
	width := new(big.Int).Sub(high, low)
	step := new(big.Int).Div(width, big.NewInt(n))
	step.SetInt64(1).Lsh(step, uint(max(new(big.Int).Div(width, big.NewInt(n)).BitLen()-1, 0)))
	bound := new(big.Int).Div(low, step) // rounds down, also below zero
	bound.Mul(bound.Add(bound, big.NewInt(1)), step)
	spans := []span{{}}
	for ; bound.Cmp(high) <= 0; bound.Add(bound, step) {
		text := bound.String()
		spans[len(spans)-1].to = text
		spans = append(spans, span{from: text})
	}
	return spans
}

// rowsQuery selects the rows of a range: by the primary key where that is how
// the rows are stored, else as they are stored.
func (t *table) rowsQuery(columns []column, where string, r span) string {
	var b strings.Builder
	b.WriteString("SELECT /*!40001 SQL_NO_CACHE */ " + selection(columns) + " FROM " + t.quoted())
	ordered := t.innodb() && len(t.key) > 0
	if ordered {
		b.WriteString(" FORCE INDEX (PRIMARY)")
	}
	var conditions []string
	if r.from != "" {
		conditions = append(conditions, quote(t.key[0].name)+" >= "+r.from)
	}
	if r.to != "" {
		conditions = append(conditions, quote(t.key[0].name)+" < "+r.to)
	}
	if where != "" {
		conditions = append(conditions, "("+where+"\n)") // the condition may end with a comment
	}
	if len(conditions) > 0 {
		b.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	if ordered {
		b.WriteString(" ORDER BY " + columnNames(t.key))
	}
	return b.String()
}
