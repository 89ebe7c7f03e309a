package expr

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/dbake/dbake/internal/inroot"
	inrootserver "github.com/dbake/dbake/internal/inroot/server"
	"github.com/dbake/dbake/seed/rows"
	"github.com/dbake/dbake/seed/schema"
)

func TestInRoot(t *testing.T) { inroot.Run(t, "TestServer") }

// cases is the variable that says how many random conditions are compared.
const cases = "DBAKE_EXPR_CASES"

var testNow = time.Date(2024, 3, 31, 10, 20, 30, 0, time.UTC)

// testTable is the table of the differential test; modern is the server's newest
// collation.
func testTable(modern string) *schema.Table {
	text := func(name, charset, collation string) schema.Column {
		return schema.Column{Name: name, Type: "varchar", FullType: "varchar(30)", Length: 30, Charset: charset, Collation: collation}
	}
	plain := func(name, typ, full string) schema.Column {
		return schema.Column{Name: name, Type: typ, FullType: full}
	}
	big := plain("u", "bigint", "bigint unsigned")
	big.Unsigned = true
	small := plain("v", "smallint", "smallint unsigned")
	small.Unsigned = true
	dec, fine := plain("d", "decimal", "decimal(10,2)"), plain("p", "decimal", "decimal(20,6)")
	dec.Scale, fine.Scale = 2, 6
	list := text("e", "utf8mb4", "utf8mb4_general_ci")
	list.Type, list.FullType = "enum", "enum('new','Paid','void')"
	return &schema.Table{Schema: "app", Name: "t", Columns: []schema.Column{
		plain("id", "int", "int"), plain("i", "int", "int"), plain("b", "bigint", "bigint"), big, small, dec, fine,
		plain("f", "float", "float"), plain("g", "double", "double"),
		text("s", "utf8mb4", "utf8mb4_general_ci"), text("m", "utf8mb4", modern), text("n", "utf8mb4", "utf8mb4_unicode_ci"),
		text("x", "utf8mb4", "utf8mb4_bin"), text("l", "latin1", "latin1_swedish_ci"),
		plain("k", "varbinary", "varbinary(30)"), plain("a", "date", "date"), plain("c", "datetime", "datetime"),
		plain("q", "datetime", "datetime(3)"), plain("h", "time", "time"), plain("y", "year", "year"), list,
	}}
}

var (
	someNumbers = []string{"0", "1", "-1", "2", "3", "7", "10", "-10", "42", "100", "255", "1000", "-32768", "2147483647"}
	someDecimal = []string{"0.00", "1.50", "-1.50", "3.14", "10.00", "99999.99", "-0.01", "7.25", "33.33"}
	someTexts   = []string{
		"", "a", "A", "abc", "ABC", "Abc ", "é", "E", "e", "straße", "STRASSE", "strase", "12", "12abc", "1.5", " 7", "a_b", "a%b",
		"ø", "o", "ñandú", "nandu", "Æ", "AE", "new", "paid", "x y", "Müller", "Mueller", "muller", "2024-01-31", "-1", "1e2", "z", "ÿ",
	}
	someWide  = []string{"日本", "日本語", "ａｂｃ", "a\u0301", "á", "😀", "Ω", "ω", "Я", "я", "ﬁ", "fi", "한글", "İ", "ı", "ǆ", "か", "カ", "が"}
	someDates = []string{"2024-01-31", "2024-02-29", "2024-03-30", "2024-03-31", "1999-12-31", "2038-01-19", "2023-03-31", "9999-12-31", "1000-01-01"}
	someTimes = []string{"00:00:00", "10:20:30", "23:59:59", "12:00:00", "-01:30:00", "100:00:01"}
)

func one(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}

