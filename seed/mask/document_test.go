package mask_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawJSON draws a value and its text, with blanks and escapes of all sorts.
func drawJSON(t *rapid.T, depth int) string {
	blank := rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "blank")
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth == 0 {
		kind %= 6
	}
	text := ""
	switch kind {
	case 0:
		text = "null"
	case 1:
		text = "true"
	case 2:
		text = rapid.SampledFrom([]string{"0", "-1.50", "1e400", "12345678901234567890.10", "5"}).Draw(t, "number")
	case 3, 4, 5:
		text = rapid.SampledFrom([]string{`""`, `"a\"b"`, `"\\"`, `"\u00e9\ud83d\ude00"`, `"{[,:]}"`, `"é\n"`, `"\ud800"`}).Draw(t, "string")
	case 6:
		var items []string
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			items = append(items, drawJSON(t, depth-1))
		}
		text = "[" + strings.Join(items, ",") + blank + "]"
	case 7:
		var members []string
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			key := rapid.SampledFrom([]string{`"a"`, `"b"`, `"a b"`, `"\u0061"`, `""`}).Draw(t, "key")
			members = append(members, key+blank+":"+drawJSON(t, depth-1))
		}
		text = "{" + strings.Join(members, ","+blank) + "}"
	}
	return blank + text + blank
}

// TestJSONStaysWhatItIs: a rule that matches nothing changes no byte, and one for
// all texts changes nothing but those.
func TestJSONStaysWhatItIs(t *testing.T) {
	t.Parallel()
	column := columnOf("json")
	nothing := one(t, "{json: {$.x.y: {redact: {}}, '$[7]': {redact: {}}}}", column)
	all := one(t, "{json: {$..*: {constant: x}, $: {constant: x}}}", column)
	kept := one(t, "{json: {$..a: {keep: {}}}}", column)
	rapid.Check(t, func(t *rapid.T) {
		text := drawJSON(t, 4)
		if got, err := nothing(text); err != nil || got != text {
			t.Fatalf("%s becomes %s (error %v)", text, got, err)
		}
		if got, err := all(text); err != nil || !json.Valid([]byte(got)) || strings.Contains(got, "12345678901234567890") {
			t.Fatalf("%s becomes %s (error %v)", text, got, err)
		}
		got, err := kept(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decodeJSON(t, text), decodeJSON(t, got)); diff != "" {
			t.Fatalf("%s becomes %s:\n%s", text, got, diff)
		}
	})
}

