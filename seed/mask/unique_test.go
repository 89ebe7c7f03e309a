package mask_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/dbake/dbake/seed/schema"
)

// TestUniqueMasksOfWholeSets masks every value there is of small sets: the masks
// are all different, also for collations without case.
func TestUniqueMasksOfWholeSets(t *testing.T) {
	t.Parallel()
	const letters = "abcdefghijklmnopqrstuvwxyz"
	cases := []struct {
		name, transform string
		column          schema.Column
		values          func(yield func(string))
		// own: results are the values again, in another order.
		own bool
	}{
		{"tinyint", "unique: {}", columnOf("tinyint"), numbers("%d", -128, 127), true},
		{"tinyint unsigned", "unique: {}", columnOf("tinyint unsigned"), numbers("%d", 0, 255), true},
		{"min and max of the type", "unique: {min: -128, max: 127}", columnOf("tinyint"), numbers("%d", -128, 127), true},
		{"year", "unique: {}", columnOf("year"), numbers("%d", 1901, 2155), true},
		{"min and max", "unique: {min: -5, max: 500}", columnOf("int"), numbers("%d", -5, 500), true},
		{"decimal", "unique: {}", columnOf("decimal(3,2)"), cents(-999, 999), true},
		{"digits", "unique: {}", varchar("c", 10), numbers("%04d", 0, 9999), true},
		{"letters", "unique: {}", varchar("c", 10), words(letters, "-", letters), true},
		{"phone", "phone: {}", varchar("c", 10), numbers("%d", 0, 999), true},
		{"phone with zeros", "phone: {}", varchar("c", 10), numbers("%03d", 0, 999), true},
		{"zip", "zip: {keep: 1}", varchar("c", 10), words("12", letters, " ", "0123456789"), true},
		{"card", "credit_card: {}", varchar("c", 10), numbers("%03d", 0, 999), true},
		{"card of an issuer", "credit_card: {keep: 2}", varchar("c", 10), numbers("41%03d", 0, 999), true},
		{"iban", "iban: {}", varchar("c", 10), words("DE", "019", "0123456789", "0123456789", "ABC", " ", "01"), false},
		{"username", "username: {}", varchar("c", 60), words("abcxyz~_é山", "abcxyz0~_é", "abcxyzA~"), false},
		{"email", "email: {}", varchar("c", 60), words("ab~+é", "a1_@~", "@_ab", "ab.@_", "ab1"), false},
		{"email with its domain", "email: {keep_domain: true}", varchar("c", 60), words("ab~+é", "a1_@~", "@_ab", "ab.@_", "ab1"), false},
		{"url", "url: {}", varchar("c", 60), words("hw", "t:", "://", "ab1", "./:", "19é", "/?", "%a"), false},
		{"url with its host", "url: {keep_host: true}", varchar("c", 60), words("hw", "t:", "://", "ab1", "./:", "19é", "/?", "%a"), false},
		{"ip", "ip: {keep: 20}", varchar("c", 60), addresses("203.0.0.0", 1<<12), true},
		{"ip of a private network", "ip: {}", varchar("c", 60), addresses("192.168.0.0", 1<<11), false},
		{"ip v6", "ip: {keep: 116}", varchar("c", 60), addresses("2001:db8::", 1<<12), true},
		{"bytes", "unique: {}", columnOf("varbinary(1)"), everyByte, true},
		{"code", "unique: {as: code}", varchar("c", 60), words("abc 1é", "abcxyz A", letters), false},
		{"enum", "shuffle: {}", columnOf("enum(a,b,c,d,e)"), words("abcde"), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mask := one(t, "{"+c.transform+"}", c.column)
			values, masks := map[string]bool{}, map[string]string{}
			c.values(func(v string) { values[v] = true })
			for v := range values {
				m, err := mask(v)
				if err != nil {
					t.Fatalf("%q: %v", v, err)
				}
				if other, taken := masks[m]; taken {
					t.Fatalf("%q and %q have the same mask %q", v, other, m)
				}
				masks[m] = v
				if c.own && !values[m] {
					t.Fatalf("%q becomes %q, which is not of the set", v, m)
				}
			}
			if c.column.Collation != "" {
				withoutCase(t, masks)
			}
		})
	}
}

// withoutCase: values that differ by more than case have masks that do.
func withoutCase(t *testing.T, masks map[string]string) {
	t.Helper()
	seen := map[string]string{}
	for m, v := range masks {
		m = strings.ToLower(m)
		if other, taken := seen[m]; taken && !strings.EqualFold(v, other) {
			t.Fatalf("%q and %q have masks that differ by case only", v, other)
		}
		seen[m] = v
	}
}