// randomValue gives a value of a column as SQL.
func randomValue(r *rand.Rand, col schema.Column) string {
	if r.IntN(8) == 0 {
		return "NULL"
	}
	if (col.Type == "date" || col.Type == "datetime") && r.IntN(10) == 0 {
		return quote(one(r, []string{"0000-00-00", "2024-00-00", "2024-03-00"}))
	}
	switch col.Type {
	case "int", "bigint", "smallint":
		s := one(r, someNumbers)
		if col.Unsigned {
			s = strings.TrimPrefix(s, "-")
			if col.Type == "bigint" && r.IntN(5) == 0 {
				s = "18446744073709551610"
			}
			if col.Type == "smallint" && len(s) > 5 {
				s = "65535"
			}
		} else if col.Type == "bigint" && r.IntN(5) == 0 {
			s = "9007199254740993"
		}
		return s
	case "decimal":
		return one(r, someDecimal)
	case "float", "double":
		return one(r, []string{"1e10", "0.1", "1.1", "-2.5e-3", "0", "1.5", "-1.5", "3.14", "33.33", "7"})
	case "date":
		return quote(one(r, someDates))
	case "datetime":
		return quote(one(r, someDates) + " " + one(r, someTimes[:4]) + []string{"", ".500", ".123"}[r.IntN(3)])
	case "time":
		return quote(one(r, someTimes))
	case "year":
		return one(r, []string{"1999", "2023", "2024", "2038"})
	case "enum":
		return quote(one(r, []string{"new", "Paid", "void"}))
	}
	if strings.HasPrefix(col.Charset, "utf8") && r.IntN(4) == 0 {
		return quote(one(r, someWide))
	}
	return quote(one(r, someTexts))
}

