package compare

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
)

// table is a table, view or sequence.
type table struct {
	kind         string // TABLE, VIEW or SEQUENCE
	schema, name string
	columns      []column
	key          []string // columns of the primary key
	// noChecksum: CHECKSUM TABLE would say something else each time. It reads
	// when rows of versioned tables were written, and uninitialised memory
	// for indexes over JSON arrays (MySQL 9.7).
	noChecksum bool
}

type column struct{ name, dataType string }

// findTables makes the list of tables with their columns.
func (t *taker) findTables(ctx context.Context) error {
	byName := map[string]*table{}
	rows, err := t.query(ctx, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE "+t.inScope("TABLE_SCHEMA"))
	if err != nil {
		return err
	}
	for _, r := range rows {
		tab := table{kind: "TABLE", schema: r.get("TABLE_SCHEMA"), name: r.get("TABLE_NAME")}
		switch r.get("TABLE_TYPE") {
		case "VIEW":
			tab.kind = "VIEW"
		case "SEQUENCE":
			tab.kind = "SEQUENCE"
		case "SYSTEM VERSIONED":
			tab.noChecksum = true
		}
		t.tables = append(t.tables, tab)
	}
	for i := range t.tables {
		byName[t.tables[i].schema+"\x00"+t.tables[i].name] = &t.tables[i]
	}
	columns, err := t.query(ctx, "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, GENERATION_EXPRESSION FROM information_schema.COLUMNS WHERE "+
		t.inScope("TABLE_SCHEMA")+" ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION")
	if err != nil {
		return err
	}
	for _, r := range columns {
		// When a row's history begins is when it was restored.
		if expression := r.values[4].String; expression == "ROW START" || expression == "ROW END" {
			continue
		}
		if tab := byName[r.values[0].String+"\x00"+r.values[1].String]; tab != nil {
			tab.columns = append(tab.columns, column{r.values[2].String, r.values[3].String})
		}
	}
	return t.findKeys(ctx, byName)
}

// findKeys adds what indexes tell about how to read a table.
func (t *taker) findKeys(ctx context.Context, byName map[string]*table) error {
	keys, err := t.query(ctx, "SELECT * FROM information_schema.STATISTICS WHERE "+
		t.inScope("TABLE_SCHEMA")+" ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX")
	if err != nil {
		return err
	}
	for _, r := range keys {
		tab := byName[r.get("TABLE_SCHEMA")+"\x00"+r.get("TABLE_NAME")]
		switch {
		case tab == nil:
		case r.get("INDEX_NAME") == "PRIMARY":
			tab.key = append(tab.key, r.get("COLUMN_NAME"))
		case strings.Contains(r.get("EXPRESSION"), " array"):
			tab.noChecksum = true
		}
	}
	return nil
}

// rows takes down the content of every table: the server's own checksum, the
// number of rows, and digests over all bytes of all columns.
func (t *taker) rows(ctx context.Context) error {
	for _, tab := range t.tables {
		label := strings.ToLower(tab.kind) + " " + tab.schema + "." + tab.name
		if tab.kind != "SEQUENCE" {
			checked, err := t.query(ctx, "CHECK TABLE "+quote(tab.schema, tab.name))
			if err != nil {
				return err
			}
			var texts []string
			for _, r := range checked {
				texts = append(texts, r.text("Table"))
			}
			t.add(label, "CHECK TABLE", strings.Join(texts, ""))
		}
		if tab.kind == "VIEW" {
			continue
		}
		if tab.kind == "TABLE" && !tab.noChecksum {
			sums, err := t.query(ctx, "CHECKSUM TABLE "+quote(tab.schema, tab.name))
			if err != nil {
				return err
			}
			t.add(label, "CHECKSUM TABLE", sums[0].text("Table"))
		}
		content, err := t.digest(ctx, tab)
		if err != nil {
			return err
		}
		t.add(label, "row count", fmt.Sprint(content.count))
		t.add(label, "rows", fmt.Sprintf("digest %x", content.unordered[:12]))
		if len(tab.key) > 0 || !t.options.AnyOrder {
			t.add(label, "order of rows", fmt.Sprintf("digest %x", content.ordered[:12]))
		}
	}
	return nil
}

// content is what a table holds.
type content struct {
	count int64
	// ordered is a hash over all rows as they come; unordered is the sum of
	// the rows' own hashes, the same in any order.
	ordered, unordered [sha256.Size]byte
}

// digest reads a whole table, by primary key or, without one, in the order of
// the clustered index, which is the order of insertion.
func (t *taker) digest(ctx context.Context, tab table) (content, error) {
	var c content
	// No conversion: each column comes in the bytes it is stored in.
	if _, err := t.conn.ExecContext(ctx, "SET SESSION character_set_results = NULL"); err != nil {
		return c, err
	}
	query := tab.query()
	rows, err := t.conn.QueryContext(ctx, query)
	if err != nil {
		return c, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return c, err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	all, one := sha256.New(), sha256.New()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return c, fmt.Errorf("%s: %w", query, err)
		}
		one.Reset()
		for _, value := range values {
			writeValue(one, value)
		}
		sum := one.Sum(nil)
		all.Write(sum)
		addTo(&c.unordered, sum)
		c.count++
	}
	if err := rows.Err(); err != nil {
		return c, fmt.Errorf("%s: %w", query, err)
	}
	copy(c.ordered[:], all.Sum(nil))
	_, err = t.conn.ExecContext(ctx, "SET SESSION character_set_results = utf8mb4")
	return c, err
}

// query selects every column, also invisible ones.
func (tab table) query() string {
	columns := make([]string, 0, len(tab.columns))
	for _, c := range tab.columns {
		name := quote(c.name)
		switch c.dataType {
		case "float":
			// As text a float is rounded; as a double it is not.
			columns = append(columns, name+" + 0e0")
		case "json":
			// Texts may be the same where the binary form is not.
			columns = append(columns, name, "JSON_STORAGE_SIZE("+name+")")
		default:
			columns = append(columns, name)
		}
	}
	text := "SELECT " + strings.Join(columns, ", ") + " FROM " + quote(tab.schema, tab.name)
	if len(tab.key) > 0 {
		order := make([]string, len(tab.key))
		for i, name := range tab.key {
			order[i] = quote(name)
		}
		return text + " ORDER BY " + strings.Join(order, ", ")
	}
	if tab.kind == "SEQUENCE" {
		return text
	}
	return text + " USE INDEX ()"
}

// writeValue hashes a value so that no two rows have the same bytes: NULL is
// not empty, and a value's end is not its neighbour's beginning.
func writeValue(h hash.Hash, value sql.RawBytes) {
	var head [9]byte
	if value != nil {
		head[0] = 1
		binary.BigEndian.PutUint64(head[1:], uint64(len(value)))
	}
	h.Write(head[:])
	h.Write(value)
}

// addTo adds a hash to a sum, modulo 2^256.
func addTo(sum *[sha256.Size]byte, summand []byte) {
	carry := 0
	for i := len(sum) - 1; i >= 0; i-- {
		carry += int(sum[i]) + int(summand[i])
		sum[i] = byte(carry)
		carry >>= 8
	}
}
