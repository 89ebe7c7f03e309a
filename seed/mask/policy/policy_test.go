package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/seed/dump"
	"github.com/dbake/dbake/seed/mask"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
	"github.com/dbake/dbake/spec"
)

func table(t *testing.T, text string) *schema.Table {
	t.Helper()
	out, err := schema.Parse([]byte(text), dump.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	out.Schema = "app"
	return out
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		table, column, typ string
		want               Kind
	}{
		{"t", "email", "varchar(100)", Email},
		{"t", "userEmailAddress", "varchar(100)", Email},
		{"t", "E_MAIL2", "text", Email},
		{"t", "email_verified_at", "datetime", ""},
		{"t", "email_count", "int", ""},
		{"t", "email_verified", "tinyint(1)", ""},
		{"t", "is_email_public", "varchar(1)", ""},
		{"t", "TEL", "varchar(20)", Phone},
		{"t", "mobilePhone", "bigint", Phone},
		{"t", "phone_id", "int", ""},
		{"t", "first_name", "varchar(20)", FirstName},
		{"t", "billingLastName", "varchar(20)", LastName},
		{"t", "name_kana", "varchar(20)", Kana},
		{"t", "氏名", "varchar(20)", FullName},
		{"t", "連絡先電話番号", "varchar(20)", Phone},
		{"t", "住所1", "varchar(20)", Address},
		{"t", "geburtsdatum", "date", Birthday},
		{"t", "date_of_birth", "varchar(10)", Birthday},
		{"t", "created_on", "date", ""},
		{"t", "shipping_postal_code", "char(7)", Zip},
		{"t", "last_login_ip", "varbinary(16)", IP},
		{"t", "ship", "varchar(20)", ""},
		{"t", "user_agent", "text", UserAgent},
		{"t", "password_digest", "varchar(60)", Password},
		{"t", "api_key", "varchar(60)", Token},
		{"t", "key", "varchar(60)", ""},
		{"t", "my_number", "char(12)", NationalID},
		{"t", "cc_number", "varchar(19)", Card},
		{"t", "iban", "varchar(34)", IBAN},
		{"t", "latitude", "decimal(9,6)", Location},
		{"t", "gender", "enum('f','m')", Gender},
		{"t", "memo", "text", Text},
		{"t", "annual_income", "int", Income},
		{"users", "name", "varchar(50)", FullName},
		{"app_customers", "name", "varchar(50)", FullName},
		{"products", "name", "varchar(50)", ""},
		{"products", "product_name", "varchar(50)", ""},
		{"products", "price", "decimal(9,2)", ""},
		{"products", "description", "text", ""},
		{"orders", "user_id", "bigint", ""},
		{"orders", "state", "varchar(10)", ""},
	} {
		tab := table(t, "CREATE TABLE `"+c.table+"` (`"+c.column+"` "+c.typ+") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4")
		if got := ByName(tab, &tab.Columns[0]); got != c.want {
			t.Errorf("%s.%s %s: got %q, want %q", c.table, c.column, c.typ, got, c.want)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values []string
		want   Kind
	}{
		"addresses":      {[]string{"jo@acme.org", "x", "y"}, Email},
		"in JSON":        {[]string{`{"to": "Jo.Doe+x@mail.acme.co.uk"}`}, Email},
		"nobody's":       {[]string{"a@example.com", "b@mail.example.org", "c@x.test", "@home", "a@b", "1@2.3"}, ""},
		"phones":         {[]string{"+49 30 1234567", "03-1234-5678", "(212) 555-0123", "212-555-0123"}, Phone},
		"no phones":      {[]string{"2026-11-21", "12345678", "1.2.3", "00000000-0000", "10.0.0.1-beta"}, ""},
		"cards":          {[]string{"4111 1111 1111 1111", "5500005555555559"}, Card},
		"numbers":        {[]string{"4111111111111112", "9999999999999995", "1000000000000000"}, ""},
		"accounts":       {[]string{"DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"}, IBAN},
		"no accounts":    {[]string{"DE89370400440532013001", "GB82", "ABCDEFGHIJKLMNOPQ"}, ""},
		"IPs":            {[]string{"192.0.2.17", "2001:db8::1"}, IP},
		"versions":       {[]string{"1.2.3", "10.11.12-MariaDB", "::"}, ""},
		"MACs":           {[]string{"00:1b:44:11:3a:b7"}, MAC},
		"names":          {[]string{"Mary Smith", "John F. Miller"}, FullName},
		"Japanese":       {[]string{"佐藤 花子", "鈴木一郎", "田中太郎"}, FullName},
		"not people":     {[]string{"Blue Chair", "Red Table", "東京", "注文済み", "In Progress"}, ""},
		"one in hundred": {append(make100("setting"), "jo@acme.org"), Email},
	} {
		var s Sample
		for _, v := range c.values {
			s.Add(rows.Text, []byte(v))
		}
		if got, n, _ := s.Kind(); got != c.want {
			t.Errorf("%s: %d look like %q, want %q", name, n, got, c.want)
		}
	}
}

func make100(v string) (list []string) {
	for range 99 {
		list = append(list, v)
	}
	return list
}

const (
	users  = "CREATE TABLE `users` (`id` int NOT NULL, `email` varchar(100), `name` varchar(50), `x` varchar(50), `n` int, `g` varchar(9) GENERATED ALWAYS AS (name) VIRTUAL, PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
	orders = "CREATE TABLE `orders` (`id` int NOT NULL, `email` varchar(100), `y` varchar(50), CONSTRAINT c FOREIGN KEY (`email`) REFERENCES `users` (`email`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	keep := map[string]any{"keep": map[string]any{}}
	for name, c := range map[string]struct {
		columns spec.PolicyColumns
		rules   []string
		none    string
		want    []string
	}{
		"nothing decided": {spec.PolicyPersonal, nil, "", []string{
			"app.orders.email (by its name: email addresses)", "app.users.email (by its name: email addresses)",
			"app.users.name (by its name: names of people)", "app.users.x (2 of 3 values look like phone numbers)",
		}},
		"over the key": {spec.PolicyPersonal, []string{"app.users.email", "app.users.x", "app.users.name"}, "", nil},
		"no rows":      {spec.PolicyPersonal, []string{"app.orders.*"}, "users", nil},
		"all": {spec.PolicyAll, []string{"app.users.email", "app.users.name"}, "", []string{
			"app.orders.id (its table has rules)", "app.orders.y (its table has rules)",
			"app.users.id (its table has rules)", "app.users.n (its table has rules)", "app.users.x (2 of 3 values look like phone numbers)",
		}},
		"all by a pattern": {spec.PolicyAll, []string{"app.*.*"}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &spec.Mask{Policy: &spec.MaskPolicy{RequireDecision: true, Columns: c.columns}}
			for _, r := range c.rules {
				m.Columns = append(m.Columns, spec.MaskColumn{Pattern: r, Transform: keep})
			}
			masker, err := mask.New(m, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := New(m.Policy, masker, func(_, name string) bool { return name != c.none })
			u, o := table(t, users), table(t, orders)
			p.Declare(o)
			masker.Relations([]*schema.Table{u, o})
			f, err := p.For(u, []string{"id", "x"})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range []string{"+1 212 555 0123", "", "Jo", "+49 30 1234567"} {
				if f == nil {
					break
				}
				keep, err := f.Row([]rows.Cell{{Kind: rows.Number, Value: []byte("1")}, {Kind: rows.Text, Value: []byte(v)}})
				if err != nil || !keep {
					t.Errorf("the filter says %v, %v", keep, err)
				}
			}
			var got []string
			if err := p.Check(); err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Path != "mask.policy" || strings.Contains(err.Error(), "555") {
					t.Errorf("got %v", err)
				}
				for _, f := range e.Findings {
					got = append(got, f.String())
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
	if New(nil, nil, nil) != nil || New(&spec.MaskPolicy{}, nil, nil) != nil {
		t.Error("there is a policy where nothing is required")
	}
}

func FuzzValues(f *testing.F) {
	for _, v := range []string{"jo@acme.org", "+49 30 1234567", "佐藤 花子", "DE89 3704 0044 0532 0130 00", "\xff\xfe"} {
		f.Add([]byte(v))
	}
	f.Fuzz(func(_ *testing.T, v []byte) {
		var s Sample
		s.Add(rows.Text, v)
		s.Kind()
		Certain(v)
	})
}
