package mask_test

import (
	"bytes"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

var testKey = []byte("a key that only tests have")

// maskOf makes a mask section of rules: patterns and transforms in turn.
func maskOf(t testing.TB, rules ...string) *spec.Mask {
	t.Helper()
	m := new(spec.Mask)
	for i := 0; i < len(rules); i += 2 {
		var transform map[string]any
		if err := yaml.Unmarshal([]byte(rules[i+1]), &transform); err != nil {
			t.Fatal(err)
		}
		m.Columns = append(m.Columns, spec.MaskColumn{Pattern: rules[i], Transform: transform})
	}
	return m
}

func maskerOf(t testing.TB, rules ...string) *mask.Masker {
	t.Helper()
	m, err := mask.New(maskOf(t, rules...), testKey)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tableOf makes the table app.t of columns.
func tableOf(columns ...schema.Column) *schema.Table {
	return &schema.Table{Schema: "app", Name: "t", Columns: columns}
}

func varchar(name string, n int64) schema.Column {
	return schema.Column{Name: name, Type: "varchar", FullType: "varchar", Length: n, Charset: "utf8mb4", Collation: "utf8mb4_0900_ai_ci"}
}

func namesOf(t *schema.Table) []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

func filterOf(t testing.TB, m *mask.Masker, table *schema.Table) rows.Filter {
	t.Helper()
	f, err := m.For(table, namesOf(table))
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		t.Fatal("nothing masks the table")
	}
	return f
}

// cellOf reads "NULL", numbers for columns of numbers, and texts.
func cellOf(c *schema.Column, text string) rows.Cell {
	switch c.Type {
	case "int", "bigint", "tinyint", "smallint", "decimal", "double", "float", "year":
		if text != "NULL" {
			return rows.Cell{Kind: rows.Number, Value: []byte(text)}
		}
	case "binary", "varbinary", "blob":
		if text != "NULL" {
			return rows.Cell{Kind: rows.Bytes, Value: []byte(text)}
		}
	}
	if text == "NULL" {
		return rows.Cell{}
	}
	return rows.Cell{Kind: rows.Text, Value: []byte(text)}
}

// row masks one row of texts; the input must come through unharmed.
func row(t testing.TB, f rows.Filter, table *schema.Table, texts ...string) []string {
	t.Helper()
	result, err := tryRow(t, f, table, texts...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func tryRow(t testing.TB, f rows.Filter, table *schema.Table, texts ...string) ([]string, error) {
	t.Helper()
	cells := make([]rows.Cell, len(texts))
	inputs := make([][]byte, len(texts))
	for i, text := range texts {
		cells[i] = cellOf(&table.Columns[i], text)
		inputs[i] = cells[i].Value
	}
	keep, err := f.Row(cells)
	if err != nil {
		return nil, err
	}
	if !keep {
		t.Error("a mask left a row out")
	}
	result := make([]string, len(texts))
	for i, c := range cells {
		if result[i] = string(c.Value); c.Kind == rows.Null {
			result[i] = "NULL"
		}
		if texts[i] != "NULL" && !bytes.Equal(inputs[i], []byte(texts[i])) {
			t.Error("a mask wrote into its input")
		}
	}
	return result, nil
}

// one masks single values of a column app.t.c by a transform.
func one(t testing.TB, transform string, c schema.Column) func(text string) (string, error) {
	t.Helper()
	c.Name = "c"
	table := tableOf(c)
	f := filterOf(t, maskerOf(t, "app.t.c", transform), table)
	return func(text string) (string, error) {
		result, err := tryRow(t, f, table, text)
		if err != nil {
			return "", err
		}
		return result[0], nil
	}
}