func decodeJSON(t *rapid.T, text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestJSONPaths(t *testing.T) {
	t.Parallel()
	const text = `{"a":{"b":[{"c":"1"},{"c":"2","d":"3"}],"x y":"4"},"b":["5",["6"]],"c":"7"}`
	for path, want := range map[string]string{
		"$.a.b[*].c":   "1,2",
		"$.a.b[1].c":   "2",
		"$.a.b[1].*":   "2,3",
		"$.a.b":        "1,2,3",
		`$.a."x y"`:    "4",
		`$.a['x y']`:   "4",
		"$..c":         "1,2,7",
		"$**.c":        "1,2,7",
		"$.b[0]":       "5",
		"$.b..[0]":     "5,6",
		"$.b[*][0]":    "6",
		"$":            "1,2,3,4,5,6,7",
		"$.*":          "1,2,3,4,5,6,7",
		"$.c":          "7",
		"$.nothing[3]": "",
	} {
		got, err := one(t, fmt.Sprintf("{json: {%q: {redact: {}}}}", path), columnOf("json"))(text)
		if err != nil {
			t.Fatal(err)
		}
		var hidden []string
		for _, n := range "1234567" {
			if !strings.Contains(got, `"`+string(n)+`"`) {
				hidden = append(hidden, string(n))
			}
		}
		if strings.Join(hidden, ",") != want {
			t.Errorf("%s masks %v, want %s: %s", path, hidden, want, got)
		}
	}
}

// A path with keep keeps nothing that another one masks.
func TestDocumentsMaskWhatSomePathMasks(t *testing.T) {
	t.Parallel()
	for rules, want := range map[string]string{
		"$.a: {keep: {}}, $.a.b: {constant: x}":  `{"a":{"b":"x","c":"2"},"d":"3"}`,
		"$..b: {keep: {}}, $.a.b: {constant: x}": `{"a":{"b":"x","c":"2"},"d":"3"}`,
		"$.*: {keep: {}}, $.d: {constant: x}":    `{"a":{"b":"1","c":"2"},"d":"x"}`,
		"$..*: {constant: x}, $.d: {keep: {}}":   `{"a":"x","d":"x"}`,
	} {
		got, err := one(t, "{json: {"+rules+"}}", columnOf("json"))(`{"a":{"b":"1","c":"2"},"d":"3"}`)
		if err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", rules, got, err, want)
		}
	}
	got, err := one(t, "{php: {$.a: {keep: {}}, '$.a[0]': {constant: x}}}", columnOf("text"))(`a:1:{s:1:"a";a:1:{i:0;s:1:"1";}}`)
	if want := `a:1:{s:1:"a";a:1:{i:0;s:1:"x";}}`; err != nil || got != want {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
}

// drawPHP draws what PHP's serialize gives.
func drawPHP(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return "N;"
	case 1:
		return "b:1;"
	case 2:
		return "i:-12;"
	case 3:
		return "d:0.1;"
	case 4:
		s := rapid.SampledFrom([]string{"", "a", `";s:1:"`, "é山", "{}"}).Draw(t, "string")
		return fmt.Sprintf(`s:%d:`, len(s)) + `"` + s + `";`
	}
	n := rapid.IntRange(0, 3).Draw(t, "n")
	var members strings.Builder
	for i := range n {
		members.WriteString(rapid.SampledFrom([]string{fmt.Sprintf("i:%d;", i), `s:1:"a";`, "s:4:\"\x00*\x00a\";"}).Draw(t, "key"))
		members.WriteString(drawPHP(t, depth-1))
	}
	if kind == 5 {
		return fmt.Sprintf("a:%d:{%s}", n, members.String())
	}
	return fmt.Sprintf(`O:4:"Some":%d:{%s}`, n, members.String())
}

func TestPHPStaysWhatItIs(t *testing.T) {
	t.Parallel()
	column := columnOf("longtext")
	nothing := one(t, "{php: {$.x.y: {redact: {}}}}", column)
	all := one(t, "{php: {$..*: {constant: 山田}, $: {constant: 山田}}}", column)
	rapid.Check(t, func(t *rapid.T) {
		text := drawPHP(t, 3)
		if got, err := nothing(text); err != nil || got != text {
			t.Fatalf("%s becomes %s (error %v)", text, got, err)
		}
		got, err := all(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		// What comes out is read again.
		if same, err := nothing(got); err != nil || same != got {
			t.Fatalf("%s becomes %s, which is read as %s (error %v)", text, got, same, err)
		}
	})
}

// TestPHPLengthsAreBytesOfTheColumn: in latin1 é has one byte.
func TestPHPLengthsAreBytesOfTheColumn(t *testing.T) {
	t.Parallel()
	got, err := one(t, "{php: {$.a: {constant: éé}}}", columnOf("varchar(100) latin1"))(`a:2:{s:1:"a";s:3:"Zoë";s:1:"b";s:1:"ß";}`)
	if want := `a:2:{s:1:"a";s:2:"éé";s:1:"b";s:1:"ß";}`; err != nil || got != want {
		t.Errorf("got %s (error %v), want %s", got, err, want)
	}
}

func FuzzPHP(f *testing.F) {
	mask := one(panics{}, "{php: {$..a: {redact: {}}}}", columnOf("longtext"))
	f.Add(`a:1:{s:1:"a";O:1:"B":1:{s:1:"a";i:5;}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := mask(text); err == nil {
			if _, err := mask(got); err != nil {
				t.Errorf("%q becomes %q, which is not read again: %v", text, got, err)
			}
		}
	})
}
