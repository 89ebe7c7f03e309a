package dataset

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// scale is how many rows the tables have. Shares of the dump's text: events
// 60 %, documents 12, orders and their items 20, attachments 5, the rest 3.
type scale struct {
	accounts, users, products, orders, events, documents, tags int
}

// lookups is the number of small tables beside the named ones.
const lookups = 40

func scaleFor(megabytes int) scale {
	return scale{
		accounts: 20 + megabytes, users: 100 + megabytes*200, products: 200 + megabytes*10,
		orders: 100 + megabytes*830, events: 1000 + megabytes*3060, documents: 20 + megabytes*42, tags: 300,
	}
}

// table is a table and how to make its rows.
type table struct {
	name string
	// into is what LOAD DATA says behind the table's name.
	into string
	rows int
	// row appends a row as LOAD DATA text: tabs between fields, a line feed at
	// the end.
	row func(b []byte, r *rand.Rand, i int) []byte
}

// began is the time of the first event; all other times follow from it.
var began = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// null is NULL in LOAD DATA text.
const null = `\N`

func (s scale) tables() []table {
	all := []table{
		{"countries", "CHARACTER SET utf8mb4", len(countries), func(b []byte, _ *rand.Rand, i int) []byte {
			return fmt.Appendf(b, "%s\tCountry of %s\n", countries[i], countries[i])
		}},
		{"accounts", "CHARACTER SET utf8mb4 (id, name, plan, created_at)", s.accounts, func(b []byte, r *rand.Rand, i int) []byte {
			return fmt.Appendf(b, "%d\t%s & %s Ltd.\t%s\t%s\n", i+1, pick(r, names), pick(r, names), pick(r, plans), stamp(i*3600))
		}},
		{"users", "CHARACTER SET utf8mb4", s.users, s.user},
		{"products", "CHARACTER SET utf8mb4 (id, sku, title, description, price, weight)", s.products, s.product},
		{"orders", "CHARACTER SET utf8mb4", s.orders, s.order},
		{"order_items", "CHARACTER SET utf8mb4", 3 * s.orders, s.item},
		{"events", "CHARACTER SET utf8mb4 (id, account_id, user_id, kind, @request, url, amount, payload, at) SET request = UNHEX(@request)", s.events, s.event},
		{"documents", "CHARACTER SET utf8mb4", s.documents, s.document},
		{"attachments", "CHARACTER SET binary", s.documents / 3, s.attachment},
		{"tags", "CHARACTER SET utf8mb4", s.tags, func(b []byte, r *rand.Rand, i int) []byte {
			return fmt.Appendf(b, "%d\t%s-%d\n", i+1, pick(r, words), i)
		}},
		{"document_tags", "CHARACTER SET utf8mb4", 2 * s.documents, func(b []byte, _ *rand.Rand, i int) []byte {
			return fmt.Appendf(b, "%d\t%d\n", i/2+1, 1+(i*7)%(s.tags/2)+i%2*(s.tags/2))
		}},
		{"settings", "CHARACTER SET utf8mb4", 60, func(b []byte, r *rand.Rand, i int) []byte {
			return fmt.Appendf(b, "app.%s.%d\t%s\n", pick(r, words), i, pick(r, sentences))
		}},
	}
	for n := range lookups {
		all = append(all, table{fmt.Sprintf("lookup_%02d", n), "CHARACTER SET utf8mb4", 10 + n*n%190, func(b []byte, r *rand.Rand, i int) []byte {
			return fmt.Appendf(b, "%d\t%s\t%s %s\n", i+1, pick(r, words), pick(r, words), pick(r, words))
		}})
	}
	return all
}

func (s scale) user(b []byte, r *rand.Rand, i int) []byte {
	first, last := pick(r, names), pick(r, names)
	born := null
	if r.IntN(5) > 0 {
		born = began.AddDate(-18-r.IntN(60), 0, -r.IntN(365)).Format(time.DateOnly)
	}
	return fmt.Appendf(b, "%d\t%d\tuser%d@%s.example.com\t%s %s\t%s\t%s\t{\"theme\":\"%s\",\"news\":%t,\"limits\":[%d,%d],\"home\":\"%s\"}\t%s\n",
		i+1, 1+skewed(r, s.accounts), i, pick(r, words), first, last, countries[skewed(r, len(countries))], born,
		pick(r, words), r.IntN(2) == 0, r.IntN(100), r.IntN(1000), pick(r, words), stamp(i*600))
}

func (s scale) product(b []byte, r *rand.Rand, i int) []byte {
	b = fmt.Appendf(b, "%d\tSKU-%08d\t%s %s %d\t", i+1, i, pick(r, words), pick(r, words), i)
	return fmt.Appendf(text(b, r, 100+r.IntN(400)), "\t%d.%02d\t%s\n", 1+r.IntN(900), r.IntN(100), strconv.FormatFloat(r.Float64()*40, 'g', -1, 64))
}

func (s scale) order(b []byte, r *rand.Rand, i int) []byte {
	note := null
	if r.IntN(8) == 0 {
		note = pick(r, sentences)
	}
	return fmt.Appendf(b, "%d\t%d\tORD-%012d\t%s\t%d.%02d\t%s\t%s.%03d\n",
		i+1, 1+skewed(r, s.users), uint64(i)*7919%1e12, pick(r, states), r.IntN(5000), r.IntN(100), note, stamp(i*41), r.IntN(1000))
}