// TestKeysStayUnique: what could give two rows the same value of a unique key is
// refused, with what to do.
func TestKeysStayUnique(t *testing.T) {
	t.Parallel()
	primary := schema.Key{Name: "PRIMARY", Primary: true, Unique: true, Columns: []string{"id"}}
	key := func(columns ...string) schema.Key { return schema.Key{Name: "k", Unique: true, Columns: columns} }
	cases := []struct {
		name, rule string
		change     func(*schema.Table)
		want       string // part of the error; empty: none
	}{
		{"email", "email: {}", nil, ""},
		{"username", "username: {}", nil, ""},
		{"phone", "phone: {}", nil, ""},
		{"unique", "unique: {}", nil, ""},
		{"a whole hash", "hash: {}", nil, ""},
		{"null", "'null': {}", nil, ""},
		{"keep", "keep: {}", nil, ""},
		{"a short hash", "hash: {length: 8}", nil, "unique: {}"},
		{"a hash of 128 bits", "hash: {length: 32}", nil, ""},
		{"a hash in base64 that loses its case", "hash: {format: base64, length: 30}", nil, "unique: {}"},
		{"name", "name: {}", nil, "unique: {}"},
		{"email of names", "email: {style: name}", nil, "unique: {}"},
		{"constant", "constant: x", nil, "unique: {}"},
		{"choice", "choice: [a, b]", nil, "unique: {}"},
		{"redact", "redact: {}", nil, "unique: {}"},
		{"chain of bijections", "chain: [{unique: {}}, {email: {}}]", nil, ""},
		{"chain that cuts", "chain: [{unique: {}}, {truncate: 5}]", nil, "unique: {}"},
		{"when", "{unique: {}, when: id > 5}", nil, "leave out when"},
		{"when it makes NULL", "{'null': {}, when: id > 5}", nil, ""},
		{"a part of the value", "unique: {}", func(t *schema.Table) { t.Keys[1].Partial = true }, "part of the value"},
		{"NULL in a part of the value", "'null': {}", func(t *schema.Table) { t.Keys[1].Partial = true }, ""},
		{"a collation with i and j the same", "email: {}", func(t *schema.Table) { t.Columns[1].Collation = "utf8mb4_roman_ci" }, "as: code"},
		{"a code for it", "unique: {as: code}", func(t *schema.Table) { t.Columns[1].Collation = "utf8mb4_tr_0900_ai_ci" }, ""},
		{"a key that has a unique key in it", "name: {}", func(t *schema.Table) { t.Keys[1] = key("id", "c") }, ""},
		{"a key over two", "name: {}", func(t *schema.Table) { t.Keys[1] = key("c", "d") }, "unique: {}"},
		{"not unique", "name: {}", func(t *schema.Table) { t.Keys[1].Unique = false }, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			table := tableOf(columnOf("int not null"), varchar("c", 200), varchar("d", 10))
			table.Columns[0].Name = "id"
			table.Keys = []schema.Key{primary, key("C")}
			if c.change != nil {
				c.change(table)
			}
			rule := c.rule
			if !strings.HasPrefix(rule, "{") {
				rule = "{" + rule + "}"
			}
			_, err := maskerOf(t, "app.t.c", rule).For(table, namesOf(table))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "app.t.c")):
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func numbers(format string, from, to int) func(func(string)) {
	return func(yield func(string)) {
		for n := from; n <= to; n++ {
			yield(fmt.Sprintf(format, n))
		}
	}
}

func cents(from, to int) func(func(string)) {
	return func(yield func(string)) {
		for n := from; n <= to; n++ {
			sign, m := "", n
			if n < 0 {
				sign, m = "-", -n
			}
			yield(fmt.Sprintf("%s%d.%02d", sign, m/100, m%100))
		}
	}
}

// words yields every text with one character of each set; "://" is one.
func words(sets ...string) func(func(string)) {
	return func(yield func(string)) {
		var grow func(prefix string, rest []string)
		grow = func(prefix string, rest []string) {
			if len(rest) == 0 {
				yield(prefix)
				return
			}
			if rest[0] == "://" {
				grow(prefix+rest[0], rest[1:])
				return
			}
			for _, r := range rest[0] {
				grow(prefix+string(r), rest[1:])
			}
		}
		grow("", sets)
	}
}

func addresses(first string, n int) func(func(string)) {
	return func(yield func(string)) {
		a := netip.MustParseAddr(first)
		for range n {
			yield(a.String())
			a = a.Next()
		}
	}
}

func everyByte(yield func(string)) {
	for n := range 256 {
		yield(string([]byte{byte(n)}))
	}
}
