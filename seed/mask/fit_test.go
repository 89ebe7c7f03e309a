package mask_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"pgregory.net/rapid"

	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

// everyTransform has the transforms with options of all sorts.
var everyTransform = []string{
	"{'null': {}}", "{constant: x}", "{constant: 7}", "{constant: '2001-02-03'}", "{template: 'u{hash:6}'}", "{template: '{digits:3}'}",
	"{redact: {}}", "{redact: {keep_first: 1, keep_last: 1, char: '0'}}", "{truncate: 2}", "{regex: {pattern: '[0-9]', replace: '7'}}",
	"{hash: {}}", "{hash: {format: base64}}", "{email: {}}", "{email: {keep_domain: true}}", "{email: {style: name, locale: fr}}",
	"{name: {}}", "{name: {locale: ja}}", "{name: {locale: de}}", "{first_name: {locale: ko}}", "{last_name: {locale: ja, script: katakana}}",
	"{username: {}}", "{username: {style: name}}", "{phone: {}}", "{phone: {keep: 2}}", "{zip: {}}", "{credit_card: {}}", "{iban: {}}",
	"{address: {locale: de}}", "{address: {locale: ja}}", "{city: {}}", "{country: {locale: fr}}", "{company: {}}", "{job: {}}",
	"{ip: {}}", "{ip: {keep: 24}}", "{mac: {}}", "{url: {}}", "{uuid: {}}", "{unique: {}}", "{unique: {as: code}}",
	"{shift: {}}", "{shift: 400w}", "{shift: {range: 90m}}", "{shift: {range: 3d, fixed: true}}",
	"{noise: {}}", "{noise: {percent: 100}}", "{noise: {amount: 1000}}", "{shuffle: {}}", "{shuffle: [a, b, c]}",
	"{choice: [a, b]}", "{choice: {'1': 2, '2': 1}}", "{password_hash: {password: x, cost: 4}}",
	"{json: {$.a: {redact: {}}, '$..b': {name: {}}}}", "{php: {$.a: {redact: {}}}}", "{chain: [{truncate: 4}, {hash: {length: 8}}]}",
}

var everyType = []string{
	"varchar(3)", "varchar(20)", "varchar(255)", "varchar(40) latin1", "varchar(40) ascii", "varchar(40) cp932", "varchar(40) utf8mb3",
	"char(2)", "char(36)", "tinytext", "text", "tinytext cp932", "varbinary(16)", "binary(16)", "binary(4)", "blob",
	"tinyint", "tinyint unsigned", "smallint", "int", "int unsigned", "bigint", "bigint unsigned", "year",
	"decimal(5,2)", "decimal(10,0)", "decimal(30,10) unsigned", "double", "float", "date", "datetime", "timestamp",
	"enum(a,b,c)", "set(a,b)", "json",
}

// drawValue draws a value that a column of the type can have.
func drawValue(t *rapid.T, c *schema.Column) string {
	if rapid.IntRange(0, 9).Draw(t, "kind") == 0 && !c.NotNull {
		return "NULL"
	}
	year := rapid.IntRange(1000, 9999)
	switch c.Type {
	case "tinyint", "smallint", "int", "bigint", "year":
		return drawWhole(t, c)
	case "decimal":
		digits := rapid.StringMatching(fmt.Sprintf(`[0-9]{1,%d}`, c.Length-c.Scale)).Draw(t, "digits")
		if c.Scale > 0 {
			digits += "." + rapid.StringMatching(fmt.Sprintf(`[0-9]{%d}`, c.Scale)).Draw(t, "fraction")
		}
		return digits
	case "double", "float":
		return strconv.FormatFloat(float64(rapid.Float32Range(-1e30, 1e30).Draw(t, "float")), 'g', 9, 64)
	case "timestamp":
		year = rapid.IntRange(1971, 2037)
		fallthrough
	case "date", "datetime":
		at := time.Date(year.Draw(t, "year"), 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 364*86400).Draw(t, "second")) * time.Second)
		if c.Type == "date" {
			return at.Format(time.DateOnly)
		}
		return at.Format(time.DateTime)
	case "enum", "set":
		return rapid.SampledFrom(c.Members).Draw(t, "member")
	case "json":
		return rapid.SampledFrom([]string{`{"a":"x","b":[1,{"b":null}]}`, `[]`, `"text"`, `{"b":{"a":true}}`, `17`}).Draw(t, "document")
	case "binary", "varbinary", "blob":
		n := int(c.Length)
		if c.Type != "binary" {
			n = rapid.IntRange(0, max(n, 20)%21).Draw(t, "length")
		}
		return string(rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes"))
	}
	return drawText(t, c)
}