func (s scale) item(b []byte, r *rand.Rand, i int) []byte {
	return fmt.Appendf(b, "%d\t%d\t%d\t%d\t%d.%02d\n", i/3+1, i%3+1, 1+skewed(r, s.products), 1+r.IntN(4), 1+r.IntN(900), r.IntN(100))
}

func (s scale) event(b []byte, r *rand.Rand, i int) []byte {
	b = fmt.Appendf(b, "%d\t%d\t", i+1, 1+skewed(r, s.accounts))
	if r.IntN(6) == 0 {
		b = append(b, null...)
	} else {
		b = strconv.AppendInt(b, int64(1+skewed(r, s.users)), 10)
	}
	b = fmt.Appendf(b, "\t%s\t%016x%016x\t", kinds[skewed(r, len(kinds))], r.Uint64(), r.Uint64())
	b = fmt.Appendf(b, "/%s/%s/%d?ref=%s\t", pick(r, words), pick(r, words), r.IntN(100000), pick(r, words))
	if r.IntN(3) == 0 {
		b = fmt.Appendf(b, "%d.%04d\t", r.IntN(3000)-500, r.IntN(10000))
	} else {
		b = append(b, null+"\t"...)
	}
	if r.IntN(3) > 0 {
		b = fmt.Appendf(b, "{\"ip\":\"10.%d.%d.%d\",\"ms\":%d,\"ok\":%t,\"agent\":\"Mozilla/5.0 (X11; %s)\",\"tags\":[\"%s\",\"%s\"]}",
			r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(4000), r.IntN(20) > 0, pick(r, words), pick(r, words), pick(r, words))
	} else {
		b = append(b, null...)
	}
	return fmt.Appendf(b, "\t%s.%06d\n", stamp(i*11), r.IntN(1e6))
}

func (s scale) document(b []byte, r *rand.Rand, i int) []byte {
	b = fmt.Appendf(b, "%d\t%d\t%s %s, %s\t", i+1, 1+skewed(r, s.users), pick(r, words), pick(r, words), pick(r, names))
	// Most are short, a few are books.
	size := 300 + r.IntN(3000)
	if r.IntN(100) == 0 {
		size = 20_000 + r.IntN(120_000)
	}
	b = text(b, r, size)
	return fmt.Appendf(b, "\t{\"lang\":\"%s\",\"words\":%d,\"reviewed\":%t}\t%s\n", pick(r, countries), size/6, r.IntN(2) == 0, stamp(i*977))
}

func (s scale) attachment(b []byte, r *rand.Rand, i int) []byte {
	b = fmt.Appendf(b, "%d\t%d\t%s-%d.bin\t", i+1, i*3+1, pick(r, words), i)
	size := 200 + r.IntN(4000)
	if r.IntN(50) == 0 {
		size = 30_000 + r.IntN(60_000)
	}
	for range size / 8 {
		word := r.Uint64()
		for range 8 {
			b = escape(b, byte(word))
			word >>= 8
		}
	}
	return append(b, '\n')
}

// text appends sentences of at least size bytes.
func text(b []byte, r *rand.Rand, size int) []byte {
	for end := len(b) + size; len(b) < end; {
		b = append(b, pick(r, sentences)...)
		if r.IntN(6) == 0 {
			b = append(b, `\n`...)
		} else {
			b = append(b, ' ')
		}
	}
	return b
}

// escape appends one byte of a field.
func escape(b []byte, c byte) []byte {
	switch c {
	case 0:
		return append(b, `\0`...)
	case '\t', '\n', '\\':
		return append(b, '\\', c)
	}
	return append(b, c)
}

// skewed gives a number below n, small ones far more often: the few busy
// accounts that every real database has.
func skewed(r *rand.Rand, n int) int {
	f := r.Float64()
	return int(f * f * f * float64(n))
}

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// stamp is a time some seconds after the first.
func stamp(seconds int) string {
	return began.Add(time.Duration(seconds) * time.Second).Format(time.DateTime)
}

var (
	countries = []string{"US", "DE", "JP", "FR", "SE", "BR", "IN", "GB", "PL", "KE", "CA", "MX", "KR", "IT", "ES", "NL", "TR", "EG", "AU", "NZ"}
	plans     = []string{"free", "team", "business"}
	states    = []string{"new", "paid", "sent", "returned"}
	kinds     = []string{"page.view", "page.leave", "api.call", "search", "cart.add", "login", "cart.remove", "checkout.begin", "checkout.done", "logout", "refund", "password.reset"}
	names     = []string{"Ada", "Björn", "Chloé", "大輝", "Ève", "Farid", "O'Neil", "Grete", "Håkon", "İpek", "Jürgen", "Łukasz", "Nguyễn", "Παύλος", "Сергей", "Zoë"}
	words     = []string{"amber", "basket", "cedar", "delta", "ember", "fjord", "garnet", "hollow", "island", "juniper", "kettle", "lantern", "meadow", "north", "orchard", "pepper", "quartz", "river", "saffron", "timber", "umber", "velvet", "willow", "yarrow"}
	sentences = []string{
		"Made by hand; ships in two days.", "Leave it at the neighbour's, please.", "The \"old\" one was better (or so they say).",
		"Größe und Farbe wie besprochen.", "配達は午後でお願いします。", "Très bien, merci !", "Path was C:\\\\temp\\\\new on that machine.",
		"It rained all day, and nobody minded.", "100% cotton, 0% fuss.", "See also: returns & refunds.", "🎉 Thank you for your order 🎉",
		"Nothing in this sentence matters to anyone but the optimizer of your indexes.", "Доставка до двери.",
	}
)
