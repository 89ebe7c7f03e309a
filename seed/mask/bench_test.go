package mask_test

import (
	"testing"

	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

// BenchmarkTransforms is the time of one value.
func BenchmarkTransforms(b *testing.B) {
	for _, c := range []struct{ name, transform, kind, value string }{
		{"constant", "constant: x", "varchar(100)", "Jane Smith"},
		{"redact", "redact: {keep_first: 1}", "varchar(100)", "Jane Smith"},
		{"regex", "regex: {pattern: '[0-9]', replace: '#'}", "varchar(100)", "card 1234"},
		{"template", "template: 'user{hash:8}@example.com'", "varchar(100)", "Jane Smith"},
		{"hash", "hash: {}", "varchar(100)", "Jane Smith"},
		{"email", "email: {}", "varchar(100)", "taro.yamada@acme.co.jp"},
		{"email_name", "email: {style: name}", "varchar(100)", "taro.yamada@acme.co.jp"},
		{"name", "name: {}", "varchar(100)", "Jane Smith"},
		{"name_ja", "name: {locale: ja}", "varchar(100)", "山田太郎"},
		{"name_ja_cp932", "name: {locale: ja}", "varchar(100) cp932", "山田太郎"},
		{"username", "username: {}", "varchar(100)", "jane_smith99"},
		{"phone", "phone: {}", "varchar(100)", "+81 (90) 1234-5678"},
		{"address", "address: {}", "varchar(100)", "1 Infinite Loop"},
		{"company", "company: {}", "varchar(100)", "Acme"},
		{"credit_card", "credit_card: {}", "varchar(100)", "4111 1111 1111 1111"},
		{"iban", "iban: {}", "varchar(100)", "DE89 3704 0044 0532 0130 00"},
		{"ip", "ip: {}", "varchar(100)", "203.0.113.9"},
		{"ip6", "ip: {}", "varchar(100)", "2001:db8::1"},
		{"mac", "mac: {}", "varchar(100)", "00:1B:44:11:3A:B7"},
		{"url", "url: {}", "varchar(100)", "https://jane.acme.org/users/42"},
		{"uuid", "uuid: {}", "varchar(100)", "550e8400-e29b-41d4-a716-446655440000"},
		{"shift", "shift: {}", "datetime", "2000-02-29 23:59:59"},
		{"noise", "noise: {}", "decimal(10,2)", "1234.50"},
		{"choice", "choice: [a, b, c]", "varchar(100)", "Jane"},
		{"shuffle", "shuffle: {}", "enum(a,b,c)", "b"},
		{"password_hash", "password_hash: {password: x, cost: 4}", "varchar(100)", "old"},
		{"unique_int", "unique: {}", "int", "123456"},
		{"unique_text", "unique: {}", "varchar(100)", "AB-1234-xy"},
		{"unique_code", "unique: {as: code}", "varchar(100)", "AB-1234-xy"},
		{"json", "json: {$.name: {name: {}}, $.email: {email: {}}}", "json", `{"id": 5, "name": "Jane", "email": "jane@acme.org", "tags": ["a", "b"]}`},
		{"php", "php: {$.name: {name: {}}}", "text", `a:2:{s:4:"name";s:4:"Jane";s:1:"n";d:0.5;}`},
		{"when", "redact: {}, when: c != 'x'", "varchar(100)", "Jane Smith"},
	} {
		b.Run(c.name, func(b *testing.B) {
			column := columnOf(c.kind)
			column.Name = "c"
			benchmarkRow(b, tableOf(column), []string{"app.t.c", "{" + c.transform + "}"}, c.value)
		})
	}
}

// BenchmarkRow is the time of a row with ten masked columns.
func BenchmarkRow(b *testing.B) {
	values := map[string][2]string{
		"email": {"{email: {}}", "taro.yamada@acme.co.jp"}, "first": {"{first_name: {}}", "Taro"}, "last": {"{last_name: {}}", "Yamada"},
		"phone": {"{phone: {}}", "090-1234-5678"}, "address": {"{address: {}}", "1 Infinite Loop"}, "city": {"{city: {}}", "Tokyo"},
		"zip": {"{zip: {}}", "150-0001"}, "company": {"{company: {}}", "Acme"}, "token": {"{hash: {}}", "a3f9c1"}, "note": {"{redact: {}}", "call him on Monday"},
	}
	table := tableOf()
	var rules, texts []string
	for _, name := range []string{"email", "first", "last", "phone", "address", "city", "zip", "company", "token", "note"} {
		table.Columns = append(table.Columns, varchar(name, 100))
		rules = append(rules, "app.t."+name, values[name][0])
		texts = append(texts, values[name][1])
	}
	benchmarkRow(b, table, rules, texts...)
}

func benchmarkRow(b *testing.B, table *schema.Table, rules []string, texts ...string) {
	b.Helper()
	f := filterOf(b, maskerOf(b, rules...), table)
	before := make([]rows.Cell, len(texts))
	for i := range texts {
		before[i] = cellOf(&table.Columns[i], texts[i])
	}
	cells := make([]rows.Cell, len(texts))
	b.ReportAllocs()
	for b.Loop() {
		copy(cells, before)
		if _, err := f.Row(cells); err != nil {
			b.Fatal(err)
		}
	}
}
