package suggest

import (
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/mask/policy"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// tableSample is what some rows of a table show.
type tableSample struct {
	table *schema.Table
	limit int64
	rows  int64
	// columns are by their names; no column is there before it had a value.
	columns map[string]*columnSample
	scratch []byte
}

// columnSample is what some values of a column show.
type columnSample struct {
	policy.Sample
	kana, han, hangul int64 // values with such characters
}

func (s *tableSample) name() string { return s.table.Schema + "\x00" + s.table.Name }

func (s *tableSample) column(name string) *columnSample {
	if s.columns == nil {
		s.columns = map[string]*columnSample{}
	}
	c := s.columns[strings.ToLower(name)]
	if c == nil {
		c = &columnSample{}
		s.columns[strings.ToLower(name)] = c
	}
	return c
}

// sampleBytes is about how much of a statement is looked at.
const sampleBytes = 1 << 20

// add looks at the first rows of a statement; what cannot be read says nothing.
func (s *tableSample) add(st dump.Statement) {
	if s.rows >= s.limit {
		return
	}
	v, plain := dump.ParseInsert(st.Text, st.Mode)
	if !plain {
		return
	}
	columns := v.Columns
	if columns == nil {
		for i := range s.table.Columns {
			if !s.table.Columns[i].Invisible {
				columns = append(columns, s.table.Columns[i].Name)
			}
		}
	}
	f := &sampler{table: s}
	for _, name := range columns {
		f.columns = append(f.columns, s.column(name))
	}
	r, err := rows.NewValues(s.table, columns, st.Mode, f)
	if err != nil {
		return
	}
	for rest := v.Rows; len(rest) > 0 && s.rows < s.limit; {
		var part []byte
		var ok bool
		// Few at a time: statements may have many.
		if part, rest, ok = dump.CutRows(rest, st.Mode, min(sampleBytes, 16<<10)); !ok {
			return
		}
		if s.scratch, _, err = r.Append(s.scratch[:0], part); err != nil {
			return
		}
	}
}

// sampler looks at rows.
type sampler struct {
	table   *tableSample
	columns []*columnSample
}

// Row implements rows.Filter.
func (f *sampler) Row(cells []rows.Cell) (bool, error) {
	f.table.rows++
	for i := range cells {
		f.columns[i].Add(cells[i].Kind, cells[i].Value)
		if cells[i].Kind == rows.Text {
			f.columns[i].scripts(cells[i].Value)
		}
	}
	return true, nil
}

func (c *columnSample) scripts(text []byte) {
	var kana, han, hangul int64
	for _, r := range string(text[:min(len(text), 200)]) {
		switch {
		case r < 0x1100:
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana = 1
		case unicode.Is(unicode.Han, r):
			han = 1
		case unicode.Is(unicode.Hangul, r):
			hangul = 1
		}
	}
	c.kana += kana
	c.han += han
	c.hangul += hangul
}

// wants decides by restore.databases whether a schema is looked at.
func (r *reader) wants(name string) bool {
	d := r.options.Restore.Databases
	if d == nil {
		return true
	}
	matches := func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	}
	return (d.Include == nil || slices.ContainsFunc(d.Include, matches)) && !slices.ContainsFunc(d.Exclude, matches)
}

// wantsRows decides by restore.tables whether a table's rows are looked at.
func (r *reader) wantsRows(database, table string) bool {
	for _, rule := range r.options.Restore.Tables {
		if ok, err := path.Match(rule.Match, database+"."+table); ok && err == nil {
			return rule.Rows != spec.RowsNone
		}
	}
	return true
}
