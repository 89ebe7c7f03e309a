package repair

import (
	"bytes"
	"slices"

	"github.com/dbake/dbake/seed/dump"
)

// WithDefaults writes DEFAULT in place of the values of some columns, given as
// positions counted from 0, in every row of an INSERT or REPLACE. MariaDB's dump
// tool writes values for generated columns, and MySQL refuses them (3105);
// DEFAULT is what both take.
func WithDefaults(v dump.Values, positions []int) []byte {
	out := bytes.Clone(v.Head)
	t := dump.NewTokens(v.Rows, v.Mode)
	depth, column := 0, 0
	copied, from, to := 0, -1, 0 // from: where a value to be replaced begins
	for tok, ok := t.Next(); ok; tok, ok = t.Next() {
		if depth == 0 && tok.Kind == dump.WordToken {
			break // ON DUPLICATE KEY UPDATE
		}
		separator := depth == 1 && (tok.IsByte(',') || tok.IsByte(')'))
		if separator && from >= 0 {
			out = append(append(out, v.Rows[copied:from]...), "DEFAULT"...)
			copied, from = to, -1
		}
		switch {
		case tok.IsByte('('):
			if depth++; depth == 1 {
				column = 0
				continue
			}
		case tok.IsByte(')'):
			depth--
		case separator:
			column++
			continue
		}
		if depth >= 1 && from < 0 && slices.Contains(positions, column) {
			from = tok.From
		}
		to = tok.To
	}
	return append(out, v.Rows[copied:]...)
}