func drawWhole(t *rapid.T, c *schema.Column) string {
	bits := map[string]int{"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64, "year": 0}[c.Type]
	switch {
	case bits == 0:
		return strconv.Itoa(rapid.IntRange(1901, 2155).Draw(t, "year"))
	case c.Unsigned:
		return strconv.FormatUint(rapid.Uint64().Draw(t, "n")>>(64-bits), 10)
	}
	return strconv.FormatInt(rapid.Int64().Draw(t, "n")>>(64-bits), 10)
}

func drawText(t *rapid.T, c *schema.Column) string {
	all := samples()
	if c.Charset != "ascii" {
		all = append(all, "Zoë")
	}
	if c.Charset == "cp932" {
		all[len(all)-1] = "山田太郎"
	}
	text := rapid.OneOf(rapid.SampledFrom(all), rapid.StringMatching(`[ -~]{0,60}`)).Draw(t, "text")
	limit := int(c.Length)
	if limit < 0 {
		limit = 120
	}
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit])
	}
	return text
}

// samples has a text for every transform.
func samples() []string {
	return []string{
		"jo@acme.org", "Jane Smith", "+81-90-1234-5678", "4111 1111 1111 1111", "203.0.113.9", "00:1b:44:11:3a:b7", "https://acme.org/x",
		"550e8400-e29b-41d4-a716-446655440000", "2020-02-03", "12.50", "DE89370400440532013000", "a", "~x", `{"a":"b"}`, `a:1:{s:1:"a";s:1:"b";}`,
	}
}

// TestMasksFitTheirColumns: whatever the transform, the column and the value are,
// there is a mask that the column takes, or an error that names the column and does
// not show the value. The same value gives the same mask again.
func TestMasksFitTheirColumns(t *testing.T) {
	t.Parallel()
	fitted := map[string]bool{}
	maskers := map[string]*mask.Masker{}
	for _, transform := range everyTransform {
		maskers[transform] = maskerOf(t, "app.t.c", transform)
	}
	wide := columnOf("varchar(255)")
	wide.Name = "c"
	for transform, m := range maskers {
		for _, text := range samples() {
			fitted[transform] = checkFit(t, transform, m, &wide, text) || fitted[transform]
		}
		year := columnOf("year")
		enum := columnOf("enum(a,b,c)")
		for text, c := range map[string]*schema.Column{"a": &enum, "2001": &year} {
			c.Name = "c"
			fitted[transform] = checkFit(t, transform, m, c, text) || fitted[transform]
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := columnOf(rapid.SampledFrom(everyType).Draw(t, "type"))
		c.Name, c.NotNull = "c", rapid.Bool().Draw(t, "not null")
		text := drawValue(t, &c)
		for transform, m := range maskers {
			fitted[transform] = checkFit(t, transform, m, &c, text) || fitted[transform]
		}
	})
	for _, transform := range everyTransform {
		if !fitted[transform] {
			t.Errorf("%s never gave a mask", transform)
		}
	}
}

// checkFit reports whether there is a mask.
func checkFit(t interface{ Fatalf(string, ...any) }, transform string, m *mask.Masker, c *schema.Column, text string) bool {
	table := tableOf(*c)
	f, err := m.For(table, []string{"c"})
	if err != nil {
		if !strings.Contains(err.Error(), "mask app.t.c: ") {
			t.Fatalf("%s: the error does not name the column: %v", transform, err)
		}
		return false
	}
	again, err := m.For(table, []string{"c"})
	if err != nil || f == nil {
		t.Fatalf("%s: filter %v, error %v", transform, f, err)
	}
	before := cellOf(c, text)
	cells, twice := []rows.Cell{before}, []rows.Cell{before}
	_, err = f.Row(cells)
	_, err2 := again.Row(twice)
	if (err == nil) != (err2 == nil) || err == nil && (cells[0].Kind != twice[0].Kind || !bytes.Equal(cells[0].Value, twice[0].Value)) {
		t.Fatalf("%s: %q becomes %q and %q", transform, text, cells[0].Value, twice[0].Value)
	}
	if err != nil {
		if !strings.Contains(err.Error(), "mask app.t.c: ") || len(text) > 4 && strings.Contains(err.Error(), text) {
			t.Fatalf("%s: the error for %q is %v", transform, text, err)
		}
		return false
	}
	if fault := faultOf(c, cells[0]); cells[0].Changed && fault != "" {
		t.Fatalf("%s: %q becomes %q, which does not fit: %s", transform, text, cells[0].Value, fault)
	}
	return cells[0].Changed
}

// panics is a testing.TB for code in rapid checks.
type panics struct{ testing.TB }