// fill makes the table with some rows and gives them as a dump has them.
func fill(t *testing.T, conn *sql.Conn, table *schema.Table, r *rand.Rand, n int) (cells [][]rows.Cell) {
	t.Helper()
	run := func(q string) {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	var columns []string
	for _, c := range table.Columns {
		def := "`" + c.Name + "` " + c.FullType
		if c.Charset != "" {
			def += " CHARACTER SET " + c.Charset + " COLLATE " + c.Collation
		}
		columns = append(columns, def+" NULL")
	}
	run("CREATE DATABASE app")
	run("USE app")
	run("SET NAMES utf8mb4")
	run("SET time_zone = '+00:00', sql_mode = '', timestamp = " + strconv.FormatInt(testNow.Unix(), 10))
	run("CREATE TABLE t (" + strings.Join(columns, ", ") + ")")
	for id := range n {
		values := []string{strconv.Itoa(id)}
		for _, c := range table.Columns[1:] {
			values = append(values, randomValue(r, c))
		}
		run("INSERT INTO t VALUES (" + strings.Join(values, ", ") + ")")
	}
	result, err := conn.QueryContext(t.Context(), "SELECT * FROM t ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	for result.Next() {
		raw := make([]sql.RawBytes, len(table.Columns))
		into := make([]any, len(raw))
		for i := range raw {
			into[i] = &raw[i]
		}
		if err := result.Scan(into...); err != nil {
			t.Fatal(err)
		}
		cells = append(cells, cellsOf(table, raw))
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return cells
}

func cellsOf(table *schema.Table, raw []sql.RawBytes) []rows.Cell {
	out := make([]rows.Cell, len(raw))
	for i, b := range raw {
		kind := rows.Number
		switch c := table.Columns[i]; {
		case b == nil:
			kind = rows.Null
		case c.Type == "varbinary":
			kind = rows.Bytes
		case c.Charset != "" || c.Type == "date" || c.Type == "datetime" || c.Type == "time":
			kind = rows.Text
		}
		out[i] = rows.Cell{Kind: kind, Value: slices.Clone(b)}
	}
	return out
}

// TestServerAgrees compares random conditions with the server.
func TestServerAgrees(t *testing.T) {
	inroot.Skip(t)
	n := 2000
	if s := os.Getenv(cases); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	modern := "utf8mb4_0900_ai_ci"
	if inroot.Flavour() == "mariadb" {
		modern = "utf8mb4_uca1400_ai_ci"
	}
	conn := inrootserver.Session(t)
	// The usual run is the same every time; more cases are other cases.
	seed := uint64(1)
	if os.Getenv(cases) != "" {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	table := testTable(modern)
	cells := fill(t, conn, table, r, 80)
	refused, bad := map[string]int{}, 0
	taken := 0
	for range n {
		text := (&maker{r: r}).condition(3)
		switch why := agrees(t, conn, table, cells, text); why {
		case "":
			taken++
		case "wrong":
			bad++
		default:
			refused[why]++
		}
		if bad == 12 {
			break
		}
	}
	t.Logf("%d conditions compared", taken)
	for why, n := range refused {
		t.Logf("%d refused: %s", n, why)
	}
	if taken < n/3 && bad == 0 {
		t.Errorf("only %d of %d conditions were taken", taken, n)
	}
}

// agrees compares one condition; it returns why it was refused, if so.
func agrees(t *testing.T, conn *sql.Conn, table *schema.Table, cells [][]rows.Cell, text string) string {
	t.Helper()
	want, serverErr := ask(t, conn, text)
	e, err := Parse(text)
	if err != nil {
		t.Errorf("%s\nis not parsed: %v", text, err)
		return "wrong"
	}
	var columns []string
	for _, c := range table.Columns {
		columns = append(columns, c.Name)
	}
	p, err := e.Compile(table, columns, Env{Now: testNow})
	if refusal := (*Error)(nil); errors.As(err, &refusal) {
		return refusal.Msg
	} else if err != nil {
		t.Fatal(err)
	}
	got := []int{}
	for id := range cells {
		ok, err := p.Match(cells[id])
		if err != nil {
			return "row: " + err.Error()
		}
		if ok {
			got = append(got, id)
		}
	}
	if serverErr != nil { // out of range, where we did not look; or no collation in common
		return "the server refuses it"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n(-server +got):\n%s", text, diff)
		for _, id := range append(slices.Clone(want), got...) {
			if slices.Contains(want, id) != slices.Contains(got, id) {
				t.Log(show(table, cells[id], text))
				break
			}
		}
		return "wrong"
	}
	return ""
}

func show(table *schema.Table, cells []rows.Cell, text string) string {
	var b strings.Builder
	for i, c := range cells {
		if name := table.Columns[i].Name; strings.Contains(text, name) {
			fmt.Fprintf(&b, "%s=%q ", name, c.Value)
		}
	}
	return b.String()
}

func ask(t *testing.T, conn *sql.Conn, text string) ([]int, error) {
	t.Helper()
	result, err := conn.QueryContext(t.Context(), "SELECT id FROM t WHERE "+text+" ORDER BY id")
	if refused := (*mysql.MySQLError)(nil); errors.As(err, &refused) {
		return nil, err
	} else if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	ids := []int{}
	for result.Next() {
		var id int
		if err := result.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, result.Err()
}

// maker writes random conditions.
type maker struct{ r *rand.Rand }

func (m *maker) pick(list ...string) string { return one(m.r, list) }

func (m *maker) condition(depth int) string {
	if depth > 0 && m.r.IntN(3) == 0 {
		switch m.r.IntN(6) {
		case 0:
			return "NOT " + m.paren(m.condition(depth-1))
		case 1:
			return m.paren(m.condition(depth-1)) + m.pick(" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE", " IS NULL", " IS NOT NULL")
		default:
			return m.condition(depth-1) + m.pick(" AND ", " OR ", " XOR ", " && ", " AND ", " OR ") + m.condition(depth-1)
		}
	}
	op := m.pick(" = ", " <> ", " < ", " <= ", " > ", " >= ", " <=> ", " != ")
	switch m.r.IntN(13) {
	case 0:
		return m.number(2) + op + m.number(2)
	case 1:
		return m.number(1) + m.pick(" IN (", " NOT IN (") + m.number(0) + ", " + m.number(0) + m.pick(")", ", NULL)")
	case 2:
		return m.number(1) + m.pick(" BETWEEN ", " NOT BETWEEN ") + m.number(0) + " AND " + m.number(1)
	case 3, 4:
		return m.text(1) + op + m.literal()
	case 5:
		return m.text(0) + m.pick(" LIKE ", " NOT LIKE ") + quote(m.pattern())
	case 6:
		return m.text(0) + m.pick(" IN (", " NOT IN (") + m.literal() + ", " + m.literal() + ")"
	case 7:
		return m.text(0) + " BETWEEN " + m.literal() + " AND " + m.literal()
	case 8:
		return m.date(1) + op + m.pick(m.date(1), m.dateLiteral())
	case 9:
		return m.date(1) + " BETWEEN " + m.dateLiteral() + " AND " + m.dateLiteral()
	case 10:
		return m.column() + m.pick(" IS NULL", " IS NOT NULL")
	case 11:
		return m.pick("s", "m", "n", "x") + m.pick(" REGEXP ", " NOT REGEXP ") + quote(m.pick("^a", "b$", "[0-9]+", "^.{3}$", "a|e", "(ab)+", "^$", " $"))
	default:
		return m.pick(
			"s"+op+m.number(0), "h"+op+quote(one(m.r, someTimes)), "i"+op+quote(one(m.r, someNumbers)), "y"+op+"2024",
			m.number(1), "a LIKE '2024-%'", "c LIKE '%10:20%'", "i LIKE '1%'", "LEFT(a, 7) = '2024-01'", "s = m COLLATE utf8mb4_bin", "BINARY s = 'abc'",
			"k = 0x616263", "u = 0xFF", "i = x'0A'",
		)
	}
}

func (m *maker) paren(s string) string { return "(" + s + ")" }

func (m *maker) column() string {
	return m.pick("id", "i", "b", "u", "d", "f", "s", "m", "n", "x", "l", "k", "a", "c", "h", "y", "e")
}

func (m *maker) number(depth int) string {
	if depth == 0 || m.r.IntN(3) == 0 {
		return m.pick("i", "b", "u", "v", "d", "p", "f", "g", "id", "y", one(m.r, someNumbers), one(m.r, someDecimal), "1.1", "1e2", "0.5", "`i`", "t.i", "app.t.b")
	}
	a, b := m.number(depth-1), m.number(depth-1)
	switch m.r.IntN(14) {
	case 0, 1, 2:
		return m.paren(a + m.pick(" + ", " - ", " * ") + b)
	case 3:
		return m.paren(a + m.pick(" / ", " % ", " DIV ", " MOD ") + b)
	case 4:
		return "-" + m.paren(a)
	case 5:
		return m.pick("ABS", "FLOOR", "CEIL") + m.paren(a)
	case 6:
		return m.pick("COALESCE", "IFNULL", "NULLIF") + m.paren(a+", "+b)
	case 7:
		return "IF(" + m.condition(0) + ", " + a + ", " + b + ")"
	case 8:
		return m.pick("YEAR", "MONTH", "DAY") + m.paren(m.date(depth-1))
	case 9:
		return "DATEDIFF(" + m.date(depth-1) + ", " + m.date(0) + ")"
	case 10, 11:
		return m.pick("LENGTH", "CHAR_LENGTH", "CRC32") + m.paren(m.text(depth-1))
	case 12:
		return "MOD(CRC32(" + m.pick("i", "b", "u", "d", "id") + "), 10)"
	default:
		return "MOD(" + a + ", " + b + ")"
	}
}

func (m *maker) text(depth int) string {
	if depth == 0 || m.r.IntN(3) == 0 {
		return m.pick("s", "m", "n", "x", "l", "k", "e", "s", "m")
	}
	a := m.text(depth - 1)
	switch m.r.IntN(7) {
	case 0:
		return m.pick("LOWER", "UPPER") + m.paren(a)
	case 1:
		return m.pick("LEFT", "RIGHT") + m.paren(a+", "+m.pick("0", "1", "2", "-1", "i"))
	case 2:
		return "SUBSTRING(" + a + ", " + m.pick("1", "2", "-2", "0", "9", "i") + m.pick("", ", 1", ", 2", ", 0") + ")"
	case 3:
		return "CONCAT(" + a + ", " + m.pick("'x'", "i", "' '", "d") + ")"
	case 4:
		return m.pick("TRIM", "LTRIM", "RTRIM") + m.paren(a)
	case 5:
		return m.pick("COALESCE", "IFNULL") + m.paren(a+", "+m.literal())
	default:
		return "IF(" + m.condition(0) + ", " + a + ", " + m.literal() + ")"
	}
}

func (m *maker) literal() string {
	if m.r.IntN(5) == 0 {
		return quote(one(m.r, someWide))
	}
	return quote(one(m.r, someTexts))
}

func (m *maker) pattern() string {
	s := []rune(m.pick("abc", "a%", "%b%", "_", "%", "", "A_C", "%e", "stra_e", "é%", "12%", "%日%", "a|_b", "ss", "%ß%", "ae%", "o", "a %", "\u0301%"))
	return string(s)
}

func (m *maker) dateLiteral() string {
	s := one(m.r, someDates)
	if m.r.IntN(2) == 0 {
		s += " " + one(m.r, someTimes[:4])
	}
	return quote(s)
}

func (m *maker) date(depth int) string {
	if depth == 0 || m.r.IntN(3) == 0 {
		return m.pick("a", "c", "q", "NOW()", "CURDATE()", "CURRENT_TIMESTAMP", "DATE '2024-01-31'", "TIMESTAMP '2024-03-30 10:20:30'")
	}
	a := m.date(depth - 1)
	amount := m.pick("1", "-1", "30", "i", "12", "'7'") + " " + m.pick("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
	switch m.r.IntN(5) {
	case 0:
		return "DATE(" + a + ")"
	case 1:
		return m.pick("DATE_ADD", "DATE_SUB") + "(" + a + ", INTERVAL " + amount + ")"
	case 2:
		return m.pick("COALESCE", "IFNULL") + m.paren(a+", "+a)
	default:
		return m.paren(a + m.pick(" + ", " - ") + "INTERVAL " + amount)
	}
}