func (panics) Helper()           {}
func (panics) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
func (panics) Error(args ...any) { panic(fmt.Sprint(args...)) }

// faultOf says why a server would refuse a value; it knows nothing of package
// mask.
func faultOf(c *schema.Column, cell rows.Cell) string {
	if cell.Kind == rows.Null {
		if c.NotNull {
			return "NULL"
		}
		return ""
	}
	text := string(cell.Value)
	switch c.Type {
	case "varchar", "char", "tinytext", "text":
		return faultOfText(c, text)
	case "binary", "varbinary":
		if len(text) > int(c.Length) {
			return "too long"
		}
	case "tinyint", "smallint", "int", "bigint":
		bits := map[string]int{"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}[c.Type]
		var err error
		if c.Unsigned {
			_, err = strconv.ParseUint(text, 10, bits)
		} else {
			_, err = strconv.ParseInt(text, 10, bits)
		}
		if err != nil {
			return err.Error()
		}
	case "year":
		if n, err := strconv.Atoi(text); err != nil || n < 1901 || n > 2155 {
			return "no year"
		}
	case "decimal":
		whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
		if len(strings.TrimLeft(whole, "0")) > int(c.Length-c.Scale) || len(fraction) > int(c.Scale) || (c.Unsigned && text[0] == '-' && strings.Trim(text, "-0.") != "") {
			return "out of range"
		}
	case "double", "float":
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return err.Error()
		}
	case "date", "datetime", "timestamp":
		return faultOfMoment(c, text)
	case "enum":
		if !slices.Contains(c.Members, text) {
			return "no member"
		}
	case "json":
		if !json.Valid(cell.Value) {
			return "no JSON"
		}
	}
	return ""
}

func faultOfText(c *schema.Column, text string) string {
	if !utf8.ValidString(text) {
		return "not UTF-8"
	}
	size := len(text)
	var err error
	switch c.Charset {
	case "latin1":
		_, err = charmap.Windows1252.NewEncoder().String(text)
	case "cp932":
		var encoded string
		encoded, err = japanese.ShiftJIS.NewEncoder().String(text)
		size = len(encoded)
	case "ascii":
		if size != utf8.RuneCountInString(text) {
			return "not ASCII"
		}
	case "utf8mb3":
		for _, r := range text {
			if r > 0xFFFF {
				return "not in utf8mb3"
			}
		}
	}
	switch {
	case err != nil:
		return err.Error()
	case c.Length >= 0 && utf8.RuneCountInString(text) > int(c.Length):
		return "too long"
	case c.Type == "tinytext" && size > 255:
		return "too long in bytes"
	}
	return ""
}

func faultOfMoment(c *schema.Column, text string) string {
	layout := time.DateTime
	if c.Type == "date" && len(text) == 10 {
		layout = time.DateOnly
	}
	at, err := time.Parse(layout, text)
	if err != nil && layout == time.DateTime {
		at, err = time.Parse(time.DateOnly, text)
	}
	switch {
	case err != nil:
		return err.Error()
	case c.Type == "timestamp" && (at.Year() < 1970 || at.Unix() > 1<<31-1):
		return "out of range"
	}
	return ""
}

// TestTransformsAreAllInTheProperty keeps the list above complete.
func TestTransformsAreAllInTheProperty(t *testing.T) {
	t.Parallel()
	for _, name := range spec.TransformNames() {
		if name == "sql" || name == "keep" {
			continue
		}
		if !slices.ContainsFunc(everyTransform, func(s string) bool { return strings.HasPrefix(strings.ReplaceAll(s, "'", ""), "{"+name+":") }) {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestRawIdentifiers: identifiers in bytes stay in bytes.
func TestRawIdentifiers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ transform, kind, value string }{
		{"{uuid: {}}", "binary(16)", "\x55\x0e\x84\x00\xe2\x9b\x41\xd4\xa7\x16\x44\x66\x55\x44\x00\x00"},
		{"{ip: {}}", "varbinary(16)", "\xcb\x00\x71\x09"},
		{"{ip: {}}", "binary(4)", "\xcb\x00\x71\x09"},
		{"{mac: {}}", "binary(6)", "\x00\x1b\x44\x11\x3a\xb7"},
		{"{unique: {}}", "varbinary(20)", "\x00\xff\x00\xff"},
	} {
		got, err := one(t, c.transform, columnOf(c.kind))(c.value)
		if err != nil || len(got) != len(c.value) || got == c.value {
			t.Errorf("%s of %s: %x, error %v", c.transform, c.kind, got, err)
		}
		if c.transform == "{uuid: {}}" && (got[6]>>4 != 4 || got[8]>>6 != 2) {
			t.Errorf("the UUID %x is no version 4", got)
		}
	}
}
